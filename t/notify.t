#!/usr/bin/perl

# What a worker tells systemd, on a socket like systemd's: that it is ready, its
# state, that it is alive, and that it ends.  A worker that hangs is silent.
# t/systemd.t has systemd itself.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use IO::Socket::UNIX;
use Socket qw(SOCK_DGRAM);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Ports qw(free_port);
use LeaseLoft::Redis;

# a process under valgrind takes longer for everything
my $slow = $ENV{LEASELOFT_UNDER} ? 4 : 1;
my $limit = 1.2 * $slow;

my $ll = LeaseLoft->new(start => 0);
my $socket = listen_at("$ll->{dir}/notify");
my @told;

# before Redis

worker($ll->{url});

is(told(qr/^STATUS=/), 'STATUS=connecting to redis',
   'the first state is that the worker connects');
like(told(qr/READY=1/), qr/\AREADY=1\nSTATUS=can't connect to redis: ./,
     'a worker that cannot connect is ready, and says why it does nothing');

$ll->start('redis');

is(told(qr/STATUS=takes/), 'STATUS=takes requests',
   'the state is that the worker takes requests');
is(scalar(grep { /READY/ } @told), 1, 'the worker is ready once');

# the watchdog

my $widest = gap(2 * $limit);
cmp_ok($widest, '<', $limit, 'a worker tells often enough that it is alive');
is(scalar(grep { /STATUS/ } drain()), 0, 'a state is told once');

my $redis = LeaseLoft::Redis->new("$ll->{dir}/redis.sock");

$redis->command('CONFIG', 'SET', 'maxmemory', 1);
like(told(qr/STATUS=redis/), qr/^STATUS=redis refuses, retrying: OOM /,
     'the state is why Redis refuses writes');

cmp_ok(gap(2 * $limit), '<', $limit,
       'a worker that waits for Redis tells that it is alive');

$redis->command('CONFIG', 'SET', 'maxmemory', 0);
ok(told(qr/STATUS=takes/), 'a worker tells that Redis takes writes again');

$redis->command('ACL', 'SETUSER', 'default', '-publish');
like(told(qr/STATUS=takes no/),
     qr/^STATUS=takes no requests, see the log: PUBLISH\z/,
     'the state names the right that is missing');
$redis->command('ACL', 'SETUSER', 'default', '+publish');
ok(told(qr/STATUS=takes req/), 'a worker tells that it has the right');

$ll->signal('worker', 'STOP');
drain();
cmp_ok(gap(2 * $limit), '>=', 2 * $limit, 'a stopped worker is silent');
$ll->signal('worker', 'CONT');
ok(told(qr/WATCHDOG/), 'a worker that goes on tells that it is alive');

# its end

is($ll->stop('worker'), 0, 'a worker ends on SIGTERM');
is(told(qr/STOPPING/), "STOPPING=1\nSTATUS=stopping",
   'a worker tells that it ends');

# a server that answers a byte at a time, for ever

my $slowly = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5,
                 LocalPort => free_port()) or die "listen: $!";

worker('redis://127.0.0.1:' . $slowly->sockport());

my $peer = $slowly->accept();
my $end = time() + 2 * $limit;

drain();
print $peer '+';

while (time() < $end) {
    print $peer 'x';
    $peer->flush();
    sleep 0.05;
}

is(scalar(grep { /WATCHDOG/ } drain()), 0,
   'a worker whose loop does not turn is silent');
