#!/usr/bin/perl

# Streams whose channel has received less, or more, than Redis has stored: they
# wait for it, or read it again.  They never query Redis or ping their client in
# a loop.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

our $ll = LeaseLoft->new(main => 'worker_processes 1;');

$ll->lease($_, tenants => ['u-tom', 'u-ana']) for 'P', 'Q';
$ll->say('P', 'u-tom', "text $_") for 1 .. 3;

my ($key, $channel) = ('ll:{u:u-ana}:inbox', 'll:{u:u-ana}:ch');

sub account { return split / /, $ll->redis('HGET', $key, ':') }

sub pings { return scalar grep { $_->{event} eq 'ping' } $_[0]->events() }

sub asked {
    my $info = $ll->redis('INFO', 'commandstats');
    return ($info =~ /^cmdstat_fcall_ro:calls=(\d+)/m)[0] // 0;
}

# in two seconds without events a stream pings and queries Redis this often
sub is_calm {
    my ($stream, $name, $pings) = @_;
    my ($pinged, $asked) = (pings($stream), asked());

    $stream->wait_event('nothing', 2);

    cmp_ok(pings($stream) - $pinged, '<=', $pings,
           "$name: at most $pings pings in 2 s");
    cmp_ok(asked() - $asked, '<=', 6, "$name: at most 6 queries in 2 s");
}

sub inbox {
    my $stream = $ll->stream('/api/inbox/events', user => 'u-ana');
    $stream->wait_event('hello') or fail('hello');
    return $stream;
}

# the next message reaches the stream, with the rev and the total of the inbox
sub goes_on {
    my ($stream, $name) = @_;

    my $text = "then $name";
    $ll->say('Q', 'u-tom', $text);

    my $event = $stream->wait_event(sub {
        $_[0]{event} eq 'thread' && $_[0]{json}{last}{preview} eq $text });
    my $inbox = $ll->get('/api/inbox', user => 'u-ana')->json();

    ok($event, "$name: the stream gets the next message") or return;
    is($event->{id}, $inbox->{rev}, "$name: its id is the rev of the inbox");
    is($event->{json}{total_unread}, $inbox->{total_unread},
       "$name: it has the total of the inbox");
}


# a request whose body never comes: nginx waits for it to discard it

my ($worker) = $ll->nginx_children();

sub seconds {
    open my $f, '<', "/proc/$worker/stat" or die "stat: $!\n";
    my @fields = split / /, <$f>;
    return ($fields[13] + $fields[14]) / 100;
}

for my $path ('/api/properties/P/events', ('/api/inbox/events') x 2) {
    my $used = seconds();
    my $open = $ll->stream($path, user => 'u-tom',
                           headers => { 'Content-Length' => 5 });

    ok($open->wait_event('hello'), "$path: a stream without its body opens");
    is_calm($open, $path, 0);
    cmp_ok(seconds() - $used, '<', 0.5, "$path: nginx is idle meanwhile");
    $open->close();
}


# Redis is ahead of what was published, as through a slow connection.  A change
# without an event is announced by a ping, later changes by the regular pings

my $stream = inbox();
my ($rev, $total, $n) = account();

$ll->redis('HSET', $key, ':', join ' ', $rev + 5, $total, $n);
$ll->redis('PUBLISH', $channel, join(' ', 'I', $rev + 1, $total) . "\n");

my $ping = $stream->wait_event('ping', 2);
is($ping && $ping->{json}{rev}, $rev + 1,
   'a ping announces a change without an event at once');
is_calm($stream, 'ahead', 0);

for (2 .. 4) {
    $ll->redis('PUBLISH', $channel,
               join(' ', 'I', $rev + $_, $total) . "\n");
}

is_calm($stream, 'late frames', 0);
$ll->redis('PUBLISH', $channel, join(' ', 'I', $rev + 5, $total) . "\n");
goes_on($stream, 'ahead');


# threads that leave the inbox one after the other: no additional pings

($rev, $total, $n) = account();

for (1 .. 20) {
    $ll->redis('HSET', $key, ':', join ' ', $rev + $_, $total, $n);
    $ll->redis('PUBLISH', $channel,
               join(' ', 'I', $rev + $_, $total) . "\n");
    sleep 0.02;
}

my $pinged = pings($stream);
is_calm($stream, 'threads that leave', 0);
is($pinged, 1, 'threads that leave cause no additional ping');
goes_on($stream, 'threads that leave');
$stream->close();


# the next ping that is due announces them

my $quick = LeaseLoft->new(main => 'worker_processes 1;',
                           directives => { leaseloft_ping => '1s' });
$quick->lease('P', tenants => ['u-ana']);

{
    local $ll = $quick;

    $stream = inbox();
    ($rev, $total, $n) = account();
    my $start = time();

    for (1 .. 60) {
        $ll->redis('HSET', $key, ':', join ' ', $rev + $_, $total, $n);
        $ll->redis('PUBLISH', $channel,
                   join(' ', 'I', $rev + $_, $total) . "\n");
        sleep 0.05;
    }

    ok($stream->wait_event(sub { $_[0]{event} eq 'ping'
                                 && $_[0]{json}{rev} == $rev + 60 }, 2),
       'the last of 60 changes is announced by the next ping');
    cmp_ok(pings($stream), '<=', 2 * (time() - $start),
           'changes cause at most 2 pings a second');
    cmp_ok(pings($stream), '>=', 3, 'the regular pings, 1 s apart, are sent');
    $stream->close();
    $ll->finish(more => 1);
}


# Redis is behind what was published, as after a restore of a backup, which
# closes all connections: the stream continues with what is stored

$stream = inbox();
($rev, $total, $n) = account();
$ll->redis('HSET', $key, ':', join ' ', $rev - 4, $total, $n);
$ll->redis('PUBLISH', $channel, join(' ', 'I', $rev + 1, $total) . "\n");
$stream->wait_event(sub { $_[0]{event} eq 'ping'
                          && $_[0]{json}{rev} == $rev + 1 }, 2)
    or fail('a ping announces the change before the restore');
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
$stream->wait_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live}
                          && $_[0]{json}{rev} == $rev - 4 }, 5)
    or fail('a ping announces the rev of the restored inbox');
is_calm($stream, 'behind', 1);
goes_on($stream, 'behind');
$stream->close();


# the same for a thread: a lease was published that Redis does not have

my $thread = $ll->events('P', 'u-ana', query => 'after=0');
$thread->wait_entry(4) or fail('entries');

my ($ver, $lrev) = @{ $ll->redis('HMGET', 'll:{p:P}:meta', 'ver', 'rev') };
$ll->redis('PUBLISH', 'll:{p:P}:ch',
           join(' ', 'L', $ver + 1, $lrev + 1) . "\n");
is_calm($thread, 'a thread', 0);

is($ll->say('P', 'u-tom', 'and then')->status(), 201,
   'a thread: a message is sent');
ok($thread->wait_entry(5), 'a thread: the stream gets the message');
is(join(' ', map { $_->{seq} } $thread->entries()), '1 2 3 4 5',
   'a thread: the stream gets each entry once');
ok(!(grep { ($_->{event} // '') eq 'reset' } $thread->events()),
   'a thread: the stream gets no reset');

$ll->finish();
