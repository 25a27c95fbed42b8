#!/usr/bin/perl

# A 404 tells nobody whether the property exists: neither by what it asks of
# Redis, which is counted, nor by the time that it takes.
#
# Times are compared in rounds: in each, every property is asked for once, in a
# new random order, over one connection.  What is judged is the median of the
# differences within rounds, between a property that is there and one that is
# not.  Its bound is five times the error of such a median, as two properties
# that are both not there show it, and 5 us: one more trip to Redis
# takes 13 at the least.  What lies beyond is measured again, up to four times:
# a leak stays, what else the machine was busy with goes.

use strict;
use warnings;

use List::Util qw(shuffle);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

my $rounds = 400;
my $floor = 5e-6;

my $ll = LeaseLoft->new(
    main => 'worker_processes 1;',
    http => 'keepalive_requests 1000000; keepalive_time 1h;');

# ids of one length; X and Y are not there
my %what = (
    Q => 'watched, with a long thread', R => 'ended', S => 'pending',
    Y => 'not there either',
);
my @there = qw(Q R S);

$ll->lease('P');
$ll->lease('Q', landlords => ['u-omar'], tenants => ['u-mia']);
$ll->lease('R', landlords => ['u-omar'], tenants => ['u-mia'],
           ends_at => '2021-01-01T00:00:00Z');
$ll->lease('S', landlords => ['u-omar'], tenants => ['u-mia'],
           starts_at => '2090-01-01T00:00:00Z');
$ll->say('Q', 'u-mia', 'x' x 4000) for 1 .. 50;

my $watch = $ll->events('Q', 'u-mia');
ok($watch->wait_event('hello'), 'Q is watched');

my $token = $ll->token('u-tom');
my $body = '{"client_id":"c","text":"t"}';
my %requests;

for my $case (['GET', 'messages'], ['GET', 'messages?after=1&limit=5'],
              ['GET', 'events'], ['POST', 'messages'], ['POST', 'read'])
{
    my ($method, $what) = @$case;

    for my $p ('X', 'Y', @there) {
        $requests{"$method $what"}{$p} = join "\r\n",
            "$method /api/properties/$p/$what HTTP/1.1", 'Host: localhost',
            "Authorization: Bearer $token", $method eq 'GET' ? ('', '')
            : ('Content-Type: application/json',
               'Content-Length: ' . length $body, '', $body);
    }
}

my $socket = LeaseLoft::connect_to($ll->{ports}{http}) or die "connect: $!";

# asks once: the status, and the seconds it took
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


# what was asked of Redis since the last call, command by command, functions'
# own included; not what nginx and we do anyway
sub asked {
    my %calls = $ll->redis('INFO', 'commandstats')
                    =~ /^cmdstat_([^:]+):calls=(\d+)/mg;

    $ll->redis('CONFIG', 'RESETSTAT');
    delete @calls{qw(info config|resetstat publish)};

    # once a second nginx tries whether it may write
    delete $calls{xadd} if ($calls{xadd} // 0) < 5;

    return join ' ', map { "$_=$calls{$_}" } sort keys %calls;
}


# the median of a list, and the error of that: from the distance between its
# quartiles, as for a normal distribution
sub median {
    my @sorted = sort { $a <=> $b } @_;

    return ($sorted[@sorted / 2],
            ($sorted[@sorted * 3 / 4] - $sorted[@sorted / 4])
            * 0.93 / sqrt @sorted);
}


# a round: the seconds that each property took
sub compare {
    my ($request) = @_;

    my %times;

    for (1 .. $rounds) {
        for my $p (shuffle keys %$request) {
            push @{ $times{$p} }, (ask($request->{$p}))[1];
        }
    }

    return map {
        my $p = $_;
        my ($middle, $error) = median(
            map { $times{$p}[$_] - $times{X}[$_] } 0 .. $rounds - 1);
        $p => { middle => $middle, error => $error };
    } keys %what;
}


# by calls: exact.  Without a worker, who asks Redis for something to do.

$ll->signal('worker1', 'STOP');

for my $name (sort keys %requests) {
    my $first;

    for my $p ('X', 'Y', @there) {
        asked();
        my %seen = map { (ask($requests{$name}{$p}))[0] => 1 } 1 .. 20;
        my $calls = asked();

        is(join(' ', keys %seen), 404, "$name: $p is a 404");
        like($calls, qr/^fcall_ro=20( \S+=20)*$/, "$name: $p asks once")
            if !defined $first;
        $first //= $calls;
        is($calls, $first, "$name: $p asks Redis for the same");
    }
}

$ll->signal('worker1', 'CONT');


# by time

for my $name (sort keys %requests) {
    my %late = map { $_ => '' } @there;

    for (1 .. 4) {
        my %seen = compare($requests{$name});
        my $bound = $floor + 5 * $seen{Y}{error};

        diag(sprintf "%s: %s, bound %.1f us", $name,
             join(', ', map { sprintf '%s %+.1f', $_, $seen{$_}{middle} * 1e6 }
                        sort keys %seen), $bound * 1e6)
            if $ENV{LEASELOFT_TIMES};

        for my $p (grep { defined $late{$_} } @there) {
            if (abs $seen{$p}{middle} <= $bound) {
                delete $late{$p};
            } else {
                $late{$p} .= sprintf ' %+.1f us, bound %.1f;',
                                     $seen{$p}{middle} * 1e6, $bound * 1e6;
            }
        }

        last if !%late;
    }

    for my $p (@there) {
        is($late{$p} // '', '', "$name: $p ($what{$p}) takes as long");
    }
}

close $socket;
$watch->close();

$ll->finish();
