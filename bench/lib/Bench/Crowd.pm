package Bench::Crowd;

# Many streams at once: several generators, since a process may have descriptors
# for 20,000 connections, each with its own properties and source addresses.

use strict;
use warnings;

use List::Util qw(sum max);
use Time::HiRes qw(sleep time);

use Bench qw(cpu pss note used spent);
use Bench::Kernel;
use Bench::Measure;
use Bench::Servers;

my $per_process = 16000;

# the memory of a stream in all processes and the kernel: see bench/README.md
my $stream_bytes = 20000;


# generators($server, $streams, %options): starts one for each share
sub generators {
    my ($server, $streams, %o) = @_;

    my ($processes, $each) = shares($streams);

    return map { Bench->load($server, first => $_ * $each,
                             properties => $each, streams => 2 * $each,
                             wait => 'yes', %o) } 0 .. $processes - 1;
}


# shares($streams): the number of generators, and the properties of each
sub shares {
    my ($streams) = @_;

    my $processes = int($streams / $per_process) + 1;

    return ($processes, int($streams / $processes / 2));
}


sub sums {
    my ($reports, @names) = @_;

    return map { my $k = $_; ($k => sum(map { $_->{$k} } @$reports)) } @names;
}


sub storm {
    my ($kind, %o) = @_;

    my $streams = 100000 * $Bench::Measure::scale;
    my ($processes, $each) = shares($streams);
    my $server = Bench::Servers->start($kind, %o, workers => $processes + 1,
                                       properties => $each * $processes);
    my @loads = generators($server, $streams, senders => 4, rate => 20,
        warm => 2, seconds => 3, storm => 'yes', round => 'yes', ahead => 512,
        place => $kind eq 'ours' ? 'after=1' : undef);

    $_->phase('open') for @loads;
    sleep 1;
    my $commands = Bench::Measure::commands($server);
    my $start = cpu($server->pids('nginx'));
    $_->go() for @loads;

    my @from = map { $_->phase('storm')->{at} } @loads;
    my @until = map { $_->phase('reopened')->{at} } @loads;
    my $used = cpu($server->pids('nginx')) - $start;
    my ($first) = sort { $a <=> $b } @from;
    my ($last) = sort { $b <=> $a } @until;
    $commands = Bench::Measure::commands($server) - $commands;

    my @reports = map { $_->report() } @loads;
    $server->stop();

    my $n = 2 * $each * $processes;

    return { value => $n / ($last - $first), streams => $n,
             max => max(map { $_->{event}{max} } @reports),
             sums(\@reports, qw(deaf lost)),
             commands => $commands / $n, nginx => 1e6 * $used / $n };
}


# STREAMS streams, with PING as leaseloft_ping. At the end each property gets a
# message, which shows streams that receive nothing.
sub many {
    my ($kind, %o) = @_;

    my $streams = ($ENV{STREAMS} || 500000) * $Bench::Measure::scale;
    my ($processes, $each) = shares($streams);
    my $n = 2 * $each * $processes;
    my $kernel = Bench::Kernel->need($n);

    room($n);

    my $start = time();
    my $server = Bench::Servers->start($kind, %o, ping => $ENV{PING},
        workers => int($streams / 15000) + 2,
        zone => 16 + int($n / 6000) . 'm', properties => $each * $processes);

    note('%d leases in %.0f s', $n / 2, time() - $start);
    $start = time();

    # with the memory of its leases in Redis
    my %before = (memory($server), redis => 0);
    my @loads = generators($server, $streams, senders => 8,
        rate => int(1000 / $processes) + 1, warm => 3, round => 'yes',
        seconds => $Bench::Measure::seconds, ahead => 64, drain => 900);

    $_->phase('open') for @loads;

    my $took = time() - $start;
    my %after = memory($server, @loads);
    my %each = map { $_ => ($after{$_} - $before{$_}) / $n } keys %before;

    note('%d streams in %.0f s; bytes each: %s', $n, $took,
         join ', ', map { sprintf '%s %.0f', $_, $each{$_} } sort keys %each);

    $_->go() for @loads;
    my @cpu = busy($server, @loads);
    note('measured; a last message to each property');
    my @reports = map { $_->report() } @loads;
    $server->stop();

    return { value => $n, %each, opened => $n / $took, @cpu,
             map({ my $k = $_; $k => max(map { $_->{event}{$k} } @reports) }
                 qw(p50 p99)),
             rate => sum(map { $_->{per_second} } @reports),
             sums(\@reports, qw(deaf lost stream_closed)) };
}


# a machine without free memory kills any process
sub room {
    my ($streams) = @_;

    my $free = meminfo()->{MemAvailable};

    die sprintf("%d streams take some %.1f GB, and %.1f are free\n", $streams,
                $streams * $stream_bytes / 1e9, $free / 1e9)
        if $streams * $stream_bytes > $free;
}


# cores that were busy during the measurement
sub busy {
    my ($server, @loads) = @_;

    my %pids = (map({ $_ => [ $server->pids($_) ] } $server->parts()),
                load => [ map { $_->{pid} } @loads ]);

    $_->phase('start') for @loads;
    my $start = time();
    my %used = map { $_ => used(@{ $pids{$_} }) } keys %pids;
    $_->phase('end') for @loads;
    my $took = time() - $start;

    return map { ("busy_$_" => spent($used{$_}, @{ $pids{$_} }) / $took) }
           keys %pids;
}


sub memory {
    my ($server, @loads) = @_;

    my $info = meminfo();

    return (bytes => pss($server->pids('nginx')),
            redis => pss($server->pids('redis')),
            load => pss(map { $_->{pid} } @loads),
            kernel => $info->{Slab} + ($info->{Percpu} // 0)
                      + $info->{PageTables});
}


# in bytes
sub meminfo {
    open my $f, '<', '/proc/meminfo' or die "meminfo: $!";
    my %kb = map { /^(\w+):\s+(\d+)/ } <$f>;

    return { map { $_ => 1024 * $kb{$_} } keys %kb };
}


1;
