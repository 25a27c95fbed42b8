#!/usr/bin/perl

# Limits: sends by user, streams by user, and clients that do not read.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

# nothing more within the minute, so that it does not matter how fast the
# machine is: 100 at once, and the one that is due
my $ll = LeaseLoft->new(limits => 1, directives => {
    'limit_req_zone $leaseloft_sender zone=leaseloft_sends:10m' =>
    'rate=1r/m' });

$ll->lease('P', tenants => ['u-tom', 'u-ana', 'u-mia']);

# how often which status was answered
sub counts {
    my %n;
    $n{ $_->status() }++ for @_;
    return \%n;
}

my @responses = map { $ll->say('P', 'u-tom', "m$_") } 1 .. 120;

is_deeply(counts(@responses), { 201 => 101, 429 => 19 }, '101 sends at once');
is_problem($responses[-1], 429, '', 'too many sends');
like($responses[-1]->header('Retry-After') // '', qr/^[1-9]\d*$/,
     'Retry-After');

# those refused for another reason count too, and 429 comes before the body is
# looked at, but after token, origin and property
is_deeply(counts(map { $ll->post('/api/properties/P/messages', '{}',
                                 user => 'u-mia') } 1 .. 120),
          { 422 => 101, 429 => 19 }, 'invalid ones count');

for my $user (qw(u-mia u-tom)) {
    is($ll->post('/api/properties/P/messages', 'x', user => $user)->status(),
       429, '429, then 422');
    is($ll->request('POST', '/api/properties/P/messages', user => $user,
                    body => '', headers => { 'Content-Type' => 'x/y' })
           ->status(), 429, '429, then 415');
    is($ll->say('nope', $user, 'x')->status(), 404, '404, then 429');
    is($ll->post('/api/properties/P/messages', '{}',
                 cookie => $ll->token($user),
                 headers => { Origin => 'http://e' })->status(), 403,
       '403, then 429');
}

is($ll->say('P', 'u-ana', 'x')->status(), 201, 'others are not concerned');
is($ll->get('/api/properties/P/messages', user => 'u-tom')->status(), 200,
   'nor is reading');

$ll->finish(more => 1);


# streams of one user, of both kinds, over all nginx workers

$ll = LeaseLoft->new(main => 'worker_processes 2;',
                     directives => { leaseloft_max_streams => 5 });
$ll->lease('P', tenants => ['u-tom', 'u-ana']);

my @streams = map { $_ % 2 ? $ll->events('P', 'u-tom')
                           : $ll->stream('/api/inbox/events', user => 'u-tom')
              } 1 .. 5;
$_->wait_event('hello') or fail('hello') for @streams;

for my $path ('/api/properties/P/events', '/api/inbox/events') {
    for my $how ([], [http => 2], [tls => 1]) {
        my $s = $ll->stream($path, user => 'u-tom', @$how);
        my $bye = $s->wait_event('bye', 2);
        is($s->status(), 200, "$path @$how: one too many is a 200");
        like($s->header('Content-Type'), qr{^text/event-stream}, 'a stream');
        is_deeply($bye && $bye->{json}, { reason => 'overload' }, 'overload');
        cmp_ok($s->retry(), '>=', 10000, 'a long retry');
        cmp_ok($s->retry(), '<=', 60000, 'a long retry');
        ok($s->wait_closed(2), 'closed');
    }
}

ok($ll->events('P', 'u-ana')->wait_event('hello'), 'others have their own');
$streams[0]->close();
ok(wait_for(sub {
    my $s = $ll->events('P', 'u-tom');
    my $first = $s->next_event(2);
    $first && $first->{event} eq 'hello';
}, 3), 'one closed makes room for one');
$_->close() for @streams;

# the count survives a reload's old worker
ok(wait_for(sub {
    my @s = map { $ll->events('P', 'u-tom') } 1 .. 5;
    5 == grep { ($_->next_event(2) // {})->{event} eq 'hello' } @s;
}, 4), 'all closed make room for all');

$ll->finish(more => 1);


# a client that does not read is cut, and can resume

$ll = LeaseLoft->new(directives => {
    leaseloft_slow_timeout => '1s', leaseloft_slow_size => '64k' },
    listen => 'sndbuf=16k', server => 'send_timeout 1s;');
$ll->lease('P', tenants => ['u-tom', 'u-ana']);

# connections that nginx has open on a port
sub established {
    my ($port) = @_;
    my $hex = sprintf '%04X', $port;
    my $n = 0;
    open my $f, '<', '/proc/net/tcp';
    while (<$f>) {
        $n++ if /^\s*\d+: \w+:$hex \w+:\w+ 0[18] /;
    }
    return $n;
}

for my $how (['HTTP/1.1', 'http'], ['HTTP/2', 'h2c', http => 2],
             ['TLS', 'tls', tls => 1], ['TLS and HTTP/2', 'tls', tls => 1,
                                        http => 2])
{
    my ($name, $port, @how) = @$how;
    my $n = established($ll->{ports}{$port});

    my $slow = $ll->events('P', 'u-tom', @how);
    my $fast = $ll->events('P', 'u-ana', @how);
    $slow->wait_event('hello');
    $fast->wait_event('hello');

    # reads no more: of a curl, neither the program nor we
    kill 'STOP', $slow->{pid} if $slow->{pid};

    my $last;
    for my $i (1 .. 400) {
        my $r = $ll->say('P', 'u-lena', 'x' x 4000);
        $last = $r->json()->{seq} if $r->status() == 201;
        $fast->events();
        last if $i % 20 == 0 && established($ll->{ports}{$port}) <= $n + 1;
    }

    ok(wait_for(sub { established($ll->{ports}{$port}) <= $n + 1 }, 8),
       "$name: the slow one is cut, though messages keep coming");
    is($fast->wait_entry($last, 5) && 1, 1, 'the other one has them all');

    kill 'CONT', $slow->{pid} if $slow->{pid};
    $slow->wait_closed(5);
    my @got = map { $_->{seq} } $slow->entries();
    my $resumed = $ll->events('P', 'u-tom', last_id => $slow->last_id() // '1',
                              @how);
    $resumed->wait_entry($last, 10);
    push @got, map { $_->{seq} } $resumed->entries();
    my @want = $got[0] .. $last;
    is("@got", "@want", 'resumes without a hole');
    $_->close() for $slow, $fast, $resumed;
}

$ll->finish();
