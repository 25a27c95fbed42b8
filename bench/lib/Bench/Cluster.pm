package Bench::Cluster;

# What a Redis Cluster costs: the same work with a single server and with 1, 3
# and 6 primaries, on the same processors, so that only the processor time of a
# message can grow. All connections are TCP, as those of a cluster are.
#
#     cluster         from full queues, so that all batches are full. What
#                     servers and workers use while nothing happens is part of
#                     it: on two cores, the more primaries there are, the more of
#                     it falls on each message
#     cluster-talk    through nginx, closed loop, with the same number of senders,
#                     and with as many times as there are primaries: with the
#                     same number, the processes of a worker share the requests,
#                     so batches are smaller

use strict;
use warnings;

use List::Util qw(max sum);
use Time::HiRes qw(sleep time);

use Bench qw(used spent);
use Bench::Drain;
use Bench::Measure;
use Bench::Record;
use Bench::Servers;

my $properties = 600;
my %kept;

my @primaries = ([single => 0], map { ["$_ primaries" => $_] } 1, 3, 6);


# the cases, for the list of Bench::Cases
sub cases {
    return (
        'cluster' => {
            title => 'worker and Redis by primaries, from full queues:'
                     . ' processor µs of the worker for a message',
            of => 'Redis', contenders => contenders(),
            measure => \&full, finish => \&finish,
            more => [['redis', 'Redis µs'], ['batch', 'messages a batch'],
                     ['busiest', 'busiest primary / mean'],
                     ['owed', 'inboxes owed'], ['rate', 'messages/s'],
                     ['idle_worker', 'worker µs a second, idle'],
                     ['idle_redis', 'Redis']],
        },
        'cluster-talk' => {
            title => 'messages a second by primaries, closed loop, everysec',
            of => 'Redis', contenders => [ map { talkers(@$_) } @primaries ],
            measure => \&talk,
            more => [['nginx', 'nginx µs'], ['worker', 'worker µs'],
                     ['redis', 'Redis µs'], ['batch', 'messages a batch'],
                     ['busiest', 'busiest primary / mean'], ['lost', 'lost'],
                     ['links', 'connections of nginx'],
                     ['channels', 'channels subscribed to'],
                     ['property', 'bytes a property'],
                     ['message', 'bytes a message']],
        },
    );
}


sub contenders {
    return [ map { [$_->[0], 'ours', primaries => $_->[1]] } @primaries ];
}


sub talkers {
    my ($label, $n) = @_;

    return map { ["$label, $_ senders", 'ours', primaries => $n,
                  senders => $_] } 64, $n > 1 ? 64 * $n : ();
}


# full($kind, primaries => N): requests are queued faster than workers take
# them, after a first message to each property. Turns are short, so the servers
# of all contenders stay until the case ends.
sub full {
    my ($kind, %o) = @_;

    my $count = Bench::Drain::count();
    my $kept = $kept{ $o{primaries} } //= prepare(%o);
    my ($server, $queues) = @$kept{qw(server queues)};

    my @commands = requests($queues, $kept->{next}, $count);
    my ($stats, %idle) = stats($server);
    my %start = used_by($server);
    my $begun = time();

    fill($server, @commands);
    settle($server, $queues);

    my %spent = spent_since($server, %start);
    my $took = time() - $begun;

    $kept->{next} += $count;

    my $figures = figures($server, $stats, $count, %spent);

    $figures->{stored} == $count or die "not all were stored\n";

    return { %$figures, %idle, value => $figures->{worker},
             rate => $count / $took };
}


sub prepare {
    my (%o) = @_;

    my $server = Bench::Servers->start('backend', tcp => 1, %o,
                                       properties => $properties);
    my $queues = queues($server);

    fill($server, requests($queues, 0, 4 * $properties));
    settle($server, $queues);

    return { server => $server, queues => $queues, next => 1e6 };
}


sub finish {
    $_->{server}->stop() for values %kept;
    %kept = ();
}


# talk($kind, primaries => N): streams and senders
sub talk {
    my ($kind, %o) = @_;

    my $streams = 2000 * $Bench::Measure::scale;
    my $senders = delete $o{senders};
    my $server = Bench::Servers->start('ours', tcp => 1, %o, properties => 0);
    my $half = $streams / 4;

    # what a server has once is there after the first half

    $server->leases(0, $half);
    my $before = memory($server);
    $server->leases($half, $half);
    my $declared = memory($server);
    my $load = Bench->load($server, properties => $streams / 2,
        streams => $streams, senders => $senders, warm => 2,
        seconds => $Bench::Measure::seconds, wait => 'yes');

    $load->phase('open');
    sleep 1;
    my @nginx = subscribed($server);
    my ($stats) = stats($server);
    $load->go();
    $load->phase('start');

    my %start = used_by($server, 'nginx');

    $load->phase('end');
    my %spent = spent_since($server, %start);

    my $r = $load->report();
    my $figures = figures($server, $stats, $r->{counted} || 1, %spent);

    # the queue, which is part of it, is empty by now
    my $bytes = (memory($server) - $declared) / $r->{accepted};

    $server->stop();

    return { %$figures, value => $r->{per_second}, lost => $r->{lost},
             links => $nginx[0],
             channels => $nginx[1], message => $bytes,
             property => ($declared - $before) / $half };
}


