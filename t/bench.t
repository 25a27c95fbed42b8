#!/usr/bin/perl

# The load generator of bench/, against a server that loses, doubles, refuses
# and stalls on purpose: it must say so, to the message.

use strict;
use warnings;

use File::Basename qw(dirname);
use FindBin;
use IO::Socket::INET;
use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use lib "$FindBin::Bin/lib", "$FindBin::Bin/../bench/lib";

use Bench::Cases;
use Bench::Record;

my $root = dirname(__FILE__) . '/..';
my $build = $ENV{BUILD} || 'build';
$build = "$root/$build" if $build !~ m{^/};

my $r = load([], '--rate', 1000);
is($r->{lost}, 0, 'nothing lost');
is($r->{doubled}, 0, 'nothing doubled');
is($r->{deaf}, 0, 'no stream deaf');
is($r->{refused}, 0, 'nothing refused');
is($r->{events}, 2 * $r->{accepted}, 'each message came twice');
is($r->{unsent}, 0, 'all sent that were scheduled');

# what is lost is waited for in vain, so not for long: all answers have come by
# then, and each event was sent before its answer
my @soon = ('--drain', 0.5);

# the streams hear a message each in the last round, so a hole shows, too
$r = load(['--lose', 7], '--rate', 1000, @soon);
is($r->{lost}, int(2 * $r->{accepted} / 7), 'every seventh is lost');
is($r->{doubled}, 0, 'nothing doubled then');

$r = load(['--double', 9]);
is($r->{doubled}, int(2 * $r->{accepted} / 9), 'every ninth is doubled');
is($r->{lost}, 0, 'nothing lost then');

$r = load(['--deaf', 10], @soon);
is($r->{deaf}, 4, 'every tenth stream is deaf');

$r = load(['--refuse', 50], '--rate', 1000);
cmp_ok($r->{refused}, '>=', 5, 'some refused');
is($r->{lost}, 0, 'and sent again');

# a message is late from when it was due, though it was sent after the pause
$r = load(['--stall', '100:200'], '--rate', 1000);
cmp_ok($r->{over_100}, '>=', 100, 'all that were due are late');
cmp_ok($r->{event}{max}, '>=', 199, 'the first one by the pause');

# wherever an event is cut in two; all 200 and more places have their turn
$r = load(['--split', 1], '--rate', 1000);
is($r->{events}, 2 * $r->{accepted}, 'events in pieces came twice each');
is($r->{lost} + $r->{doubled} + $r->{deaf}, 0, 'and are one event each');

# what a peer needs that numbers events only if it is told to
like(request('--event-id'), qr/^Event-ID: 1\r$/m, 'sends name their event');
unlike(request(), qr/^Event-ID/m, 'but only where they are to');

# recorded commands are sent again to the byte
my $bytes = join '', map { chr } 0 .. 255;
my $quoted = $bytes =~ s{([^ -!#-\[\]-~])}{sprintf '\\x%02x', ord $1}ger;
is(Bench::Record::unescape($quoted), $bytes, 'bytes of a record');
is(Bench::Record::unescape('a\\nb\\"c\\\\n'), "a\nb\"c\\n",
   'and those with a name');

is(join(' ', Bench::Cases::names('growth', 'many')),
   'growth-streams growth-properties growth-messages growth-parties'
   . ' growth-nginx many', 'measurements by the beginning of their names');

done_testing();


# the first request of a sender with such options
sub request {
    my (@options) = @_;

    my $server = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
                                       Timeout => 5) or die "listen: $!";
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        exec "$build/bench/load", '--port', $server->sockport(), '--senders',
             1, '--rate', 100, '--seconds', 0.1, '--drain', 0.1, @options;
        die "load: $!";
    }

    my ($client, $request) = ($server->accept(), '');

    if ($client) {
        1 while $request !~ /\r\n\r\n/
                && sysread $client, $request, 4096, length $request;
    }

    close $_ for grep { $_ } $client, $server;
    kill 'KILL', $pid;
    waitpid $pid, 0;

    return $request;
}


# the report about a floor with such faults, whose sum is right
sub load {
    my ($faults, @options) = @_;

    my $probe = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "listen: $!";
    my $port = $probe->sockport();
    close $probe;

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        exec { "$build/bench/floor" } "floor", '--port', $port, @$faults;
        die "floor: $!";
    }

    for (1 .. 100) {
        last if IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port");
        sleep 0.01;
    }

    my @lines = split /\n/, join '', qx($build/bench/load --port $port \\
        --properties 20 --streams 40 --senders 16 --seconds 0.25 --round \\
        @options);

    kill 'KILL', $pid;
    waitpid $pid, 0;

    my $report = decode_json($lines[-1] // '{}');

    is($report->{events},
       2 * $report->{accepted} - $report->{lost} + $report->{doubled},
       "@$faults: what came is what was sent, but for what is told");

    return $report;
}
