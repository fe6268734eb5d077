#!/usr/bin/env bash
# mergerfs 2.33.5 (Debian 12: mergerfs 2.33.5-1) and fstatvfs(2) of an open file whose name has been removed.
#
# What was expected: a descriptor stays good when its name is removed, for fstatvfs as for fstat, read, write and fsync.
# What comes: fstat, read, write and fsync work; fstatvfs (and fstatfs) fail with ESTALE, "Stale file handle". A program that
# asks by descriptor which file system it is on takes that for a lost server, or for no file system that it knows.
# Needs root: it mounts.
set -euo pipefail
work=$(mktemp -d)
trap 'umount "$work/m" 2>/dev/null || true; rm -rf --one-file-system "$work"' EXIT
cd "$work"
apt-get download mergerfs=2.33.5-1 >/dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
mkdir a b m
root/usr/bin/mergerfs "$work/a:$work/b" "$work/m"
found=$(python3 - "$work/m/file" <<'PYTHON'
import errno, os, sys
fd = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o600)
os.write(fd, b'abc')
os.unlink(sys.argv[1])
for call in (os.fstat, lambda fd: os.pread(fd, 3, 0), lambda fd: os.pwrite(fd, b'z', 0), os.fsync, os.fstatvfs):
    try:
        call(fd)
        print('ok', end=' ')
    except OSError as error:
        print(errno.errorcode[error.errno], end=' ')
PYTHON
)
[[ $found == 'ok ok ok ok ESTALE ' ]] || { echo "CHANGED: fstat, read, write, fsync, fstatvfs: $found" && exit 1; }
echo "as found: fstat, read, write, fsync, fstatvfs: $found"
