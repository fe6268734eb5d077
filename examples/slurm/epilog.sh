#!/bin/sh
# Epilog= of slurm.conf, for sites without burst buffers: runs as root on every node of a job when the job's processes
# there have ended, without PATH and with hardly an environment. Ranks on other nodes may still be at work, so it does
# not say --job-ended: their locks tell, and the last node's Epilog finds them gone.
# Acts as the job's user: as root, axl-finalize would act for whoever owns the state files there.

# configuration
NODE=/opt/node/bin/node
FINALIZE=/opt/axl-transfer/dist/bin/axl-finalize.js
STATES=/p/state # jobs keep their state files in $STATES/JOBID
WAIT=30s        # the node is not free meanwhile
# end of configuration

dir=$STATES/$SLURM_JOB_ID
[ -d "$dir" ] || exit 0
groups=--clear-groups
/usr/bin/getent passwd "$SLURM_JOB_UID" >/dev/null && groups=--init-groups
gid=${SLURM_JOB_GID:-$(/usr/bin/getent passwd "$SLURM_JOB_UID" | /usr/bin/cut -d: -f4)}
cd /
output=$(/usr/bin/setpriv --reuid="$SLURM_JOB_UID" --regid="${gid:-65534}" $groups \
  /usr/bin/env -i "$NODE" "$FINALIZE" --quiet --wait="$WAIT" "$dir" 2>&1 </dev/null)
case $? in
  0 | 3) ;;
  *) /usr/bin/logger -t axl-finalize "job $SLURM_JOB_ID: $output" 2>/dev/null ;;
esac
exit 0 # another status would drain the node
