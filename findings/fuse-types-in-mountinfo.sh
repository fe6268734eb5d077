#!/usr/bin/env bash
# bindfs 1.14.7 and fuse2fs 1.47.0 (Debian 12: bindfs 1.14.7-1, fuse2fs 1.47.0-2+b2, mergerfs 2.33.5-1) in mountinfo.
#
# What was expected: the type in /proc/self/mountinfo names the daemon, as `fuse.mergerfs` does, so that a program which keeps
# a table of what FUSE file systems do (are locks seen by other mounts, do inode numbers last) can look it up.
# What comes:
#   - bindfs has the type `fuse`, without a subtype; its source is the directory that it shows, so nothing names it.
#   - fuse2fs has the type `fuse.ext4`: the subtype is the format of the image, not the program that serves it.
# So such a table has to have an answer for plain `fuse`, and that has to be the careful one.
# Needs root: it mounts.
set -euo pipefail
work=$(mktemp -d)
trap 'for at in b m e; do umount "$work/$at" 2>/dev/null || true; done; rm -rf --one-file-system "$work"' EXIT
cd "$work"
pinned=(bindfs=1.14.7-1 libfuse3-3=3.14.0-4 fuse2fs=1.47.0-2+b2 libfuse2=2.9.9-6+b1 mergerfs=2.33.5-1)
apt-get download "${pinned[@]}" >/dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(echo root/lib/*-linux-gnu root/usr/lib/*-linux-gnu | tr ' ' ':')
mkdir a b m e

type_of() { # MOUNT_POINT
  sed -n "s|.* $work/$1 .* - \([^ ]*\) .*|\1|p" /proc/self/mountinfo
}
expect() { # WHAT TYPE IS
  [[ $2 == "$3" ]] || { echo "CHANGED: $1 has the type $3, not $2" && exit 1; }
  echo "as found: $1 has the type $2"
}

root/usr/bin/mergerfs "$work/a" "$work/m"
expect 'mergerfs 2.33.5' fuse.mergerfs "$(type_of m)"
root/usr/bin/bindfs "$work/a" "$work/b"
expect 'bindfs 1.14.7' fuse "$(type_of b)"
truncate -s 20M image
mkfs.ext4 -q image
root/usr/bin/fuse2fs image "$work/e" -o rw >/dev/null 2>&1
expect 'fuse2fs 1.47.0' fuse.ext4 "$(type_of e)"
