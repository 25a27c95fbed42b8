#!/usr/bin/perl

# One user asks for 10,000 streams, of both kinds, over HTTP/1 and HTTP/2, and
# never closes one.  nginx keeps 20 of them and turns all others away with a
# long retry.  Descriptors, memory and channels stay within bounds meanwhile and
# are given back afterwards, and another user is served without delay.

use strict;
use warnings;

use IO::Select;
use List::Util qw(max min);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::H2;

my $all = 10_000;
my $held = 20;                         # the default of leaseloft_max_streams

my $ll = LeaseLoft->new(
    main => 'worker_processes 1;',
    http => 'keepalive_requests 1000000;',
    directives => { leaseloft_max_streams => undef, leaseloft_linger => '1s' });

$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->lease("Q$_", tenants => ['u-tom']) for 0 .. 9;

my @paths = ('/api/inbox/events', '/api/properties/P/events',
             map { "/api/properties/Q$_/events" } 0 .. 9);
my $token = $ll->token('u-tom');

sub metric { return $ll->metric(@_) }

# descriptors and KiB of nginx's process, and channels in Redis
sub used {
    my ($fds, $memory) = (0, 0);

    for my $pid ($ll->nginx_children()) {
        opendir my $dir, "/proc/$pid/fd" or die "no process $pid";
        $fds += grep { /^\d+$/ } readdir $dir;
        open my $f, '<', "/proc/$pid/smaps_rollup" or die "smaps: $!";
        $memory += /^Private_Dirty:\s+(\d+)/ ? $1 : 0 while <$f>;
    }

    return { fds => $fds, memory => $memory,
             channels => scalar @{ $ll->redis('PUBSUB', 'CHANNELS') } };
}

# classifies a response: "held", "away", or what is wrong with it
my (%seen, @retries);

sub judge {
    my ($status, $text, $ended) = @_;

    my ($retry) = $text =~ /^retry: (\d+)$/m;
    my $what = $status != 200 ? "status $status"
             : $text =~ /^event: hello$/m && !$ended ? 'held'
             : $text !~ /^event: bye\ndata: \{"reason":"overload"\}$/m
               || !$ended || $text =~ /hello/ ? "not told: $text"
             : 'away';

    push @retries, $retry // 0 if $what eq 'away';
    $seen{$what}++;

    return $what;
}


# Another user has a stream all the time, to which a third one sends a message
# in each batch of requests.
my $well = $ll->events('P', 'u-ana');
ok($well->wait_event('hello'), 'another user opens a stream');
my ($before, %most, @delays);

sub look {
    my $now = used();
    $most{$_} = max($most{$_} // 0, $now->{$_}) for keys %$now;
    return $now;
}

sub others {
    my $start = time();
    my $r = $ll->say('P', 'u-lena', 'hello');
    my $seq = $r->status() == 201 ? $r->json()->{seq} : 0;

    $well->wait_entry($seq, 10)
        or push @delays, 99;
    push @delays, time() - $start;
    look();
}


# both ways of opening streams: each opens a batch and keeps those that are held

my @keep;

sub open_plain {
    my ($count) = @_;

    my %streams;
    my $select = IO::Select->new();

    for (1 .. $count) {
        my $socket = LeaseLoft::connect_to($ll->{ports}{http}) or die;
        my $path = $paths[ rand @paths ];
        syswrite $socket, "GET $path HTTP/1.1\r\nHost: localhost\r\n"
                          . "Authorization: Bearer $token\r\n\r\n";
        $socket->blocking(0);
        $select->add($socket);
        $streams{ fileno $socket } = { socket => $socket, in => '' };
    }

    others();

    while (my @ready = $select->can_read(10)) {
        for my $socket (@ready) {
            my $one = $streams{ fileno $socket };
            my $n = sysread $socket, $one->{in}, 65536, length $one->{in};

            next if $n && $one->{in} !~ /^event: hello\n(?:.+\n)+\r?\n/m;

            my ($status, $text) =
                $one->{in} =~ m{^HTTP/1\.1 (\d+).*?\r\n\r\n(.*)$}s;
            my $what = judge($status // 0, $text // '', !$n);

            push @keep, $socket if $what eq 'held';
            $select->remove($socket);
            delete $streams{ fileno $socket };
        }
    }

    $seen{'no answer'} += keys %streams if %streams;
}


sub open_http2 {
    my ($count) = @_;

    my @open;

    # nginx allows a connection 128 at a time
    while ($count > 0) {
        my $h2 = LeaseLoft::H2->new($ll->{ports}{h2c}) or die;
        push @open, map { [ $h2, $h2->get($paths[ rand @paths ], $token) ] }
                    1 .. min($count, 100);
        $count -= 100;
    }

    others();

    for my $one (@open) {
        my ($h2, $n) = @$one;

        while (!$h2->ended($n) && $h2->body($n) !~ /^event: hello\n.*\n\n/ms) {
            $h2->read(10) or last;
        }

        my $what = judge($h2->status($n), $h2->body($n), $h2->ended($n));
        push @keep, $h2 if $what eq 'held';
    }
}


sleep 0.2;
$before = used();
my $start = time();
my $first;

for my $round (1 .. $all / 500) {
    open_plain(250);
    open_http2(250);
    look();

    # by then nginx's memory has grown to its steady size
    $first //= $most{memory} if $round == 4;
}

diag(sprintf '%d streams in %.1f s; another user waited %.3f s at most;'
     . ' descriptors %d, then up to %d; memory %d, then up to %d KiB;'
     . ' channels %d, then up to %d', $all, time() - $start, max(@delays),
     map { $before->{$_}, $most{$_} } qw(fds memory channels));

is_deeply(\%seen, { held => $held, away => $all - $held },
          'a user keeps 20 streams, all others get "bye"');
cmp_ok(min(@retries), '>=', 10_000, 'retry is 10 s at least');
cmp_ok(max(@retries), '<=', 60_000, 'retry is 60 s at most');
cmp_ok(max(@retries) - min(@retries), '>', 45_000, 'retry is spread');
is(metric('streams'), $held + 1, 'the metric counts the open streams');
cmp_ok(max(@delays), '<', 2, 'another user gets each message within 2 s');

# those of a batch that is being opened, and those held
cmp_ok($most{fds} - $before->{fds}, '<=', 250 + $held + 10,
       'descriptors stay within bounds');

SKIP: {
    skip 'a sanitizer keeps what is freed', 2 if $LeaseLoft::sanitized;
    cmp_ok($most{memory} - $before->{memory}, '<=', 10240,
           'memory stays within 10 MiB');
    cmp_ok($most{memory} - $first, '<=', 1024,
           '8,000 refused streams take no more than 1 MiB, 130 bytes each');
}

cmp_ok($most{channels} - $before->{channels}, '<=', @paths,
       'Redis has one channel at most for each path');

# all streams are closed

$_->close() for @keep;
@keep = ();

ok(wait_for(sub { metric('streams') == 1 }, 5),
   'closed streams are not counted');
ok(wait_for(sub {
    my $now = used();
    $now->{fds} <= $before->{fds} + 1
        && $now->{channels} <= $before->{channels}
}, 8), 'descriptors and channels are as before') or diag(explain(used()));

ok($ll->stream($paths[0], token => $token)->wait_event('hello'),
   'the user can open a stream again');

$well->close();
$ll->finish();
