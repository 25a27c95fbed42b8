package Bench::Cases;

# What is measured: for each case its contenders, the first of which is ours,
# and a function that measures one of them once and returns its figures.

use strict;
use warnings;

use List::Util qw(sum);
use Time::HiRes qw(sleep time);

use Bench qw(cpu pss);
use Bench::Servers;

my $seconds = $ENV{LENGTH} || 5;
my $scale = $ENV{SCALE} || 1;

my @cpu = (['nginx', 'nginx µs'], ['worker', 'worker µs'], ['redis', 'Redis µs'],
           ['node', 'Node µs'], ['floor', 'floor µs']);
my @order = qw(memory memory-tls polls tokens latency latency-always throughput
               throughput-always workers history bytes storm outage many);

my %all = (
    'memory' => {
        title => 'nginx memory of an idle stream, bytes (PSS)',
        contenders => memory_contenders(0), measure => \&memory,
    },
    'memory-tls' => {
        title => 'the same over TLS 1.3',
        contenders => memory_contenders(1), measure => \&memory,
    },
    'polls' => {
        title => 'idle polls a second, one nginx worker',
        contenders => [['ours', 'ours', kind => 'poll'],
                       ['nginx, return 304', 'stock', status => 304]],
        measure => \&gets, more => [['nginx', 'nginx µs'],
                                    ['commands', 'Redis commands each'],
                                    ['others', 'other answers']],
    },
    'tokens' => {
        title => 'requests with a bad token a second, one nginx worker',
        contenders => [['ours', 'ours', kind => 'bad'],
                       ['nginx, return 401', 'stock', status => 401]],
        measure => \&gets, more => [['nginx', 'nginx µs'],
                                    ['commands', 'Redis commands each'],
                                    ['others', 'other answers']],
    },
    'latency' => {
        title => 'from the scheduled time to the event at 1,000 messages a'
                 . ' second, p50 in ms, everysec',
        contenders => [['ours', 'ours'], ['nchan + Redis', 'nchan'],
                       ['nchan, memory', 'nchan', memory => 1],
                       ['Node + Redis', 'node'], ['floor', 'floor']],
        measure => sub { talk(shift, rate => 1000, @_) },
        more => [['p99', 'p99'], ['max', 'max'], ['lost', 'lost'],
                 ['doubled', 'doubled'], @cpu],
    },
    'latency-always' => {
        title => 'the same, always',
        contenders => [['ours', 'ours', sync => 'always'],
                       ['nchan + Redis', 'nchan', sync => 'always'],
                       ['Node + Redis', 'node', sync => 'always']],
        measure => sub { talk(shift, rate => 1000, @_) },
        more => [['p99', 'p99'], ['max', 'max'], ['lost', 'lost'],
                 ['doubled', 'doubled'], @cpu],
    },
    'throughput' => {
        title => 'messages a second, closed loop, 64 senders, everysec',
        contenders => [['ours', 'ours'], ['nchan + Redis', 'nchan'],
                       ['nchan, memory', 'nchan', memory => 1],
                       ['Node + Redis', 'node'],
                       ['Node + Redis, two', 'node', workers => 2],
                       ['floor', 'floor']],
        measure => \&talk,
        more => [['p99', 'p99 ms'], ['lost', 'lost'], ['doubled', 'doubled'],
                 ['busy', 'cores busy'], @cpu],
    },
    'throughput-always' => {
        title => 'the same, always',
        contenders => [['ours', 'ours', sync => 'always'],
                       ['nchan + Redis', 'nchan', sync => 'always'],
                       ['Node + Redis', 'node', sync => 'always']],
        measure => \&talk,
        more => [['p99', 'p99 ms'], ['lost', 'lost'], ['doubled', 'doubled'],
                 ['busy', 'cores busy'], @cpu],
    },
    'workers' => {
        title => 'messages a second by the number of processes, everysec',
        contenders => [
            map { my ($n, $w) = @$_;
                  ["nginx $n, worker $w", 'ours', workers => $n,
                   leaseloft_workers => $w] } [1, 1], [2, 1], [1, 2], [2, 2] ],
        measure => \&talk,
        more => [['p99', 'p99 ms'], ['lost', 'lost'], @cpu],
    },
    'history' => {
        title => 'newest 50 of a thread of 100,000, pages a second',
        contenders => [['ours', 'ours'], ['XREVRANGE alone', 'redis']],
        measure => \&history, more => [['nginx', 'nginx µs'],
                                       ['redis', 'Redis µs']],
    },
    'bytes' => {
        title => 'Redis bytes for each stored message of 120 bytes',
        contenders => [['ours', 'ours'], ['stream entry alone', 'redis']],
        measure => \&bytes,
    },
    'storm' => {
        title => 'streams reconnecting with Last-Event-ID, a second',
        contenders => [['ours', 'ours', zone => '32m'],
                       ['nchan + Redis', 'nchan']],
        measure => \&storm,
        more => [['streams', 'streams'], ['max', 'latest message ms'],
                 ['deaf', 'deaf'], ['lost', 'lost'],
                 ['commands', 'Redis calls each'], ['nginx', 'nginx µs']],
    },
    'many' => {
        title => 'streams open at once, with 1,000 messages a second',
        contenders => [['ours', 'ours', zone => '128m']], measure => \&many,
        more => [['bytes', 'nginx bytes each'], ['p50', 'p50 ms'],
                 ['p99', 'p99 ms'], ['lost', 'lost'], ['deaf', 'deaf'],
                 ['rate', 'messages/s'], ['opened', 'opened/s'],
                 ['kernel', 'kernel bytes each']],
    },
    'outage' => {
        title => 'seconds from Redis\'s return to the first delivery',
        contenders => [['ours', 'ours'], ['nchan + Redis', 'nchan'],
                       ['Node + Redis', 'node']],
        measure => \&outage,
        more => [['accepted', 'first accepted'], ['lost', 'lost'],
                 ['doubled', 'doubled']],
    },
);


