#!/usr/bin/perl

# Without a worker, without Redis, with a Redis that is silent or new: what is
# answered, what streams say, and that all of it catches up.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_wait => '500ms' });
my $messages = '/api/properties/P/messages';

$ll->lease('P', tenants => ['u-tom', 'u-ana']);

sub texts { return join ' ', map { $_->{text} // $_->{event} } @_ }
sub polled {
    return texts(@{ $ll->poll('P', 'u-tom', 'limit=200')->{entries} });
}
sub health { return $ll->get('/internal/health') }


# health

my $health = health();
is($health->status(), 200, 'healthy');
is($health->header('Content-Type'), 'application/json', 'JSON');
ok($health->json(), 'indeed');


# without a worker: 202, and it appears later, once

my $stream = $ll->events('P', 'u-lena');
$stream->wait_event('hello');
my $fault = time();
my $status = $ll->stop('worker1');
is($status, 0, 'the worker leaves with 0');

my $start = time();
my $r = $ll->say('P', 'u-tom', 'one', client_id => 'c-1');
my $took = time() - $start;

is($r->status(), 202, 'accepted');
is_deeply($r->json(), { state => 'accepted', client_id => 'c-1' }, 'its body');
is($r->header('Cache-Control'), 'no-store', 'Cache-Control');
cmp_ok($took, '>', 0.4, 'after leaseloft_wait');
cmp_ok($took, '<', 1, 'and no longer');
is($ll->say('P', 'u-tom', 'one', client_id => 'c-1')->status(), 202,
   'once more');

$r = $ll->mark('P', 'u-lena', 1);
is($r->status(), 202, 'a mark');
is_deeply($r->json(), { state => 'accepted' }, 'its body');
$r = $ll->lease('N');
is($r->status(), 202, 'a lease');
is_deeply($r->json(), { state => 'accepted' }, 'its body');
is($ll->say('P', 'u-tom', '', client_id => 'c-2')->status(), 202,
   'what is not valid too');
is($ll->poll('P', 'u-tom')->{head}, $ll->poll('P', 'u-lena')->{head},
   'reading goes on');
ok($ll->wait_healthy(503), 'unhealthy');
cmp_ok(time() - $fault, '<', 5, 'within 5 s');
like(health()->body(), qr/worker/, 'and says who');

$ll->start('worker1');
is($stream->wait_event('', 3)->{json}{text}, 'one', 'it appears');
ok($ll->wait_healthy(), 'healthy again');
is($ll->say('P', 'u-tom', 'one', client_id => 'c-1')->status(), 200,
   'and is there once');
is(polled(), 'opened one', 'indeed');
is($ll->say('P', 'u-tom', '', client_id => 'c-2')->status(), 422,
   'sending again tells');
ok(wait_for(sub { $ll->get('/api/properties/N/messages', user => 'u-tom')
                     ->status() == 200 }), 'the lease is there');
is($ll->poll('P', 'u-lena')->{you}{read}, 1, 'the mark too');


# a worker that is killed: another does its work

$ll->start('worker2');
$ll->signal('worker1', 'STOP');
my @sent = map { $ll->say('P', 'u-tom', "s$_", client_id => "s-$_")->status() }
           1 .. 6;
ok(!(grep { $_ != 201 && $_ != 202 } @sent), "one of two is stopped: @sent");
$ll->stop('worker1', 'KILL');
ok(wait_for(sub { polled() =~ /s1.*s6|(?=.*s1)(?=.*s6)/s
                  && 6 == (() = polled() =~ /s\d/g) }, 12),
   'what it had begun is claimed') or diag(polled());
is($ll->say('P', 'u-tom', "s$_", client_id => "s-$_")->status(), 200,
   "s$_ is there") for 1 .. 6;
is(scalar(() = polled() =~ /s\d/g), 6, 'once each');


# without Redis

my $inbox = $ll->stream('/api/inbox/events', user => 'u-lena');
$inbox->wait_event('hello');
$stream->wait_event('ping', 0.2);
my $head = $ll->poll('P', 'u-tom')->{head};

$fault = time();
$ll->stop('redis', 'KILL');

for my $s ($stream, $inbox) {
    my $ping = $s->wait_event('ping', 2);
    is($ping && $ping->{json}{live}, JSON::PP::false, 'live: false');
    cmp_ok($ping->{time} - $fault, '<', 1, 'within 1 s');
}

for my $case (
    ['send', sub { $ll->say('P', 'u-tom', 'lost?', client_id => 'l-1') }],
    ['mark', sub { $ll->mark('P', 'u-tom', 1) }],
    ['lease', sub { $ll->lease('P') }],
    ['poll', sub { $ll->get("$messages?after=0", user => 'u-tom') }],
    ['inbox', sub { $ll->get('/api/inbox', user => 'u-tom') }])
{
    my $r = $case->[1]();
    is_problem($r, 503, '', "$case->[0] without Redis");
    like($r->header('Retry-After') // '', qr/^\d+$/, 'Retry-After');
}

is($ll->say('P', 'u-tom', 'x', token => 'x')->status(), 401,
   '401 all the same');
is(health()->status(), 503, 'unhealthy');
like(health()->body(), qr/redis/i, 'and says who');

# a new stream is a 200, now and always, whose first bytes leave at once: as
# nobody can say what it may see, it is to come back later
for my $how ([], [http => 2], [tls => 1], [tls => 1, http => 2]) {
    for my $path ('/api/properties/P/events?after=0', '/api/inbox/events') {
        $start = time();
        my $s = $ll->stream($path, user => 'u-ana', @$how);
        my $event = $s->next_event(2);

        is($s->status(), 200, "$path @$how: 200");
        cmp_ok($event->{time} - $start, '<', 1, 'at once');
        is("$event->{event} $event->{data}", 'bye {"reason":"overload"}',
           'turned away');
        ok($s->retry() >= 10000 && $s->retry() <= 60000, 'for a while');
        ok($s->wait_closed(2), 'and closed');
    }
}

# back again: no stream was cut, and each catches up
$ll->start('redis');
my $live = $stream->wait_event(sub { $_[0]{event} eq 'ping'
                                     && $_[0]{json}{live} }, 6);
ok($live, 'live again');
ok($inbox->wait_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live} }, 6),
   'the inbox too');
