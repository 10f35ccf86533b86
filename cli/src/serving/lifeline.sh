#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs a program that would outlive whoever started it: at the end of standard input, which only that one holds, the
# program is asked to end, and made to after a while.
# usage: lifeline.sh PROGRAM [ARGUMENT...]
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
trap 'kill -TERM "$program" 2>/dev/null' TERM INT
(
  # Its own standard input would be /dev/null, as that of everything in the background is.
  cat <&3 >/dev/null
  kill -TERM "$program" 2>/dev/null
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    kill -0 "$program" 2>/dev/null || exit 0
    sleep 0.5
  done
  kill -KILL "$program" 2>/dev/null
) &
exec 3<&-
while :; do
  wait "$program"
  code=$?
  # A signal ends the waiting, not the program.
  kill -0 "$program" 2>/dev/null || exit "$code"
done
