#!/bin/sh
NODE=/opt/node/bin/node FINALIZE=/opt/axl-transfer/dist/bin/axl-finalize.js STATE=/p/state LOG=/p/log # adapt this line
# Second script of bsub -stage "storage=N:out=SCRIPT1,SCRIPT2": it runs when transfers should have ended, but may not
# have. No arguments, PATH is /bin:/usr/bin, 600 s, and its exit status is ignored: what is to be known must be in LOG.
# Waits for ranks that still copy, publishes what is complete, deletes what is not: nobody comes after it.

JOB=${LSB_JOBID:?LSF sets it}
[ "${LSB_JOBINDEX:-0}" = 0 ] || JOB=$JOB.$LSB_JOBINDEX
OUT=$LOG/$JOB.stage-out-2
exec >>"$OUT.log" 2>&1

# Waits for 8 of the 10 minutes. SIGTERM before LSF's own end: see the first script.
timeout -k 20 560 "$NODE" "$FINALIZE" --no-progress --wait=8m --report "$OUT.json" "$STATE/$JOB"
status=$?
echo "stage-out-2 of job $JOB: status $status"

# 0 and 3 are success: a rank that did not finish its checkpoint is no failure of the staging. A file tells of the rest.
case $status in
0 | 3) rm -f "$LOG/$JOB.unfinished" ;;
*) echo "status $status: see $OUT.log, then run: $NODE $FINALIZE $STATE/$JOB" >"$LOG/$JOB.unfinished" ;;
esac
