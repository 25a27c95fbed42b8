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

for my $try (1 .. 4) {
    my $began = time();

    last if $done = set_up($try, $seconds);

    $seconds = 2 * (time() - $began) + 1;
}

ok($done, 'properties are damaged before their leases end')
    or BAIL_OUT('no set-up in time');

ok(wait_for(sub { !grep { entries($_) != 2 } @healthy }, 8),
   'the leases of healthy properties end');
cmp_ok(time() - $t, '<', 2, 'the leases of healthy properties end in time');

is(scalar(grep { entries($_) != 1 } @damaged), 0,
   'the leases of damaged properties do not end');


# how often each is tried while it fails: after 1, 3, 7, ... seconds

my %tries;
my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
my $until = $t + 7;

$redis->send_command('MONITOR');
while (time() < $until) {
    my $line = eval { $redis->reply(1) } // '';
    $tries{$1}++ if $line =~ /"ll1_defer" .* "([DI]-\d+-\d+)" /;
}

my @often = sort { $b <=> $a } map { $_ // 0 } @tries{@damaged, @untold};
cmp_ok($often[0], '<=', 3,
       'each failing lease is tried 3 times at most in 7 s');
cmp_ok($often[-1], '>=', 1, 'each failing lease is tried again');


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
