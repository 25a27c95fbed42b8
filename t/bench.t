#!/usr/bin/perl

# The load generator of bench/, against a server (bench/floor) that loses,
# doubles, refuses and stalls on purpose: the report must count each message.

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
is($r->{lost}, 0, 'without faults no event is reported as lost');
is($r->{doubled}, 0, 'without faults no event is reported as doubled');
is($r->{deaf}, 0, 'without faults no stream is reported as deaf');
is($r->{refused}, 0, 'without faults no send is reported as refused');
is($r->{events}, 2 * $r->{accepted}, 'two streams get each message');
is($r->{unsent}, 0, 'all scheduled messages are sent');

# Lost events never come, so do not wait long for them: each event is sent
# before the answer to its send, and all answers have come by then.
my @soon = ('--drain', 0.5);

# In the last round each stream gets one message, so a missing last event is
# noticed, too.
$r = load(['--lose', 7], '--rate', 1000, @soon);
is($r->{lost}, int(2 * $r->{accepted} / 7), 'each lost event is reported');
is($r->{doubled}, 0, 'lost events are not reported as doubled');

$r = load(['--double', 9]);
is($r->{doubled}, int(2 * $r->{accepted} / 9),
   'each doubled event is reported');
is($r->{lost}, 0, 'doubled events are not reported as lost');

$r = load(['--deaf', 10], @soon);
is($r->{deaf}, 4, 'each deaf stream is reported');

$r = load(['--refuse', 50], '--rate', 1000);
cmp_ok($r->{refused}, '>=', 5, 'refused sends are reported');
is($r->{lost}, 0, 'refused messages are sent again');

# lateness counts from when a message was due, not from when it was sent
$r = load(['--stall', '100:200'], '--rate', 1000);
cmp_ok($r->{over_100}, '>=', 100, 'messages due during a stall are late');
cmp_ok($r->{event}{max}, '>=', 199, 'the first of them is late by the stall');

# an event in two pieces, cut at each of its 200 and more places in turn
$r = load(['--split', 1], '--rate', 1000);
is($r->{events}, 2 * $r->{accepted}, 'two streams get each split event');
is($r->{lost} + $r->{doubled} + $r->{deaf}, 0,
   'a split event counts as one event');

# for servers that number events only if the sender does
like(request('--event-id'), qr/^Event-ID: 1\r$/m,
     '--event-id adds an Event-ID to each send');
unlike(request(), qr/^Event-ID/m, 'by default sends have no Event-ID');

# recorded commands are replayed byte by byte
my $bytes = join '', map { chr } 0 .. 255;
my $quoted = $bytes =~ s{([^ -!#-\[\]-~])}{sprintf '\\x%02x', ord $1}ger;
is(Bench::Record::unescape($quoted), $bytes, 'a record keeps all bytes');
is(Bench::Record::unescape('a\\nb\\"c\\\\n'), "a\nb\"c\\n",
   'a record keeps bytes with an escape of their own');

is(join(' ', Bench::Cases::names('growth', 'many')),
   'growth-streams growth-properties growth-messages growth-parties'
   . ' growth-nginx many',
   'measurements are chosen by the beginning of their names');

done_testing();


# the first request of the load generator, run with @options
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


# load($faults, @options): the report of the load generator, run with @options
# against a floor with @$faults; checks the sum of its counts
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
       "@$faults: the reported events add up");

    return $report;
}
