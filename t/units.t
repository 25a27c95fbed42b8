#!/usr/bin/perl

# The systemd units of conf/systemd: systemd accepts them, their sandbox is as
# tight as promised, and they are started again for ever, or by a timer.

use strict;
use warnings;

use File::Basename;
use File::Copy;
use File::Temp;
use Test::More;


# the highest exposure that "systemd-analyze security" may show, in tenths
my %exposure = ('leaseloft-backup.service' => 15,
    'leaseloft-redis.service' => 20,
    'leaseloft-worker@.service' => 15);

plan skip_all => 'systemd-analyze is not installed'
    if system('systemd-analyze --version >/dev/null 2>&1') != 0;

my @units = glob('conf/systemd/*.service');

my @timers = glob('conf/systemd/*.timer');

plan tests => 1 + 5 * @units + @timers;

is_deeply([sort map { basename($_) } @units], [sort keys %exposure],
    'every unit has a bound');

my $dir = File::Temp->newdir();

for my $path (@units) {
    my $name = basename($path);

    open my $fh, '<', $path or die "can't open $path: $!";
    my $unit = do { local $/; <$fh> };
    close $fh;

    # one that ends by itself is started by a timer
    if ($unit =~ /^Type=oneshot$/m) {
        ok(-e $path =~ s/service$/timer/r, "$name has a timer");
        unlike($unit, qr/^Restart=/m, "$name is not started again");

    } else {
        like($unit, qr/^StartLimitIntervalSec=0\n(?:.*\n)*Restart=always$/m,
            "$name is started again for ever");
        like($unit, qr/^Type=notify$/m, "$name tells systemd when it is ready");
    }

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


for my $path (@timers) {
    my $name = basename($path);

    copy($path, "$dir/$name") or die "can't copy $path: $!";
    is(run('verify', "$dir/$name"), '', "systemd accepts $name");
}


# the output of systemd-analyze; $? is its status
sub run {
    open my $fh, '-|', "systemd-analyze @{[map { quotemeta } @_]} 2>&1"
        or die "can't run systemd-analyze: $!";
    my $out = do { local $/; <$fh> } // '';
    close $fh;

    return $out;
}
