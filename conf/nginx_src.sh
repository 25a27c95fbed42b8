#!/bin/sh
#
# nginx_src.sh DIR
#
# Puts the sources of Debian's nginx, with Debian's patches, into DIR/nginx,
# unless they are there.  The machine's own list of packages stays as it is:
# what apt needs to know of sources is kept in DIR.
#
# A security update's sources may be gone from a mirror before its packages
# are, or come later; then it is the newest version that can be had.

set -e

mkdir -p "$1"
dir=$(cd "$1" && pwd)

[ ! -d "$dir/nginx" ] || exit 0

echo "getting the sources of Debian's nginx"

apt=$dir/apt
rm -rf "$apt" "$dir"/nginx-[0-9]*
mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"

# where the machine has its packages from, there it has their sources from
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

# a repository that has packages only is none that nginx is in
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
echo "no sources of nginx: give some, as make NGINX_SRC=DIR" >&2
exit 1
