#!/usr/bin/env bash
# fusefat 0.1a (Debian 12: fusefat 0.1a-3) and the mtime of a file that is renamed.
#
# What was expected: a rename leaves the mtime of the file alone, as on other file systems.
# What comes: stat shows the old mtime after the rename, as long as the file system is mounted; after a remount the file
# has the time of the rename. What is written under a temporary name, given its time and then renamed, loses the time.
# Needs root: it mounts.
set -euo pipefail
work=$(mktemp -d)
trap 'umount "$work/mnt" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
cd "$work"
apt-get download fusefat=0.1a-3 dosfstools=4.2-1 libfuse2=2.9.9-6+b1 >/dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH
LD_LIBRARY_PATH=$(echo root/lib/*-linux-gnu root/usr/lib/*-linux-gnu | tr ' ' ':')
truncate -s 8M image
root/sbin/mkfs.fat image >/dev/null
mkdir mnt

mount_it() {
  root/usr/bin/fusefat -o rw+ image mnt >/dev/null 2>&1
}
mount_it
echo checkpoint >mnt/a
touch -d '2001-09-09 01:46:40 UTC' mnt/a mnt/kept
mv mnt/a mnt/b
mounted=$(stat -c %Y mnt/b)
umount mnt
mount_it
remounted=$(stat -c %Y mnt/b) kept=$(stat -c %Y mnt/kept)
[[ $mounted == 1000000000 ]] || { echo 'CHANGED: the rename is seen to change the mtime at once' && exit 1; }
[[ $kept == 1000000000 ]] || { echo 'CHANGED: an mtime is lost without a rename, too' && exit 1; }
[[ $remounted != 1000000000 ]] || { echo 'CHANGED: the mtime survives the rename' && exit 1; }
echo "as found: mtime $mounted after the rename, $remounted after a remount"
