#!/usr/bin/perl

# "unread rebuild" names what is damaged, repairs the other properties, and
# removes from inboxes the threads that no property has; "lease load" goes on
# past failures in the same way.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $json = JSON::PP->new->utf8->canonical;
my $ll = LeaseLoft->new(worker_options => '--seal-after 3 --seal-size 4');

my @properties = map { "P-$_" } 1 .. 9;

for my $property (@properties) {
    $ll->lease($property);
    $ll->say($property, 'u-tom', 'one');
    $ll->say($property, 'u-lena', 'two');
}

sub inbox {
    my ($user) = @_;

    my $inbox = $ll->get('/api/inbox', user => $user)->json();

    return join ' ', $inbox->{total_unread},
                     sort map { "$_->{property}:$_->{unread}" }
                          @{ $inbox->{threads} };
}

my $right = join ' ', 9, map { "$_:1" } @properties;

is(inbox($_), $right, "the inbox of $_ is right at first") for qw(u-lena u-tom);


# all counts are wrong, and four properties and an inbox are damaged

$ll->redis('HSET', "ll:{p:$_}:meta", 'c:u-lena', 40, 'c:u-tom', 0, 'n', 50)
    for @properties;
$ll->redis('HSET', 'll:{u:u-lena}:inbox', ':', '900 1000 77');

my @damaged = qw(P-2 P-5 P-8);

for my $property (@damaged) {
    $ll->redis('RENAME', "ll:{p:$property}:meta", "kept:$property");
    $ll->redis('SET', "ll:{p:$property}:meta", 'damaged');
}

$ll->redis('RENAME', 'll:{p:P-9}:thread', 'kept:P-9');
$ll->redis('SET', 'll:{p:P-9}:thread', 'damaged');
$ll->redis('SET', 'll:{u:u-odd}:inbox', 'damaged');

my ($status, $out) = $ll->cli('unread', 'rebuild');

is($status, 1, 'unread rebuild exits with 1 for damage');
like($out, qr/^leaseloft: property \Q$_\E: Redis refuses: .*WRONGTYPE/m,
     "$_ is named with the reason") for @damaged;
like($out, qr/^leaseloft: property P-9: Redis refuses: .*WRONG/m,
     'P-9 is named with the reason');
like($out, qr/^leaseloft: user u-odd: Redis refuses: WRONGTYPE/m,
     'a damaged inbox is named with the reason');
like($out, qr/^5 threads, 2 users, \d+ inbox threads repaired, .* 5 damaged$/m,
     'the last line counts what was repaired and damaged');
is(scalar(() = $out =~ /^leaseloft:/mg), 5, 'each damaged key is named once');

for my $user (qw(u-lena u-tom)) {
    is($ll->poll($_, $user)->{you}{unread}, 1,
       "unread of $user in $_ is repaired")
        for qw(P-1 P-3 P-4 P-6 P-7);
}

like(inbox('u-lena'), qr/^9 P-1:1 P-3:1 P-4:1 P-6:1 P-7:1 P-9:\d+$/,
     'the inbox is repaired, without the threads that cannot be read');

my ($line) = ($ll->cli('unread', 'rebuild', '--json'))[1] =~ /^(\{.*\})$/m;
my $found = $json->decode($line)->{damaged};

