#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Waits on standard input, which only the supervising `bulwark` holds. The word "done" means that the run ended in
# order; the end of input means that the supervisor died: then nothing of the run may stay, neither a process nor a
# secret nor half-written output.
# usage: guard.sh RUN_ID RUN_FOLDER [UNFINISHED_PATH...]
run_id=$1
folder=$2
shift 2

read -r word
[ "$word" = done ] && exit 0

marked() {
  grep -lzxF "BULWARK_RUN=$run_id" /proc/[0-9]*/environ 2>/dev/null | cut -d/ -f3
}

# A process may start another between two looks, so look until nothing is found.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  pids=$(marked)
  [ -z "$pids" ] && break
  # shellcheck disable=SC2086
  kill -KILL $pids 2>/dev/null
  sleep 0.1
done
rm -rf -- "$folder/secrets" "$folder/work" "$@"
