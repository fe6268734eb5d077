#!/bin/sh
# What a scheduler runs after the job: the body of Slurm's slurm_bb_data_out, of an epilog, of LSF's stage-out script.
# The ranks are gone. axl-finalize publishes what is complete, deletes what is not, and says so, one event a line.
# Such scripts often run without a PATH, so both programs are named in full: NODE by the caller, axl-finalize from here.
set -eu

state_dir=${1:?usage: post-stage.sh STATE_DIR}
here=${0%/*}

status=0
"${NODE:-node}" "$here/../../dist/bin/axl-finalize.js" --ndjson "$state_dir" || status=$?

# 3: some transfers were rolled back, because their ranks did not complete them. That is no failure of the post-stage;
# to Slurm it would be one, and hold the job in STAGE_OUT.
[ "$status" -ne 3 ] || status=0
exit "$status"
