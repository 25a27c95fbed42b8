#!/usr/bin/perl

# Many clients that do not read, over HTTP, TLS, HTTP/2 and both.  They are
# aborted by time although messages keep coming, and by size although there is
# time left; those that disconnect are noticed; one that is only late gets the
# last byte without a further event; and descriptors and counts of streams
# return to where they were.

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

# starts all parts with these limits, and notes nginx's descriptors
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

sub metric { return $ll->metric(@_) }

# sends messages of 4 or 16 kB, which fill the buffers on the way
sub messages {
    my ($count, $char) = @_;
    my $text = ($char // 'x') x 4000;
    my $seq;
    $seq = ($ll->say('P', 'u-lena', $text)->json() // {})->{seq} // $seq
        for 1 .. $count;
    return $seq;
}

# waits until streams and descriptors are as before
sub settled {
    my ($name) = @_;
    ok(wait_for(sub { fds() == $start && metric('streams') == 0 }, 6), $name)
        or diag(fds() . " descriptors now, $start at first");
}

# opens $n streams whose clients then stop reading
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

# over plain HTTP a curl reads, too, as it can be stopped and keeps its socket
push @{ $ways[0] }, http => 1;

# messages keep coming for clients that do not read until all are aborted: how
# long that takes, and how many messages there are before the first is
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

    ok($cut, "$name: all $n streams are aborted")
        or diag(metric('streams') . ' are left');
    diag(sprintf '%s: %d streams are aborted after %.1f s, %d messages',
         $name, $n, $took, $count);
    is(metric('streams_slow_total') - $slow, $n,
       "$name: each aborted stream is counted as slow once");
    my $seen = $well->wait_entry($seq, 5);
    is($seen && $seen->{seq}, $seq,
       "$name: a stream that is read gets the last entry");
    $well->close();
    kill 'CONT', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    settled("$name: descriptors and streams are as before");

    return ($took, $early // 0);
}


# by time: a message does not extend the three seconds, and there is room for
# all messages; the check of the client's TCP state needs two pings, which do
# not come in that time

stack('3s', '500m', '10s');

for my $way (@ways) {
    my ($name, @how) = @$way;

    my ($took) = busy("$name, by time", 'x', @how);
    cmp_ok($took, '>=', 3, "$name: no stream is aborted before the time");
    cmp_ok($took, '<', 3 + 7,
           "$name: all are aborted soon after the time and full buffers");
}

$ll->finish(more => 1);


# clients that disconnect

stack('3s', '1m', '1s');

for my $way (@ways) {
    my ($name, @how) = @$way;

    # they stop reading, then they disconnect
    my @stopped = stopped('P', $name, @how);
    messages(20);
    kill 'KILL', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    settled("$name: stopped clients that disconnect are noticed");

    # the same on a quiet thread, where only pings are sent
    @stopped = stopped('Q', $name, @how);
    kill 'KILL', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    settled("$name: clients that disconnect without a message are noticed");
}

# a client with 20 kB/s takes something all the time, so it is not aborted; what
# it misses meanwhile comes when there is room (buffers on the way hide its
# reads from nginx for up to a second)
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
is("@ids", join(' ', $last - 14 .. $last),
   'a client with 20 kB/s gets all entries');
close $thin;
settled('the closed stream of a client with 20 kB/s is noticed');

$ll->finish(more => 1);


# by size: there is an hour for each client, but 1 MiB at most may wait for it.
# A client that does not take its "bye" either is left to nginx's send_timeout.

stack('1h', '1m', '1s', 'send_timeout 10s;');

for my $way (@ways) {
    my ($name, @how) = @$way;

    # late: the last byte comes without a further event
    my $late = $ll->events('P', 'u-tom', @how);
    $late->wait_event('hello') or fail("$name: the stream begins");
    kill 'STOP', $late->{pid};
    my $seq = messages(60);
    kill 'CONT', $late->{pid};
    ok($late->wait_entry($seq, 5),
       "$name: a late client gets the last entry without another event");
    my @got = map { $_->{seq} } $late->entries();
    is("@got", join(' ', $seq - 59 .. $seq),
       "$name: a late client gets all entries");

    undef $late;
    settled("$name: the closed stream of a late client is noticed");

    my (undef, $early) = busy("$name, by size", "\x{1f44b}", @how);
    cmp_ok($early * 16000, '>', $limit - 2 * 16000,
           "$name: no stream is aborted below the limit");
    cmp_ok($early * 16000, '<', 2 * $limit,
           "$name: the first is aborted soon above the limit");
}

$ll->finish();
