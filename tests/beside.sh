#!/usr/bin/env bash
# Run a command beside busy loops, as on a machine that has other work: tests/beside.sh LOOPS COMMAND...
set -uo pipefail
loops=()
trap 'kill "${loops[@]}" 2>/dev/null' EXIT
trap 'exit 1' INT TERM
for _ in $(seq "$1"); do
    timeout 1h sh -c 'while :; do :; done' & # with a limit, should nobody end it
    loops+=($!)
done
shift
"$@"
