#!/bin/sh
# Submits the chain: a job that writes checkpoints, and one that goes on from the last when that is published.
# Argument: the run's directory, absolute, on a file system that the compute nodes and slurmctld's host share.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
run=$1
mkdir -p "$run/ckpt.1" "$run/ckpt.2" "$run/ckpt.3"
job=$(sbatch --parsable --output="$run/checkpoint.%j" --bb="#AXL state=\"$run/state.%j\" dataset" \
  "$here/checkpoint.sbatch" "$here" "$run")
restart=$(sbatch --parsable --output="$run/restart.%j" --dependency="afterburstbuffer:$job" \
  "$here/restart.sbatch" "$here" "$run" "$run/state.$job")
echo "$job $restart"
