#!/bin/sh
#
# nginx_src.sh DIR
#
# Gets the sources of Debian's nginx, with Debian's patches, into DIR/nginx,
# unless they are there.  The system's package lists are unchanged: apt's lists
# of sources are kept in DIR.
#
# A mirror may drop a security update's sources before its packages, or get them
# later; then the newest available version is used.

set -e

mkdir -p "$1"
dir=$(cd "$1" && pwd)

[ ! -d "$dir/nginx" ] || exit 0

echo "getting the sources of Debian's nginx"

apt=$dir/apt
rm -rf "$apt" "$dir"/nginx-[0-9]*
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"

# sources come from the same repositories as the system's packages
etc=/etc/apt
for list in $etc/sources.list $etc/sources.list.d/*.list; do
    [ ! -e "$list" ] || sed -n 's/^deb /deb-src /p' "$list" >> "$apt/list"
done
for list in $etc/sources.list.d/*.sources; do
    [ ! -e "$list" ] || sed 's/^Types:.*/Types: deb-src/' "$list" \
        > "$apt/parts/${list##*/}"
done
touch "$apt/list"

with="-o Dir::Etc::SourceList=$apt/list -o Dir::Etc::SourceParts=$apt/parts
      -o Dir::State::Lists=$apt/lists -o Dir::Cache=$apt/cache
      -o APT::Sandbox::User="

cd "$dir"

# fails for repositories without sources; nginx is in none of them
apt-get -q $with update >"$apt/log" 2>&1 || true

for version in $(apt-cache $with showsrc nginx 2>>"$apt/log" \
                 | sed -n 's/^Version: //p' | sort -rV); do
    echo "  $version"
    if apt-get -q $with source "nginx=$version" >>"$apt/log" 2>&1; then
        mv nginx-[0-9]*/ nginx
        rm -rf "$apt"
        exit 0
    fi
done

cat "$apt/log" >&2
echo "no sources of nginx found: use make NGINX_SRC=DIR" >&2
exit 1
