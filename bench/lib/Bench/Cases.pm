package Bench::Cases;

# The cases: for each its contenders, the first of which is ours, and a function
# that measures one contender once and returns its figures.

#
#     title       of the table
#     contenders  [LABEL, arguments of the function ...], the kind of server
#                 first
#     more        [FIGURE, heading]: columns beside "value"
#     of          heading of the first column ("server")
#     finish      called after the last run
#     ratio       0 where rows are not to be compared with the first one

use strict;
use warnings;

use Bench::Capacity;
use Bench::Cluster;
use Bench::Crowd;
use Bench::Drain;
use Bench::Growth;
use Bench::Landlord;
use Bench::Measure;
use Bench::Raw;
use Bench::Search;
use Bench::Storage;

# a module that the user has built
my @push = $ENV{PUSH_STREAM_MODULE} ? ['push-stream', 'push'] : ();

my @cpu = (['nginx', 'nginx µs'], ['worker', 'worker µs'],
           ['redis', 'Redis µs'], ['node', 'Node µs'], ['floor', 'floor µs']);
my @order = qw(memory memory-tls polls tokens latency latency-always throughput
               throughput-always workers drain raw history landlord search
               search-sends bytes storage capacity storm outage growth-streams
               growth-properties growth-messages growth-parties growth-nginx
               cluster cluster-talk many);

