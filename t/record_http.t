#!/usr/bin/perl

# Records over HTTP, in constant memory: a long thread to a client that reads
# slowly, over HTTP/1.1, HTTP/2 and TLS; what happens when Redis or a segment is
# gone in the middle, when nginx reloads, when the thread is written and sealed
# meanwhile; and the key.

use strict;
use warnings;

use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Client qw(connect_to);
use LeaseLoft::Files;
use LeaseLoft::Record;
use LeaseLoft::Requests;

my $LENGTH = 20_000;

my $json = JSON::PP->new->utf8;
my $key = record_key('messages.example.com');
my $path = '/api/properties/P/record';

my $ll = LeaseLoft->new(
    main => 'worker_processes 1;', limits => 1, listen => 'sndbuf=32k',
    http => 'send_timeout 3s; keepalive_timeout 1s; lingering_timeout 1s;'
            . 'gzip on; gzip_types application/x-ndjson;'
            . 'map $args $rate { slowly 5000k; }',
    server => 'set $limit_rate $rate;',
    worker_options => '--seal-after 500 --seal-size 128',
    directives => {
        limit_req => 'zone=leaseloft_sends burst=100000 nodelay',
        leaseloft_record_key => "$key->{file} $key->{name}" });
my $q = LeaseLoft::Requests->new($ll);
my @kept;

is($q->lease('P')->{status}, 200, 'a lease');

sub send_all {
    my ($name, @numbers) = @_;

    my @sent = $q->put_all(map {
        [ 'send', 'P', $_ % 2 ? 'u-lena' : 'u-tom',
          { client_id => "$name-$_",
            text => "$name $_ " . 'x' x ($_ % 300) } ] } @numbers);
    $q->await($sent[-1], 120) or BAIL_OUT('not sent');
}

send_all('first', 2 .. $LENGTH);


sub verified {
    my ($text, $name) = @_;

    $ll->write('record.ndjson', $text);

    my ($status, $said) = $ll->cli('verify', "$ll->{dir}/record.ndjson",
                                   '--key', $key->{key});
    is($status, 0, "$name: it verifies") or diag($said);
}

sub rss {
    my ($pid) = $ll->nginx_children();
    my ($kb) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
    return $kb;
}

# a connection that has asked for a record and read nothing
sub asked {
    my ($user) = @_;

    my $socket = IO::Socket::INET->new(Proto => 'tcp');
    $socket = connect_to($ll->{ports}{http}) or die;
    setsockopt $socket, Socket::SOL_SOCKET(), Socket::SO_RCVBUF(), 16384;
    $socket->syswrite("GET $path HTTP/1.1\r\nHost: localhost\r\n"
                      . "Accept-Encoding: gzip\r\nAuthorization: Bearer "
                      . $ll->token($user) . "\r\n\r\n");

    return $socket;
}

# one of which some was read: the connection, and what was read
sub begun {
    my ($user) = @_;

    my $socket = asked($user);
    my $raw = '';

    while (length $raw < 100_000) {
        sysread $socket, $raw, 65536, length $raw or last;
    }

    return ($socket, $raw);
}

# reads a part each half second while it waits, so that nginx goes on sending
sub wait_reading {
    my ($socket, $raw, $done, $seconds) = @_;

    my $next = 0;

    return wait_for(sub {
        if (time() > $next) {
            sysread $socket, $$raw, 65536, length $$raw;
            $next = time() + 0.5;
        }

        return $done->();
    }, $seconds);
}

# reads a chunked response to its last chunk, or to the end of the connection
sub rest_of {
    my ($socket, $each) = @_;

    my $raw = '';

    while (sysread $socket, $raw, 65536, length $raw) {
        last if $raw =~ /\r\n0\r\n\r\n\z/;
        $each->() if $each;
    }

    return LeaseLoft::Response->parse($raw);
}

