#!/usr/bin/env bash
# netCDF 4.9.0 and PnetCDF 1.12.3 (Debian 12: netcdf-bin 1:4.9.0-3+b1, pnetcdf-bin 1.12.3-1) and a file whose copy has
# ended early, in the three classic formats (CDF-1, CDF-2, CDF-5).
#
# What was expected: a reader says that the file is shorter than its own header says, or fails.
# What comes, of a file of 4,000 values cut to 20,000 of some 32,200 bytes:
#   - ncdump ends with status 0 and prints 0 for each value behind the end; what was 5, 6, 7 is 0, 0, 0.
#   - nccopy ends with status 0 and writes a file of the full size, with those zeros: nothing can tell it any more.
#   - ncvalidator calls it `a valid NetCDF classic CDF-1 file`, status 0, with a warning of the size.
# The same data as netCDF-4 (HDF5) cannot be opened at all: `NetCDF: HDF error`, status 1.
# So whoever polls for a classic file under its final name computes with zeros, and is not told.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
if ! dpkg -s netcdf-bin pnetcdf-bin >/dev/null 2>&1; then
  apt-get install -y -qq --no-install-recommends netcdf-bin pnetcdf-bin >/dev/null
fi
for pinned in netcdf-bin=1:4.9.0-3+b1 pnetcdf-bin=1.12.3-1; do
  have=$(dpkg-query -W -f '${Version}' "${pinned%%=*}")
  [[ $have == "${pinned#*=}" ]] || { echo "CHANGED: ${pinned%%=*} is $have" && exit 1; }
  echo "${pinned%%=*} $have"
done

is() { # WHAT WANTED FOUND
  [[ $3 == "$2" ]] || { echo "CHANGED: $1: $3, not $2" && exit 1; }
  echo "as found: $1: $3"
}

cat >field.cdl <<'CDL'
netcdf field {
dimensions: x = 4000 ; t = UNLIMITED ;
variables: double v(x) ; double w(t) ;
data: v = 1, 2, 3 ; w = 5, 6, 7 ;
}
CDL
last() { ncdump -v w "$1" | sed -n 's/^ w = \(.*\) ;$/\1/p'; }

for kind in nc3 '64-bit offset' cdf5; do
  ncgen -k "$kind" -o field.nc field.cdl
  size=$(stat -c %s field.nc)
  is "$kind, whole" '5, 6, 7' "$(last field.nc)"
  truncate -s 20000 field.nc
  is "$kind, cut short: ncdump" 'status 0' "status $(ncdump field.nc >/dev/null 2>&1 && echo 0 || echo 1)"
  is "$kind, cut short: its last values" '0, 0, 0' "$(last field.nc)"
  is "$kind, cut short: nccopy writes" "$size bytes" "$(nccopy field.nc copy.nc && stat -c %s copy.nc) bytes"
  is "$kind, cut short: ncvalidator" valid "$(ncvalidator field.nc 2>/dev/null | grep -o 'valid' | head -1)"
  rm field.nc copy.nc
done

ncgen -k nc4 -o field.nc field.cdl
truncate -s 20000 field.nc
is 'nc4, cut short: ncdump' 'ncdump: field.nc: NetCDF: HDF error' "$(ncdump field.nc 2>&1 || true)"
