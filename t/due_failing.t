#!/usr/bin/perl

# What is due and fails, for hundreds of properties whose state or inbox is
# damaged, does not keep the others waiting; it is tried again ever later, and
# done once that can be.

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

my @damaged = map { "D-$_" } 1 .. 200;         # their states
my @untold = map { "I-$_" } 1 .. 200;          # the inbox of their tenant
my @healthy = map { "H-$_" } 1 .. 5;           # due after all of these
my $t = time() + 2.5;
my $ends = at(2.5);

my @numbers = $q->put_all(
    (map { lease($_, $ends, 'u-tom') } @damaged),
    (map { lease($_, $ends, 'u-ana') } @untold));
push @numbers, $q->put_all(map { lease($_, at($t + 0.1 - time()), 'u-tom') }
                               @healthy);

is(scalar(grep { ($q->await($_) || {})->{status} == 200 } @numbers), 405,
   'leases that end soon');

my $state = $q->redis('HGET', 'll:{p:D-7}:meta', 'state');
$q->redis('HSET', "ll:{p:$_}:meta", 'state', 'damaged') for @damaged;
$q->redis('RENAME', 'll:{u:u-ana}:inbox', 'll:{u:u-ana}:kept');
$q->redis('SET', 'll:{u:u-ana}:inbox', 'no hash');
cmp_ok(time(), '<', $t, 'damaged before that');

ok(wait_for(sub { !grep { entries($_) != 2 } @healthy }, 8),
   'the leases of healthy properties end');
cmp_ok(time() - $t, '<', 2, 'in time');

is(scalar(grep { entries($_) != 1 } @damaged), 0,
   'those of damaged properties do not');


# how often each is tried while it fails: after 1, 3, 7 … seconds

my %tries;
my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
my $until = $t + 7;

$redis->send_command('MONITOR');
while (time() < $until) {
    my $line = eval { $redis->reply(1) } // '';
    $tries{$1}++ if $line =~ /"ll1_defer" .* "(D-\d+|I-\d+)" /;
}

my @often = sort { $b <=> $a } map { $_ // 0 } @tries{@damaged, @untold};
cmp_ok($often[0], '<=', 3, 'each is tried seldom');
cmp_ok($often[-1], '>=', 1, 'each is tried again');


# mended, they are done

$q->redis('HSET', 'll:{p:D-7}:meta', 'state', $state);
$q->redis('RENAME', 'll:{u:u-ana}:kept', 'll:{u:u-ana}:inbox');

ok(wait_for(sub { entries('D-7') == 2 }, 20), 'a mended property\'s lease ends');

sub ended {
    my ($rev, $total, $next, $threads) = @{ $q->redis(
        'FCALL_RO', 'll1_inbox', 2, $q->user_keys('u-ana'), 200, '', '') };
    return scalar grep { /"state":"ended"/ } @$threads;
}

ok(wait_for(sub { ended() == 200 }, 20), 'a mended inbox is told of each end');
is($q->redis('ZCARD', 'll:{due}:due'), 199, 'the other 199 stay due');

my $log = $ll->slurp('worker1.log');
is(scalar(() = $log =~ /can't do what is due for property "D-/g), 200,
   'each failing property is named once');

$ll->finish();