sub cut_off {
    my ($r, $name) = @_;

    is($r->status(), 200, "$name: it had begun");
    cmp_ok(length $r->body(), '>', 1000, "$name: with some entries");
    ok($r->raw() !~ /\r\n0\r\n\r\n\z/, "$name: it has no last chunk");
    ok($r->body() !~ /^\{"entries"/m, "$name: and no last line");
}


# --- the response ---

ok(wait_for(sub {
    my ($sealed) = $ll->redis('HGET', 'll:{p:P}:meta', 'sealed') =~ /^(\d+)/;
    $sealed > $LENGTH - 1000;
}, 60), 'most of it is sealed');

my $r = $ll->get($path, user => 'u-lena');
my $whole = $r->body();

verified($whole, 'a long record');
is(() = $whole =~ /^\{"seq"/mg, $LENGTH, 'it has all entries');
is($r->header('Content-Type'), 'application/x-ndjson', 'its type');
is($r->header('Content-Disposition'), 'attachment; filename="record-P.ndjson"',
   'it is saved as a file');
is($r->header('Cache-Control'), 'no-store', 'it is not stored');
is($r->header('X-Content-Type-Options'), 'nosniff', 'nor sniffed');
is($r->header('Content-Encoding'), undef, 'nor compressed');
is($r->header('Content-Length'), undef, 'its length is not known before');

my $text = $whole =~ s/"made_at":"[^"]+"//r =~ s/^\{"entries".*//mr;

for my $way ([http => '1.0'], [http => 2], [tls => 1], [tls => 1, http => 2]) {
    my $r = $ll->get($path, user => 'u-lena', @$way);
    ok($r->body() =~ s/"made_at":"[^"]+"//r =~ s/^\{"entries".*//mr eq $text,
       "the same by @$way");
}

for my $header (['If-None-Match' => '*'], [Range => 'bytes=0-9'],
                ['If-Modified-Since' => 'Fri, 01 Jan 2027 00:00:00 GMT'])
{
    my $r = $ll->get($path, user => 'u-lena', headers => { @$header });
    is($r->status() . ' ' . length $r->body(), '200 ' . length $whole,
       "$header->[0] makes no difference");
}


# --- slow clients ---

# memory does not depend on the length of the thread, nor does a pool grow
{
    my $before = rss();
    my @sockets = map { asked("u-$_") } qw(lena lena lena tom tom);
    sleep 0.5;
    my $waiting = rss();

    # a sanitizer keeps what was freed
    my $limit = $LeaseLoft::sanitized ? 100_000 : 3000;

    cmp_ok($waiting - $before, '<', $limit,
           'five records of which nothing is read take some hundred kB each');

    my $most = 0;
    my $n = 0;
    my $r = rest_of(shift @sockets, sub {
        $most = rss() if ++$n % 20 == 0 && rss() > $most;
    });
    is(length $r->body(), length $whole, 'one that is read later is complete');
    cmp_ok($most - $waiting, '<', $limit / 3, 'memory stays the same while it is');
    verified($r->body(), 'read later');

    for my $socket (@sockets) {
        cut_off(rest_of_after($socket, 3), 'nothing was taken for send_timeout');
    }
}

# what a client gets that begins to read after so many seconds
sub rest_of_after {
    my ($socket, $seconds) = @_;

    my $end = $ll->{slow} //= time() + $seconds;
    sleep($end - time()) if $end > time();
    return rest_of($socket);
}

# a client that is slow, but takes some each second, is served
{
    my $socket = asked('u-lena');
    my $raw = '';
    for (1 .. 5) {
        sysread $socket, $raw, 100_000, length $raw;
        sleep 1;
    }
    my $r = rest_of($socket);
    verified(LeaseLoft::Response->parse($raw . $r->raw())->body(),
             'taken over more than send_timeout');
}

# the same over TLS, HTTP/2 and both: a client that stops reading is cut off, and
# one that goes away leaves nothing behind
sub fds {
    my ($pid) = $ll->nginx_children();
    opendir my $dir, "/proc/$pid/fd" or return -1;
    return scalar grep { /^\d+$/ } readdir $dir;
}

for my $way ([tls => 1], [http => 2], [tls => 1, http => 2]) {
    wait_for(sub { $ll->get('/internal/health')->status() == 200 }, 5);

    my $fds = fds();
    my @pids;

    # curl writes to a pipe that nobody reads
    for my $user (qw(u-lena u-tom)) {
        my @command = $ll->_curl_command('GET', $path, { @$way },
            'Authorization: Bearer ' . $ll->token($user));
        push @pids, open my $pipe, '-|', @command or die;
        sysread $pipe, my $some, 1000;
        push @kept, $pipe;
    }

    cmp_ok(fds(), '>', $fds, "@$way: the records are being sent");
    kill 'STOP', $pids[0];
    kill 'KILL', $pids[1];

    # By send_timeout; the limit for Redis is 10 s.  If a client stops to take the
    # HTTP/2 stream, but not what comes by TCP, the connection is idle then.
    ok(wait_for(sub { fds() == $fds }, 8),
       "@$way: a slow client and one that goes away are disconnected")
        or diag(fds() . " $fds");
    kill 'KILL', $pids[0];
    waitpid $_, 0 for @pids;
}

