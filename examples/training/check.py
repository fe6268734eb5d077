#!/usr/bin/env python3
"""Reads a checkpoint, and checks it by its manifests with rhash if that is there. Needs the standard library only.

Usage: check.py DIRECTORY
"""
import glob
import json
import os
import shutil
import subprocess
import sys


def main(place):
    with open(os.path.join(place, ".metadata"), encoding="utf-8") as file:
        metadata = json.load(file)
    for rank in range(metadata["shards"]):
        with open(os.path.join(place, f"__{rank}_0.distcp"), encoding="utf-8") as file:
            first = file.readline()
        if not first.startswith(f"step {metadata['step']}, weights of rank {rank}"):
            sys.exit(f"rank {rank}: not of step {metadata['step']}: {first!r}")
    manifests = sorted(glob.glob(os.path.join(glob.escape(place), ".axl-manifest.*")))
    if len(manifests) != metadata["shards"]:
        sys.exit(f"{len(manifests)} manifests of {metadata['shards']} ranks")
    if shutil.which("rhash") is None:
        print("rhash is not installed: the sums were not compared")
        return
    for manifest in manifests:
        subprocess.run(["rhash", "-c", "--skip-ok", os.path.basename(manifest)], cwd=place, check=True,
                       stdout=subprocess.DEVNULL)
    print(f"step {metadata['step']}: {metadata['shards']} shards, {len(manifests)} manifests, all sums right")


if __name__ == "__main__":
    main(sys.argv[1])
