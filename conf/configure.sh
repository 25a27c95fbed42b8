#!/bin/bash
#
# configure.sh BUILD [NGINX_SRC]
#
# Runs nginx's configure for the module, into BUILD/nginx, with CC, CFLAGS and
# LDFLAGS from the environment:
#
# - without NGINX_SRC, in Debian's nginx-dev tree, with the flags that Debian's
#   nginx was built with;
# - with NGINX_SRC, in a copy of these sources, which are not changed.  If
#   NGINX_SRC/objs/nginx exists, its configure arguments are used, so that the
#   module fits it; else nginx itself is built too, as BUILD/nginx/nginx.
#
# BUILD/nginx/srcdir contains the directory in which to run make;
# BUILD/nginx/own exists if nginx itself is to be built.  Output goes to
# BUILD/nginx-configure.log, and is shown on failure.

set -e

build=$1
src=$2
root=$(cd "$(dirname "$0")/.." && pwd)
objs=$build/nginx
log=$build/nginx-configure.log

rm -rf "$objs"
mkdir -p "$objs"

if [ -z "$src" ]; then
    srcdir=/usr/share/nginx/src
    . $srcdir/conf_flags
    args=("${NGX_CONF_FLAGS[@]}")

else
    srcdir=$build/nginx-src
    rm -rf "$srcdir"
    mkdir -p "$srcdir"
    (cd "$src" && tar cf - --exclude=.git --exclude=./objs .) \
        | (cd "$srcdir" && tar xf -)

    # in a checkout of nginx's repository, configure is in auto/
    [ -e "$srcdir/configure" ] || cp "$srcdir/auto/configure" "$srcdir/"

    if [ -x "$src/objs/nginx" ]; then
        eval "args=($("$src/objs/nginx" -V 2>&1 \
                      | sed -n 's/^configure arguments: //p'))"
    else
        own=yes
        args=(--with-compat --with-debug --with-threads
              --with-http_ssl_module --with-http_v2_module
              --with-http_realip_module --with-http_stub_status_module)
    fi
fi

# the last option wins: the module's compiler flags replace nginx's own
ok=yes
(cd "$srcdir" && ./configure "${args[@]}" --builddir="$objs" \
    --with-cc="$CC" --with-cc-opt="$CFLAGS -W -Wall -Wpointer-arith -Wno-unused-parameter -Werror -fPIC" --with-ld-opt="$LDFLAGS" \
    --add-dynamic-module="$root") >"$log" 2>&1 || ok=no

if [ $ok = no ]; then
    cat "$log" >&2
    rm -f "$objs/Makefile"
    exit 1
fi

echo "$srcdir" > "$objs/srcdir"
[ -z "$own" ] || touch "$objs/own"
