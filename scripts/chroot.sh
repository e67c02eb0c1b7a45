# SPDX-License-Identifier: BSD-3-Clause
# Root file systems of Debian releases. Sourced after common.sh, not run.
# shellcheck shell=bash

chroots=${NETVSC_CHROOTS:-/var/cache/dpdk-vdev-netvsc}

# The archives of a release, one line each.
sources_of() {
    local mirror=http://deb.debian.org/debian
    echo "deb $mirror $1 main"
    case $1 in
    sid | unstable) ;;
    *) echo "deb http://deb.debian.org/debian-security $1-security main" ;;
    esac
}

# Makes a root file system, or reuses one that is whole. $1: its name; $2: the release; then packages.
# Its folder is $chroots/NAME.
make_chroot() {
    local root=$chroots/$1 release=$2 packages
    shift 2
    packages=$(printf '%s,' "$@")
    [ -e "$root/.made" ] && [ "$(cat "$root/.made")" = "$release $packages" ] && return
    [ "$(id -u)" = 0 ] || die "only root can make a root file system"
    step "making a root file system of Debian $release"
    mkdir -p "$chroots"
    rm -rf "$root" "$root.new"
    sources_of "$release" |
        quietly mmdebstrap --variant=apt --include="${packages%,}" --skip=output/dev "$release" "$root.new" -
    echo "$release $packages" >"$root.new/.made"
    mv "$root.new" "$root"
}

# Runs a command within a root file system, which gets /proc, /sys, /dev, a /run of its own and a network
# configuration. The mounts end with the command. $1: the folder; then the command.
in_chroot() {
    local root=$1
    shift
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --pid --fork --kill-child bash -euc '
        root=$1
        shift
        mount --rbind /dev "$root/dev"
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount -t tmpfs tmpfs "$root/run"
        cp /etc/resolv.conf "$root/etc/resolv.conf"
        exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 "$@"
    ' in_chroot "$root" "$@"
}
