#!/bin/sh
#
# peers.sh BUILD: puts the servers to compare with into BUILD/peers, where they
# are missing; nothing is installed into the system.

set -e

peers=$1/peers
bench=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$peers"

if [ ! -e "$peers/nchan/usr/lib/nginx/modules/ngx_nchan_module.so" ]; then
    echo "getting nchan (Debian's libnginx-mod-nchan), to compare with"
    (
        cd "$peers"
        rm -f libnginx-mod-nchan*.deb
        apt-get download -q libnginx-mod-nchan
        dpkg -x libnginx-mod-nchan*.deb nchan
    )
fi

if [ ! -e "$peers/node/node_modules/ioredis" ]; then
    echo "getting ioredis, for the Node server to compare with"
    mkdir -p "$peers/node"
    cp "$bench/peers/package.json" "$peers/node/"
    (cd "$peers/node" && npm install --no-audit --no-fund --loglevel=error)
fi

cp "$bench/peers/server.mjs" "$peers/node/"
