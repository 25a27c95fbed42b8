#!/usr/bin/perl

# Writes that wait for a verdict: every way in which one can end, and that
# nothing of it is left.

use strict;
use warnings;

use IO::Select;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_wait => '1500ms',
                                        limit_req => undef });
$ll->lease('P', tenants => ['u-tom', 'u-ana']);

my $messages = '/api/properties/P/messages';
my $token = $ll->token('u-tom');
my $n = 0;


# starts a send: all but the last byte of its body is sent
sub begin {
    my (%o) = @_;

    my $body = JSON::PP->new->canonical->utf8->encode(
        { client_id => $o{id} // 'w-' . ++$n, text => 'x' });

    my $socket = LeaseLoft::connect_to($ll->{ports}{http}) or die;
    $socket->blocking(1);
    $socket->syswrite("POST $messages HTTP/1.1\r\nHost: localhost\r\n"
        . "Authorization: Bearer $token\r\nConnection: close\r\n"
        . "Content-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n" . substr $body, 0, -1);

    return $socket;
}

# sends the last byte, after what nginx checks before the body
sub complete {
    my ($socket) = @_;

    sleep 0.1;
    $socket->syswrite('}');
}

sub response {
    my ($socket, $timeout) = @_;

    my ($in, $select) = ('', IO::Select->new($socket));
    my $end = time() + ($timeout // 5);

    while ($select->can_read($end - time())) {
        sysread $socket, $in, 65536, length $in or last;
    }

    return LeaseLoft::Response->parse($in);
}

# the newest request in the queue, as pairs
sub queued {
    my $list = $ll->redis('XREVRANGE', 'll:{q:0}:requests', '+', '-',
                          'COUNT', 1);
    return { @{ $list->[0][1] // [] } };
}

sub publish {
    my ($r, $text) = @_;
    my ($nginx, $request) = split /\./, $r;
    return $ll->redis('PUBLISH', "ll:{r:$nginx}:ch",
                      $text =~ s/(?<!\d)N (?=\d)/$request /gr);
}


# verdicts by this test, while the worker is stopped

$ll->signal('worker1', 'STOP');

for my $case (
    ["N 201 7 15\n{\"seq\":7,\"x\":1}", 201, 'application/json',
     '{"seq":7,"x":1}'],
    ["5 200 1 2\n{}N 200 7 15\n{\"seq\":7,\"x\":1}", 200, 'application/json',
     '{"seq":7,"x":1}'],
    ["N 409 0 7\n{\"x\":1}5 200 1 2\n{}", 409, 'application/problem+json',
     '{"x":1}'],
    ["N 503 0 7\n{\"x\":1}N 201 0 99\n", 503, 'application/problem+json',
     '{"x":1}'])
{
    my ($verdict, $status, $type, $body) = @$case;

    my $s = begin(id => "v-$status");
    complete($s);
    ok(wait_for(sub { (queued()->{b} // '') =~ /v-$status/ }),
       "the send is queued: $status");

    my $q = queued();
    is("$q->{op} $q->{p} $q->{u}", 'send P u-tom',
       'the request has operation, property and user');
    like($q->{r}, qr/^[0-9a-f]+\.\d+$/,
         'the request has the address for its verdict');

    publish($q->{r}, $_) for 'N', "N 201", "N 20 1 0\n", "N 099 1 1\nx",
        "N 1000 1 1\nx", "N x 1 0\n", "N 201 -1 0\n", "N 201 1\nx",
        "N 201 1 2\nx", "N 201 1 -1\nx", "N 201 1 x\nx", '', "\n", 'x' x 5000,
        "999999999 201 1 1\nx", "18446744073709551616 201 1 1\nx",
        "0 201 1 1\nx", "999999999 201 1 1\nxN 20 1 0\n";

    # verdicts on another kind of request, and those of a success without the
    # entry, which would acknowledge a message that is lost
    publish($q->{r}, $_) for "N 200 0 0\n", "N 201 7 0\n", "N 204 0 0\n",
        "N 200 0 2\n{}", "N 201 7 15\n{\"seq\":8,\"x\":1}",
        "N 201 7 16\n{\"seq\":77,\"x\":1}", "N 202 7 15\n{\"seq\":7,\"x\":1}",
        "N 302 7 15\n{\"seq\":7,\"x\":1}";
    publish($q->{r}, $verdict);

    my $r = response($s);

    is($r->status(), $status,
       "the response has the status of the verdict $status");
    is($r->header('Content-Type'), $type,
       "the response to $status has its Content-Type");
    is($r->body(), $body,
       "the response to $status has the body of the verdict");
    is($r->header('Location'),
       $status == 201 ? "$messages?before=8&limit=1" : undef,
       "the response to $status has Location only for 201");
    ok(!($status == 503 xor $r->header('Retry-After')),
       "the response to $status has Retry-After only for 503");
    is($r->header('Cache-Control'), 'no-store',
       "the response to $status is not cached");

    # the same verdict again, when no write waits for it
    publish($q->{r}, $verdict);
}

{
    my $s = begin(id => 'v-empty');
    complete($s);
    wait_for(sub { (queued()->{b} // '') =~ /v-empty/ });
    publish(queued()->{r}, "N 200 0 0\n");

    my $r = response($s);
    is($r->status(), 202, 'a success without an entry gets 202');
    is_deeply($r->json(), { state => 'accepted', client_id => 'v-empty' },
              'the 202 says accepted');
    like($ll->slurp('error.log'),
         qr/verdict of status 200 that does not answer/,
         'the verdict without an entry is logged');
}

{
    my $s = begin(id => 'v-404');
    complete($s);
    wait_for(sub { (queued()->{b} // '') =~ /v-404/ });
    publish(queued()->{r}, "N 404 0 2\n{}");
    is(response($s)->comparable(),
       $ll->request('POST', '/api/properties/Q/messages', user => 'u-tom',
                    body => '{}')->comparable(),
       'the 404 of a verdict is the same as any other');
}


# the client disconnects while its write waits: what was queued is processed

for my $how (0 .. 2) {
    my @sockets = map { begin(id => "gone-$how-$_") } 1 .. 20;
    complete($_) for @sockets[0 .. 9];
    close $_ for @sockets;
}

my @h2 = map {
    my $pid = fork() // die;
    if ($pid == 0) {
        open STDOUT, '>', '/dev/null';
        exec $ll->_curl_command('POST', $messages, { http => 2, timeout => 0.3,
            body => "{\"client_id\":\"h2-$_\",\"text\":\"x\"}" },
            "Authorization: Bearer $token", 'Content-Type: application/json');
    }
    $pid;
} 1 .. 5;
waitpid $_, 0 for @h2;

my @held = map { begin(id => "held-$_") } 1 .. 100;
complete($held[0]);
$_->syswrite('}') for @held[1 .. 99];
ok(wait_for(sub { (queued()->{b} // '') =~ /held-/ }),
   'a hundred more sends are queued');

$ll->signal('worker1', 'CONT');

my @got = map { response($_) } @held;
is(scalar(grep { $_->status() == 201 } @got), 100,
   'each of the hundred gets 201');
is(join(' ', map { $_->json()->{client_id} } @got),
   join(' ', map { "held-$_" } 1 .. 100),
   'each of the hundred gets its own entry');

is($ll->say('P', 'u-tom', 'x', client_id => $_)->status(), 200,
   "the queued send $_ was processed") for 'gone-0-1', 'gone-2-10', 'h2-1',
   'h2-5';
is($ll->say('P', 'u-tom', 'x', client_id => 'gone-0-20')->status(), 201,
   'an incomplete send was not processed');


# nginx quits or is reloaded: writes that wait are answered

for my $signal ('HUP', 'QUIT') {
    $ll->signal('worker1', 'STOP');

    my @sockets = map { begin(id => "$signal-$_") } 1 .. 3;
    complete($_) for @sockets;
    ok(wait_for(sub { (queued()->{b} // '') =~ /$signal-3/ }),
       "the sends are queued before $signal");

    my ($old) = $ll->nginx_children();
    my $waiting = begin(id => "$signal-4");
    sleep 0.1;

    $ll->signal('nginx', $signal);
    sleep 0.3;
    $ll->signal('worker1', 'CONT');
    $waiting->syswrite('}');

    is(join(' ', map { response($_)->status() } @sockets), '201 201 201',
       "sends that wait during $signal get 201");
    is(response($waiting)->status(), 201,
       "a send that was incomplete at $signal gets 201");
    ok(wait_for(sub { !kill 0, $old }, 10),
       "the old process exits after $signal");
}

is($ll->stop('nginx', 'QUIT'), 0, 'nginx has exited with 0');
$ll->start('nginx');
ok($ll->wait_healthy(), 'healthy after a restart of nginx');


# Redis refuses the request

$ll->redis('CONFIG', 'SET', 'maxmemory', '1');
my $r = $ll->say('P', 'u-tom', 'x', client_id => 'oom');
is_problem($r, 503, '', 'a send gets 503 when Redis has no memory');
is($r->json()->{type}, 'about:blank', 'the problem has no outcome-unknown');
$ll->redis('CONFIG', 'SET', 'maxmemory', '0');
is($ll->say('P', 'u-tom', 'x', client_id => 'oom')->status(), 201,
   'the refused send was not stored');


# Redis falls silent after the request is sent

my $s = begin(id => 'silent');
sleep 0.1;
$ll->signal('redis', 'STOP');
my $start = time();
complete($s);
$r = response($s);
is_problem($r, 503, 'outcome-unknown',
           'a send to a silent Redis gets 503 outcome-unknown');
like($r->header('Retry-After') // '', qr/^[1-9]\d*$/,
     'the 503 has Retry-After');
cmp_ok(time() - $start, '>', 1.4, 'the 503 is sent after leaseloft_wait');
cmp_ok(time() - $start, '<', 3, 'the 503 is sent within 3 s');
$ll->signal('redis', 'CONT');
ok($ll->wait_healthy(), 'healthy once Redis answers');
like($ll->say('P', 'u-tom', 'x', client_id => 'silent')->status(), qr/^20[01]$/,
     'the same send again gets 200 or 201');

# Redis is killed after the request is sent, and before

$s = begin(id => 'lost');
sleep 0.1;
$ll->signal('redis', 'STOP');
complete($s);
sleep 0.1;
$start = time();
$ll->stop('redis', 'KILL');
is_problem(response($s), 503, 'outcome-unknown',
           'a send gets 503 outcome-unknown when Redis is killed');
cmp_ok(time() - $start, '<', 1, 'the 503 is sent within 1 s of the kill');

$ll->start('redis');
ok($ll->wait_healthy(), 'healthy once Redis is restarted');

$s = begin(id => 'unsent');
sleep 0.1;
$ll->stop('redis', 'KILL');
complete($s);
$r = response($s);
is_problem($r, 503, '', 'a send gets 503 after Redis was killed');
is($r->json()->{type}, 'about:blank',
   'the problem has no outcome-unknown after the kill');

$ll->start('redis');
ok($ll->wait_healthy(), 'healthy once Redis is restarted again');

# Redis is silent before anything is sent: the access check has a timeout too

$ll->signal('redis', 'STOP');
$start = time();
$r = $ll->say('P', 'u-tom', 'x', client_id => 'ask');
is_problem($r, 503, '', 'a send gets 503 when the access check times out');
is($r->json()->{type}, 'about:blank',
   'the problem has no outcome-unknown without a request');
cmp_ok(time() - $start, '<', 6, 'the 503 is sent within 6 s');
$ll->signal('redis', 'CONT');
ok($ll->wait_healthy(), 'healthy once Redis answers again');
is($ll->say('P', 'u-tom', 'x', client_id => 'ask')->status(), 201,
   'the send after the timeout gets 201');

my $metrics = $ll->get('/internal/metrics')->body();
my %m = $metrics =~ /^(leaseloft_writes\w+) (\d+)$/mg;
cmp_ok($m{leaseloft_writes_total}, '>=', 3, 'writes_total counts the writes');
cmp_ok($m{leaseloft_writes_failed_total}, '>=', 4,
       'writes_failed_total counts the failed ones');

$ll->finish();
