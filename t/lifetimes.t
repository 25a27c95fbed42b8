#!/usr/bin/perl

# Odd requests, odd configurations and odd moments: nothing crashes, stalls or
# ends a stream that should go on.

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


# conditions are for what has an ETag; any status but 200 would end a browser's
# EventSource for good
for my $header (['If-Match', '"x"'], ['If-None-Match', '*'],
                ['If-Unmodified-Since', 'Sat, 29 Oct 1994 19:43:31 GMT'],
                ['Range', 'bytes=0-1'], ['Expect', '100-continue'])
{
    for my $http (1, 2) {
        my $stream = $ll->events('P', 'u-tom', headers => { @$header },
                                 $http == 2 ? (http => 2) : ());

        is(($stream->next_event(3) // {})->{event}, 'hello',
           "$header->[0] on HTTP/$http");
    }
}


# a body that nginx has thrown away before error_page leads to an endpoint
my ($pid) = $ll->nginx_children();
my $r = $ll->raw("POST /small/P HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                 . "Content-Type: application/json\r\n"
                 . "Authorization: Bearer $token\r\n"
                 . "Content-Length: 2000\r\n\r\n{", timeout => 2);
is($r->status(), 413, 'a body thrown away is too large');
is(($ll->nginx_children())[0], $pid, 'and crashes nothing');


# "if" and "limit_except" are parts of their location
$r = $ll->get('/parts/P', user => 'u-tom', headers => { 'X-Part' => 1 });
is($r->status(), 200, 'an "if" that holds');
is($r->header('X-Part'), 'yes', 'and does what it says');
is_problem($ll->get('/parts/P', headers => { 'X-Part' => 1 }), 401, '',
           'with a check of the token');
is($ll->get('/parts/P', headers => { 'X-Other' => 1 })->status(), 502,
   'one that leads elsewhere');
is($ll->post('/parts/P', { client_id => 'part', text => 'x' },
             user => 'u-tom')->status(), 201, 'limit_except');


# what a log may still look at when a stream has given its headers back
for my $how ([], [tls => 1], [http => 2]) {
    my $stream = $ll->stream('/capture/P', user => 'u-tom', @$how,
                             headers => { 'X-Capture' => 'aaa' });
    ok($stream->wait_event('hello', 3), "a capture of a header @$how");
    $stream->close();
}
sleep 0.3;
my @logs = map { s{.*/}{}r } glob "$logs/*";
is("@logs", 'capture-.log capture-aaa.log', 'is gone, or as it was');
is(($ll->nginx_children())[0], $pid, 'and nothing crashed');


# Redis refuses to say what a channel missed, for a moment
my $stream = $ll->events('P', 'u-tom');
my $inbox = $ll->stream('/api/inbox/events', user => 'u-tom');
$_->wait_event('hello') for $stream, $inbox;
$ll->say('P', 'u-lena', 'before');
ok($stream->wait_event('', 2), 'a live stream');
ok($inbox->wait_event('thread', 2), 'and an inbox');

my $ver = $ll->redis('HGET', 'll:{p:P}:meta', 'ver');
$ll->redis('ACL', 'SETUSER', 'default', '-fcall_ro');
$ll->redis('PUBLISH', 'll:{p:P}:ch', 'L ' . ($ver + 9) . " 1\n");
$ll->redis('PUBLISH', 'll:{u:u-tom}:ch', "I 1000 1\n");
my $ping = $stream->wait_event('ping', 2);
is($ping && $ping->{json}{live}, JSON::PP::false, 'a gap, and no answer');
$ping = $inbox->wait_event('ping', 2);
is($ping && $ping->{json}{live}, JSON::PP::false, 'for the inbox as well');
sleep 1.5;
$ll->redis('ACL', 'SETUSER', 'default', '+fcall_ro');

my $seq = $ll->say('P', 'u-lena', 'after')->json()->{seq};
ok($stream->wait_entry($seq, 4), 'asked again until it answers');
$ping = $stream->find_event(sub { $_[0]{event} eq 'ping'
                                  && $_[0]{json}{live} }, 4);
ok($ping, 'live again');
ok($inbox->wait_event('thread', 4), 'the inbox as well');
my @errors = $ll->slurp('error.log') =~ /did not say what a channel missed/g;
cmp_ok(scalar @errors, '<=', 4, 'not a line for each try');



# a property as it was in a backup counts through the same versions again
my @keys = map { "ll:{p:Q}:$_" }
           qw(thread meta reads snaps leases);
$ll->lease('Q', tenants => ['u-tom']);
$ll->say('Q', 'u-lena', 'one');
my @dump = map { $ll->redis('DUMP', $_) } @keys;
$stream = $ll->events('Q', 'u-tom');
$stream->wait_event('hello');
$ll->say('Q', 'u-lena', $_) for qw(two three);
ok($stream->wait_entry(4, 2), 'the newest entry');
$r = $ll->get('/api/properties/Q/messages', user => 'u-tom');
my @etag = (headers => { 'If-None-Match' => $r->header('ETag') });
is($ll->get('/api/properties/Q/messages', user => 'u-tom', @etag)->status(),
   304, 'a poll that is remembered');
for my $key (@keys) {
    my $dump = shift @dump;
    $ll->redis(defined $dump ? ('RESTORE', $key, 0, $dump, 'REPLACE')
                             : ('DEL', $key));
}
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
ok($stream->wait_event('reset', 5), 'the stream is reset');
$ll->say('Q', 'u-lena', $_) for qw(TWO THREE);
is(($stream->wait_entry(4, 3) // {})->{text}, 'THREE', 'and goes on');
is($ll->get('/api/properties/Q/messages', user => 'u-tom', @etag)->status(),
   200, 'the poll is not what it was');


# an event does not wait for the client to acknowledge the one before, which
# TCP_QUICKACK (12), when it is off, has it put off for 40 ms
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
cmp_ok((sort { $a <=> $b } @times)[15], '<', 0.015, 'no delay for each event');


# a process that has just started has requests before it has its Redis
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
is_deeply(\%statuses, { 201 => 30 }, 'sends while nginx reloads');

$ll->finish();