is(join(' ', sort map { ($_->{property} // '-') . ':' . ($_->{user} // '-') }
                  @$found),
   '-:u-odd P-2:- P-5:- P-8:- P-9:-',
   '--json names each damaged key');
is(scalar(grep { $_->{detail} =~ /WRONGTYPE/ } @$found), 5,
   '--json has the reasons');

for my $property (@damaged) {
    $ll->redis('RENAME', "kept:$property", "ll:{p:$property}:meta");
}

$ll->redis('RENAME', 'kept:P-9', 'll:{p:P-9}:thread');
$ll->redis('DEL', 'll:{u:u-odd}:inbox');

($status, $out) = $ll->cli('unread', 'rebuild');
is($status, 0, 'unread rebuild exits with 0 once nothing is damaged');
is(inbox($_), $right, "the inbox of $_ is right again") for qw(u-lena u-tom);


# deleted properties leave the inboxes, and streams are told

my $events = $ll->stream('/api/inbox/events', user => 'u-tom');
$events->wait_event('hello');

my @keys = qw(thread meta reads snaps leases);

$ll->redis('DEL', map { my $p = $_; map { "ll:{p:$p}:$_" } @keys }
                  qw(P-3 P-4));
$ll->redis('HDEL', 'll:{p:P-6}:meta', 'm:u-tom', 'c:u-tom');

($status, $out) = $ll->cli('unread', 'rebuild');

is($status, 0, 'unread rebuild exits with 0 for deleted properties');
like($out, qr/^7 threads, 2 users, \d+ inbox threads repaired, 5 removed/m,
     'the last line counts what was removed');
is(inbox('u-lena'), join(' ', 7, map { "$_:1" } grep { !/-[34]/ } @properties),
   'deleted properties leave the inbox of the landlord');
is(inbox('u-tom'), join(' ', 6, map { "$_:1" } grep { !/-[346]/ } @properties),
   'deleted properties and lost threads leave the inbox of the tenant');
ok($events->wait_event(sub { ($_[0]{json}{total_unread} // -1) == 6
                             || $_[0]{event} eq 'reset' }),
   'the inbox stream gets the new total');
$events->close();

like(($ll->cli('unread', 'rebuild'))[1], qr/ 0 inbox threads repaired, 0 rem/,
     'a second run repairs and removes nothing');

# a property with the id of a deleted one starts afresh
is($ll->lease('P-3')->status(), 200,
   'the id of a deleted property is declared again');
is($ll->say('P-3', 'u-lena', 'hello again')->status(), 201,
   'a message in it gets 201');
like(inbox('u-tom'), qr/ P-3:1 /, 'the new thread is in the inbox');


# versions that a property has lost, as when it is older than the inbox

my $key = 'll:{u:u-lena}:inbox';
my $before = inbox('u-lena');
$ll->lease('P-2', ends_at => at(3600));
my $due = $ll->redis('ZSCORE', 'll:{due}:due', 'P-2');
my (undef, $rest) = split / /, $ll->redis('HGET', $key, 'P-1'), 2;
my ($unread, @rest) = split / /, $rest;

$ll->redis('HSET', $key, 'P-1', join ' ', 1000, $unread + 5, @rest);
$ll->redis('ZADD', 'll:{due}:due', $due + 86400000, 'P-2');
$ll->redis('HSET', 'll:{due}:vers', 'P-2', 1000);

($status, $out) = $ll->cli('unread', 'rebuild');
is($status, 0, 'unread rebuild exits with 0 for lost versions');
like($out, qr/ 1 inbox threads repaired, .*, 0 damaged, 1 due times repaired$/m,
     'the last line counts them');
is(inbox('u-lena'), $before, 'the inbox is as the property');
is($ll->redis('ZSCORE', 'll:{due}:due', 'P-2'), $due,
   'the due time is that of the lease');
is($ll->say('P-1', 'u-tom', 'three')->status(), 201, 'a message is sent');
is(inbox('u-lena') =~ / P-1:2 / ? 1 : 0, 1, '... and is counted in the inbox')
    or diag(inbox('u-lena'));
like(($ll->cli('unread', 'rebuild'))[1],
     qr/ 0 inbox threads repaired, 0 removed, 0 damaged$/m,
     'nothing is left to repair');


# damaged segments are named, and nothing else fails

my $sealed = 'll:{p:S}:segments';

$ll->lease($_) for 'S', 'S-whole';
for my $property ('S', 'S-whole') {
    $ll->say($property, 'u-tom', "text $_") for 1 .. 15;
}
ok(wait_for(sub { $ll->redis('HLEN', $sealed) == 3
                  && $ll->redis('HLEN', 'll:{p:S-whole}:segments') == 3 }, 10),
   'old entries are sealed');
my %kept = @{ $ll->redis('HGETALL', $sealed) };

is(($ll->cli('unread', 'rebuild'))[0], 0, 'whole segments are no damage');

my $changed = $kept{1};
substr($changed, -9, 1) ^= "\1";
$ll->redis('HSET', $sealed, 1, $changed);
$ll->redis('HDEL', $sealed, 2);

($status, $out) = $ll->cli('unread', 'rebuild');
is($status, 1, 'unread rebuild exits with 1 for damaged segments');
is(join("\n", $out =~ /^leaseloft: (.*?) is missing or damaged, .*backup$/mg),
   "property S: the segment with entries 5 to 8\n"
   . 'property S: the segment with entries 9 to 12',
   'each is named with its entries');
like($out, qr/ 2 damaged$/m, 'they are counted');
is($ll->poll('S-whole', 'u-lena')->{you}{unread}, 15,
   'unread of another property is right');

$ll->redis('HSET', $sealed, %kept);
($status, $out) = $ll->cli('unread', 'rebuild');
is($status, 0, 'unread rebuild exits with 0 once they are restored');
is($ll->poll('S', 'u-lena')->{you}{unread}, 15, 'unread is right again');


# leases whose queue cannot be written fail; the others are declared

sub load {
    my (@queues) = @_;

    my $body = { lease_id => 'L-1', label => 'x', time_zone => 'UTC',
                 landlords => [{ user => 'u-lena', name => 'Lena' }],
                 tenants => [{ user => 'u-tom', name => 'Tom' }],
                 starts_at => '2020-01-01T00:00:00Z', ends_at => undef };

    $ll->write('load', join '', map { $json->encode({ %$body, property => $_ })
                                      . "\n" } map { "N-$_" } 1 .. 40);

    return $ll->cli('lease', 'load', "$ll->{dir}/load", @queues);
}

$ll->redis('SET', 'll:{q:1}:requests', 'damaged');

($status, $out) = load('--queues', 2);
is($status, 1, 'lease load exits with 1 for failures');

my ($declared, $failed) = $out =~ /^(\d+) declared, (\d+) failed$/m;

is($declared + $failed, 40, 'lease load tries every line');
cmp_ok($declared, '>', 5, 'lease load declares the leases of the other queue');
is(scalar(() = $out =~ /^leaseloft: line \d+, N-\d+: Redis refuses: WRONG/mg),
   $failed, 'lease load names each lease that failed');

$ll->redis('DEL', 'll:{q:1}:requests');
$ll->finish();
