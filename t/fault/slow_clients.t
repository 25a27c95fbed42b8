#!/usr/bin/perl

# Clients that do not read: over plain HTTP, TLS, HTTP/2 and both.  They are
# cut by time although messages keep coming, and by size although there is time
# left; those that leave are noticed, one that was only late gets the last byte
# without a further event, and descriptors and counts of streams come back to
# where they were.

use strict;
use warnings;

use IO::Handle;
use Socket;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $n = $ENV{LEASELOFT_LONG} ? 50 : 8;
my $limit = 1024 * 1024;
my ($ll, $start);

# with the given bounds; and the descriptors that it has
sub stack {
    my ($time, $size, $ping, $server) = @_;

    $ll = LeaseLoft->new(
        main => 'worker_processes 1;', listen => 'sndbuf=16k',
        server => $server,
        directives => { leaseloft_slow_timeout => $time,
                        leaseloft_slow_size => $size, leaseloft_ping => $ping,
                        leaseloft_max_streams => 1000 });
    $ll->lease($_, tenants => ['u-tom', 'u-ana']) for 'P', 'Q';
    messages(1);
    $start = fds();
}

sub fds {
    my ($pid) = $ll->nginx_children();
    opendir my $dir, "/proc/$pid/fd" or return -1;
    return scalar grep { /^\d+$/ } readdir $dir;
}

sub metric {
    my ($name) = @_;
    my ($value) = $ll->get('/internal/metrics')->body()
                      =~ /^leaseloft_$name (\d+)/m;
    return $value;
}

# big ones, so that they fill the buffers between, of 4 or 16 kB
sub messages {
    my ($count, $char) = @_;
    my $text = ($char // 'x') x 4000;
    my $seq;
    $seq = ($ll->say('P', 'u-lena', $text)->json() // {})->{seq} // $seq
        for 1 .. $count;
    return $seq;
}

# until nothing of them is left
sub settled {
    my ($name) = @_;
    ok(wait_for(sub { fds() == $start && metric('streams') == 0 }, 6), $name)
        or diag(fds() . " descriptors now, $start at first");
}

# so many clients, none of which reads on
sub stopped {
    my ($property, $name, @curl) = @_;
    my @streams = map { $ll->events($property, 'u-tom', @curl) } 1 .. $n;
    $_->wait_event('hello') or fail("$name: hello") for @streams;
    kill 'STOP', map { $_->{pid} } @streams;
    return @streams;
}

my @ways = (
    ['plain'], ['TLS', tls => 1], ['HTTP/2', http => 2],
    ['TLS and HTTP/2', tls => 1, http => 2],
);

# curl reads plain ones, too: it can be stopped, its socket stays
push @{ $ways[0] }, http => 1;

# none of them reads, and messages keep coming, until all are cut: how long that
# took, and how many messages there were before the first was
sub busy {
    my ($name, $char, @how) = @_;

    my @stopped = stopped('P', $name, @how);
    my $well = $ll->events('P', 'u-ana');
    $well->wait_event('hello');

    my ($begin, $slow) = (time(), metric('streams_slow_total'));
    my ($count, $seq, $early) = (0);

    my $cut = wait_for(sub {
        $seq = messages(2, $char) // $seq;
        $well->events();
        $early //= $count if metric('streams_slow_total') > $slow;
        $count += 2;
        return metric('streams') == 1;
    }, 30);
    my $took = time() - $begin;

    ok($cut, "$name: all $n are cut") or diag(metric('streams') . ' are left');
    diag(sprintf '%s: %d that never read are cut after %.1f s, %d messages',
         $name, $n, $took, $count);
    is(metric('streams_slow_total') - $slow, $n, 'each as a slow one, once');
    my $seen = $well->wait_entry($seq, 5);
    is($seen && $seen->{seq}, $seq, "$name: who reads has it all");
    $well->close();
    kill 'CONT', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    settled("$name: descriptors and streams come back");

    return ($took, $early // 0);
}


# by time: no message gives another three seconds, and there is room for more
# than all of them; the kernel, asked whether it still hears of them, would have
# to hear nothing for two pings

stack('3s', '500m', '10s');

for my $way (@ways) {
    my ($name, @how) = @$way;

    my ($took) = busy("$name, by time", 'x', @how);
    cmp_ok($took, '>=', 3, "$name: not before the time");
    cmp_ok($took, '<', 3 + 7, 'and not much later, when buffers are full');
}

$ll->finish(more => 1);


# those that leave

stack('3s', '1m', '1s');

for my $way (@ways) {
    my ($name, @how) = @$way;

    # they stop reading, then they are gone
    my @stopped = stopped('P', $name, @how);
    messages(20);
    kill 'KILL', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    settled("$name: stopped, then gone: they come back");

    # on a quiet thread as well, where only pings are sent
    @stopped = stopped('Q', $name, @how);
    kill 'KILL', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    settled("$name: gone without a message: they come back");
}

# a line of 20 kB/s: slow, but it takes something, so it is not cut; what it
# misses meanwhile comes when there is room (buffers in between hide its reads
# from nginx for up to a second)
socket(my $thin, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
setsockopt $thin, SOL_SOCKET, SO_RCVBUF, pack('i', 4096);
connect $thin, pack_sockaddr_in($ll->{ports}{http}, inet_aton('127.0.0.1'))
    or die "connect: $!";
print $thin "GET /api/properties/P/events HTTP/1.1\r\nHost: x\r\n"
            . 'Authorization: Bearer ' . $ll->token('u-tom') . "\r\n\r\n";
$thin->flush();
my ($in, $last) = ('', 0);
wait_for(sub { sysread $thin, $in, 4096, length $in; $in =~ /hello/ }, 5);
$last = messages(15);
$thin->blocking(0);

wait_for(sub {
    sysread $thin, $in, 1000, length $in;
    sleep 0.05;
    $in =~ /^id: $last\./m;
}, 30);

my @ids = $in =~ /^id: (\d+)\./mg;
is("@ids", join(' ', $last - 14 .. $last), 'a line of 20 kB/s has it all');
close $thin;
settled('and is closed');

$ll->finish(more => 1);


# by size: there is an hour for each, also for those that are only late, but no
# more than 1 MiB may wait.  Who does not take the "bye" either is left to nginx's
# send_timeout.

stack('1h', '1m', '1s', 'send_timeout 10s;');

for my $way (@ways) {
    my ($name, @how) = @$way;

    # late: the last byte comes without a further event
    my $late = $ll->events('P', 'u-tom', @how);
    $late->wait_event('hello') or fail("$name: hello");
    kill 'STOP', $late->{pid};
    my $seq = messages(60);
    kill 'CONT', $late->{pid};
    ok($late->wait_entry($seq, 5), "$name: late, the last event comes");
    my @got = map { $_->{seq} } $late->entries();
    is("@got", join(' ', $seq - 59 .. $seq), "$name: with all before it");

    undef $late;
    settled("$name: and all is closed");

    my (undef, $early) = busy("$name, by size", "\x{1f44b}", @how);
    cmp_ok($early * 16000, '>', $limit - 2 * 16000,
           "$name: none before there was so much");
    cmp_ok($early * 16000, '<', 2 * $limit, 'the first not much later');
}

$ll->finish();