ok($ll->wait_healthy(), 'healthy');
is($ll->say('P', 'u-tom', 'back', client_id => 'l-1')->status(), 201,
   'the send that was refused is safe to repeat');
is($stream->wait_event('', 3)->{json}{text}, 'back', 'it arrives');
is($inbox->wait_event('thread', 3)->{json}{last}{preview}, 'back',
   'there too');
ok(!$stream->{closed}, 'the stream was never closed');


# messages of the time while nginx was cut off from Redis

$stream->wait_event('ping', 0.2);

for my $type ('pubsub', 'normal') {
    my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
    $redis->send_command('CLIENT', 'KILL', 'TYPE', $type, 'SKIPME', 'yes');
    my @texts = map { "$type-$_" } 1 .. 5;

    for my $text (@texts) {
        my $r;
        wait_for(sub { $r = $ll->say('P', 'u-tom', $text, client_id => $text);
                       $r->status() =~ /^20[01]$/ }, 8)
            or diag($r->raw());
    }

    my @got;
    $stream->wait_event(sub { push @got, $_[0]{json}{text}
                                  if $_[0]{event} eq '';
                              @got && $got[-1] eq $texts[-1] }, 8);
    is("@got", "@texts", "$type connections killed: no hole, in order");
}


# Redis falls silent: found by the probe

ok(wait_for(sub { (health()->json() // {}) && health()->status() == 200 }, 8),
   'healthy');
$stream->wait_event('ping', 0.2);
$fault = time();
$ll->signal('redis', 'STOP');

for my $s ($stream, $inbox) {
    my $ping = $s->wait_event('ping', 7);
    is($ping && $ping->{json}{live}, JSON::PP::false,
       'a silent Redis: live: false');
    cmp_ok($ping->{time} - $fault, '<', 5, 'within 5 s');
}

ok($ll->wait_healthy(503), 'unhealthy');
cmp_ok(time() - $fault, '<', 5, 'within 5 s');
$r = $ll->say('P', 'u-tom', 'silence', client_id => 'silence');
is_problem($r, 503, '', 'nothing is promised');
$ll->signal('redis', 'CONT');
ok($stream->wait_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live} }, 8),
   'live again');
wait_for(sub { $ll->say('P', 'u-tom', 'silence', client_id => 'silence')
                  ->status() =~ /^20[01]$/ }, 8);
is($stream->wait_entry(sub { $_[0]{text} eq 'silence' }, 3)->{text}, 'silence',
   'and on it goes');


# all of it once, in order

my @seqs = map { $_->{seq} } $stream->entries();
is("@seqs", join(' ', 2 .. $#seqs + 2), 'the stream that saw it all');
is(texts($stream->entries()), polled() =~ s/^opened //r, 'as polled');

# one that comes now as well
my $late = $ll->events('P', 'u-ana', query => 'after=0');
ok($late->wait_entry($seqs[-1]), 'a stream from the beginning');
is(join(' ', map { $_->{seq} } $late->entries()), join(' ', 1 .. $seqs[-1]),
   'has it all');

$_->close() for $stream, $inbox, $late;
$ll->finish();
