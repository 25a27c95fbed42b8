#!/usr/bin/perl

# The systemd units of conf/systemd: systemd accepts them, their sandbox is as
# tight as promised, and they are started again for ever.

use strict;
use warnings;

use File::Basename;
use File::Temp;
use Test::More;


# the highest exposure that "systemd-analyze security" may show, in tenths
my %exposure = ('leaseloft-redis.service' => 20,
    'leaseloft-worker@.service' => 15);

plan skip_all => 'systemd-analyze is not installed'
    if system('systemd-analyze --version >/dev/null 2>&1') != 0;

my @units = glob('conf/systemd/*.service');

plan tests => 1 + 5 * @units;

is_deeply([sort map { basename($_) } @units], [sort keys %exposure],
    'every unit has a bound');

my $dir = File::Temp->newdir();

for my $path (@units) {
    my $name = basename($path);

    open my $fh, '<', $path or die "can't open $path: $!";
    my $unit = do { local $/; <$fh> };
    close $fh;

    like($unit, qr/^StartLimitIntervalSec=0\n(?:.*\n)*Restart=always$/m,
        "$name is started again for ever");
    like($unit, qr/^Type=notify$/m, "$name tells systemd when it is ready");
    like($unit, qr/^UMask=0077$/m, "other users cannot read files of $name");

    # the programs need not be installed
    $unit =~ s{^(ExecStart\w*=)\S+}{$1/bin/true}mg;

    open $fh, '>', "$dir/$name" or die "can't write $name: $!";
    print $fh $unit;
    close $fh;

    my $instance = $name =~ s/@/\@1/r;

    is(run('verify', "$dir/$instance"), '', "systemd accepts $name");

    my $out = run('security', '--offline=yes', '--no-pager',
        "--threshold=$exposure{$name}", "$dir/$name");

    is($?, 0, "the exposure of $name is at most "
        . $exposure{$name} / 10) or diag($out);
}


# the output of systemd-analyze; $? is its status
sub run {
    open my $fh, '-|', "systemd-analyze @{[map { quotemeta } @_]} 2>&1"
        or die "can't run systemd-analyze: $!";
    my $out = do { local $/; <$fh> } // '';
    close $fh;

    return $out;
}
