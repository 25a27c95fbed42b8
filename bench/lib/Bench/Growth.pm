package Bench::Growth;

# How cost grows: one quantity at three sizes, all else equal: 100 properties
# with two streams each, which get messages at a fixed rate.

use strict;
use warnings;

use List::Util qw(sum);
use Time::HiRes qw(sleep time);

use Bench qw(cpu pss used spent);
use Bench::Crowd;
use Bench::Measure qw(fill);
use Bench::Servers;

my $busy = 100;

# seconds between two pings of a stream: their cost is measured alone, over this
# time, in which each stream gets one
my $ping = 5;


# the cases, for the list of Bench::Cases
sub cases {
    my $scale = $Bench::Measure::scale;

    my %sizes = (
        streams => [map { $scale * $_ } 1000, 10000, 40000],
        properties => [map { $scale * $_ } 400, 4000, 40000],
        messages => [map { $scale * $_ } 1000, 10000, 100000],
        parties => [2, 10, 40],
        nginx => [1, 2, 4],
    );

    my %titles = (
        streams => 'idle streams beside those that messages go to',
        properties => 'properties that messages go to, nobody watching:'
                      . ' latency of the answer',
        messages => 'messages in the thread that messages go to',
        parties => 'parties of each property, two of them watching',
        nginx => 'processes of nginx',
    );

    return map {
        my $of = $_;
        ("growth-$of" => {
            title => "how cost grows with $titles{$of}; p50 in ms",
            of => $of, ratio => 0, measure => \&growth,
            contenders => [ map { [$_, 'ours', $of => $_] }
                            @{ $sizes{$of} } ],
            more => [['p99', 'p99 ms'], ['nginx', 'nginx µs'],
                     ['worker', 'worker µs'], ['redis', 'Redis µs'],
                     ['ping', 'nginx µs a ping'],
                     ['bytes', 'bytes a stream'], ['lost', 'lost']],
        })
    } qw(streams properties messages parties nginx);
}


sub growth {
    my ($kind, %o) = @_;

    my $watched = $o{messages} ? 1 : $busy;
    my $idle = $o{streams} // ($o{nginx} ? 4000 * $Bench::Measure::scale : 0);
    my $properties = $o{properties} // $watched;

    my $server = Bench::Servers->start($kind, zone => '32m', ping => "${ping}s",
        workers => $o{nginx} // int($idle / 15000) + 1,
        properties => $properties + $idle / 2, parties => $o{parties});

    fill($server, $o{messages}) if $o{messages};

    my $before = pss($server->pids('nginx'));
    my @idle = idle($server, $properties, $idle);
    my $bytes = @idle ? (pss($server->pids('nginx')) - $before) / $idle
                      : undef;
    my $load = load($server, $watched, %o);

    $load->phase('open');
    sleep 1;

    my $resting = $idle ? resting($server) : 0;

    my $figures = messages($server, $load, $o{properties} ? 'answer'
                                                          : 'event', $resting);
    $_->end() for @idle;
    $server->stop();

    return { %$figures, bytes => $bytes,
             ping => $idle ? 1e6 * $resting * $ping / ($idle + 2 * $watched)
                           : undef };
}


# processor time of nginx in a second without messages
sub resting {
    my ($server) = @_;

    sleep $ping;

    my $start = cpu($server->pids('nginx'));

    sleep $ping;

    return (cpu($server->pids('nginx')) - $start) / $ping;
}


# idle streams, on properties of their own
sub idle {
    my ($server, $first, $streams) = @_;

    return unless $streams;

    my ($processes, $each) = Bench::Crowd::shares($streams);
    my @loads = map { Bench->load($server, first => $first + $_ * $each,
                                  properties => $each, streams => 2 * $each,
                                  wait => 'yes') } 0 .. $processes - 1;

    $_->phase('open') for @loads;

    return @loads;
}


# 250 messages a second; with many properties more, after a first message to
# each of them
sub load {
    my ($server, $watched, %o) = @_;

    my %options = (properties => $watched, streams => 2 * $watched,
                   senders => 32, rate => 250, warm => 2);

    %options = (%options, properties => $o{properties}, streams => 0,
                rate => 1500, warm => 1 + $o{properties} / 1500)
        if $o{properties};
    $options{mixed} = 'yes' if $o{messages};

    return Bench->load($server, %options, wait => 'yes',
                       seconds => $Bench::Measure::seconds);
}


# processor time of a message, without that of idle streams
sub messages {
    my ($server, $load, $latency, $resting) = @_;

    my (%start, %used);

    $load->go();
    $load->phase('start');
    $start{$_} = used($server->pids($_)) for $server->parts();
    my $begun = time();
    $load->phase('end');
    $used{$_} = spent($start{$_}, $server->pids($_)) for $server->parts();
    $used{nginx} -= $resting * (time() - $begun);

    my $r = $load->report();
    my $n = $r->{counted} || 1;

    return { value => $r->{$latency}{p50}, p99 => $r->{$latency}{p99},
             lost => $r->{lost},
             map({ $_ => 1e6 * $used{$_} / $n } keys %used) };
}


1;
