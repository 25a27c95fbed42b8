#!/usr/bin/perl

# Lifetimes of requests and streams: unusual headers, configurations and moments
# neither crash nginx, nor stall or end a stream.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $logs = tempdir(CLEANUP => 1);
my $ll = LeaseLoft->new(
    directives => { leaseloft_linger => '1s', leaseloft_ping => '2s' },
    server => <<'END' =~ s/LOGS/$logs/r);
    location ~ ^/small/(?<small>[^/]*)$ {
        client_max_body_size 100;
        error_page 413 = @send;
        return 200;
    }
    location @send {
        leaseloft_send $small;
    }
    location ~ ^/capture/(?<capture>[^/]*)$ {
        if ($http_x_capture ~ "(a+)") {
            set $captured 1;
        }
        access_log LOGS/capture-$1.log;
        leaseloft_events $capture;
    }
    location ~ ^/parts/(?<parts>[^/]*)$ {
        leaseloft_messages $parts;
        leaseloft_send $parts;
        if ($http_x_part) {
            add_header X-Part yes;
        }
        if ($http_x_other) {
            proxy_pass http://127.0.0.1:1;
        }
        limit_except GET {
            allow all;
        }
    }
END

$ll->lease('P', tenants => ['u-tom']);

my $token = $ll->token('u-tom');


