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
    local output
    output=$("$@" 2>&1) || {
        printf '%s\n' "$output" >&2
        die "failed: $*"
    }
}

# Configures the build folder if need be.
configure() {
    [ -f "$build/build.ninja" ] || quietly meson setup "$build" "$top" "$@"
}

# Does that, and builds it.
build_all() {
    configure "$@"
    quietly ninja -C "$build"
}

# How many lab machines run at once: three for two processors, because they wait much of the time,
# and each takes up to 3 GiB.
lab_machines() {
    local by_memory number
    by_memory=$(($(awk '/^MemAvailable:/ { print $2 }' /proc/meminfo) / (3 << 20)))
    number=$(($(nproc) * 3 / 2))
    number=$((by_memory < number ? by_memory : number))
    echo $((number > 1 ? number : 1))
}
