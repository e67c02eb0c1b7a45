# SPDX-License-Identifier: BSD-3-Clause
# Chroots of Debian releases, and commands in them. Sourced after common.sh, not run.
# A chroot's name is a folder of MATRIX_DIR (default: /var/cache/netvsc-matrix). A version is 12, 13, testing, unstable,
# or that of a DPDK that is built from source in Debian 13.
# shellcheck shell=bash disable=SC2154 # top is of common.sh

chroots=${MATRIX_DIR:-/var/cache/netvsc-matrix}
sources=/usr/local/src
mirror=${MATRIX_MIRROR:-http://deb.debian.org/debian}
cache=${XDG_CACHE_HOME:-$HOME/.cache}

codename() {
    case $1 in 12) echo bookworm ;; testing | unstable) echo "$1" ;; *) echo trixie ;; esac
}

# Why no chroot can be made here; nothing if one can.
chroot_obstacle() {
    if [ "$(id -u)" != 0 ]; then
        echo "only root can make chroots"
    elif ! command -v mmdebstrap >/dev/null; then
        echo "mmdebstrap is missing (apt-get install mmdebstrap)"
    fi
}

# Makes a chroot, whole or not at all, unless it exists. $1: its name; $2: the version; then mmdebstrap's options.
make_chroot() {
    local root=$chroots/$1 version=$2
    shift 2
    [ ! -e "$root" ] || return 0
    step "making the chroot $root (Debian $(codename "$version"))"
    mkdir -p "$chroots"
    rm -rf "$root.new"
    # A mirror may be older than its lists' date of expiry.
    mmdebstrap --quiet --variant=apt --include=ca-certificates --aptopt='APT::Install-Recommends "false"' \
        --aptopt='Acquire::Check-Valid-Until "false"' "$@" "$(codename "$version")" "$root.new" "$mirror" || return
    mv "$root.new" "$root"
}

# Waits until no other process holds a release's chroots, then holds them until the next call or the script's end.
# $1: the version.
hold_chroots() {
    local file=$chroots/$1.lock
    mkdir -p "$chroots"
    [ -z "${held:-}" ] || exec {held}>&-
    exec {held}>>"$file"
    if ! flock --nonblock "$held"; then
        step "$1: waiting for process $(cat "$file"), which holds $file"
        flock "$held"
    fi
    echo $$ >"$file"
}

# Makes the chroot of a version in which the driver is built. Nobody reads documentation there.
make_build_chroot() {
    make_chroot "$1" "$1" --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*'
}

# What commands in a chroot see of this machine, at their own paths.
shared=("$top" "$cache" "$sources")

# Runs a command in a chroot, with those folders. Its mounts end with it. $1: the chroot's name; then the command.
inside() {
    local root=$chroots/$1 folder
    shift
    for folder in "${shared[@]}"; do mkdir -p "$folder" "$root$folder"; done
    # shellcheck disable=SC2016 # for the shell inside
    root=$root XDG_CACHE_HOME=$cache unshare --mount --fork bash -euc '
        for folder in proc sys dev; do mount --rbind "/$folder" "$root/$folder"; done
        mount -t tmpfs tmpfs "$root/run"
        for folder in "${@:2:$1}"; do mount --rbind "$folder" "$root$folder"; done
        shift $(($1 + 1))
        exec chroot "$root" env -i HOME="$HOME" XDG_CACHE_HOME="$XDG_CACHE_HOME" TERM=dumb LC_ALL=C.UTF-8 \
            DEBIAN_FRONTEND=noninteractive PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' \
        bash "${#shared[@]}" "${shared[@]}" "$@"
}

# Runs a command in a chroot that sees nothing of this machine.
apart() {
    local shared=()
    inside "$@"
}
