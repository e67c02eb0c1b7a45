# SPDX-License-Identifier: BSD-3-Clause
# Tests as shell commands. Sourced, not run.
# shellcheck shell=bash

set -uo pipefail

number=0
failed=0

# Runs a command as one test; shows the end of what it printed if it fails.
check() {
    local name=$1 output
    shift
    number=$((number + 1))
    if output=$("$@" 2>&1); then
        echo "ok $number - $name"
    else
        echo "not ok $number - $name"
        tail -40 <<<"$output" | sed 's/^/# /'
        failed=1
    fi
}

fails() { ! "$@"; }

# Prints TAP's plan and ends the script, with status 0 only if everything passed.
finish() {
    echo "1..$number"
    exit "$failed"
}
