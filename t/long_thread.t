#!/usr/bin/perl

# Long threads: a landlord who joins has no entries counted, and a read mark has
# them counted in steps, so that Redis is not blocked for others; counts are
# exact, whatever is written meanwhile.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $LENGTH = 50_000;
my $STEP = 100;                    # entries read by one command, at most

# the thread has no chain, so it cannot be sealed
my $ll = LeaseLoft->new(workers => 3, worker_options => '--seal-after 0');
my $q = LeaseLoft::Requests->new($ll);

is($q->lease('P', landlords => ['u-lena', 'u-karl'])->{status}, 200, 'a lease');

# a thread with so many messages, a third of them from the landlord
$q->redis('EVAL', <<'END', 2, ($q->keys_of('P'))[0, 1], $LENGTH);
for i = 2, ARGV[1] do
    redis.call('XADD', KEYS[1], i .. '-0', 'e', '{"seq":' .. i .. '}',
               's', '', 'h', string.rep('h', 32),
               'u', i % 3 == 0 and 'u-lena' or 'u-tom')
end
local others = 0
for i = 2, ARGV[1] do others = others + (i % 3 == 0 and 0 or 1) end
redis.call('HSET', KEYS[2], 'seq', ARGV[1], 'hash', string.rep('h', 32),
           'n', ARGV[1] - 1, 'c:u-lena', ARGV[1] - 1 - others,
           'c:u-tom', others)
END


sub unread { return $q->unread('P', $_[0]) }

# the same counted from the thread, for a user whose window is all of it
sub recount {
    return $q->redis('EVAL', <<'END', 2, ($q->keys_of('P'))[0, 1], $_[0]);
local mark, n = tonumber(redis.call('HGET', KEYS[2], 'r:' .. ARGV[1]) or 0), 0
for _, item in ipairs(redis.call('XRANGE', KEYS[1], (mark + 1) .. '-0', '+')) do
    local sender = item[2][8]
    n = n + ((sender == '' or sender == ARGV[1]) and 0 or 1)
end
return n
END
}

# moves the mark of a user who has sent nothing, and what it counts
sub set_mark {
    my ($user, $mark) = @_;

    $q->redis('EVAL', <<'END', 2, ($q->keys_of('P'))[0, 1], $user, $mark);
local n = 0
for _, item in ipairs(redis.call('XRANGE', KEYS[1], '-', ARGV[2] .. '-0')) do
    n = n + (item[2][8] == '' and 0 or 1)
end
redis.call('HSET', KEYS[2], 'r:' .. ARGV[1], ARGV[2], 'c:' .. ARGV[1], n)
END
}


is(unread($_), recount($_), "the unread count of $_ is exact at first")
    for 'u-lena', 'u-karl', 'u-tom';


# the commands that Redis runs between watch() and watched(): for each call of a
# function, how many entries of the thread it may have read; watched() returns
# the largest number
my ($monitor, @read, $commands);

sub watch {
    $monitor = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
    $monitor->send_command('MONITOR');
    $monitor->reply();
    @read = ();
}

sub watched {
    $q->redis('ECHO', 'that is all');

    while ((my $line = $monitor->reply()) !~ /"that is all"/) {
        push @read, 0 if $line =~ /"FCALL(?:_RO)?" "ll1_/;
        $read[-1] += $2 - $1 + 1
            if $line =~ /lua\] "XRANGE" "ll:\{p:P\}:thread" "(\d+)-0" "(\d+)-0"/;
    }

    undef $monitor;

    return (sort { $b <=> $a } @read)[0];
}


# one read mark: near the beginning, in the middle, near the end

for my $case (['u-lena', 5000], ['u-karl', 25_000], ['u-tom', 24_000],
              ['u-lena', 25_500], ['u-karl', $LENGTH - 3000],
              ['u-tom', $LENGTH - 2], ['u-lena', $LENGTH])
{
    my ($user, $upto) = @$case;

    watch();
    is($q->ask('read', 'P', $user, { upto => $upto })->{status}, 204,
       "$user can set a read mark at $upto");
    cmp_ok(watched(), '<=', $STEP,
           "a read mark of $user at $upto reads $STEP entries a step at most");
    is(unread($user), recount($user),
       "the unread count of $user is exact after a read mark at $upto");
    is($q->redis('HGET', 'll:{p:P}:meta', "r:$user"), $upto,
       "the read mark of $user is $upto");
}


# the time of a step, compared with that of counting all at once

$q->redis('CONFIG', 'SET', 'slowlog-log-slower-than', 0);
$q->redis('CONFIG', 'SET', 'slowlog-max-len', 10_000);
$q->redis('HSET', 'll:{p:P}:meta', 'r:u-tom', 0, 'c:u-tom',
          scalar(grep { $_ % 3 } 2 .. $LENGTH));