my %all = (
    'memory' => {
        title => 'nginx memory of an idle stream, bytes (PSS)',
        contenders => memory_contenders(0), measure => \&Bench::Measure::memory,
    },
    'memory-tls' => {
        title => 'the same over TLS 1.3',
        contenders => memory_contenders(1), measure => \&Bench::Measure::memory,
    },
    'polls' => {
        title => 'idle polls a second, one nginx worker',
        contenders => [['ours', 'ours', kind => 'poll'],
                       ['nginx, return 304', 'stock', status => 304]],
        measure => \&Bench::Measure::gets, more => [['nginx', 'nginx µs'],
                                    ['commands', 'Redis commands each'],
                                    ['others', 'other answers']],
    },
    'tokens' => {
        title => 'requests with a bad token a second, one nginx worker',
        contenders => [['ours', 'ours', kind => 'bad'],
                       ['nginx, return 401', 'stock', status => 401]],
        measure => \&Bench::Measure::gets, more => [['nginx', 'nginx µs'],
                                    ['commands', 'Redis commands each'],
                                    ['others', 'other answers']],
    },
    'latency' => {
        title => 'from the scheduled time to the event at 1,000 messages a'
                 . ' second, p50 in ms, everysec',
        contenders => [['ours', 'ours'], ['nchan + Redis', 'nchan'],
                       ['nchan, memory', 'nchan', memory => 1], @push,
                       ['Node + Redis', 'node'], ['floor', 'floor']],
        measure => sub { Bench::Measure::talk(shift, rate => 1000, @_) },
        more => [['p99', 'p99'], ['max', 'max'], ['lost', 'lost'],
                 ['doubled', 'doubled'], ['stolen', 'stolen %'], @cpu],
    },
    'latency-always' => {
        title => 'the same, always',
        contenders => [['ours', 'ours', sync => 'always'],
                       ['nchan + Redis', 'nchan', sync => 'always'],
                       ['Node + Redis', 'node', sync => 'always']],
        measure => sub { Bench::Measure::talk(shift, rate => 1000, @_) },
        more => [['p99', 'p99'], ['max', 'max'], ['lost', 'lost'],
                 ['doubled', 'doubled'], ['stolen', 'stolen %'], @cpu],
    },
    'throughput' => {
        title => 'messages a second, closed loop, 64 senders, everysec',
        contenders => [['ours', 'ours'], ['nchan + Redis', 'nchan'],
                       ['nchan, memory', 'nchan', memory => 1], @push,
                       ['Node + Redis', 'node'],
                       ['Node + Redis, two', 'node', workers => 2],
                       ['floor', 'floor']],
        measure => \&Bench::Measure::talk,
        more => [['p99', 'p99 ms'], ['lost', 'lost'], ['doubled', 'doubled'],
                 ['busy', 'cores busy'], ['stolen', 'stolen %'], @cpu],
    },
    'throughput-always' => {
        title => 'the same, always',
        contenders => [['ours', 'ours', sync => 'always'],
                       ['nchan + Redis', 'nchan', sync => 'always'],
                       ['Node + Redis', 'node', sync => 'always']],
        measure => \&Bench::Measure::talk,
        more => [['p99', 'p99 ms'], ['lost', 'lost'], ['doubled', 'doubled'],
                 ['busy', 'cores busy'], ['stolen', 'stolen %'], @cpu],
    },
    'workers' => {
        title => 'messages a second by the number of processes, everysec',
        contenders => [
            map { my ($n, $w) = @$_;
                  ["nginx $n, worker $w", 'ours', workers => $n,
                   leaseloft_workers => $w] } [1, 1], [2, 1], [1, 2], [2, 2] ],
        measure => \&Bench::Measure::talk,
        more => [['p99', 'p99 ms'], ['lost', 'lost'], @cpu],
    },
    'drain' => {
        title => 'messages a second from a full inbox, Redis on the other core',
        of => 'what',
        contenders => [['one worker', 'worker', workers => 1],
                       ['two workers', 'worker', workers => 2],
                       map { ["$_->[1], pipelined, no worker", 'replay',
                              what => $_->[0]] }
                           ['append', 'append'],
                           ['inboxes', 'append and inboxes'],
                           ['all', 'all that a worker sends']],
        measure => \&Bench::Drain::drain,
        more => [['worker', 'worker µs'], ['redis', 'Redis µs']],
    },
    'raw' => {
        title => 'commands alone, pipelined: messages a second that they do'
                 . ' for',
        of => 'command', ratio => 0, contenders => [Bench::Raw::contenders()],
        measure => \&Bench::Raw::raw,
        more => [['redis', 'Redis µs a message'],
                 ['commands', 'commands a message']],
    },
    'history' => {
        title => 'newest 50 of a thread of 100,000, pages a second',
        contenders => [['ours', 'ours'], ['XREVRANGE alone', 'redis']],
        measure => \&Bench::Measure::history, more => [['nginx', 'nginx µs'],
                                       ['redis', 'Redis µs']],
    },
    'landlord' => {
        title => 'a landlord of 10,000 properties, Redis µs each', of => 'what',
        ratio => 0, contenders => [Bench::Landlord::contenders()],
        measure => \&Bench::Landlord::landlord, more => [['ms', 'ms']],
    },
    'bytes' => {
        title => 'Redis bytes for each stored message of 120 bytes',
        contenders => [['ours', 'ours'], ['stream entry alone', 'redis']],
        measure => \&Bench::Measure::bytes,
    },
    'storage' => {
        title => 'Redis bytes of what is stored',
        of => 'one', ratio => 0, contenders => [Bench::Storage::contenders()],
        measure => \&Bench::Storage::storage,
    },
    'capacity' => {
        title => 'Redis bytes for a message, all told, and the time to load',
        of => 'threads', ratio => 0,
        contenders => [Bench::Capacity::contenders()],
        measure => \&Bench::Capacity::capacity,
        more => [['written', 'file, as written'],
                 ['load_written', 's to load a million'],
                 ['rewritten', 'file, rewritten'],
                 ['load', 's to load a million, rewritten'],
                 ['rewrite', 's to rewrite a million'], ['fork', 'fork ms for 1 GiB'],
                 ['copied', 'copied by a rewrite, %'],
                 ['sent', 'sends/s meanwhile']],
    },
    'storm' => {
        title => 'streams reconnecting with Last-Event-ID, a second',
        contenders => [['ours', 'ours', zone => '32m'],
                       ['nchan + Redis', 'nchan'], @push],
        measure => \&Bench::Crowd::storm,
        more => [['streams', 'streams'], ['max', 'latest message ms'],
                 ['deaf', 'deaf'], ['lost', 'lost'],
                 ['commands', 'Redis calls each'], ['nginx', 'nginx µs']],
    },
    'many' => {
        title => 'streams open at once, with 1,000 messages a second; bytes of'
                 . ' memory each, cores that were busy meanwhile',
        ratio => 0, contenders => [['ours', 'ours']],
        measure => \&Bench::Crowd::many,
        more => [['p50', 'p50 ms'], ['p99', 'p99 ms'], ['lost', 'lost'],
                 ['deaf', 'deaf'], ['stream_closed', 'closed'],
                 ['rate', 'messages/s'], ['opened', 'opened/s'],
                 ['bytes', 'nginx bytes'], ['kernel', 'kernel bytes'],
                 ['redis', 'Redis bytes'], ['load', 'generator bytes'],
                 map { ["busy_$_", "$_ cores"] } qw(nginx worker redis load)],
    },
    'outage' => {
        title => 'seconds from Redis\'s return to the first delivery',
        contenders => [['ours', 'ours'], ['nchan + Redis', 'nchan'],
                       ['Node + Redis', 'node']],
        measure => \&Bench::Measure::outage,
        more => [['accepted', 'first accepted'], ['lost', 'lost'],
                 ['doubled', 'doubled']],
    },
    Bench::Cluster::cases(),
    Bench::Growth::cases(),
    Bench::Search::cases(),
);


# names(@some): all, or these; "growth" means all that begin with "growth-"
sub names {
    my (@some) = @_;

    return @some ? map { named($_) } @some : @order;
}


sub named {
    my ($name) = @_;

    my @names = grep { $_ eq $name } @order;

    @names = grep { index($_, "$name-") == 0 } @order unless @names;
    die "no measurement \"$name\": @order\n" unless @names;

    return @names;
}


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
            map({ [@$_, tls => $tls, defaults => 1] } @push),
            $tls ? () : ['Node + Redis', 'node']];
}


1;
