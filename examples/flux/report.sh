#!/bin/sh
NODE=/opt/node/bin/node FINALIZE=/opt/axl-transfer/dist/bin/axl-finalize.js STATE=/p/state LOG=/p/log # adapt this line
# The job that depends on finalize.sh: one report of all its tasks, and the status of the whole.
RUN=${1:?usage: report.sh RUN TASKS}
TASKS=${2:?usage: report.sh RUN TASKS}
"$NODE" "$FINALIZE" merge --report "$LOG/$RUN.json" "$LOG/$RUN".*-of-"$TASKS".json
status=$?
case $status in
0 | 3) exit 0 ;; # a rank that did not finish its checkpoint is no failure of the job
*) echo "run: $NODE $FINALIZE $STATE/$RUN" >&2 ;;
esac
exit "$status"