$peer->close();
$slowly->close();
ok(told(qr/STATUS=can't connect/), 'the loop turns again');
$ll->stop('worker');

# sentinels that accept connections, and do not answer

my @silent = map { IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5,
                       LocalPort => free_port()) } 1 .. 4;

worker('redis+sentinel://'
       . join(',', map { '127.0.0.1:' . $_->sockport() } @silent) . '/main',
       usec => 2e6);
told(qr/STATUS=connecting/);
cmp_ok(gap(3.5), '<', 2, 'a worker that asks sentinels tells that it is alive');
$ll->stop('worker', 'TERM', 20);

# other sockets, and none

$socket = listen_at("\0leaseloft-notify-$$");
worker($ll->{url}, notify => "\@leaseloft-notify-$$");
like(told(qr/READY/), qr/\AREADY=1\nSTATUS=takes requests\z/,
     'a socket may have an abstract name; a worker is ready once it works');
$ll->stop('worker');

drain();
worker($ll->{url}, notify => "\@leaseloft-notify-$$", watchdog_pid => 1);
told(qr/READY/);
is(gap(2 * $limit), 2 * $limit, 'the watchdog of another process is ignored');
$ll->stop('worker');

worker($ll->{url}, notify => '/' . 'x' x 200);
ok(wait_for(sub { $ll->slurp('worker.log') =~ /NOTIFY_SOCKET is no socket/ }, 5),
   'a socket that cannot be used is logged');
$ll->stop('worker');

# priorities, for the journal

for my $try ([ 0, 'error output is the journal',
               qr/\A(?:<[1-7]>\S+ \[\w+\] .*\n)+\z/ ],
             [ 1, 'error output is not the journal',
               qr/\A(?:[^<\s]\S+ \[\w+\] .*\n)+\z/ ])
{
    my ($other, $what, $expected) = @$try;

    $ll->write('journal.log', '');
    my ($dev, $inode) = (stat "$ll->{dir}/journal.log")[0, 1];
    $inode += $other;

    $ll->spawn('journal', "env JOURNAL_STREAM=$dev:$inode $LeaseLoft::worker"
                          . " --redis unix:$ll->{dir}/none");
    ok(wait_for(sub { $ll->slurp('journal.log') =~ /can't connect/ }, 5 * $slow),
       'the worker logs');
    $ll->stop('journal');

    my $log = $ll->slurp('journal.log');

    like($log, $expected, "lines have a priority if $what") if !$other;
    like($log, $expected, "lines have no priority if $what") if $other;
    like($log, qr/^<3>\S+ \[error\] can't connect.*\n<5>\S+ \[notice\] worker/m,
         'the priority is that of syslog') if !$other;
}

$ll->finish();


sub listen_at {
    return IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $_[0])
           // die "can't listen: $!";
}


# worker($url, notify =>, usec =>, watchdog_pid =>): starts a worker
sub worker {
    my ($url, %options) = @_;

    my $notify = $options{notify} // "$ll->{dir}/notify";
    my $usec = $options{usec} // $limit * 1e6;

    @told = ();
    drain();
    $ll->write('worker.log', '');

    my $pid = defined $options{watchdog_pid}
            ? "WATCHDOG_PID=$options{watchdog_pid}" : '';

    $ll->spawn('worker', "env NOTIFY_SOCKET='$notify' WATCHDOG_USEC=$usec $pid"
                         . " $LeaseLoft::worker --redis $url --searchers 0");
}


# the next datagram, or undef after so many seconds
sub receive {
    my ($seconds) = @_;

    IO::Select->new($socket)->can_read($seconds > 0 ? $seconds : 0)
        or return undef;
    $socket->recv(my $text, 4096);
    chomp $text;
    push @told, $text;

    return $text;
}


# waits for a datagram that matches, and returns it
sub told {
    my ($expected) = @_;

    my $end = time() + 10 * $slow;

    while (defined(my $text = receive($end - time()))) {
        return $text if $text =~ $expected;
    }

    return '';
}


# the datagrams that are there
sub drain {
    my @all;

    while (defined(my $text = receive(0))) {
        push @all, $text;
    }

    return @all;
}


# the longest time without a sign of life, of so many seconds from now
sub gap {
    my ($seconds) = @_;

    my ($start, $last, $widest) = (time(), 0, 0);

    while (1) {
        my $text = receive($start + $seconds - time());
        my $at = defined $text ? time() - $start : $seconds;

        next if defined $text && $text !~ /WATCHDOG/;
        $widest = $at - $last if $at - $last > $widest;
        $last = $at;
        return $widest if !defined $text;
    }
}

