#!/usr/bin/perl

# Whether a write is a stranger's: asked of Redis before each write on a
# property that nobody watches, known while it is watched, until the lease
# changes.

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

# what nginx asked Redis, and the requests that it queued, while this ran
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
    ok($stream->wait_event('hello'), "$user watches");

    # live is not said again unless it was not; a message says that it hears
    ok(wait_for(sub {
        $ll->say('P', 'u-lena', 'hello?');
        $stream->wait_event('', 0.5);
    }), 'and hears');

    return $stream;
}


# nobody watches: one question for each write, whoever writes

is(cost(sub { sends('u-tom', 5, 201, 'sent') }), '5 5', 'five sends unwatched');
is(cost(sub { $ll->mark('P', 'u-tom', 2) }), '1 1', 'a mark');
is(cost(sub { sends('u-mia', 5, 404, 'a stranger') }), '5 0', 'a stranger');


# with a stream: none for its user; one for somebody else, then none

my $tom = watched('u-tom');

is(cost(sub { sends('u-tom', 20, 201, 'sent') }), '0 20', 'with a stream');
is(cost(sub { $ll->mark('P', 'u-tom', 5) }), '0 1', 'marks too');

$p{ends_at} = $later;
$ll->lease('P', %p);
ok($tom->wait_event('lease'), 'the lease changed');

is(cost(sub { sends('u-tom', 1, 201, 'sent') }), '0 1',
   'the stream knows anew');
is(cost(sub { sends('u-lena', 1, 201, 'sent') }), '1 1', 'another is asked');
is(cost(sub { sends('u-lena', 20, 201, 'sent') }), '0 20', 'once');
is(cost(sub { $ll->mark('P', 'u-lena', 5) }), '0 1', 'for marks, too');

# a stranger each time
is(cost(sub { sends('u-mia', 5, 404, 'a stranger') }), '5 0',
   'strangers are not remembered');


# who was taken off is refused at once, and nothing of theirs is queued

for my $round (1 .. 3) {
    $ll->lease('P', %next, tenants => ['u-mia']);
    sends('u-mia', 3, 409, 'the next tenant cannot write yet');
    is(cost(sub { sends('u-mia', 2, 409, 'still not') }), '0 2', 'but is known');

    $ll->lease('P', %next, tenants => ['u-ana']);
    is(cost(sub { sends('u-mia', 1, 404, 'taken off') }), '1 0',
       'refused, and nothing queued');
    is(cost(sub { sends('u-mia', 2, 404, 'taken off') }), '2 0', 'and again');
}

# one who watches, likewise
my $ana = $ll->events('P', 'u-ana');
ok($ana->wait_event('hello'), 'one more watches');
is(cost(sub { sends('u-ana', 2, 409, 'not yet') }), '0 2', 'is known');

$ll->lease('P', %next, tenants => ['u-mia']);
is(cost(sub { sends('u-ana', 1, 404, 'taken off') }), '1 0', 'refused at once');


# by polls: what one was told holds for writes, beyond the next message

$tom->close();
$ana->close();

$ll->lease('R');
$ll->poll('R', 'u-tom');
ok(wait_for(sub {
    my $head = $ll->poll('R', 'u-tom')->{head};
    cost(sub { $ll->poll('R', 'u-tom', "after=$head") }) eq '0 0';
}), 'a poll from memory');
is(cost(sub { $ll->say('R', 'u-tom', 'x') for 1 .. 3 }), '0 3',
   'and sends after it');

# a write watches nothing
$ll->lease('S');
$ll->say('S', 'u-tom', 'x') for 1 .. 3;
is(scalar @{ $ll->redis('PUBSUB', 'CHANNELS', 'll:{p:S}:ch') }, 0,
   'no channel because of writes');


# the link is lost: nobody is known until it is back

my $lena = $ll->events('R', 'u-lena');
ok($lena->wait_event('hello'), 'a stream');
ok(wait_for(sub {
    cost(sub { $ll->say('R', 'u-lena', 'x') }) eq '0 1';
}), 'knows its user');

$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
ok($lena->wait_event(sub {
    $_[0]{event} eq 'ping' && !$_[0]{json}{live}
}), 'the link is lost');
ok($lena->wait_event(sub {
    $_[0]{event} eq 'ping' && $_[0]{json}{live}
}), 'and back');
is(cost(sub { $ll->say('R', 'u-lena', 'x') }), '0 1', 'known again');

$ll->finish();
