package Bench::Measure;

# One measurement of one server: each function starts the server, runs the
# generator, stops both and returns figures; "value" is the one compared.

use strict;
use warnings;

use Exporter qw(import);
use List::Util qw(sum);
use Time::HiRes qw(sleep time);

use Bench qw(cpu pss used spent stolen realtime);
use Bench::Servers;

our @EXPORT_OK = qw(fill);

our $seconds = $ENV{LENGTH} || 5;
our $scale = $ENV{SCALE} || 1;


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


sub commands {
    my ($server) = @_;

    return 0 unless grep { $_ eq 'redis' } $server->parts();

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


sub talk {
    my ($kind, %o) = @_;

    my $streams = 10000 * $scale;
    my $rate = delete $o{rate};
    my $server = Bench::Servers->start($kind, %o, properties => $streams / 2);
    my $load = Bench->load($server, properties => $streams / 2,
        streams => $streams, senders => 64, rate => $rate, warm => 2,
        seconds => $seconds, wait => 'yes');

    realtime($load->{pid}, $server->pids());
    $load->phase('open');
    sleep 1;
    $load->go();

    my (%start, %used);
    $load->phase('start');
    $start{$_} = used($server->pids($_)) for $server->parts();
    my ($begun, @ticks) = (time(), stolen());
    $load->phase('end');
    $used{$_} = spent($start{$_}, $server->pids($_)) for $server->parts();
    my $took = time() - $begun;
    my $stolen = stolen(@ticks);

    my $r = $load->report();
    $server->stop();

    my $n = $r->{counted} || 1;

    return { value => $rate ? $r->{event}{p50} : $r->{per_second},
             p99 => $r->{event}{p99}, max => $r->{event}{max},
             map({ $_ => $r->{$_} } qw(lost doubled refused)),
             busy => sum(values %used) / $took,
             stolen => $stolen,
             map({ $_ => 1e6 * $used{$_} / $n } keys %used) };
}


# messages to the first property, until so many are stored and sealed
sub fill {
    my ($server, $count) = @_;

    my $meta = 'll:{p:b0}:meta';

    my $load = Bench->load($server, properties => 1, senders => 256,
        mixed => 'yes', seconds => 3600, streams => 0, rate => 0);

    sleep 0.1 while ($server->redis('HGET', $meta, 'n') || 0) < $count;
    $load->end();
    sleep 0.5 until ($server->redis('HGET', $meta, 'sealed') // '')
                    =~ /^(\d+)/ && $1 > $count - 200;
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

    # what arrives later in the current tenth of a second counts as later
    my $slot = int(10 * ($back - $r->{begun}));
    my @after = @{ $r->{timeline} }[$slot .. $#{ $r->{timeline} }];
    my ($accepted) = grep { $after[$_][0] > 20 } 0 .. $#after;
    my ($delivered) = grep { $after[$_][1] > 20 } 0 .. $#after;

    return { value => defined $delivered ? ($delivered + 1) / 10 : undef,
             accepted => defined $accepted ? ($accepted + 1) / 10 : undef,
             lost => $r->{lost}, doubled => $r->{doubled} };
}


1;
