#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A fuzzer's self-test: does it find the bug that is planted in it (planted_bug() in its source)?
# usage: finds_planted.sh FUZZER ARGUMENT ...
set -euo pipefail

fuzzer=$1
shift
said=$(mktemp)
trap 'rm -f "$said"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

fail() {
    tail -n 40 "$said" >&2
    echo "${0##*/}: $*" >&2
    exit 1
}

export NETVSC_PLANTED_BUG=1
# A seed that has it would prove nothing.
"$fuzzer" "$@" -runs=0 >"$said" 2>&1 || fail "a seed meets the planted bug already"
# The same inputs each time.
if "$fuzzer" "$@" -seed=1 -artifact_prefix=/dev/null -max_total_time=60 >"$said" 2>&1; then
    fail "the planted bug was not found in 60 s"
fi
grep -q '^the planted bug is reached' "$said" || fail "it ended by another bug than the planted one"
grep -q 'ERROR: AddressSanitizer: heap-buffer-overflow' "$said" || fail "AddressSanitizer did not tell of the planted bug"