# --- processor time ---

# used_by($server): part => what each of its processes has used
sub used_by {
    my ($server, @more) = @_;

    return map { $_ => used($server->pids($_)) } qw(worker redis), @more;
}


# spent_since($server, %start): of each part, in us, and how even the primaries
# are
sub spent_since {
    my ($server, %start) = @_;

    my @each = map { spent($start{redis}, $_) } $server->primaries();

    return (map({ $_ => 1e6 * spent($start{$_}, $server->pids($_)) }
                keys %start),
            busiest => max(@each) * @each / (sum(@each) || 1));
}


# figures($server, $before, $count, %spent): for each of this number of messages
sub figures {
    my ($server, $before, $count, %spent) = @_;

    my ($stats) = stats($server);
    my %done = map { $_ => $stats->{$_} - $before->{$_} }
                   qw(messages batches owed);

    return { busiest => delete $spent{busiest},
             map({ $_ => $spent{$_} / $count } keys %spent),
             batch => $done{messages} / ($done{batches} || 1),
             owed => $done{owed}, stored => $done{messages} };
}


# stats($server): the counters of the newest heartbeat, once it has all, and
# what is used meanwhile if nothing happens, in us a second
sub stats {
    my ($server) = @_;

    my (%stats, @all);
    my %start = used_by($server);

    sleep 2.5;

    my %used = map { +"idle_$_" => 1e6 / 2.5
                                   * spent($start{$_}, $server->pids($_)) }
                   qw(worker redis);

    for my $redis ($server->connections()) {
        for my $key (@{ $redis->command('KEYS', 'll:*:workers') }) {
            my %all = @{ $redis->command('HGETALL', $key) };
            push @all, map { +{ /\b(\w+)[=:](\d+)/g } } values %all;
        }
    }

    my ($newest) = sort { $b->{batches} <=> $a->{batches} } @all;

    return ($newest, %used);
}


# --- Redis ---

# of all servers, less the buffers
sub memory {
    my ($server) = @_;

    my $sum = 0;

    for my $redis ($server->connections()) {
        my %of = $redis->command('INFO', 'memory') =~ /^(\w+):(\d+)/mg;

        $sum += $of{used_memory} - $of{mem_clients_normal} - $of{mem_aof_buffer};
    }

    return $sum;
}


# subscribed($server): connections of nginx, which have no name, and channels
sub subscribed {
    my ($server) = @_;

    my ($links, $channels) = (0, 0);

    for my $redis ($server->connections()) {
        $links += () = $redis->command('CLIENT', 'LIST')
                       =~ /\baddr=127\.\S+ .*\bname= /g;
        $channels += @{ $redis->command('PUBSUB', $server->{primaries}
                                        ? 'SHARDCHANNELS' : 'CHANNELS') };
    }

    return ($links, $channels);
}


# --- queues ---

# queues($server): for each property the index of its primary, the queue, and a
# name for replies which that primary has, as nginx chooses it
sub queues {
    my ($server) = @_;

    return [ map { [0, 'll:{q:0}:requests', 'nginx'] } 1 .. $properties ]
        unless $server->{primaries};

    my ($redis) = $server->connections();
    my $owner = sub {
        my $slot = $redis->command('CLUSTER', 'KEYSLOT', $_[0]);
        my $dealt = $server->{cluster}{dealt};

        return (grep { $slot <= $dealt->[$_][1] } 0 .. $#$dealt)[0];
    };

    my (%home, %name);

    for (reverse 0 .. 63) {
        $home{ $owner->("{q:$_}") } = "ll:{q:$_}:requests";
        $name{ $owner->("{r:nginx$_}") } = "nginx$_";
    }

    return [ map { my $i = $owner->("{p:b$_}"); [$i, $home{$i}, $name{$i}] }
                 0 .. $properties - 1 ];
}


# requests($queues, $first, $count): for each primary the commands that queue
# them, as nginx does
sub requests {
    my ($queues, $first, $count) = @_;

    my @commands;

    for my $n ($first .. $first + $count - 1) {
        my $k = $n % $properties;
        my ($i, $queue, $name) = @{ $queues->[$k] };

        push @{ $commands[$i] }, Bench::Drain::request($queue, $k, $n, $name);
    }

    return @commands;
}


sub fill {
    my ($server, @commands) = @_;

    my @sockets = $server->sockets();

    Bench::Record::pipe_all($server, $sockets[$_], @{ $commands[$_] })
        for 0 .. $#commands;
}


sub settle {
    my ($server, $queues) = @_;

    my @redis = $server->connections();
    my %queues = map { $_->[1] => $_->[0] } @$queues;

    for (1 .. 6000) {
        return unless grep { $redis[$queues{$_}]->command('XLEN', $_) }
                           keys %queues;
        sleep 0.01;
    }

    die "the queues do not get empty\n";
}


1;
