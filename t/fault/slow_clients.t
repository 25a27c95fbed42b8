#!/usr/bin/perl

# Clients that do not read: over plain HTTP, TLS, HTTP/2 and both.  They are
# cut although messages keep coming, those that leave are noticed, one that was
# only late gets the last byte without a further event, and descriptors and
# counts of streams come back to where they were.

use strict;
use warnings;

use IO::Handle;
use Socket;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

# where those who are late are not cut
my %patient = map { $_ => LeaseLoft::free_port() } qw(http tls h2c);

my $ll = LeaseLoft->new(
    main => 'worker_processes 1;', listen => 'sndbuf=16k',
    http => join(' ', 'server { leaseloft_slow_timeout 60s;',
                 (map { "listen 127.0.0.1:$patient{$_->[0]} sndbuf=16k $_->[1];"
                      } ['http', ''], ['tls', 'ssl http2'], ['h2c', 'http2']),
                 'include leaseloft/api.conf; }'),
    directives => { leaseloft_slow_timeout => '3s', leaseloft_ping => '1s',
                    leaseloft_max_streams => 1000 });
my $n = $ENV{LEASELOFT_LONG} ? 50 : 8;

$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->lease('Q', tenants => ['u-tom', 'u-ana']);

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

# big ones, so that they fill the buffers between
sub messages {
    my ($count) = @_;
    my $seq;
    $seq = ($ll->say('P', 'u-lena', 'x' x 4000)->json() // {})->{seq} // $seq
        for 1 .. $count;
    return $seq;
}

# a moment until what the harness itself had open is gone
sub settled {
    my ($fds) = @_;
    return wait_for(sub { fds() <= $fds && metric('streams') == 0 }, 6);
}

my @ways = (
    ['plain', 'http'], ['TLS', 'tls', tls => 1],
    ['HTTP/2', 'h2c', http => 2],
    ['TLS and HTTP/2', 'tls', tls => 1, http => 2],
);

messages(1);
sleep 0.5;
my $start = fds();

for my $way (@ways) {
    my ($name, $port, @how) = @$way;

    # curl reads plain ones, too: it can be stopped, its socket stays
    my @curl = @how ? @how : (http => 1);

    my $open = sub {
        my ($property) = @_;
        my @streams = map { $ll->events($property, 'u-tom', @curl) } 1 .. $n;
        $_->wait_event('hello') or fail("$name: hello") for @streams;
        return @streams;
    };

    # none of them reads, and messages keep coming
    my @stopped = $open->('P');
    my $well = $ll->events('P', 'u-ana');
    $well->wait_event('hello');
    kill 'STOP', map { $_->{pid} } @stopped;

    my $begin = time();
    my $seq;
    my $cut = wait_for(sub { $seq = messages(3) // $seq;
                             $well->events();
                             metric('streams') == 1 }, 30);
    my $took = time() - $begin;

    ok($cut, "$name: all $n are cut") or diag(metric('streams') . ' are left');
    diag(sprintf '%s: %d that never read are cut after %.1f s, %d messages',
         $name, $n, $took, $seq);
    my $seen = $well->wait_entry($seq, 5);
    is($seen && $seen->{seq}, $seq, "$name: who reads has it all");
    $well->close();
    kill 'CONT', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    ok(settled($start), "$name: descriptors and streams come back")
        or diag(fds() . " now, $start at first");

    # they stop reading, then they are gone
    @stopped = $open->('P');
    kill 'STOP', map { $_->{pid} } @stopped;
    messages(20);
    kill 'KILL', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    ok(settled($start), "$name: stopped, then gone: they come back")
        or diag(fds() . " now, $start at first");

    # on a quiet thread as well, where only pings are sent
    @stopped = $open->('Q');
    kill 'KILL', map { $_->{pid} } @stopped;
    $_->close() for @stopped;
    ok(settled($start), "$name: gone without a message: they come back")
        or diag(fds() . " now, $start at first");

    # late: the last byte comes without a further event
    my $late = $ll->events('P', 'u-tom', @curl, port => $patient{$port});
    $late->wait_event('hello') or fail("$name: hello");
    kill 'STOP', $late->{pid};
    $seq = messages(60);
    kill 'CONT', $late->{pid};
    ok($late->wait_entry($seq, 5), "$name: late, the last event comes");
    my @got = map { $_->{seq} } $late->entries();
    is("@got", join(' ', $seq - 59 .. $seq), "$name: with all before it");

    undef $late;
    ok(settled($start), "$name: and all is closed");
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
ok(settled($start), 'and is closed');

$ll->finish();
