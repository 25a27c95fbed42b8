#!/bin/sh
#
# deb.sh BUILD
#
# Builds Debian packages for this Debian in BUILD/deb.  The sources are copied
# there, with conf/debian as debian/.  The version is that of the programs, with
# a suffix for the release of Debian; DEB_VERSION replaces it.

set -e

root=$(cd "$(dirname "$0")/.." && pwd)
deb=$1/deb
src=$deb/leaseloft

version=$(sed -n 's/.*LEASELOFT_VERSION *"\(.*\)".*/\1/p' \
              "$root/common/version.h")
release=$(. /etc/os-release && echo "deb$VERSION_ID")
version=${DEB_VERSION:-$version+$release}

rm -rf "$deb"
mkdir -p "$src"

(cd "$root" && tar cf - --exclude=./build --exclude='./build-*' \
     --exclude=./.git --exclude=./run --exclude=node_modules .) \
    | (cd "$src" && tar xf -)

rm -rf "$src/debian"
cp -R "$src/conf/debian" "$src/debian"

# debhelper knows where this release of Debian has units
cp "$src"/conf/systemd/*.service "$src/debian/"

# units of another name than their package's
for unit in leaseloft-backup.service leaseloft-backup.timer; do
    cp "$src/conf/systemd/$unit" "$src/debian/leaseloft-worker.$unit"
done


for package in leaseloft-redis leaseloft-worker; do
    cp "$src/conf/systemd/sysusers.conf" "$src/debian/$package.sysusers"
    cp "$src/conf/systemd/tmpfiles.conf" "$src/debian/$package.tmpfiles"
done

cat >"$src/debian/changelog" <<END
leaseloft ($version) stable; urgency=medium

  * The changes are in the file CHANGES of the sources.

 -- LeaseLoft developers <maintainers@leaseloft.example>  $(date -R -r "$root/CHANGES")
END

# what make passes on is about this build, not that one
unset MAKEFLAGS MFLAGS MAKELEVEL BUILD NGINX_SRC CFLAGS CPPFLAGS LDFLAGS

export DEB_BUILD_OPTIONS=noautodbgsym

if ! (cd "$src" && dpkg-buildpackage -b -us -uc) >"$deb/log" 2>&1; then
    tail -40 "$deb/log" >&2
    echo "the whole log is in $deb/log" >&2
    exit 1
fi

ls "$deb"/*.deb
