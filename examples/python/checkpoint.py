# Checkpoints that axl-cp copies in the background. Needs Python's standard library only.
# usage: checkpoint.py CHECKPOINT DEST STATE_DIR

import json
import os
import subprocess
import sys


class CopyError(Exception):
    """A copy that was not published; `status` is axl-cp's, `document` what --json says of it."""

    def __init__(self, status, document):
        super().__init__(document.get("error", {}).get("message", f"axl-cp ended with {status}"))
        self.status = status
        self.document = document


def axl_cp(*args):
    """Runs axl-cp. @returns the document of --json. @raises CopyError unless the status is 0."""
    # What it says for people goes to our standard error. Paths may be bytes: names need not be UTF-8.
    done = subprocess.run(["axl-cp", "--json", *args], stdout=subprocess.PIPE)
    document = json.loads(done.stdout) if done.stdout else {}
    if done.returncode != 0:
        raise CopyError(done.returncode, document)
    return document


class Copy:
    """One checkpoint on its way. The copy is a process of its own: it goes on while this one computes, or ends."""

    def __init__(self, source, dest, state_file):
        self.state_file = state_file
        axl_cp("-r", "--background", "--name", "ckpt", "-S", state_file, "--", source, os.path.join(dest, ""))

    def wait(self):
        """Waits until it is published, and goes on once if it failed or was killed."""
        try:
            return axl_cp("--wait", self.state_file)
        except CopyError as error:
            if error.status not in (1, 3):
                raise
            return axl_cp("-S", self.state_file, "-U")


def main(checkpoint, dest, state_dir):
    copy = Copy(checkpoint, dest, os.path.join(state_dir, "ckpt.0"))
    sum(range(1_000_000))  # compute the next step meanwhile
    document = copy.wait()
    print(f"{document['action']}: {document['files']} files, {document['bytes']} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: checkpoint.py CHECKPOINT DEST STATE_DIR")
    try:
        main(*sys.argv[1:])
    except CopyError as error:
        sys.exit(f"checkpoint.py: {error}")
