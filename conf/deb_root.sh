#!/bin/sh
#
# deb_root.sh ROOT PACKAGE.deb ...
#
# Makes a bare Debian of this machine's release in ROOT, unless it is there, and
# downloads what the packages depend on, so that they can be installed in it
# without a network.

set -e

root=$1
shift

codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

if [ ! -e "$root/.complete" ]; then
    echo "making a bare Debian ($codename) in $root"
    rm -rf "$root"
    mkdir -p "$(dirname "$root")"
    if ! debootstrap --variant=minbase \
        --include=systemd-sysv,curl,iproute2,openssl,procps \
        "$codename" "$root" >"$root.log" 2>&1
    then
        tail -20 "$root.log" >&2
        exit 1
    fi
    touch "$root/.complete"
fi

cp /etc/resolv.conf "$root/etc/"
rm -rf "$root/debs"
mkdir "$root/debs"
cp "$@" "$root/debs/"

chroot "$root" sh -c 'apt-get -q update &&
    apt-get -q -y --download-only install /debs/*.deb' >"$root.log" 2>&1 || {
    tail -20 "$root.log" >&2
    exit 1
}
