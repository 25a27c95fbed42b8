#!/usr/bin/perl

# One user asks for 10,000 streams, of both kinds, over HTTP/1 and HTTP/2, and
# never gives one back: 20 are held, whatever the mix, and the others are sent
# away for a while.  What that costs nginx and Redis stays within bounds while
# it goes on and is given back afterwards, and others are served meanwhile.

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
my $held = 20;

my $ll = LeaseLoft->new(
    main => 'worker_processes 1;',
    http => 'keepalive_requests 1000000;',
    directives => { leaseloft_max_streams => undef, leaseloft_linger => '1s' });

$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->lease("Q$_", tenants => ['u-tom']) for 0 .. 9;

my @paths = ('/api/inbox/events', '/api/properties/P/events',
             map { "/api/properties/Q$_/events" } 0 .. 9);
my $token = $ll->token('u-tom');

sub metric {
    my ($name) = @_;
    my ($value) = $ll->get('/internal/metrics')->body()
                      =~ /^leaseloft_$name (\d+)/m;
    return $value;
}

# of nginx's process: descriptors, KiB; and channels in Redis
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

# what came through a stream: held, or sent away, or else what is wrong
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


# somebody else: a message is sent, and seen by a third, amid the requests
my $well = $ll->events('P', 'u-ana');
ok($well->wait_event('hello'), 'another user has a stream');
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


# both sides of the crowd: each opens a batch, and keeps what is held

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

    # so much has been touched once
    $first //= $most{memory} if $round == 4;
}

diag(sprintf '%d streams in %.1f s; another user waited %.3f s at most;'
     . ' descriptors %d, then up to %d; memory %d, then up to %d KiB;'
     . ' channels %d, then up to %d', $all, time() - $start, max(@delays),
     map { $before->{$_}, $most{$_} } qw(fds memory channels));

is_deeply(\%seen, { held => $held, away => $all - $held },
          'all but 20 are sent away');
cmp_ok(min(@retries), '>=', 10_000, 'for ten seconds at least');
cmp_ok(max(@retries), '<=', 60_000, 'and a minute at most');
cmp_ok(max(@retries) - min(@retries), '>', 45_000, 'not all for the same');
is(metric('streams'), $held + 1, 'so many are open');
cmp_ok(max(@delays), '<', 2, 'another user waits for nothing');

# those of a batch that is under way, and those held
cmp_ok($most{fds} - $before->{fds}, '<=', 250 + $held + 10, 'descriptors');

SKIP: {
    skip 'a sanitizer keeps what is freed', 2 if $LeaseLoft::sanitized;
    cmp_ok($most{memory} - $before->{memory}, '<=', 10240, 'memory');
    cmp_ok($most{memory} - $first, '<=', 1024,
           'which 8,000 more do not change: not 130 bytes for each');
}

cmp_ok($most{channels} - $before->{channels}, '<=', @paths, 'channels');

# everything is let go of

$_->close() for @keep;
@keep = ();

ok(wait_for(sub { metric('streams') == 1 }, 5), 'all are closed');
ok(wait_for(sub {
    my $now = used();
    $now->{fds} <= $before->{fds} + 1
        && $now->{channels} <= $before->{channels}
}, 8), 'descriptors and channels are as before') or diag(explain(used()));

ok($ll->stream($paths[0], token => $token)->wait_event('hello'),
   'there is room again');

$well->close();
$ll->finish();