sub names { @order }
sub case { $all{ $_[0] } }


sub versions {
    my %of = (nginx => 'nginx -v 2>&1', redis => 'redis-server --version',
              node => 'node --version', kernel => 'uname -r',
              openssl => 'openssl version',
              cpu => 'grep -m1 -oP "model name\s+: \K.*" /proc/cpuinfo; nproc');

    return map { "$_: " . (qx(PATH=\$PATH:/usr/sbin; $of{$_}) =~ s/\n(?!$)/, /r
                           =~ s/\n//r) } sort keys %of;
}


sub memory_contenders {
    my ($tls) = @_;

    return [['ours', 'ours', tls => $tls],
            ['nchan + Redis', 'nchan', tls => $tls, defaults => 1],
            ['nchan + Redis, our nginx settings', 'nchan', tls => $tls],
            ['nchan, memory', 'nchan', tls => $tls, memory => 1, defaults => 1],
            $tls ? () : ['Node + Redis', 'node']];
}


# --- what is measured ---

sub memory {
    my ($kind, %o) = @_;

    my $streams = 5000 * $scale;
    my $server = Bench::Servers->start($kind, %o, properties => $streams / 2);
    my $part = $kind eq 'node' ? 'node' : 'nginx';
    my $before = pss($server->pids($part));
    my $load = Bench->load($server, properties => $streams / 2,
        streams => $streams, wait => 'yes', tls => $o{tls} ? 'yes' : undef);

    $load->phase('open');
    sleep 1;

    my $after = pss($server->pids($part));

    $load->end();
    $server->stop();

    return { value => ($after - $before) / $streams };
}


# how many commands of a kind that no function calls: what a server sent, less
# what it publishes to probe its links
sub commands {
    my ($server) = @_;

    my %calls = $server->redis('INFO', 'commandstats')
                =~ /^cmdstat_([^:]+):calls=(\d+)/mg;

    return sum(0, grep { defined } @calls{
        qw(fcall fcall_ro eval evalsha subscribe unsubscribe) });
}


sub gets {
    my ($kind, %o) = @_;

    my $ours = $kind eq 'ours';
    my $server = Bench::Servers->start($kind, %o, properties => 32);
    my $status = $o{status} // ($o{kind} eq 'poll' ? 304 : 401);
    my $load = Bench->load($server, properties => 32, gets => 64,
        kind => $o{kind}, expect => $status, warm => 1, seconds => $seconds,
        $ours ? () : (query => 'after=1.00000000'));

    $load->phase('start');
    my $commands = $ours ? commands($server) : 0;
    my $start = cpu($server->pids('nginx'));
    $load->phase('end');
    my $used = cpu($server->pids('nginx')) - $start;
    $commands = $ours ? commands($server) - $commands : 0;

    my $report = $load->report();
    $server->stop();

    return { value => $report->{per_second}, others => $report->{others},
             nginx => 1e6 * $used / $report->{gets},
             commands => $commands / $report->{gets} };
}


# messages under load of streams: with a rate its latency, else how many
sub talk {
    my ($kind, %o) = @_;

    my $streams = 10000 * $scale;
    my $rate = delete $o{rate};
    my $server = Bench::Servers->start($kind, %o, properties => $streams / 2);
    my $load = Bench->load($server, properties => $streams / 2,
        streams => $streams, senders => 64, rate => $rate, warm => 2,
        seconds => $seconds, wait => 'yes');

    $load->phase('open');
    sleep 1;
    $load->go();

    my (%start, %used);
    $load->phase('start');
    $start{$_} = cpu($server->pids($_)) for $server->parts();
    my $begun = time();
    $load->phase('end');
    $used{$_} = cpu($server->pids($_)) - $start{$_} for $server->parts();
    my $took = time() - $begun;

    my $r = $load->report();
    $server->stop();

    my $n = $r->{counted} || 1;

    return { value => $rate ? $r->{event}{p50} : $r->{per_second},
             p99 => $r->{event}{p99}, max => $r->{event}{max},
             map({ $_ => $r->{$_} } qw(lost doubled refused)),
             busy => sum(values %used) / $took,
             map({ $_ => 1e6 * $used{$_} / $n } keys %used) };
}


# a thread of so many messages, each sent by way of the server
sub fill {
    my ($server, $count) = @_;

    my $load = Bench->load($server, properties => 1, senders => 256,
        mixed => 'yes', seconds => 3600, streams => 0, rate => 0);

    for (1 .. 6000) {
        last if ($server->redis('XLEN', 'll:{p:b0}:thread')) >= $count;
        sleep 0.1;
    }

    $load->end();
    sleep 0.5;
}


sub history {
    my ($kind, %o) = @_;

    my $server = Bench::Servers->start('ours', properties => 1);
    my $count = 100000 * $scale;
    my %figures;

    fill($server, $count);

    if ($kind eq 'redis') {
        my $socket = $server->socket();
        my $said = qx(redis-benchmark -s $socket -c 50 -n 20000 --csv \\
                      XREVRANGE 'll:{p:b0}:thread' + - COUNT 50 2>/dev/null);
        ($figures{value}) = $said =~ /^"XREVRANGE[^,]*","([\d.]+)"/m;

    } else {
        my $load = Bench->load($server, properties => 1, gets => 50,
            query => 'limit=50', warm => 1, seconds => $seconds);
        $load->phase('start');
        my %start = map { $_ => cpu($server->pids($_)) } qw(nginx redis);
        $load->phase('end');
        my %used = map { $_ => cpu($server->pids($_)) - $start{$_} }
                       qw(nginx redis);
        my $report = $load->report();
        %figures = (value => $report->{per_second},
                    map { $_ => 1e6 * $used{$_} / ($report->{gets} || 1) }
                        keys %used);
    }

    $server->stop();

    return \%figures;
}


sub used_memory {
    my ($server) = @_;

    return ($server->redis('INFO', 'memory') =~ /^used_memory:(\d+)/m)[0];
}


sub thread_memory {
    my ($server) = @_;

    return sum(map { $server->redis('MEMORY', 'USAGE', "ll:{p:b$_}:thread",
                                    'SAMPLES', 0) } 0 .. 19);
}


sub bytes {
    my ($kind) = @_;

    my $server = Bench::Servers->start('ours', properties => 20);
    my $used = $kind eq 'redis' ? \&thread_memory : \&used_memory;
    my $before = $used->($server);
    my $load = Bench->load($server, properties => 20, senders => 20,
                           seconds => 10 * $scale);
    my $sent = $load->report()->{accepted};

    sleep 2;
    my $bytes = $used->($server) - $before;
    $server->stop();

    return { value => $bytes / $sent };
}


# several generators, as a process has descriptors for 20,000 connections
sub storm {
    my ($kind, %o) = @_;

    my $streams = 100000 * $scale;
    my $processes = int($streams / 16000) + 1;
    my $each = int($streams / $processes / 2);
    my $server = Bench::Servers->start($kind, %o, workers => $processes + 1,
                                       properties => $each * $processes);
    my @loads = map { Bench->load($server, first => $_ * $each,
        properties => $each, streams => 2 * $each, senders => 4, rate => 20,
        warm => 2, seconds => 3, storm => 'yes', round => 'yes',
        wait => 'yes', ahead => 512,
        place => $kind eq 'ours' ? 'after=1' : undef) } 0 .. $processes - 1;

    $_->phase('open') for @loads;
    sleep 1;
    my $commands = commands($server);
    my $start = cpu($server->pids('nginx'));
    $_->go() for @loads;

    my @from = map { $_->phase('storm')->{at} } @loads;
    my @until = map { $_->phase('reopened')->{at} } @loads;
    my $used = cpu($server->pids('nginx')) - $start;
    my ($first) = sort { $a <=> $b } @from;
    my ($last) = sort { $b <=> $a } @until;
    $commands = commands($server) - $commands;

    my @reports = map { $_->report() } @loads;
    $server->stop();

    my $n = 2 * $each * $processes;

    return { value => $n / ($last - $first), streams => $n,
             max => (sort { $b <=> $a } map { $_->{event}{max} } @reports)[0],
             map({ my $k = $_; $k => sum(map { $_->{$k} } @reports) }
                 qw(deaf lost)),
             commands => $commands / $n, nginx => 1e6 * $used / $n };
}


# bytes of the machine that no process has
sub kernel_memory {
    open my $f, '<', '/proc/meminfo' or return 0;
    my %kb = map { /^(\w+):\s+(\d+)/ } <$f>;

    return 1024 * ($kb{Slab} + ($kb{Percpu} // 0) + $kb{PageTables});
}


sub many {
    my ($kind, %o) = @_;

    my $streams = ($ENV{STREAMS} || 500000) * $scale;
    my $processes = int($streams / 16000) + 1;
    my $each = int($streams / $processes / 2);
    my $n = 2 * $each * $processes;
    my $server = Bench::Servers->start($kind, %o,
        workers => int($streams / 15000) + 2,
        properties => $each * $processes);
    my $before = pss($server->pids('nginx'));
    my $kernel = kernel_memory();
    my $start = time();
    my @loads = map { Bench->load($server, first => $_ * $each,
        properties => $each, streams => 2 * $each, senders => 8,
        rate => int(1000 / $processes) + 1, warm => 3, seconds => $seconds,
        wait => 'yes', ahead => 64) } 0 .. $processes - 1;

    $_->phase('open') for @loads;
    my $took = time() - $start;
    my $bytes = (pss($server->pids('nginx')) - $before) / $n;
    $kernel = (kernel_memory() - $kernel) / $n;
    $_->go() for @loads;

    my @reports = map { $_->report() } @loads;
    $server->stop();

    my %worst = map { my $k = $_;
        $k => (sort { $b <=> $a } map { $_->{event}{$k} } @reports)[0] }
        qw(p50 p99);

    return { value => $n, bytes => $bytes, kernel => $kernel, %worst,
             opened => $n / $took,
             rate => sum(map { $_->{per_second} } @reports),
             map({ my $k = $_; $k => sum(map { $_->{$k} } @reports) }
                 qw(deaf lost)) };
}


sub outage {
    my ($kind, %o) = @_;

    my $server = Bench::Servers->start($kind, %o, properties => 500);
    my $load = Bench->load($server, properties => 500, streams => 1000,
        senders => 64, rate => 500, warm => 1, seconds => 14, round => 'yes',
        timeline => 'yes', drain => 15);

    $load->phase('start');
    sleep 1;
    $server->{ll}->stop('redis', 'KILL');
    sleep 3;
    $server->{ll}->start('redis');
    my $back = time();

    my $r = $load->report();
    $server->stop();

    # what comes within the tenth of a second that has begun counts as later
    my $slot = int(10 * ($back - $r->{begun}));
    my @after = @{ $r->{timeline} }[$slot .. $#{ $r->{timeline} }];
    my ($accepted) = grep { $after[$_][0] > 20 } 0 .. $#after;
    my ($delivered) = grep { $after[$_][1] > 20 } 0 .. $#after;

    return { value => defined $delivered ? ($delivered + 1) / 10 : undef,
             accepted => defined $accepted ? ($accepted + 1) / 10 : undef,
             lost => $r->{lost}, doubled => $r->{doubled} };
}


1;
