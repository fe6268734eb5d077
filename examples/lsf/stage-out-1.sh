#!/bin/sh
NODE=/opt/node/bin/node FINALIZE=/opt/axl-transfer/dist/bin/axl-finalize.js STATE=/p/state LOG=/p/log # adapt this line
# First script of bsub -stage "storage=N:out=SCRIPT1,SCRIPT2": the job has ended. LSF gives it no arguments, PATH is
# /bin:/usr/bin, 600 s, and its exit status is ignored: what is to be known must be in LOG.
# Publishes what is complete, at once. What is not stays as it is, for the second script: a rank may still be copying.

JOB=${LSB_JOBID:?LSF sets it}
[ "${LSB_JOBINDEX:-0}" = 0 ] || JOB=$JOB.$LSB_JOBINDEX
OUT=$LOG/$JOB.stage-out-1
exec >>"$OUT.log" 2>&1

# SIGTERM before LSF's own end: what is under way is finished, the report is written, the rest is left as it is.
timeout -k 20 560 "$NODE" "$FINALIZE" --no-progress --incomplete keep --report "$OUT.json" "$STATE/$JOB"
echo "stage-out-1 of job $JOB: status $?"
