#!/bin/sh
#BSUB -J run7
#BSUB -nnodes 64
#BSUB -W 120
#BSUB -stage "storage=1000:out=/p/axl/stage-out-1.sh,/p/axl/stage-out-2.sh"
# The state files are where the stage-out scripts look: STATE/JOBID, on a file system that outlives the node.
JOB=$LSB_JOBID
[ "${LSB_JOBINDEX:-0}" = 0 ] || JOB=$JOB.$LSB_JOBINDEX
export STATE_DIR=/p/state/$JOB
mkdir -p "$STATE_DIR"
jsrun -n 64 -a 4 /opt/node/bin/node app.mjs # Transfer.create({ name: 'ckpt.42', stateDir: process.env.STATE_DIR })
