package LeaseLoft::Deb;

# A Debian package with another control file, for apt to choose from:
#
#     LeaseLoft::Deb::repack('x_1_all.deb', 'x_2.deb', 's/^Version: .*/…/');

use strict;
use warnings;

use File::Temp qw(tempdir);


# $edit is a script of sed
sub repack {
    my ($deb, $to, $edit) = @_;

    my $dir = tempdir(CLEANUP => 1);

    system("dpkg-deb -R $deb $dir/tmp"
           . " && sed -i '$edit' $dir/tmp/DEBIAN/control"
           . " && dpkg-deb --root-owner-group -Znone -b $dir/tmp $to >/dev/null")
        == 0 or die "can't repack $deb\n";
}


# the script that makes the module one for an nginx that no Debian has
sub other_nginx {
    return 's/nginx-abi-[0-9.-]*/nginx-abi-9.99.9-1/; s/^Version: .*/Version: 98/';
}


1;