# a limit of the rate is kept
{
    my $begin = time();
    my $r = $ll->get("$path?slowly", user => 'u-lena', timeout => 60);
    my $size = length $r->raw();

    verified($r->body(), 'with limit_rate');
    cmp_ok(time() - $begin, '>', $size / 5_000_000 - 1, 'limit_rate is kept');
}

# a limit of records at once
{
    my @sockets = map { asked('u-lena') } 1 .. 4;
    my $r;

    wait_for(sub {
        $r = $ll->request('GET', $path, user => 'u-lena', timeout => 0.5);
        $r->status() == 429;
    }, 5);

    is_problem($r, 429, '', 'a fifth record at once is a 429');
    is($ll->get('/api/properties/P/messages?limit=1', user => 'u-lena')
       ->status(), 200, 'which does not concern other requests');
    is($ll->get('/api/properties/X/record', user => 'u-lena')->status(), 404,
       'a 404 comes before a 429');
    close $_ for @sockets;
}


# --- while the thread goes on ---

{
    my ($socket, $raw) = begun('u-lena');

    send_all('later', 1 .. 1000);
    $ll->mark('P', 'u-lena', $LENGTH + 1000);
    ok(wait_reading($socket, \$raw, sub {
        my ($now) = $ll->redis('HGET', 'll:{p:P}:meta', 'sealed') =~ /^(\d+)/;
        $now > $LENGTH - 200;
    }, 20), 'entries of the record are sealed while it is read');

    my $r = rest_of($socket);
    my $body = LeaseLoft::Response->parse($raw . $r->raw())->body();
    verified($body, 'sealed meanwhile');
    ok($body =~ /^\{"entries":$LENGTH,/m,
       'what is written meanwhile is not in it');
    ok($body !~ /"read"/, 'nor is a read mark that is set meanwhile');
}

# a reload lets a record finish
{
    my ($socket, $raw) = begun('u-lena');

    my ($old) = $ll->nginx_children();
    $ll->signal('nginx', 'HUP');
    ok(wait_reading($socket, \$raw,
                    sub { grep { $_ != $old } $ll->nginx_children() }, 20),
       'nginx has a new process');

    my $r = rest_of($socket);
    verified(LeaseLoft::Response->parse($raw . $r->raw())->body(),
             'over a reload');
    ok(wait_for(sub { !grep { $_ == $old } $ll->nginx_children() }, 40),
       'the old process ends');
}


# --- faults ---

# a damaged segment
{
    my $blob = $ll->redis('HGET', 'll:{p:P}:segments', 20);
    my $damaged = $blob;
    substr($damaged, length($damaged) - 9, 1) ^= "\1";
    $ll->redis('HSET', 'll:{p:P}:segments', 20, $damaged);

    cut_off($ll->get($path, user => 'u-lena'), 'a damaged segment');

    # clients of each protocol see that it is not whole: curl exits with 18
    # (partial file) or 92 (stream error)
    for my $case ([18], [18, tls => 1], [92, http => 2],
                  [92, tls => 1, http => 2])
    {
        my ($want, @way) = @$case;
        open my $pipe, '-|', $ll->_curl_command('GET', $path, { @way },
            'Authorization: Bearer ' . $ll->token('u-lena')) or die;
        1 while sysread $pipe, my $some, 65536;
        close $pipe;
        is($? >> 8, $want, "a client sees the end that is missing: @way");
    }

    like($ll->slurp('error.log'),
         qr/entry 2561 of property "P" is missing in redis, or its segment is/,
         'it is logged');

    my ($status, $said) = $ll->cli('record', 'P', '--as', 'u-lena');
    is($status, 1, 'the command line fails, too');
    like($said, qr/segment of entry 2561 is missing or damaged/, 'and says so');

    $ll->redis('HSET', 'll:{p:P}:segments', 20, $blob);
}

# a lost entry is named
{
    my $seq = $LENGTH + 900;
    $ll->redis('XDEL', 'll:{p:P}:thread', "$seq-0");
    my $r = $ll->get($path, user => 'u-lena');
    ok($r->body() =~ /^\{"seq":$seq,"lost":true\}$/m, 'a lost entry is said');
    $ll->write('lost.ndjson', $r->body());
    like(($ll->cli('verify', "$ll->{dir}/lost.ndjson"))[1],
         qr/entry $seq .*the service has lost it/, 'verify names it');
}

# the client goes away
{
    my $before = rss();
    for (1 .. 20) {
        my $socket = asked('u-tom');
        sysread $socket, my $raw, 1000;
        close $socket;
    }
    ok(wait_for(sub { $ll->get('/internal/health')->status() == 200 }, 5),
       'clients that go away do no harm');
    cmp_ok(rss() - $before, '<', $LeaseLoft::sanitized ? 100_000 : 3000,
           'nor keep memory');
}

# Redis goes away
{
    my @begun = map { [ begun('u-lena') ] } 1 .. 2;

    $ll->stop('redis', 'KILL');

    for (@begun) {
        my ($socket, $raw) = @$_;
        my $r = rest_of($socket);
        cut_off(LeaseLoft::Response->parse($raw . $r->raw()),
                'Redis is killed');
    }
    is_problem($ll->get($path, user => 'u-lena'), 503, '', 'then it is a 503');

    my ($pipe) = $ll->get('/internal/health')->status();
    is($pipe, 503, 'and unhealthy');
    $ll->start('redis');
    ok($ll->wait_healthy(), 'Redis is back');
    is($ll->get($path, user => 'u-lena')->status(), 200, 'so are records');
}


# --- the key ---

$r = $ll->get('/api/record-key');
is($r->status(), 200, 'the key needs no token');
is($r->body(), "$key->{key}\n", 'it is in the form of signed notes');
is($r->header('Content-Type'), 'text/plain', 'as text');
is_problem($ll->post('/api/record-key', '{}'), 405, '', 'POST: 405');

# another key after a reload
{
    my $next = record_key('messages.example.com');

    $ll->nginx_conf(directives => {
        leaseloft_record_key => "$next->{file} $next->{name}" });
    $ll->signal('nginx', 'HUP');

    ok(wait_for(sub { $ll->get('/api/record-key')->body() eq "$next->{key}\n" },
                10), 'a reload reads the key');

    $ll->write('next.ndjson', $ll->get($path, user => 'u-tom')->body());
    like(($ll->cli('verify', "$ll->{dir}/next.ndjson", '--key', $key->{key}))[1],
         qr/entry 20900/, 'which signs from then on');

    # without one
    $ll->nginx_conf(directives => {});
    $ll->signal('nginx', 'HUP');

    ok(wait_for(sub { $ll->nginx_children() == 1
                      && $ll->get('/api/record-key')->status() == 404 }, 40),
       'no key: 404');
    is_problem($ll->get('/api/record-key'), 404, '', 'as a problem');
    ok($ll->get($path, user => 'u-tom')->body()
           =~ /^\{"entries":\d+,"checkpoint":null\}\n\z/m, 'and no checkpoint');
}

# what nginx -t says
for my $case (["$ll->{dir}/none.pem a.example", qr/cannot be opened; put the Ed/],
              ["$ll->{dir}/token.key a.example", qr/has no Ed25519 private key/],
              ["$ll->{dir}/rsa.pem a.example", qr/has no Ed25519 private key/],
              ["$key->{file} a+b", qr/the origin must be 1 to 128 printable/],
              ["$key->{file} " . 'a' x 129, qr/the origin must be 1 to 128/],
              ["$key->{file}", qr/needs an origin .* this server has no name/])
{
    my ($value, $like) = @$case;

    $ll->write('rsa.pem', scalar qx(openssl genrsa 2048 2>/dev/null));
    $ll->nginx_conf(directives => { leaseloft_record_key => $value });

    my ($status, $said) = $ll->nginx_test();
    is($status, 1, 'a bad key is refused');
    like($said, $like, 'nginx -t says why');
    unlike($said, qr/PRIVATE|[A-Za-z0-9+\/]{60}/, 'and nothing of the key');
}

# the name of the server is the origin otherwise
$ll->nginx_conf(directives => { leaseloft_record_key => $key->{file} },
                server => 'server_name rent.example.com;');
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { $ll->get('/api/record-key')->body()
                      =~ /^rent\.example\.com\+[0-9a-f]{8}\+/ }, 10),
   'the name of the server is the origin');

my $logs = $ll->slurp('error.log') . $ll->slurp('nginx.log');
unlike($logs, qr/PRIVATE KEY/, 'no log has a key');

$ll->expect_log(qr/leaseloft_record_key/);
$ll->finish();