# conditional headers are ignored for streams, since a browser's EventSource
# does not reconnect after a status other than 200
for my $header (['If-Match', '"x"'], ['If-None-Match', '*'],
                ['If-Unmodified-Since', 'Sat, 29 Oct 1994 19:43:31 GMT'],
                ['Range', 'bytes=0-1'], ['Expect', '100-continue'])
{
    for my $http (1, 2) {
        my $stream = $ll->events('P', 'u-tom', headers => { @$header },
                                 $http == 2 ? (http => 2) : ());

        is(($stream->next_event(3) // {})->{event}, 'hello',
           "a stream with $header->[0] on HTTP/$http begins");
    }
}


# a body that nginx has discarded before error_page leads to an endpoint
my ($pid) = $ll->nginx_children();
my $r = $ll->raw("POST /small/P HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 . "Content-Type: application/json\r\n"
                 . "Authorization: Bearer $token\r\n"
                 . "Content-Length: 2000\r\n\r\n{", timeout => 2);
is($r->status(), 413, 'a send whose body was discarded gets 413');
is(($ll->nginx_children())[0], $pid, 'a discarded body crashes no process');


# "if" and "limit_except" inherit the endpoints of their location
$r = $ll->get('/parts/P', user => 'u-tom', headers => { 'X-Part' => 1 });
is($r->status(), 200, 'a poll within an "if" is served');
is($r->header('X-Part'), 'yes', 'the "if" has its effect');
is_problem($ll->get('/parts/P', headers => { 'X-Part' => 1 }), 401, '',
           'a poll within an "if" needs a token');
is($ll->get('/parts/P', headers => { 'X-Other' => 1 })->status(), 502,
   'an "if" with a handler of its own is served by it');
is($ll->post('/parts/P', { client_id => 'part', text => 'x' },
             user => 'u-tom')->status(), 201,
   'a send within "limit_except" is served');


# a log that uses a capture of a header, which the stream has freed
for my $how ([], [tls => 1], [http => 2]) {
    my $stream = $ll->stream('/capture/P', user => 'u-tom', @$how,
                             headers => { 'X-Capture' => 'aaa' });
    ok($stream->wait_event('hello', 3),
       "a stream with a captured header @$how begins");
    $stream->close();
}
sub logs { return join ' ', map { s{.*/}{}r } glob "$logs/*" }
wait_for(sub { logs() =~ / / }, 5);
is(logs(), 'capture-.log capture-aaa.log',
   'a captured header is empty or unchanged in the log');
is(($ll->nginx_children())[0], $pid, 'a captured header crashes no process');


# Redis refuses for a moment the query for what a channel missed
my $stream = $ll->events('P', 'u-tom');
my $inbox = $ll->stream('/api/inbox/events', user => 'u-tom');
$_->wait_event('hello') for $stream, $inbox;
$ll->say('P', 'u-lena', 'before');
ok($stream->wait_event('', 2), 'a stream gets a message');
ok($inbox->wait_event('thread', 2), 'an inbox stream gets a thread');

my $ver = $ll->redis('HGET', 'll:{p:P}:meta', 'ver');
$ll->redis('ACL', 'SETUSER', 'default', '-fcall_ro');
$ll->redis('PUBLISH', 'll:{p:P}:ch', 'L ' . ($ver + 9) . " 1\n");
$ll->redis('PUBLISH', 'll:{u:u-tom}:ch', "I 1000 1\n");
my $ping = $stream->wait_event('ping', 2);
is($ping && $ping->{json}{live}, JSON::PP::false,
   'a stream with a gap that cannot be filled is not live');
$ping = $inbox->wait_event('ping', 2);
is($ping && $ping->{json}{live}, JSON::PP::false,
   'an inbox stream with a gap that cannot be filled is not live');
sleep 1.5;
$ll->redis('ACL', 'SETUSER', 'default', '+fcall_ro');

my $seq = $ll->say('P', 'u-lena', 'after')->json()->{seq};
ok($stream->wait_entry($seq, 4),
   'the query is repeated until Redis answers');
$ping = $stream->find_event(sub { $_[0]{event} eq 'ping'
                                  && $_[0]{json}{live} }, 4);
ok($ping, 'a stream whose gap is filled is live again');
ok($inbox->wait_event('thread', 4), 'an inbox stream gets what it missed');
my @errors = $ll->slurp('error.log') =~ /reading what a channel missed/g;
cmp_ok(scalar @errors, '<=', 4, 'failed queries are logged sparingly');


# a property is restored from a backup, and gets the same versions again
my @keys = map { "ll:{p:Q}:$_" }
           qw(thread meta reads snaps leases);
$ll->lease('Q', tenants => ['u-tom']);
$ll->say('Q', 'u-lena', 'one');
my @dump = map { $ll->redis('DUMP', $_) } @keys;
$stream = $ll->events('Q', 'u-tom');
$stream->wait_event('hello');
$ll->say('Q', 'u-lena', $_) for qw(two three);
ok($stream->wait_entry(4, 2),
   'a stream gets the newest entry before the restore');
$r = $ll->get('/api/properties/Q/messages', user => 'u-tom');
my @etag = (headers => { 'If-None-Match' => $r->header('ETag') });
is($ll->get('/api/properties/Q/messages', user => 'u-tom', @etag)->status(),
   304, 'an unchanged poll gets 304 before the restore');
for my $key (@keys) {
    my $dump = shift @dump;
    $ll->redis(defined $dump ? ('RESTORE', $key, 0, $dump, 'REPLACE')
                             : ('DEL', $key));
}
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
ok($stream->wait_event('reset', 5), 'a stream gets reset after the restore');
$ll->say('Q', 'u-lena', $_) for qw(TWO THREE);
is(($stream->wait_entry(4, 3) // {})->{text}, 'THREE',
   'a stream gets new entries after the restore');
is($ll->get('/api/properties/Q/messages', user => 'u-tom', @etag)->status(),
   200, 'an ETag from before the restore gets 200');


# An event is sent without waiting for the client's ACK of the one before
# (TCP_NODELAY).  With TCP_QUICKACK (12) off the client delays ACKs by 40 ms.
$ver = $ll->redis('HGET', 'll:{p:P}:meta', 'ver');
$stream = $ll->events('P', 'u-tom');
$stream->wait_event('hello');
sleep 0.3;
my @times;
for my $n (1 .. 30) {
    my $start = time();
    setsockopt($stream->{handle}, 6, 12, pack('i', 0));
    $ll->redis('PUBLISH', 'll:{p:P}:ch', 'R ' . ($ver + $n)
               . " 1 u-tom 1\n{\"upto\":$n}");
    $stream->wait_event('read', 1);
    push @times, time() - $start;
}
cmp_ok((sort { $a <=> $b } @times)[15], '<', 0.015,
       'an event does not wait for the ACK of the one before');


# a process that has just started gets requests before it is connected to Redis
$_->close() for $stream, $inbox;
my %statuses;
for my $round (1 .. 10) {
    my @pids;
    pipe my $in, my $out;
    for my $n (1 .. 3) {
        my $pid = fork();
        if ($pid == 0) {
            sleep rand 0.02;
            my $status = $ll->say('P', 'u-tom', "round $round",
                                  client_id => "round-$round-$n")->status();
            syswrite $out, "$status\n";
            POSIX::_exit(0);
        }
        push @pids, $pid;
    }
    $ll->signal('nginx', 'HUP');
    waitpid $_, 0 for @pids;
    close $out;
    $statuses{$_}++ for map { chomp; $_ } <$in>;
    sleep 0.05;
}
is_deeply(\%statuses, { 201 => 30 },
          'all sends are accepted while nginx reloads');

$ll->finish();
