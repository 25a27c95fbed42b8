#!/usr/bin/perl

# Leases that are due and fail, for hundreds of properties whose state or whose
# tenant's inbox is damaged: they do not delay other leases, they are tried
# again at growing intervals, and done once the damage is repaired.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new();
my $q = LeaseLoft::Requests->new($ll);

sub lease {
    my ($property, $ends, $tenant) = @_;

    return [ 'lease', $property, '', {
        lease_id => 'L-1', label => 'Label', time_zone => 'UTC',
        landlords => [{ user => 'u-lena', name => 'Lena' }],
        tenants => [{ user => $tenant, name => 'T' }],
        starts_at => '2026-01-01T00:00:00Z', ends_at => $ends } ];
}

sub entries { return $q->redis('XLEN', "ll:{p:$_[0]}:thread") }

my (@damaged, @untold, @healthy, $tenant, $t, $state);

# Declares leases that end at one moment, $t, and damages properties before it
# comes.  Redis compares its clock with $t as it does the damage; when it is too
# late, all of it is done again with other names and a later moment.  1, or 0 if
# it was too late.
sub set_up {
    my ($try, $seconds) = @_;

    @damaged = map { "D-$try-$_" } 1 .. 200;   # their states
    @untold = map { "I-$try-$_" } 1 .. 200;    # the inbox of their tenant
    @healthy = map { "H-$try-$_" } 1 .. 5;     # due after all of these
    $tenant = "u-ana-$try";

    $t = time() + $seconds;
    my ($ends, $after) = (at($seconds), at($seconds + 0.1));

    my @numbers = $q->put_all(
        (map { lease($_, $ends, 'u-tom') } @damaged),
        (map { lease($_, $ends, $tenant) } @untold),
        (map { lease($_, $after, 'u-tom') } @healthy));

    is(scalar(grep { ($q->await($_, 60) || {})->{status} == 200 } @numbers),
       405, '405 leases that end soon are declared');

    $state = $q->redis('HGET', "ll:{p:$damaged[6]}:meta", 'state');

    return $q->redis('EVAL', <<'LUA', scalar @damaged + 2,
local now = redis.call('TIME')

if now[1] * 1000 + now[2] / 1000 >= tonumber(ARGV[1]) then
    return 0
end

for i = 3, #KEYS do redis.call('HSET', KEYS[i], 'state', 'damaged') end
redis.call('RENAME', KEYS[1], KEYS[2])
redis.call('SET', KEYS[1], 'no hash')
return 1
LUA
        "ll:{u:$tenant}:inbox", "ll:{u:$tenant}:kept",
        (map { "ll:{p:$_}:meta" } @damaged), int(1000 * $t));
}

my ($seconds, $done) = (2.5, 0);
my $monitor = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');

$monitor->send_command('MONITOR');

for my $try (1 .. 4) {
    my $began = time();

    last if $done = set_up($try, $seconds);

    $seconds = 2 * (time() - $began) + 1;
}

ok($done, 'properties are damaged before their leases end')
    or BAIL_OUT('no set-up in time');


# what Redis is told, with the times, until 7 s after $t and until each failing
# lease is tried twice: after 1, 3, 7, ... seconds

my %tries = map { $_ => [] } @damaged, @untold;
my %ending = map { $_ => 1 } @healthy;
my ($now, $again, $early) = (0, 0, 0);
my $until = time() + 30;

while (time() < $until && ($now < $t + 7 || $again < keys %tries)) {
    my $line = eval { $monitor->reply(1) } // next;

    $line =~ /^(\d+\.\d+) / or next;
    $now = $1;

    if ($line =~ /"ll1_defer" .* "([DI]-\d+-\d+)" / && $tries{$1}) {
        push @{ $tries{$1} }, $now;

        if (@{ $tries{$1} } == 2) {
            $again++;
            $early++ if %ending;
        }

    } elsif ($now >= $t
             && $line =~ / lua\] "XADD" "ll:\{p:(H-\d+-\d+)\}:thread"/)
    {
        delete $ending{$1};
    }
}

is(join(' ', sort keys %ending), '', 'the leases of healthy properties end');
is($early, 0, 'they end before any failing lease is tried again');

is(scalar(grep { entries($_) != 1 } @damaged), 0,
   'the leases of damaged properties do not end');

is(scalar(grep { (grep { $_ < $t + 7 } @$_) > 3 } values %tries), 0,
   'each failing lease is tried 3 times at most in 7 s');
is($again, 400, 'each failing lease is tried again');


# once repaired, they are done

$q->redis('HSET', "ll:{p:$damaged[6]}:meta", 'state', $state);
$q->redis('RENAME', "ll:{u:$tenant}:kept", "ll:{u:$tenant}:inbox");

ok(wait_for(sub { entries($damaged[6]) == 2 }, 20),
   'the lease of a repaired property ends');

sub ended {
    return scalar grep { $_->{lease}{state} eq 'ended' }
                  @{ $q->inbox($tenant, 200)->{threads} };
}

ok(wait_for(sub { ended() == 200 }, 20), 'a repaired inbox shows each end');
ok(wait_for(sub { $q->redis('ZCARD', 'll:{due}:due') == 199 }, 20),
   'the leases of the other 199 properties stay due');

my $log = $ll->slurp('worker1.log');
is(scalar(() = $log =~ /can't open or close leases of property "D-/g), 200,
   'each failing property is logged once');

$ll->finish();
