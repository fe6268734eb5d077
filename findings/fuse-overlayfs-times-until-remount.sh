#!/usr/bin/env bash
# fuse-overlayfs 1.10 (Debian 12: fuse-overlayfs 1.10-1) and the times of a file that was written through it.
#
# What was expected: a file that nobody touches keeps its mtime and ctime when the file system is unmounted and mounted
# again, as on kernel overlayfs. Backups, make, and whoever wants to know whether a file has changed compare them.
# What comes: of files that were made, written and closed at once, stat shows an mtime and a ctime that are a
# millisecond older than those of the file in the upper directory. A remount shows the latter, so that files look
# changed that nobody touched.
# Needs root: it mounts.
set -euo pipefail
work=$(mktemp -d)
trap 'umount "$work/merged" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
cd "$work"
apt-get download fuse-overlayfs=1.10-1 libfuse3-3=3.14.0-4 >/dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(echo root/lib/*-linux-gnu root/usr/lib/*-linux-gnu | tr ' ' ':')
mkdir lower upper scratch merged

mount_it() {
  root/usr/bin/fuse-overlayfs -o lowerdir=lower,upperdir=upper,workdir=scratch merged 2>/dev/null
}
mount_it
for i in 1 2 3 4 5; do echo checkpoint >"merged/$i"; done
before=$(stat -c '%n %i %y %z' merged/*) inodes=$(stat -c '%n %i' merged/*)
umount merged
mount_it
after=$(stat -c '%n %i %y %z' merged/*)
below=$(cd upper && stat -c 'merged/%n %i %y %z' ./*)
[[ $inodes == "$(stat -c '%n %i' merged/*)" ]] || { echo 'CHANGED: the inode numbers differ, too' && exit 1; }
[[ $after == "${below//.\//}" ]] || { echo 'CHANGED: a remount shows other times than the upper files' && exit 1; }
changed=$(diff <(echo "$before") <(echo "$after") | grep -c '^>' || true)
((changed > 0)) || { echo 'CHANGED: mtime and ctime stay' && exit 1; }
diff <(echo "$before") <(echo "$after") | sed -n '2p;/^---/{n;p;}' || true
echo "as found: $changed of 5 files have another mtime and ctime after a remount"
