#!/usr/bin/perl

# The lane of searches: no searcher, a stopped one, a full lane, a busy machine,
# a searcher or a worker that is killed, malformed requests, and a Redis that
# restarts.  None of these delays a message or changes health.

use strict;
use warnings;

use IO::Select;
use POSIX qw(setsid);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Client qw(connect_to);
use LeaseLoft::Search;

my $wait = 1.5;
my $lane = 'll:{search}:requests';

my $ll = LeaseLoft->new(worker_options => '--searchers 0',
                        directives => { leaseloft_wait => '20s' });

$ll->lease('P');
is($ll->say('P', 'u-tom', 'the boiler is out')->status(), 201, 'a message');

my $path = '/api/properties/P/search?q=boiler';

sub search { return $ll->get($path, user => $_[0] // 'u-tom') }

sub found { return search(@_)->body() =~ /the boiler is out/ }

sub metric {
    my ($name) = @_;
    my ($value) = $ll->get('/internal/metrics')->body()
        =~ /^leaseloft_$name ([\d.]+)$/m;
    return $value;
}

# starts n searches, and returns their sockets
sub start_searches {
    my ($n) = @_;

    my $token = $ll->token('u-tom');

    return map {
        my $socket = connect_to($ll->{ports}{http}) or die "connect: $!";
        $socket->syswrite("GET $path&limit=$_ HTTP/1.1\r\nHost: l\r\n"
                          . "Authorization: Bearer $token\r\n"
                          . "Connection: close\r\n\r\n");
        $socket;
    } map { 1 + $_ % 200 } 1 .. $n;
}

# how often which status was answered
sub statuses {
    my %n;

    for my $socket (@_) {
        my $in = '';
        while (IO::Select->new($socket)->can_read(10)) {
            sysread $socket, $in, 65536, length $in or last;
        }
        $n{ $in =~ /^HTTP\/1.1 (\d+)/ ? $1 : 'none' }++;
    }

    return \%n;
}

# n sends, none of which may wait for a search
sub sends_are_fast {
    my ($n, $what) = @_;

    my ($slowest, $failed) = (0, 0);

    for (1 .. $n) {
        my $start = time();
        $failed++ if $ll->say('P', 'u-lena', "hello $_")->status() != 201;
        my $took = time() - $start;
        $slowest = $took if $took > $slowest;
    }

    is($failed, 0, "$what: each of $n messages is accepted");
    cmp_ok($slowest, '<', $wait, sprintf '%s: none waits (%.0f ms)', $what,
                                         1000 * $slowest);
}

# whether searchers have taken all requests in the lane
sub taken {
    my %group = @{ $ll->redis('XINFO', 'GROUPS', $lane)->[0] };
    my %lane = @{ $ll->redis('XINFO', 'STREAM', $lane) };

    return $group{'last-delivered-id'} eq $lane{'last-generated-id'};
}

# the policy, nice value and time slice (ns) of a process
sub scheduling {
    my ($pid) = @_;

    my $attributes = "\0" x 48;

    require 'syscall.ph';
    syscall(SYS_sched_getattr(), $pid + 0, $attributes, 48, 0) == 0
        or die "sched_getattr: $!";

    my (undef, $policy, undef, $nice, undef, $slice)
        = unpack 'LLQlLQ', $attributes;

    return ($policy, $nice, $slice);
}

# processes that keep all processors busy, each in a session of its own
sub busy {
    my ($n) = `nproc` =~ /(\d+)/;
    my $test = $$;

    return map {
        my $pid = fork() // die "fork: $!";

        if ($pid == 0) {
            setsid();
            exec 'sh', '-c', "while [ -d /proc/$test ]; do :; done"
                or POSIX::_exit(127);
        }

        $pid;
    } 1 .. 2 * $n;
}


# no searcher

my $start = time();
my $r = search();
is_problem($r, 503, '', 'without a searcher a search gets 503');
cmp_ok(time() - $start, '<', $wait, 'at once');
like($r->header('Retry-After') // '', qr/^[1-9]\d*$/, 'with Retry-After');
is($ll->redis('EXISTS', $lane), 0, 'there is no lane');
is($ll->get('/internal/health')->status(), 200, 'health is 200');
is(metric('searches_failed_total'), 1, 'the metric counts it');
is(search('u-karl')->status(), 404, 'a stranger gets 404');
is($ll->get('/api/properties/P/search?q=', user => 'u-tom')->status(), 400,
   'a malformed query gets 400');
sends_are_fast(20, 'without a searcher');


# a worker with two searchers

$ll->stop('worker1');
$ll->{worker_options} = '--searchers 2 --log info';
$ll->start('worker1');
ok(wait_search($ll), 'a worker with searchers makes the lane');
ok(wait_for(sub { searchers($ll) == 2 }), 'there are two');

my ($kernel) = (POSIX::uname())[2] =~ /^(\d+\.\d+)/;
my $slices = sprintf('%d%03d', split /\./, $kernel) >= 6012;
my $batch = 3;

is((scheduling($ll->pid('worker1')))[0], 0, 'a worker is scheduled as usual');

for my $pid (searchers($ll)) {

    SKIP: {
        skip 'no sessions', 1 unless -e "/proc/$pid/autogroup";
        ok(wait_for(sub { qx(cat /proc/$pid/autogroup) =~ / nice 10$/ }),
           'the session of a searcher has a lower priority');
    }

    my ($policy, $nice, $slice) = scheduling($pid);

    is(getpgrp($pid), $pid, 'it is its own');
    is_deeply([$policy, $nice], [$batch, 10], 'so has the searcher');

    SKIP: {
        skip 'no time slices', 1 unless $slices;
        is($slice, 100_000_000, 'whoever wakes up interrupts it');
    }
}

ok(found(), 'a search is answered');
is_deeply(statuses(start_searches(100)), { 200 => 100 },
          '100 searches at once are answered');
is($ll->redis('XLEN', $lane), 0, 'none is left in the lane');
cmp_ok($ll->redis('PTTL', $lane), '>', 0, 'the lane expires by itself');
cmp_ok(metric('search_seconds_total'), '>', 0, 'a metric has the time');
is(metric('searches_total'), 101, 'and the number');


# from here on nginx waits for a shorter time

$ll->stop('nginx');
$ll->nginx_conf(directives => { leaseloft_wait => '1500ms' });
$ll->start('nginx');
ok($ll->wait_healthy(), 'nginx has another leaseloft_wait');


# stopped searchers: the lane is bounded, clients get 503, messages go on

my @stopped = searchers($ll);
kill 'STOP', @stopped;
my $failed = metric('searches_failed_total');

# the test may take longer than the lane lasts

$ll->redis('PEXPIRE', $lane, 60_000);

$start = time();
my @sockets = start_searches(300);
ok(wait_for(sub { $ll->redis('XLEN', $lane) >= 250 }), 'searches wait');
sends_are_fast(50, 'stopped searchers');
is_deeply(statuses(@sockets), { 503 => 300 },
          'searches that nobody answers get 503');
cmp_ok(time() - $start, '>', $wait - 0.1, 'after leaseloft_wait');
cmp_ok($ll->redis('XLEN', $lane), '<=', 256, 'the lane is bounded');
is($ll->get('/internal/health')->status(), 200, 'health is 200');
is(metric('searches_failed_total'), $failed + 300, 'the metric counts them');
is(metric('searches_waiting'), $ll->redis('XLEN', $lane),
   'a metric has the length of the lane');

# clients that leave

@sockets = start_searches(20);
sleep 0.1;
close $_ for @sockets;

kill 'CONT', @stopped;
ok(wait_for(sub { $ll->redis('XLEN', $lane) == 0 }), 'they empty the lane');
my $dropped = () = $ll->slurp('worker1.log') =~ /search was dropped/g;
cmp_ok($dropped, '>=', 200, 'they drop what nobody waits for any more');
ok(found(), 'and answer the next search');


# a busy machine

my @busy = busy();
@sockets = start_searches(40);
my $refused = grep { $ll->say('P', 'u-lena', "busy $_")->status() != 201 }
                   1 .. 20;
my $answers = statuses(@sockets);
kill 'KILL', @busy;
waitpid $_, 0 for @busy;

is($refused, 0, 'on a busy machine each of 20 messages is accepted');
is(($answers->{200} // 0) + ($answers->{503} // 0), 40,
   'and each of 40 searches gets 200 or 503');
ok(wait_for(sub { $ll->redis('XLEN', $lane) == 0 }), 'none is left over');
ok(wait_for(sub { found() }), 'later searches are answered');


# stopped for so long that the lane expires

kill 'STOP', @stopped;
ok(wait_for(sub { !$ll->redis('EXISTS', $lane) }, 10),
   'the lane of stopped searchers expires');
$start = time();
is(search()->status(), 503, 'a search gets 503 then');
cmp_ok(time() - $start, '<', $wait, 'at once');
kill 'CONT', @stopped;
ok(wait_search($ll), 'they make it again');
ok(wait_for(sub { search()->status() == 200 }), 'and answer');


# searchers are killed while each has a request; one that was stopped between
# two of its reads has none

for (1 .. 20) {
    kill 'STOP', @stopped;
    @sockets = start_searches(2);
    wait_for(sub { $ll->redis('XLEN', $lane) == 2 });
    last if taken();

    kill 'CONT', @stopped;
    statuses(@sockets);
}

ok(taken(), 'two searches are taken');
kill 'KILL', @stopped;
sends_are_fast(20, 'killed searchers');
is_deeply(statuses(@sockets), { 503 => 2 }, 'their searches get 503');
ok(wait_for(sub { my @now = searchers($ll);
                  @now == 2 && !grep { my $p = $_; grep { $_ == $p } @stopped }
                                     @now }),
   'the worker starts others');
ok(wait_for(sub { search()->status() == 200 }), 'which answer');
like($ll->slurp('worker1.log'), qr/searcher \d+ ended with status 9/,
     'it logs that');
cmp_ok($ll->redis('XLEN', $lane), '<=', 2, 'their requests are left');


# a lane with other things in it

for my $fields (['x', 'y'], ['u', 'u-tom'], ['q', ''],
                ['u', 'u-tom', 'w', 1000, 'r', 'n.1', 'q', '"'],
                ['u', 'u-tom', 'w', 1000, 'r', '', 'q', 'a'],
                ['u', '../..', 'w', 1000, 'r', 'n.1', 'q', 'a'],
                ['u', 'u-tom', 'w', 1000, 'r', 'n.1', 'q', "\xff"],
                ['u', 'u-tom', 'w', -1, 'r', 'n.1', 'q', 'a'],
                ['u', 'u-tom', 'w', 1000, 'r', 'n.1', 'q', 'a', 'p', ''],
                ['u', 'u-tom', 'w', 1000, 'r', 'n.1', 'q', 'a', 'p', 'P' x 65],
                ['u', 'u' x 65, 'w', 1000, 'r', 'n.1', 'q', 'a'],
                ['u', 'u-tom', 'w', 1000, 'r', 'n.1', 'q', 'a', 'limit', 0],
                ['u', 'u-tom', 'w', 1000, 'r', 'n.1', 'q', 'a', 'cursor', '.'],
                ['u', 'u-tom', 'w', 1000, 'r', 'n.1', 'q', 'a' x 100_000])
{
    $ll->redis('XADD', $lane, '*', @$fields);
}

my @before = searchers($ll);
ok(wait_for(sub { $ll->redis('XLEN', $lane) <= 2 }),
   'malformed requests are deleted');
ok(found(), 'searches are answered after them');
is_deeply([searchers($ll)], \@before, 'by the same processes');
my $malformed = () = $ll->slurp('worker1.log') =~ /request .* is malformed/g;
is($malformed, 14, 'each is logged');


# without rights, without the functions, with a Redis that restarts

$ll->redis('FUNCTION', 'FLUSH');
ok(wait_for(sub { search()->status() == 200 }, 10),
   'searches work again once the functions are loaded again');

$ll->stop('redis');
is(search()->status(), 503, 'without Redis a search gets 503');
$ll->start('redis');
ok($ll->wait_healthy(), 'Redis is back');
ok(wait_for(sub { search()->status() == 200 }, 10), 'and so are searches');

$ll->redis('DEL', $lane);
ok(wait_for(sub { search()->status() == 200 }), 'a lane that was deleted too');
$ll->redis('SET', $lane, 'x');
is(search()->status(), 503, 'a key of another type is no lane');
sends_are_fast(10, 'a key of another type');
is($ll->get('/internal/health')->status(), 200, 'health is 200');
$ll->redis('DEL', $lane);
ok(wait_for(sub { search()->status() == 200 }, 10), 'until it is deleted');


# workers that die take their searchers with them, others go on

$ll->start('worker2');
ok(wait_for(sub { searchers($ll, 'worker2') == 2 }), 'a second worker');
my @first = searchers($ll);
$ll->stop('worker1', 'KILL');
ok(wait_for(sub { !grep { -d "/proc/$_" } @first }),
   'a killed worker leaves no searcher');
ok(wait_for(sub { search()->status() == 200 }), 'those of the other answer');

my @second = searchers($ll, 'worker2');
kill 'STOP', @second;
$start = time();
$ll->stop('worker2');
cmp_ok(time() - $start, '<', 5, 'a worker stops although its searchers hang');
ok(!(grep { -d "/proc/$_" } @second), 'and kills them');

$ll->finish();
