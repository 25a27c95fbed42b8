package Bench::Search;

# Searches: their times, and the latency of sends with and without them.

use strict;
use warnings;

use IO::Select;
use POSIX ();
use Time::HiRes qw(sleep time);

use Bench qw(cpu realtime realtime_low spread stolen yield);
use Bench::Servers;
use Bench::Storage;
use LeaseLoft::Redis;

# a landlord with one long thread, and one with many; all texts lack the word
# "zebra", and the first message of a thread has the word "xylophone"
my ($long, $many) = ('lena', 'max');
my $length = 10_000 * $Bench::Measure::scale;
my $threads = 200 * $Bench::Measure::scale;
my $each = 500;


# the cases, for the list of Bench::Cases
sub cases {
    return (
        'search' => {
            title => 'time of a search, ms, of messages of 120 bytes',
            of => 'search', ratio => 0, measure => \&times,
            contenders => [
                ["a thread of $length, no hit", 'thread', words => 'zebra'],
                ["$threads threads of $each, to the first page with hits",
                 'threads', words => 'xylophone'],
                ["$threads threads of $each, all pages, no hit", 'threads',
                 words => 'zebra'] ],
            more => [['pages', 'pages'], ['worker', 'searcher ms'],
                     ['redis', 'Redis ms']],
        },
        'search-sends' => {
            title => 'sends, p99 of the response in ms, at 500 a second',
            of => 'beside', ratio => 0, measure => \&sends,
            contenders => [
                ['no searches', 'none'],
                ["20 searches a second of a thread of $length", 'thread'],
                ["20 searches a second over $threads threads", 'threads'] ],
            more => [['p50', 'p50'], ['max', 'max'], ['event', 'event p99'],
                     ['answered', 'searches/s'], ['search', 'search p50 ms'],
                     ['stolen', 'stolen %']],
        },
    );
}


# a server with these threads, and the paths of searches in them
sub start {
    my ($kind, $properties) = @_;

    my $server = Bench::Servers->start('ours', properties => $properties);
    my @names = $kind eq 'thread' ? ('long')
              : $kind eq 'threads' ? map { "many$_" } 1 .. $threads : ();

    if (@names) {
        declare($server, $kind eq 'thread' ? $long : $many, @names);
        fill($server, $kind eq 'thread' ? $length : $each, @names);
    }

    return $server;
}


sub declare {
    my ($server, $landlord, @names) = @_;

    my $ll = $server->{ll};

    $ll->write('searched', join '', map {
        qq({"property":"$_","lease_id":"L-1","label":"$_","time_zone":"UTC",)
        . qq("landlords":[{"user":"$landlord","name":"Lena"}],)
        . qq("tenants":[{"user":"tom","name":"Tom"}],)
        . qq("starts_at":"2020-01-01T00:00:00Z","ends_at":null}\n) } @names);

    my ($status, $said) = $ll->cli('lease', 'load', $ll->dir() . '/searched');
    die "leases: $said\n" if $status;
}


