package Bench::Drain;

# The rate of a worker, compared with that of Redis when it gets the same
# commands pipelined and without pauses. Redis has one core; the worker or the
# replay has the other.

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use Bench qw(cpu);
use Bench::Measure;
use Bench::Record;
use Bench::Servers;

my $properties = 500;
my $inbox = 'll:{q:0}:requests';

# the recorded commands that a replay sends; only this place knows
my %kinds = (
    append => qr/^FCALL ll1_append /,
    inboxes => qr/^FCALL ll1_(?:append|badge)/,
    all => qr/^(?!PING|CLIENT|INFO|SCAN|XLEN|MONITOR|FUNCTION)/,
);

my $recorded;


# a case: emptied by workers, or replayed
sub drain {
    my ($kind, %o) = @_;

    my $count = count();

    return $kind eq 'worker' ? drained($count, %o) : replayed($count, %o);
}


sub count { 4000 * $Bench::Measure::seconds * $Bench::Measure::scale }


# drained(workers => N): N workers process all that the queue holds
sub drained {
    my ($count, %o) = @_;

    my $server = backend($o{workers});
    my @workers = $server->pids('worker');

    fill($server, 1e6, $count);

    my @used = (cpu(@workers), cpu($server->pids('redis')));
    my $took = work($server, $count);

    @used = (cpu(@workers) - $used[0], cpu($server->pids('redis')) - $used[1]);
    $server->stop();

    return { value => $count / $took, worker => 1e6 * $used[0] / $count,
             redis => 1e6 * $used[1] / $count };
}


# replayed(what => 'append'): the commands that one worker sent for the same
# number of messages
sub replayed {
    my ($count, %o) = @_;

    my $record = recorded($count);
    my $server = Bench::Servers->start('redis');

    pin($server);
    $record->restore($server);

    my $used = cpu($server->pids('redis'));
    my $took = $record->replay($server, $kinds{ $o{what} });
    $used = cpu($server->pids('redis')) - $used;
    check($server, $count);
    $server->stop();

    return { value => $count / $took, redis => 1e6 * $used / $count };
}


# recorded($count): recorded once for all runs
sub recorded {
    my ($count) = @_;

    return $recorded if $recorded;

    my $server = backend(1);

    fill($server, 1e6, $count);

    my $record = Bench::Record->new($server);

    work($server, $count);
    $record->end();
    $server->stop();

    # the last reads found an empty queue and blocked
    my $commands = $record->{commands};
    pop @$commands while @$commands && $commands->[-1][0] ne 'XACK';

    return $recorded = $record;
}


# A Redis with a full queue, and stopped workers that have all properties
# cached, so that neither their start nor their first reads are measured.
sub backend {
    my ($workers) = @_;

    my $server = Bench::Servers->start('backend', properties => $properties,
                                       leaseloft_workers => $workers);

    fill($server, 0, $properties * $workers);
    settle($server);
    kill 'STOP', $server->pids('worker');
    pin($server);

    return $server;
}


# no rewrite of the append-only file: it competes with commands
sub pin {
    my ($server) = @_;

    $server->redis('CONFIG', 'SET', 'auto-aof-rewrite-percentage', 0);

    $server->{pin} = 1;
    system("taskset -acp 0 $_ >/dev/null") for $server->pids('redis');
    system("taskset -acp 1 $_ >/dev/null") for $server->pids('worker');
}


# fill($server, $first, $count): queues requests as nginx does, with ids of
# their own, later than those of the leases, so that the same requests can be
# processed again
sub fill {
    my ($server, $first, $count) = @_;

    Bench::Record::send_all($server, map {
        request($inbox, $_ % $properties, $_, '0123456789abcdef');
    } $first .. $first + $count - 1);
}


# request($queue, $k, $n, $nginx): the request n of that process of nginx, for
# property k
sub request {
    my ($queue, $k, $n, $nginx) = @_;

    my $text = 'The heating in the bathroom has been making a noise since'
               . ' last night. Could somebody please come and have a look?';

    return Bench::Record::resp('XADD', $queue, (9e12 + $n) . '-1',
        'op', 'send', 'p', "b$k", 'u', ($n % 2 ? 'l' : 't') . $k,
        'b', qq({"client_id":"d-$n","text":"#$n# $text"}),
        'r', "$nginx.$n");
}


# work($server, $count): seconds until the workers have processed these
sub work {
    my ($server, $count) = @_;

    my $before = entries($server);
    my $start = time();

    kill 'CONT', $server->pids('worker');
    my $took = settle($server) - $start;

    die "not all were stored\n" if entries($server) != $before + $count;

    return $took;
}


# waits until the queue is empty: the time of that
sub settle {
    my ($server) = @_;

    my $redis = LeaseLoft::Redis->new($server->socket());

    for (1 .. 6000) {
        return time() if $redis->command('XLEN', $inbox) == 0;
        sleep 0.01;
    }

    die "the inbox does not get empty\n";
}


sub entries {
    my ($server) = @_;

    my $redis = LeaseLoft::Redis->new($server->socket());
    my $sum = 0;

    $sum += $redis->command('XLEN', "ll:{p:b$_}:thread")
        for 0 .. $properties - 1;

    return $sum;
}


# a replay that stores fewer was refused, which is cheap
sub check {
    my ($server, $count) = @_;

    # a lease entry and the first message of each property
    die "not all were stored\n"
        if entries($server) != 2 * $properties + $count;
}


1;
