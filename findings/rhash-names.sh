#!/usr/bin/env bash
# RHash 1.4.3 (Debian 12: rhash and librhash0 1.4.3-3) and the names of files in manifests of BSD form.
#
# What was expected: `rhash -c` finds each file of a manifest that `rhash --bsd` has written itself, and reads the
# escapes that `md5sum --tag` writes for a newline and a backslash.
# What comes, for three ordinary files:
#   - A name with a backslash cannot be summed at all: on the command line `\` is read as `/`.
#       RHash: back/slash: No such file or directory
#   - Nor can it be checked: of the two escapes of md5sum, `\n` is read and `\\` is not (Miss:1, status 1).
#   - A name that begins with a space is written as `CRC32C ( lead) = ...`, and looked for as `lead` (Miss:1, status 1).
# So a manifest for `rhash -c` can hold neither kind of name. A newline works, but only as md5sum escapes it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download rhash=1.4.3-3 librhash0=1.4.3-3 >/dev/null 2>&1
for package in ./*.deb; do dpkg -x "$package" root; done
rhash() {
  LD_LIBRARY_PATH=$(echo root/usr/lib/*/) root/usr/bin/rhash "$@"
}
rhash --version

expect() { # WHAT PATTERN TEXT
  grep -qF -- "$2" <<<"$3" || { echo "CHANGED: $1: $3" && exit 1; }
  echo "as found: $1"
}

printf a >' lead'
printf b >'back\slash'
printf c >$'new\nline'

expect 'a backslash is read as a slash' 'back/slash: No such file or directory' \
  "$(rhash --crc32c 'back\slash' 2>&1 || true)"

rhash --bsd --crc32c ' lead' >lead.crc32c
expect 'a leading space is written' 'CRC32C ( lead) = ' "$(cat lead.crc32c)"
expect 'a leading space is not read' 'Miss:1' "$(rhash -c lead.crc32c 2>&1 || true)"

md5sum --tag 'back\slash' >back.md5
expect 'md5sum escapes a backslash' '\MD5 (back\\slash) = ' "$(cat back.md5)"
md5sum --quiet -c back.md5
expect 'which rhash does not read' 'Miss:1' "$(rhash -c back.md5 2>&1 || true)"

md5sum --tag $'new\nline' >new.md5
expect 'but a newline it does' 'Everything OK' "$(rhash -c new.md5 2>&1 || true)"
