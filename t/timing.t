#!/usr/bin/perl

# A 404 does not tell whether the property exists: neither by the commands that
# it sends to Redis, which are counted, nor by the time that it takes.
#
# Times are compared in rounds.  Each round asks once for every property, in a
# new random order over one connection, so that other load on the machine meets
# them all alike.  The median of the differences within rounds, between a
# property that exists and one that does not, is bounded by the ranks beside it,
# which needs no assumption about the noise.  The test passes once the whole
# range is within the bound.  Until then rounds are added, up to a number, after
# which the test fails.
#
# The bound is a third of what a round trip to Redis takes here, and 12 us at
# most: a round trip takes at least 13.  It is measured by an invalid id, for
# which nothing is sent to Redis.
use strict;
use warnings;

use List::Util qw(min shuffle);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my ($rounds, $most) = (400, 6000);
my $cap = 12e-6;

my $ll = LeaseLoft->new(
    main => 'worker_processes 1;', worker_options => '--searchers 0',
    http => 'keepalive_requests 1000000; keepalive_time 1h;');

# ids of one length; X and Y do not exist, and "!" is invalid
my %what = (
    Q => 'watched, with a long thread', R => 'ended', S => 'pending',
    Y => 'unknown as well',
);
my @there = qw(Q R S);
my $none = '!';

$ll->lease('P');
$ll->lease('Q', landlords => ['u-omar'], tenants => ['u-mia']);
$ll->lease('R', landlords => ['u-omar'], tenants => ['u-mia'],
           ends_at => '2021-01-01T00:00:00Z');
$ll->lease('S', landlords => ['u-omar'], tenants => ['u-mia'],
           starts_at => '2090-01-01T00:00:00Z');
$ll->say('Q', 'u-mia', 'x' x 4000) for 1 .. 50;

my $token = $ll->token('u-tom');
my $body = '{"client_id":"c","text":"t"}';
my %requests;

for my $case (['GET', 'messages'], ['GET', 'messages?after=1&limit=5'],
              ['GET', 'events'], ['POST', 'messages'], ['POST', 'read'])
{
    my ($method, $what) = @$case;

    for my $p ('X', 'Y', $none, @there) {
        $requests{"$method $what"}{$p} = join "\r\n",
            "$method /api/properties/$p/$what HTTP/1.1", 'Host: localhost',
            "Authorization: Bearer $token", $method eq 'GET' ? ('', '')
            : ('Content-Type: application/json',
               'Content-Length: ' . length $body, '', $body);
    }
}

my ($socket, $watch);

# a connection, and a stream to Q
sub begin {
    $socket = LeaseLoft::connect_to($ll->{ports}{http}) or die "connect: $!";
    $watch = $ll->events('Q', 'u-mia');
    ok($watch->wait_event('hello'), 'a stream to Q is open');
}

# sends a request: the status, and the seconds that it took
sub ask {
    my ($raw) = @_;

    my ($in, $start) = ('', time());

    syswrite $socket, $raw;

    for (;;) {
        sysread $socket, $in, 65536, length $in or die "closed: $in\n";
        my ($head, $rest) = $in =~ /^(.*?\r\n)\r\n(.*)$/s or next;
        my ($length) = $head =~ /^Content-Length: (\d+)\r/mi
            or die "no length: $head";
        last if length $rest >= $length;
    }

    my $took = time() - $start;

    return ($in =~ m{^HTTP/1\.1 (\d+)}, $took);
}


# the commands that Redis has run since the last call, with those by functions;
# without those that nginx and this test run anyway
sub asked {
    my %calls = $ll->redis('INFO', 'commandstats')
                    =~ /^cmdstat_([^:]+):calls=(\d+)/mg;

    $ll->redis('CONFIG', 'RESETSTAT');
    delete @calls{qw(info config|resetstat publish)};

    # the worker's: Redis 8 counts it again at each wake-up
    delete $calls{xreadgroup};

    # the write probe of nginx, once a second
    delete $calls{xadd} if ($calls{xadd} // 0) < 5;

    return join ' ', map { "$_=$calls{$_}" } sort keys %calls;
}


# the bounds of the median of what a list is drawn from: of n values n/2 are
# below it, give or take sqrt(n)/2, four times over
sub median {
    my @sorted = sort { $a <=> $b } @_;
    my $off = 2 * sqrt @sorted;

    return [ $sorted[$#sorted / 2 - $off], $sorted[$#sorted / 2 + $off + 1] ];
}


# runs more rounds, and adds the seconds of each property to its list
sub compare {
    my ($request, $times) = @_;

    for (1 .. $rounds) {
        for my $p (shuffle keys %$request) {
            push @{ $times->{$p} }, (ask($request->{$p}))[1];
        }
    }

    my $x = $times->{X};

    return map {
        my $t = $times->{$_};
        $_ => median(map { $t->[$_] - $x->[$_] } 0 .. $#$x);
    } keys %what, $none;
}


# by commands: exact, without a worker, which polls Redis for requests

# the commands of 20 requests to each property by each endpoint
sub commands {
    my %found;

    for my $name (sort keys %requests) {
        for my $p ('X', 'Y', @there) {
            asked();
            my %seen = map { (ask($requests{$name}{$p}))[0] => 1 } 1 .. 20;
            $found{"$name: $p"} = [ asked(), join ' ', keys %seen ];
        }
    }

    return %found;
}

# one read of one field, whatever the property holds
my $one = 'fcall_ro=20 hget=20';

$ll->signal('worker1', 'STOP');
begin();

# nginx and Redis may run a command of their own meanwhile: then everything is
# measured again.  That hides nothing, as a command that a property makes nginx
# send is sent each time, and one that it sends only once, it sends once more
# after it is started again.

my (%found, $tries);

for (;;) {
    ok(wait_for(sub { asked(); sleep 1; asked() eq '' }, 20),
       'without requests, no command is sent');
    %found = commands();
    last if ++$tries == 4 || !grep { $_->[0] ne $one } values %found;

    $ll->stop('nginx');
    $ll->start('nginx');
    begin();
}

for my $name (sort keys %found) {
    is($found{$name}[1], 404, "$name gets 404");
    is($found{$name}[0], $one, "$name sends one call to Redis, as all others");
}

$ll->signal('worker1', 'CONT');


# by time

for my $name (sort keys %requests) {
    my (%times, %seen, $bound, @late);

    do {
        %seen = compare($requests{$name}, \%times);
        $bound = min($cap, -$seen{$none}[1] / 3);
        @late = grep { $seen{$_}[0] < -$bound || $seen{$_}[1] > $bound }
                     keys %what;
    } while (@late && @{ $times{X} } < $most);

    my $said = sprintf "bound %.1f us; %d rounds: %s", $bound * 1e6,
        scalar @{ $times{X} }, join ', ', map {
            sprintf '%s %+.1f to %+.1f', $_, map { $_ * 1e6 } @{ $seen{$_} }
        } sort keys %seen;

    diag("$name: $said") if $ENV{LEASELOFT_TIMES};

    for my $p (sort keys %what) {
        ok(!(grep { $_ eq $p } @late),
           "$name: $p ($what{$p}) takes as long as X") or diag($said);
    }
}

close $socket;
$watch->close();

$ll->finish();
