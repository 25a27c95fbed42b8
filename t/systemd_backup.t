#!/usr/bin/perl

# The daily backup under systemd: its unit makes one beside a running worker and
# deletes old ones, a failure leaves those that are there, and the timer starts
# the unit.  One is made by hand as docs/backup.md says.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

use lib 't/lib';
use LeaseLoft::Machine;
use LeaseLoft::Manual;

my $missing = LeaseLoft::Machine->missing();
plan skip_all => $missing if $missing;
plan skip_all => 'the programs need the libraries of the sanitizers here'
    if ($ENV{BUILD} // '') =~ /-(?:san|palloc)$/;

my $installed = tempdir(CLEANUP => 1);
my $said = qx(make -s install-files prefix=/usr DESTDIR=$installed 2>&1);
is($?, 0, 'make install-files succeeds') or BAIL_OUT($said);

my $machine = LeaseLoft::Machine->new(add => $installed);
my $dir = '/var/backups/leaseloft';
my $redis = 'leaseloft --redis unix:/run/leaseloft/redis.sock';

sub runs { return $machine->run($_[0]) }

# the directories there, newest last
sub backups { return split /\n/, runs("ls -A $dir 2>&1") }

is(runs('systemctl start leaseloft-redis leaseloft-worker@1'), '',
   'Redis and a worker start');
runs(q(printf '%s' '{"lease_id":"L-1","label":"12 Elm St","time_zone":"UTC",)
     . q("landlords":[{"user":"u-lena","name":"Lena"}],)
     . q("tenants":[{"user":"u-tom","name":"Tom"}],)
     . q("starts_at":"2020-01-01T00:00:00Z","ends_at":null}' >/tmp/lease.json));
like(runs("$redis lease put P /tmp/lease.json"), qr/L-1 is active/,
     'a lease is declared');

is(runs('systemctl start leaseloft-backup'), '', 'a backup is made')
    or diag(runs('journalctl -u leaseloft-backup'));

my @made = backups();
is(scalar @made, 1, 'its directory is the only one');
like($made[0], qr/^\d{8}T\d{6}\.\d{3}Z$/, 'it is named after the time');
is(runs("stat -c '%a %U' $dir $dir/$made[0]"), "700 leaseloft\n700 leaseloft",
   'only the user of Redis can read it');
like(runs('journalctl -o cat -u leaseloft-backup'),
     qr{^\Q$dir/$made[0]\E: verified, .* 1 properties,}m,
     'the journal says what is in it');
like(runs("systemctl status $_"), qr/Active: active/, "$_ runs on")
    for 'leaseloft-redis', 'leaseloft-worker@1';


# old ones are deleted after a backup that succeeds, and only then

runs("cd $dir && mkdir 20200101T000000.000Z 20200102T000000.000Z mine"
     . ' && touch -d "20 days ago" 20200101T000000.000Z mine'
     . ' && touch -d "13 days ago" 20200102T000000.000Z');

runs('systemctl stop leaseloft-redis');
isnt(runs('systemctl start leaseloft-backup 2>&1'), '',
     'a backup without Redis fails');
is(runs('systemctl is-failed leaseloft-backup'), 'failed',
   'and so does its unit');
is_deeply([backups()], ['20200101T000000.000Z', '20200102T000000.000Z',
                        $made[0], 'mine'], 'nothing is deleted');

runs('systemctl start leaseloft-redis');
is(runs('systemctl start leaseloft-backup'), '', 'with Redis it succeeds');

my @left = backups();
is(scalar(grep { /^2\d{7}T/ && $_ gt $made[0] } @left), 1,
   'there is a new backup');
is_deeply([grep { $_ le $made[0] || $_ eq 'mine' } @left],
          ['20200102T000000.000Z', $made[0], 'mine'],
          'what is older than 14 days is deleted, and nothing else');


# the timer

my ($by_hand, $timer) = map { $_->{text} }
    LeaseLoft::Manual::blocks('docs/backup.md', 'Backup and restore');

like(runs($timer), qr/Created/, 'the timer is enabled');
like(runs('systemctl list-timers --no-pager --no-legend leaseloft-backup.timer'),
     qr/\bleaseloft-backup\.service\s*$/, 'it will start the unit');
like(runs('systemctl show leaseloft-backup.timer -P TimersCalendar'),
     qr/OnCalendar=\*-\*-\* 00:00:00 ; next_elapse=\w/, 'once a day');


# by hand, where there is no directory yet

runs("rm -r $dir");
like(runs($by_hand), qr{^\Q$dir\E/\S+Z: verified}m, 'a backup is made by hand');
is($machine->status(), 0, 'the command succeeds');
is(runs("stat -c '%a %U' $dir $dir/2*Z"), "700 leaseloft\n700 leaseloft",
   'only the user of Redis can read it');

$machine->stop();
done_testing();
