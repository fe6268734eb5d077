#!/bin/sh
NODE=/opt/node/bin/node FINALIZE=/opt/axl-transfer/dist/bin/axl-finalize.js STATE=/p/state LOG=/p/log # adapt this line
# One task of the job that depends on the run: finalizes its share of the state files, and reports on it.
RUN=${1:?usage: finalize.sh RUN}
exec "$NODE" "$FINALIZE" --no-progress --shard auto --report "$LOG/$RUN.json" "$STATE/$RUN"