sub times_of {
    my ($function) = @_;

    return sort { $a <=> $b } map { $_->[2] }
           grep { ($_->[3][1] // '') =~ $function }
                @{ $q->redis('SLOWLOG', 'GET', -1) };
}

$q->redis('SLOWLOG', 'RESET');
$q->redis('FCALL_RO', 'll1_count', 6, $q->keys_of('P'), 0, 25_000)
    for 1 .. 3;
my $whole = (times_of(qr/^ll1_count$/))[0];

$q->redis('SLOWLOG', 'RESET');
is($q->ask('read', 'P', 'u-tom', { upto => 25_000 })->{status}, 204,
   'u-tom can set a read mark in the middle');
my @times = times_of(qr/^ll1_(?:count|mark)$/);
cmp_ok($times[@times / 2] * 20, '<', $whole,
       "$times[@times / 2] us for a step, at most $times[-1]; $whole us for"
       . ' all at once');


# read marks of a user in random order, while others send

my @requests;
for my $i (1 .. 60) {
    push @requests, [ 'send', 'P', $i % 2 ? 'u-tom' : 'u-lena',
                      { client_id => "c-$i", text => "text $i" } ];
}
for my $i (1 .. 20) {
    push @requests, [ 'read', 'P', 'u-karl',
                      { upto => $LENGTH - 2500 + 37 * $i % 500 } ],
                    [ 'read', 'P', 'u-tom', { upto => 25_000 + 700 * $i } ];
}
@requests = @requests[ sort { $a * 41 % 101 <=> $b * 41 % 101 }
                            0 .. $#requests ];

watch();
my @numbers = $q->put_all(@requests);
my %status;
$status{ ($q->await($_, 30) || {})->{status} // 'none' }++ for @numbers;
is_deeply(\%status, { 201 => 60, 204 => 40 },
          'read marks among messages are accepted');
cmp_ok(watched(), '<=', $STEP,
       "read marks among messages read $STEP entries a step at most");

for my $user ('u-lena', 'u-karl', 'u-tom') {
    is(unread($user), recount($user),
       "the unread count of $user is exact after marks among messages");
    is($q->inbox($user)->{threads}[0]{unread}, unread($user),
       "the inbox of $user has the same unread count");
}


# a rebuild counts all entries again

$q->redis('HSET', 'll:{p:P}:meta', 'r:u-karl', 0,
          n => 3, map { ("c:$_" => 7) } 'u-lena', 'u-karl', 'u-tom');
watch();
is(($ll->cli('unread', 'rebuild'))[0], 0, 'unread rebuild succeeds');
cmp_ok(watched(), '<=', $STEP,
       "unread rebuild reads $STEP entries a step at most");
is(unread($_), recount($_), "the unread count of $_ is exact after a rebuild")
    for 'u-lena', 'u-karl', 'u-tom';


# a landlord leaves and joins again, while others send all the time

sub landlords {
    return [ 'lease', 'P', '', { lease_id => 'L-1', label => 'Label of P',
        time_zone => 'Europe/Berlin', starts_at => '2026-01-01T00:00:00Z',
        ends_at => undef, tenants => [{ user => 'u-tom', name => 'Tom' }],
        landlords => [ map { { user => "u-$_", name => $_ } } @_ ] } ];
}

is($q->await($q->put_all(landlords('lena')), 20)->{status}, 200,
   'a lease without one of its landlords is declared');
set_mark('u-karl', 0);

watch();
my $lease = $q->put_all(landlords('lena', 'karl'));
my @sends;

for my $i (1 .. 2000) {
    push @sends, $q->put_all([ 'send', 'P', 'u-tom', { client_id => "j-$i",
                                                       text => "join $i" } ]);
    $q->pump(0.002, $lease);
    last if $q->{verdicts}{$lease};
}

is(($q->await($lease, 20) || {})->{status}, 200,
   'a lease with that landlord is declared while others send');
is(scalar(grep { ($q->await($_, 20) || {})->{status} != 201 } @sends), 0,
   'messages are accepted while a landlord joins');
cmp_ok(watched(), '<=', $STEP,
       "a landlord who joins costs $STEP entries a step at most");
is(scalar(grep { $_ > 1 } @read), 0,
   'a landlord who joins has no entries counted, however many there are');
is(unread('u-karl'), recount('u-karl'),
   'the unread count of a landlord who joins is exact');


# a landlord leaves, joins again and sets a read mark at once

for my $i (1 .. 3) {
    watch();
    my @numbers = $q->put_all(landlords('lena'));
    $q->await($numbers[0], 20);
    set_mark('u-karl', 10_000 * $i);
    push @numbers, $q->put_all(landlords('lena', 'karl'),
        [ 'read', 'P', 'u-karl', { upto => 10_000 * $i + 5000 } ]);

    is(join(' ', map { ($q->await($_, 20) || {})->{status} } @numbers),
       '200 200 204',
       "a landlord leaves, joins and sets a read mark, round $i");
    cmp_ok(watched(), '<=', $STEP,
           "round $i reads $STEP entries a step at most");
    is(unread('u-karl'), recount('u-karl'),
       "the unread count is exact after round $i");
}

$ll->finish();
