#!/bin/sh
# What one rank of a job does with a checkpoint: it starts the copy, goes on computing, and waits for the copy before it
# writes the next checkpoint.
# usage: rank.sh RANK CHECKPOINT DEST STATE_DIR
set -u
rank=$1 checkpoint=$2 dest=$3 state=$4/ckpt.$1

compute() { sleep 0.1; }

# Left by a run that was killed: whatever it had copied stays copied. Status 3: it had not begun.
if [ -e "$state" ]; then
  axl-cp -S "$state" -U
  status=$?
  [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || exit "$status"
fi

# Returns when the plan is on the disk. DEST/ is a directory, which is made if it is missing.
axl-cp -r --background --name ckpt -S "$state" "$checkpoint" "$dest/" || exit

compute

axl-cp --wait "$state"
status=$?
case $status in
  0) echo "rank $rank: published" ;;
  1 | 3) # it failed, or was killed: once more, from where it stopped
    axl-cp -S "$state" -U || exit
    echo "rank $rank: published, at the second attempt" ;;
  *) exit "$status" ;;
esac
