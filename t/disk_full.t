#!/usr/bin/perl

# The disk of Redis fills up: health and doctor say it before, Redis stops instead
# of acknowledging what it cannot store, both still name the disk, and with room
# on it Redis starts again with all that was acknowledged.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

# in a mount namespace of its own, for a small disk
if (!$ENV{LEASELOFT_MOUNTS}) {
    $ENV{LEASELOFT_MOUNTS} = 1;
    exec 'unshare', '--mount', $> ? '--map-root-user' : (), $^X, '-It/lib', $0
        or die "unshare: $!";
}

my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();
$ll->nginx_conf(directives => { leaseloft_redis_dir => "$dir/redis" });

system('mount', '-t', 'tmpfs', '-o', 'size=100m', 'tmpfs', "$dir/redis") == 0
    or BAIL_OUT('mount');

$ll->start($_) for qw(redis worker1 nginx);
$ll->started();
$ll->lease('P', tenants => ['u-tom']);

# fills the disk but for so many bytes
sub fill {
    my ($left) = @_;

    my ($free) = qx(df --output=avail -B1 $dir/redis) =~ /(\d+)\s*\z/;
    my $n = $free - $left;
    system("head -c $n /dev/zero >>$dir/redis/other 2>/dev/null");
}

fill(4 << 20);
my ($status, $said) = $ll->cli('doctor');
is($status, 2, 'before the disk is full, doctor finds a fault');
like($said, qr/^fault +disk +\d+ MiB free in .*Redis stops when the disk is full/m,
     'it says that the disk is almost full');

my $advised = $ll->get('/internal/health');
is($advised->status(), 200, 'health is 200 then');
like("@{ $advised->json()->{advice} }",
     qr{^The disk of Redis is almost full, "\Q$dir\E/redis" has [0-4] MiB free},
     'it advises to free some');

my $room = $ll->say('P', 'u-tom', 'room', client_id => 'c-room');
is($room->status(), 201, 'a message is stored until then');

# the last page is taken, and with the next ones Redis stops
fill(0);
my $pid = delete $ll->{pids}{redis};
my $start = time();
my @stored = $room->json()->{seq};
my $n = 0;

ok(wait_for(sub {
    my $r = $ll->say('P', 'u-tom', 'x' x 4000, client_id => 'c-' . ++$n);
    push @stored, $r->json()->{seq} if $r->status() == 201;
    return waitpid($pid, POSIX::WNOHANG()) == $pid;
}, 10), 'Redis stops when it cannot write');
my $health;
ok(wait_for(sub { $health = $ll->get('/internal/health')->json();
                  $health->{faults}[1] }, 10), 'health is 503');
is($health->{detail}, 'The disk of Redis is full, so that it cannot write and '
   . qq(ends: free some of "$dir/redis".), 'it names the disk');
like($health->{faults}[1], qr/^Redis is not connected/,
     'then that Redis is not connected');
is($health->{redis}, 'down', 'it is Redis that is down');
cmp_ok(time() - $start, '<', 10, 'within ten seconds');

($status, $said) = $ll->cli('doctor', '--redis-dir', "$dir/redis");
is($status, 2, 'doctor, which cannot reach Redis, finds a fault');
like($said, qr{^fault +disk +0 MiB free in "\Q$dir\E/redis", and Redis stops}m,
     'it names the disk');
is(($ll->cli('doctor', '--redis-dir', "$dir/none"))[0], 3,
   'without that directory it cannot check the disk');

# as systemd does it, which starts it again for ever
unlink "$dir/redis/other";
$ll->start('redis');
ok($ll->wait_healthy(200, 10), 'with room on the disk health is 200 again');
ok(wait_for(sub { $ll->say('P', 'u-tom', 'again', client_id => 'c-again')
                     ->status() =~ /^20[01]$/ }, 10), 'a message is stored');

my %seqs = map { $_->{seq} => 1 }
               @{ $ll->poll('P', 'u-tom', 'limit=200')->{entries} };
is(scalar(grep { !$seqs{$_} } @stored), 0,
   'each message that was acknowledged is there');

$ll->stop('redis');
system("umount --lazy $dir/redis");
$ll->finish();
