#!/usr/bin/env bash
# Slurm 22.05.8 and PMIx 4.2.2 (Debian 12: slurm-wlm-basic-plugins 22.05.8-4+deb12u3, libpmix2 4.2.2-1+deb12u1).
#
# What was expected: with the library installed (libpmix2; the plugin's package neither depends on it nor recommends
# it), `srun --mpi=pmix` works, or `srun --mpi=list` does not list pmix.
# What comes: the plugin loads `libpmix.so` without a version, in /usr/lib/<triplet>/pmix2/lib. That name is a link of
# the development package libpmix-dev only; libpmix2 has libpmix.so.2. So pmix is listed, and each job that asks
# for it ends before its first task: `mpi/pmix_v4: init: ... can not load PMIx library`.
# This compares what the plugin asks for with what each package holds; no daemon is needed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download slurm-wlm-basic-plugins=22.05.8-4+deb12u3 libpmix2=4.2.2-1+deb12u1 libpmix-dev=4.2.2-1+deb12u1 \
  >/dev/null 2>&1
for package in slurm-wlm-basic-plugins libpmix2 libpmix-dev; do dpkg -x ./"$package"_*.deb "$package"; done

is() { # WHAT WANTED FOUND
  [[ $3 == "$2" ]] || { echo "CHANGED: $1: '$3', not '$2'" && exit 1; }
  echo "as found: $1: ${3:-none}"
}

plugin=$(find slurm-wlm-basic-plugins -name mpi_pmix_v4.so)
is 'the plugin asks for' 'libpmix.so' "$(grep -aoE 'libpmix\.so(\.[0-9]+)*' "$plugin" | sort -u)"
is 'libpmix2 has' 'libpmix.so.2 libpmix.so.2.6.2' \
  "$(find libpmix2 -path '*/pmix2/lib/libpmix.so*' -printf '%f\n' | sort | xargs)"
is 'libpmix-dev has' 'libpmix.so' "$(find libpmix-dev -path '*/pmix2/lib/libpmix.so*' -printf '%f\n' | sort | xargs)"
