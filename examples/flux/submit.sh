#!/bin/sh
# The run, and what depends on it. State files are in STATE/RUN, a name of the submitter's: job ids differ in and out
# of a batch job's own instance.
set -eu
RUN=${1:?usage: submit.sh RUN}
TASKS=4
here=${0%/*}
run=$(flux batch -N 64 --env=STATE_DIR="/p/state/$RUN" job.sh)
# Flux would end the other tasks 30 s after the first one has ended, whatever its status.
finalize=$(flux submit -n $TASKS -o exit-timeout=none --dependency="afterany:$run" "$here/finalize.sh" "$RUN")
flux submit -n 1 --dependency="afterany:$finalize" "$here/report.sh" "$RUN" $TASKS
