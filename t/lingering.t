#!/usr/bin/perl

# Lingering subscriptions: for properties that are only polled, nginx stays
# subscribed to the leaseloft_max_lingering last ones, so that repeated polls do
# not query Redis; polls of all others are right, too.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_max_lingering => 3 });
my @properties = map { "P-$_" } 1 .. 6;

$ll->lease($_) for @properties;


# the properties to whose channels nginx is subscribed
sub watched {
    my $names = $ll->redis('PUBSUB', 'CHANNELS', 'll:{p:*');
    return [sort map { /\{p:([^}]+)\}/ ? $1 : () } @$names];
}


# how many functions nginx calls in Redis for a poll, and the poll
sub cost {
    my ($property) = @_;

    my $before = calls();
    my $poll = $ll->poll($property, 'u-lena', 'limit=5');
    return (calls() - $before, $poll);
}


sub calls {
    my $info = $ll->redis('INFO', 'commandstats');
    return ($info =~ /^cmdstat_fcall_ro:calls=(\d+)/m)[0] // 0;
}


$ll->poll($_, 'u-lena', 'limit=5') for @properties;
ok(wait_for(sub { "@{ watched() }" eq 'P-4 P-5 P-6' }),
   'nginx stays subscribed to the last three polled properties')
    or diag("@{ watched() }");

# the first poll was answered before the subscription was confirmed
ok(wait_for(sub { (cost('P-6'))[0] == 0 }),
   'a poll of a subscribed property does not query Redis');
is((cost('P-5'))[0], 0,
   'a poll of another subscribed property does not query Redis');
is("@{ watched() }", 'P-4 P-5 P-6',
   'polls of subscribed properties do not change the subscriptions');

# by now P-4 is the least recently polled one
my ($calls, $poll) = cost('P-1');
is($calls, 1, 'a poll of another property queries Redis once');
is($poll->{head} =~ s/\..*//r, 1, 'a poll of another property is right');
ok(wait_for(sub { "@{ watched() }" eq 'P-1 P-5 P-6' }),
   'its subscription replaces that of the least recently polled property')
    or diag("@{ watched() }");


# a message to a property without a subscription

$ll->say('P-4', 'u-tom', 'unheard');
($calls, $poll) = cost('P-4');
is($poll->{entries}[-1]{text}, 'unheard',
   'a poll has a message that came without a subscription');


# subscriptions of streams do not count, and are kept

my @streams = map { $ll->events($_, 'u-lena') } @properties;
is(scalar(grep { $_->wait_event('hello') } @streams), 6,
   'a stream of each property begins');
is("@{ watched() }", "@properties",
   'nginx is subscribed to each property with a stream');

$ll->poll($_, 'u-lena', 'limit=5') for @properties;
is("@{ watched() }", "@properties",
   'polls do not end the subscriptions of streams');

$ll->say($_, 'u-tom', 'heard') for @properties;
is(scalar(grep { $_->wait_event(sub { ($_[0]{json}{text} // '') eq 'heard' }) }
          @streams), 6, 'each stream gets its message');

# all streams end, and one more property is polled
$_->close() for @streams;
$ll->lease('P-7');
$ll->poll('P-7', 'u-lena', 'limit=5');
ok(wait_for(sub { @{ watched() } == 3 }),
   'three subscriptions are left when all streams have ended')
    or diag("@{ watched() }");

$ll->finish(more => 1);


# a property lingers from the end of its last stream on, however long that was
# open, so that a client that comes right back finds it subscribed

$ll = LeaseLoft->new(
    directives => { leaseloft_linger => '3s', leaseloft_ping => '1s' });
$ll->lease($_) for 'P-1', 'P-2';

my $long = $ll->events('P-1', 'u-lena');
my $clock = $ll->events('P-2', 'u-lena');
ok($long->wait_event('hello'), 'a stream opens');

# pings of another stream tell the time
ping() for 1 .. 4;
$long->close();
ping() for 1 .. 2;

is("@{ watched() }", 'P-1 P-2',
   'a property stays subscribed after a stream longer than linger');
ok(wait_for(sub { "@{ watched() }" eq 'P-2' }, 10),
   'it is unsubscribed once linger is over');

$ll->finish();


sub ping {
    my $seen = grep { $_->{event} eq 'ping' } $clock->events();

    return wait_for(sub {
        $seen < grep { $_->{event} eq 'ping' } $clock->events();
    }) || die "no ping\n";
}
