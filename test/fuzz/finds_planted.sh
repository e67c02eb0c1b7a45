#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A fuzzer's self-test: does it find the bug that is planted in it (planted_bug() in its source)?
# usage: finds_planted.sh FUZZER ARGUMENT ...
set -euo pipefail

fuzzer=$1
shift
said=$(mktemp)
pid=
# A fuzzer that ends by a bug leaves its files behind.
clean_up() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    rm -rf "$said" /dev/shm/netvsc[-_]fuzz*[-_]"${pid:-none}" "/tmp/netvsc-fuzz-${pid:-none}"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    tail -n 40 "$said" >&2
    echo "${0##*/}: $*" >&2
    exit 1
}

# Runs the fuzzer with these arguments besides its own.
run() {
    "${command[@]}" "$@" >"$said" 2>&1 &
    pid=$!
    wait "$pid"
}

command=("$fuzzer" "$@")
export NETVSC_PLANTED_BUG=1
# A seed that has it would prove nothing.
run -runs=0 || fail "a seed meets the planted bug already"
# The same inputs each time.
if run -seed=1 -artifact_prefix=/dev/null -max_total_time=60; then
    fail "the planted bug was not found in 60 s"
fi
grep -q '^the planted bug is reached' "$said" || fail "it ended by another bug than the planted one"
grep -q 'ERROR: AddressSanitizer: heap-buffer-overflow' "$said" || fail "AddressSanitizer did not report the planted bug"
