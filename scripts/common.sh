# SPDX-License-Identifier: BSD-3-Clause
# What the scripts share. Sourced, not run.
# shellcheck shell=bash

set -euo pipefail

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=${BUILD_DIR:-$top/build}

die() {
    printf '%s: %s\n' "$(basename "$0")" "$*" >&2
    exit 1
}

# A line of progress, with the time since the script began.
step() { printf '[%3ds] %s\n' "$SECONDS" "$*"; }

# Runs a command quietly; shows what it printed only if it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        die "failed: $*"
    fi
    rm -f "$log"
}

# Configures the build folder if need be and builds it.
build_all() {
    if [ ! -f "$build/build.ninja" ]; then
        quietly meson setup "$build" "$top" "$@"
    fi
    quietly ninja -C "$build"
}
