#!/usr/bin/perl

# How many properties nginx hears about for those who only poll: a number of
# them, the others are let go, and nobody sees less for it.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_max_lingering => 3 });
my @properties = map { "P-$_" } 1 .. 6;

$ll->lease($_) for @properties;


# the property channels that Redis knows of
sub watched {
    my $names = $ll->redis('PUBSUB', 'CHANNELS', 'll:{p:*');
    return [sort map { /\{p:([^}]+)\}/ ? $1 : () } @$names];
}


# what the poll of a property costs: calls of functions
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
   'the last three are heard of') or diag("@{ watched() }");

# the first poll was answered before its channel was live
ok(wait_for(sub { (cost('P-6'))[0] == 0 }), 'a poll of one asks nobody');
is((cost('P-5'))[0], 0, 'nor one of another');
is("@{ watched() }", 'P-4 P-5 P-6', 'which changes nothing');

# P-4 is the one asked for longest ago by now
my ($calls, $poll) = cost('P-1');
is($calls, 1, 'a poll of one that was let go asks Redis');
is($poll->{head} =~ s/\..*//r, 1, 'and says how things are');
ok(wait_for(sub { "@{ watched() }" eq 'P-1 P-5 P-6' }),
   'it is heard of, and the oldest is not') or diag("@{ watched() }");


# what is said of one that is not heard of is seen all the same

$ll->say('P-4', 'u-tom', 'unheard');
($calls, $poll) = cost('P-4');
is($poll->{entries}[-1]{text}, 'unheard', 'the next poll has it');


# streams do not count, nor are theirs let go

my @streams = map { $ll->events($_, 'u-lena') } @properties;
is(scalar(grep { $_->wait_event('hello') } @streams), 6, 'streams open');
is("@{ watched() }", "@properties", 'all are heard of');

$ll->poll($_, 'u-lena', 'limit=5') for @properties;
is("@{ watched() }", "@properties", 'polled, too');

$ll->say($_, 'u-tom', 'heard') for @properties;
is(scalar(grep { $_->wait_event(sub { ($_[0]{json}{text} // '') eq 'heard' }) }
          @streams), 6, 'and all hear');

# they end, and a new one makes it too many
$_->close() for @streams;
$ll->lease('P-7');
$ll->poll('P-7', 'u-lena', 'limit=5');
ok(wait_for(sub { @{ watched() } == 3 }), 'three are left')
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
