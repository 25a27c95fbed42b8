#!/usr/bin/perl

# The access check of writes.  While no client of this nginx process watches
# the property, nginx asks Redis before each write; while one does, nginx
# caches which users have access, until the lease changes.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();
my ($soon, $later) = (at(86400), at(172800));
my %p = (tenants => ['u-tom'], ends_at => $soon);
my %next = (lease_id => 'L-2', starts_at => $later, ends_at => undef);

$ll->lease('P', %p);
$ll->lease('Q', tenants => ['u-mia']);

# "QUERIES QUEUED": how many functions nginx called in Redis, and how many
# requests it queued, while $code ran
sub cost {
    my ($code) = @_;

    my @before = calls();
    $code->();
    my @after = calls();

    return join ' ', map { $after[$_] - $before[$_] } 0, 1;
}

sub calls {
    my $info = $ll->redis('INFO', 'commandstats');
    my ($asked) = $info =~ /cmdstat_fcall_ro:calls=(\d+)/;
    my $queued = $ll->redis('XINFO', 'STREAM', 'll:{q:0}:requests');
    my %queued = ref $queued ? @$queued : ();
    return ($asked // 0, $queued{'entries-added'} // 0);
}

sub sends {
    my ($user, $n, $status, $what) = @_;

    for (1 .. $n) {
        my $r = $ll->say('P', $user, 'x');
        is($r->status(), $status, $what) if $r->status() != $status || $_ == 1;
    }
}

sub watched {
    my ($user) = @_;

    my $stream = $ll->events('P', $user);
    ok($stream->wait_event('hello'), "$user opens a stream");

    # a received message proves that the channel is subscribed to
    ok(wait_for(sub {
        $ll->say('P', 'u-lena', 'hello?');
        $stream->wait_event('', 0.5);
    }), "the stream of $user is live");

    return $stream;
}


# nobody watches: each write costs one query, whoever writes

is(cost(sub { sends('u-tom', 5, 201, 'a tenant can send') }), '5 5',
   'each send to an unwatched property costs one query');
is(cost(sub { $ll->mark('P', 'u-tom', 2) }), '1 1',
   'a read mark on an unwatched property costs one query');
is(cost(sub { sends('u-mia', 5, 404, 'a stranger gets 404') }), '5 0',
   'a stranger costs a query for each send, and nothing is queued');


# with a stream: its user costs no query, another user costs one

my $tom = watched('u-tom');

is(cost(sub { sends('u-tom', 20, 201, 'a user with a stream can send') }),
   '0 20', 'sends of a user with a stream cost no query');
is(cost(sub { $ll->mark('P', 'u-tom', 5) }), '0 1',
   'read marks of a user with a stream cost no query');

$p{ends_at} = $later;
$ll->lease('P', %p);
ok($tom->wait_event('lease'), 'the stream gets the changed lease');

is(cost(sub { sends('u-tom', 1, 201, 'a tenant can send still') }), '0 1',
   'after a change of the lease its event has renewed the cached access');
is(cost(sub { sends('u-lena', 1, 201, 'a landlord can send') }), '1 1',
   'the first send of a user without a stream costs one query');
is(cost(sub { sends('u-lena', 20, 201, 'a landlord can send again') }),
   '0 20', 'further sends of that user cost none');
is(cost(sub { $ll->mark('P', 'u-lena', 5) }), '0 1',
   'read marks of that user cost none');

is(cost(sub { sends('u-mia', 5, 404, 'a stranger gets 404 on P') }), '5 0',
   'the refusal of a stranger is not cached');


# a user who is taken off the lease is refused at once, and nothing is queued

for my $round (1 .. 3) {
    $ll->lease('P', %next, tenants => ['u-mia']);
    sends('u-mia', 3, 409, 'a tenant of a pending lease cannot send');
    is(cost(sub { sends('u-mia', 2, 409, 'nor with cached access') }), '0 2',
       'the access of a tenant of a pending lease is cached');

    $ll->lease('P', %next, tenants => ['u-ana']);
    is(cost(sub { sends('u-mia', 1, 404, 'a user taken off gets 404') }),
       '1 0', 'the first send of a user taken off is not queued');
    is(cost(sub { sends('u-mia', 2, 404, 'a user taken off gets 404') }),
       '2 0', 'further sends of a user taken off are not queued');
}

# the same with a stream
my $ana = $ll->events('P', 'u-ana');
ok($ana->wait_event('hello'), 'a tenant of a pending lease opens a stream');
is(cost(sub { sends('u-ana', 2, 409, 'u-ana cannot send yet') }), '0 2',
   'the stream makes the access known');

$ll->lease('P', %next, tenants => ['u-mia']);
is(cost(sub { sends('u-ana', 1, 404, 'u-ana gets 404 when taken off') }),
   '1 0', 'a user with a stream who is taken off is refused at once');


# a poll makes access known, too, and a later message does not end that

$tom->close();
$ana->close();

$ll->lease('R');
$ll->poll('R', 'u-tom');
ok(wait_for(sub {
    my $head = $ll->poll('R', 'u-tom')->{head};
    cost(sub { $ll->poll('R', 'u-tom', "after=$head") }) eq '0 0';
}), 'a repeated poll is answered without Redis');
is(cost(sub { $ll->say('R', 'u-tom', 'x') for 1 .. 3 }), '0 3',
   'sends after a poll cost no query');

# a write does not subscribe
$ll->lease('S');
$ll->say('S', 'u-tom', 'x') for 1 .. 3;
is(scalar @{ $ll->redis('PUBSUB', 'CHANNELS', 'll:{p:S}:ch') }, 0,
   'writes subscribe to no channel');


# when the connection to Redis is lost, cached access is dropped until it is
# back

my $lena = $ll->events('R', 'u-lena');
ok($lena->wait_event('hello'), 'a landlord opens a stream');
ok(wait_for(sub {
    cost(sub { $ll->say('R', 'u-lena', 'x') }) eq '0 1';
}), 'the access of its user is known');

$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
ok($lena->wait_event(sub {
    $_[0]{event} eq 'ping' && !$_[0]{json}{live}
}), 'the stream is told that it is not live');
ok($lena->wait_event(sub {
    $_[0]{event} eq 'ping' && $_[0]{json}{live}
}), 'the stream is told that it is live again');
is(cost(sub { $ll->say('R', 'u-lena', 'x') }), '0 1',
   'the access of its user is known again');

$ll->finish();
