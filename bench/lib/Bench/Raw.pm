package Bench::Raw;

# The cost in Redis of each command that nginx and the workers send, pipelined
# by one client: the minimum for a message. Commands that can be repeated are
# sent by redis-benchmark; those that change the state for the next one are
# replayed as a worker sent them.

use strict;
use warnings;

use Bench qw(cpu);
use Bench::Drain;
use Bench::Measure qw(fill);
use Bench::Record;
use Bench::Servers;

my $pipeline = 32;
my $newest = 50;

# by redis-benchmark, as nginx or a worker sent the first of each
my @again = (
    ['ll1_access', qr/^FCALL_RO ll1_access /],
    ['XADD to the queue', qr/^XADD ll:\{q:0/],
    ['PUBLISH of a verdict', qr/^PUBLISH ll:\{r:\S+ \d+ 201 /],
    ['ll1_view of a stream', qr/^FCALL_RO ll1_view .*\{p:b0\}.* none /],
    ["ll1_view, newest $newest",
     qr/^FCALL_RO ll1_view .*\{p:b0\}.* newest \d+ \S* $newest /],
    ['ll1_since, after a lost connection',
     qr/^FCALL_RO ll1_since .*\{p:b0\}.* [1-9]\d* \d+ $/],
);

# replayed in this order for each message
my @once = (
    ['XREADGROUP', qr/^XREADGROUP /],
    ['ll1_append', qr/^FCALL ll1_append /],
    ['ll1_badge, all parties', qr/^FCALL ll1_badge /],
    ['PUBLISH of verdicts', qr/^PUBLISH /],
    ['XDEL', qr/^XDEL /],
    ['XACK', qr/^XACK /],
);

my (%figures, %asked);
my $round = 0;


sub contenders {
    return map { [$_->[0], $_->[0]] } @again, @once;
}


# raw($name): the first call measures all of them
sub raw {
    my ($name) = @_;

    if (++$asked{$name} > $round) {
        $round++;
        %figures = ();
        %figures = all();
    }

    return $figures{$name} // die "not measured\n";
}


sub all {
    my $count = Bench::Drain::count();

    return (once($count), again($count));
}


# the commands that workers sent for this number of messages, by kind
sub once {
    my ($count) = @_;

    my $record = Bench::Drain::recorded($count);
    my $server = Bench::Servers->start('redis');

    Bench::Drain::pin($server);
    $record->restore($server);

    my @figures = map {
        my ($name, $regex) = @$_;
        ($name => timed($server, $count,
                        sub { $record->replay($server, $regex) },
                        scalar $record->commands($regex)))
    } @once;

    Bench::Drain::check($server, $count);
    $server->stop();

    return @figures;
}


# repeated on a thread of this length, which no other client reads
sub again {
    my ($count) = @_;

    my $server = Bench::Servers->start('ours', properties => 2);
    my $record = sample($server);

    kill 'STOP', $server->pids('nginx'), $server->pids('worker');
    Bench::Drain::pin($server);

    my @figures = map {
        my ($name, $regex) = @$_;
        my ($command) = $record->commands($regex);

        !$command ? ()
            : ($name => timed($server, $count,
                              sub { benchmark($server, $count, $command) },
                              $count))
    } @again;

    $server->stop();

    return @figures;
}


# streams, messages, pages, a lost subscription, and a property without streams:
# all commands that exist are sent
sub sample {
    my ($server) = @_;

    fill($server, 4 * $newest);

    my $record = Bench::Record->new($server);
    my $load = Bench->load($server, properties => 2, streams => 2,
        senders => 1, rate => 20, gets => 2, query => "limit=$newest",
        warm => 0.2, seconds => 2, wait => 'yes');

    $load->phase('open');
    $load->go();
    $load->phase('start');
    $server->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
    $load->report();
    $record->end();

    return $record;
}


# timed($server, $messages, $code, $commands): $code returns the seconds
sub timed {
    my ($server, $messages, $code, $commands) = @_;

    my $used = cpu($server->pids('redis'));
    my $took = $code->();
    $used = cpu($server->pids('redis')) - $used;

    return { value => $messages / $took, redis => 1e6 * $used / $messages,
             commands => $commands / $messages };
}


# redis-benchmark with one connection: the seconds that it took
sub benchmark {
    my ($server, $count, $command) = @_;

    my @program = ('taskset', '-c', $server->{pin}, 'redis-benchmark', '-s',
                   $server->socket(), '-c', 1, '-P', $pipeline, '-n', $count,
                   '--csv');

    open my $pipe, '-|', @program, @$command or die "redis-benchmark: $!";
    my $said = do { local $/; <$pipe> };
    close $pipe;

    # the name of the test is the command, which may have several lines
    my ($rate) = $said =~ /","([\d.]+)"(?:,"[\d.]+"){6}\s*$/;

    die "redis-benchmark: $said\n" unless $rate;

    return $count / $rate;
}


1;