# messages in turn, until they are stored and sealed
sub fill {
    my ($server, $count, @names) = @_;

    my $redis = LeaseLoft::Redis->new($server->socket());
    my $queue = 'll:{q:0}:requests';
    my $sent = 0;

    for my $n (1 .. $count) {
        for my $name (@names) {
            my $text = Bench::Storage::text() . ($n == 1 ? ' xylophone' : '');

            $redis->send_command('XADD', $queue, '*', 'op', 'send', 'p', $name,
                'u', 'tom', 'b', qq({"client_id":"c$n","text":"$text"}),
                'r', 'none.1');

            next if ++$sent % 100;
            $redis->reply() for 1 .. 100;
            sleep 0.01 while $redis->command('XLEN', $queue) > 2000;
        }
    }

    $redis->reply() for 1 .. $sent % 100;
    sleep 0.1 while $redis->command('XLEN', $queue) > 0;

    for my $name (@names) {
        for (1 .. 600) {
            my ($sealed) = ($redis->command('HGET', "ll:{p:$name}:meta",
                                            'sealed') // '') =~ /^(\d+)/;
            last if ($sealed // 0) > $count - 200;
            sleep 0.1;
        }
    }
}


# path($kind, $words)
sub path {
    my ($kind, $words) = @_;

    return ($kind eq 'thread' ? '/api/properties/long/search' : '/api/search')
           . "?q=$words";
}


# one search: the pages up to the first with hits, or to the end
sub search {
    my ($server, $kind, $words) = @_;

    my ($pages, $next, $page) = (0, '');
    my $user = $kind eq 'thread' ? $long : $many;

    do {
        my $r = $server->{ll}->get(path($kind, $words) . $next, user => $user);
        die 'search: ' . $r->status() . "\n" if $r->status() != 200;

        $page = $r->json();
        $pages++;
        $next = ($kind eq 'thread' ? '&before=' : '&cursor=')
                . ($page->{next} // '');
    } while (!@{ $page->{hits} } && defined $page->{next});

    return $pages;
}


# the processes that answer searches; they yield to all others of the server
sub searchers {
    my ($server) = @_;

    my ($pid) = $server->pids('worker');

    return split ' ', qx(cat /proc/$pid/task/$pid/children);
}


sub times {
    my ($kind, %o) = @_;

    my $server = start($kind, 1);
    my ($pages, @ms);

    search($server, $kind, $o{words}) for 1 .. 3;

    my %pids = (worker => [searchers($server)],
                redis => [$server->pids('redis')]);

    realtime($$, $server->pids(), @{ $pids{worker} });

    my %start = map { $_ => cpu(@{ $pids{$_} }) } keys %pids;

    for (1 .. 30) {
        my $begun = time();
        $pages = search($server, $kind, $o{words});
        push @ms, 1000 * (time() - $begun);
    }

    my %used = map { $_ => cpu(@{ $pids{$_} }) - $start{$_} } keys %pids;

    $server->stop();

    return { value => spread(@ms)->[1], pages => $pages,
             map { $_ => 1000 * $used{$_} / 30 } keys %used };
}


# a process that starts a search each 50 ms, however long they take
sub searching {
    my ($server, $kind) = @_;

    my $pid = open(my $pipe, '-|') // die "fork: $!";
    return ($pid, $pipe) if $pid;

    yield();

    my ($done, @ms) = 0;
    $SIG{TERM} = sub { $done = 1 };

    my $user = $kind eq 'thread' ? $long : $many;
    my $request = 'GET ' . path($kind, 'zebra') . " HTTP/1.1\r\nHost: l\r\n"
                  . 'Authorization: Bearer ' . $server->{ll}->token($user)
                  . "\r\nConnection: close\r\n\r\n";
    my ($begun, $n, %open) = (time(), 0);

    while (!$done || %open) {
        if (!$done && time() >= $begun + $n * 0.05) {
            my $socket = LeaseLoft::connect_to($server->port());
            $socket->syswrite($request);
            $open{ fileno $socket } = [$socket, $begun + $n++ * 0.05, ''];
        }

        my $select = IO::Select->new(map { $_->[0] } values %open);
        for my $socket ($select->can_read(0.005)) {
            my $item = $open{ fileno $socket };
            next if sysread $socket, $item->[2], 65536, length $item->[2];
            push @ms, 1000 * (time() - $item->[1])
                if $item->[2] =~ /^HTTP\/1.1 200/;
            delete $open{ fileno $socket };
        }
    }

    printf "%d %.1f %.1f\n", $n, scalar(@ms), @ms ? spread(@ms)->[1] : 0;
    close STDOUT;
    POSIX::_exit(0);
}


sub sends {
    my ($kind) = @_;

    my $properties = 500 * $Bench::Measure::scale;
    my $server = start($kind, $properties);
    my ($pid, $pipe) = $kind eq 'none' ? () : searching($server, $kind);
    my $load = Bench->load($server, properties => $properties,
        streams => 2 * $properties, senders => 64, rate => 500, warm => 2,
        seconds => 2 * $Bench::Measure::seconds);

    realtime($load->{pid}, $server->pids());
    realtime_low(searchers($server), $pid ? $pid : ());
    $load->phase('start');
    my @ticks = stolen();
    my $r = $load->report();
    my $stolen = stolen(@ticks);
    my ($asked, $answered, $ms);

    if ($pid) {
        kill 'TERM', $pid;
        ($asked, $answered, $ms) = split ' ', scalar <$pipe>;
        close $pipe;
    }

    $server->stop();

    return { value => $r->{answer}{p99}, p50 => $r->{answer}{p50},
             max => $r->{answer}{max}, event => $r->{event}{p99},
             answered => $pid ? 20 * $answered / $asked : undef,
             search => $ms, stolen => $stolen };
}


1;
