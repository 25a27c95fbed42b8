#!/bin/sh
#
# deps.sh SET ...
#
# Installs missing Debian packages, and prints which and why; prints nothing if
# none is missing.

set -e

missing=
wanted=
why=

# need FILE PACKAGE WHY: the package is missing if the file is; PACKAGE may be
# A|B, for a package that is B in newer releases
need() {
    [ -e "$1" ] && return
    case " $missing " in *" $2 "*) return ;; esac
    missing="$missing $2"
    why="$why
  $2: $3"
}

# want FILE PACKAGE WHY: the same, but optional if the package is unavailable
want() {
    [ -e "$1" ] && return
    wanted="$wanted $2"
    why="$why
  $2: $3"
}

# prints the packages that apt knows; of A|B, the first one that it knows
known() {
    for packages; do
        for package in $(echo "$packages" | tr '|' ' '); do
            # nothing, and no error, for a package that others only mention
            [ -n "$(apt-cache show "$package" 2>/dev/null)" ] || continue
            printf ' %s' "$package"
            break
        done
    done
}

# prints the packages; of A|B, the one that apt knows, or else A
chosen() {
    for packages; do
        package=$(known "$packages")
        printf ' %s' "${package:-${packages%%|*}}"
    done
}

inc=/usr/include
modules=/usr/lib/nginx/modules

for set; do
    case $set in
    build)
        need /usr/bin/gcc gcc "compiles everything"
        need $inc/stdio.h libc6-dev "the C library's headers"
        if [ -z "$NGINX_SRC" ]; then
            need /usr/sbin/nginx nginx "the server that loads the module"
            need /usr/share/nginx/src/configure nginx-dev \
                "nginx's headers, to build the module"
        fi
        need $inc/pcre2.h libpcre2-dev "regular expressions, for nginx"
        need $inc/zlib.h zlib1g-dev "compression, for nginx"
        need $inc/openssl/ssl.h libssl-dev "SHA-256, random numbers, TLS"
        need $inc/hiredis/hiredis.h libhiredis-dev "the Redis protocol"
        need $inc/cjson/cJSON.h libcjson-dev "JSON, for the worker"
        need $inc/zstd.h libzstd-dev "compression of old entries"
        need $inc/utf8proc.h libutf8proc-dev "searches in any language"
        need $inc/jwt.h libjwt-dev "tokens"
        need /usr/bin/redis-server redis-server "stores the threads"
        need /usr/share/zoneinfo/America/New_York tzdata "time zone names"
        need /usr/bin/curl curl "checks whether the service is up"
        need /usr/bin/openssl openssl "makes the key of records"
        ;;
    test)
        need /usr/bin/prove perl "runs the tests"
        need /usr/bin/openssl openssl "makes keys and certificates"
        need /usr/bin/python3 python3 "a second verifier of records"
        need /usr/bin/zstd zstd "reads sealed segments"
        need /usr/bin/nghttp nghttp2-client "HTTP/2 requests"
        need $inc/cmocka.h libcmocka-dev "unit tests"
        need /usr/bin/promtool prometheus "checks metrics and alerts"
        need /usr/bin/ss iproute2 "closes connections, creates networks"
        need /usr/bin/uncrustify uncrustify "checks the format of C files"
        need /usr/sbin/haproxy haproxy "a proxy to test with"
        need /usr/bin/caddy caddy "a proxy to test with"
        need /usr/sbin/apache2 apache2-bin "a proxy to test with"
        need /usr/sbin/varnishd "varnish|vinyl-cache" "a proxy to test with"
        need /usr/sbin/squid squid "a proxy to test with"
        need /usr/bin/node nodejs "runs the pages' modules"
        need /usr/bin/man man-db "formats the manual pages"
        need /usr/bin/groff groff-base "formats the manual pages"
        need /sbin/apparmor_parser apparmor "checks the AppArmor profiles"
        need /usr/bin/strace strace "sees which files they have to allow"
        need /usr/bin/chromium-headless-shell chromium-headless-shell \
            "runs the pages"
        want /usr/bin/firefox-esr firefox-esr "runs a test in another browser"
        [ -n "$NGINX_SRC" ] || for mod in brotli-filter echo js lua \
            headers-more-filter image-filter modsecurity subs-filter \
            xslt-filter
        do
            need $modules/ngx_http_$(echo $mod | tr - _)_module.so \
                libnginx-mod-http-$mod "tested together with the module"
        done
        command -v npm >/dev/null \
            || need /usr/bin/npm npm "installs the browser driver"
        ;;
    lint)
        need /usr/bin/uncrustify uncrustify "checks the format of C files"
        ;;
    fuzz)
        need /usr/bin/clang clang "fuzzes with libFuzzer"
        ;;
    valgrind)
        need /usr/bin/valgrind valgrind "checks the worker's memory"
        ;;
    deb)
        need /usr/bin/dh debhelper "builds packages"
        need /usr/share/build-essential build-essential \
            "is required to build packages"
        need /usr/bin/dh_apparmor dh-apparmor "adds AppArmor profiles to them"
        need /usr/bin/fakeroot fakeroot "makes root the owner of their files"
        ;;
    test-deb)
        need /usr/bin/lintian lintian "checks packages"
        need /usr/sbin/debootstrap debootstrap "makes a bare Debian"
        ;;
    palloc)
        need /usr/bin/dpkg-source dpkg-dev "unpacks nginx's sources"
        ;;
    esac
done

[ -n "$missing" ] || wanted=$(known $wanted)
[ -n "$missing$wanted" ] || exit 0

echo "installing Debian packages:$why"

sudo=
if [ "$(id -u)" != 0 ]; then
    sudo=sudo
    if ! command -v sudo >/dev/null; then
        [ -n "$missing" ] || exit 0
        echo "not root, and no sudo: as root, run" >&2
        echo "    apt-get install --no-install-recommends$(chosen $missing)" >&2
        exit 1
    fi
fi

# Debian starts installed services; prevent that for a system-wide nginx or
# Redis, unless the system has its own policy
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap '$sudo rm -f $policy' EXIT
    trap 'exit 1' INT TERM HUP
    printf '#!/bin/sh\nexit 101\n' | $sudo tee $policy >/dev/null
    $sudo chmod 755 $policy
fi

$sudo apt-get update -q
$sudo env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends \
    $(chosen $missing) $(known $wanted)
