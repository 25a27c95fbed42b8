#!/usr/bin/perl

# Without a worker, without Redis, and with a silent Redis: what is answered,
# what streams are sent, and that streams catch up afterwards.

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
is($health->status(), 200, 'health is 200');
is($health->header('Content-Type'), 'application/json',
   'health is JSON by its Content-Type');
ok($health->json(), 'health is valid JSON');


# without a worker a send gets 202, and the message appears later, once

my $stream = $ll->events('P', 'u-lena');
$stream->wait_event('hello');
my $fault = time();
my $status = $ll->stop('worker1');
is($status, 0, 'the worker exits with 0');

my $start = time();
my $r = $ll->say('P', 'u-tom', 'one', client_id => 'c-1');
my $took = time() - $start;

is($r->status(), 202, 'a send without a worker gets 202');
is_deeply($r->json(), { state => 'accepted', client_id => 'c-1' },
          'the 202 of a send names the client_id');
is($r->header('Cache-Control'), 'no-store', 'a 202 is not cached');
cmp_ok($took, '>', 0.4, 'the 202 is sent after leaseloft_wait');
cmp_ok($took, '<', 1, 'the 202 is sent within 1 s');
is($ll->say('P', 'u-tom', 'one', client_id => 'c-1')->status(), 202,
   'the same send again gets 202');

$r = $ll->mark('P', 'u-lena', 1);
is($r->status(), 202, 'a mark without a worker gets 202');
is_deeply($r->json(), { state => 'accepted' },
          'the 202 of a mark has no client_id');
$r = $ll->lease('N');
is($r->status(), 202, 'a lease without a worker gets 202');
is_deeply($r->json(), { state => 'accepted' },
          'the 202 of a lease has no client_id');
is($ll->say('P', 'u-tom', '', client_id => 'c-2')->status(), 202,
   'an invalid send without a worker gets 202');
is($ll->poll('P', 'u-tom')->{head}, $ll->poll('P', 'u-lena')->{head},
   'polls are answered without a worker');
ok($ll->wait_healthy(503), 'health is 503 without a worker');
cmp_ok(time() - $fault, '<', 5,
       'health is 503 within 5 s after the worker stops');
like(health()->body(), qr/worker/, 'health names the worker');

$ll->start('worker1');
is($stream->wait_event('', 3)->{json}{text}, 'one',
   'the accepted message reaches the stream');
ok($ll->wait_healthy(), 'health is 200 with a worker again');
is($ll->say('P', 'u-tom', 'one', client_id => 'c-1')->status(), 200,
   'sending it again gets 200');
is(polled(), 'opened one', 'the message is stored once');
is($ll->say('P', 'u-tom', '', client_id => 'c-2')->status(), 422,
   'sending the invalid one again gets 422');
ok(wait_for(sub { $ll->get('/api/properties/N/messages', user => 'u-tom')
                     ->status() == 200 }), 'the accepted lease takes effect');
is($ll->poll('P', 'u-lena')->{you}{read}, 1, 'the accepted mark takes effect');


# a worker is killed: another one claims its requests

$ll->start('worker2');
$ll->signal('worker1', 'STOP');
my @sent = map { $ll->say('P', 'u-tom', "s$_", client_id => "s-$_")->status() }
           1 .. 6;
ok(!(grep { $_ != 201 && $_ != 202 } @sent),
   "sends are accepted with one of two workers stopped: @sent");
$ll->stop('worker1', 'KILL');
ok(wait_for(sub { polled() =~ /s1.*s6|(?=.*s1)(?=.*s6)/s
                  && 6 == (() = polled() =~ /s\d/g) }, 12),
   'the requests of the killed worker are done by the other') or diag(polled());
is($ll->say('P', 'u-tom', "s$_", client_id => "s-$_")->status(), 200,
   "s$_ is stored") for 1 .. 6;
is(scalar(() = polled() =~ /s\d/g), 6, 'each message is stored once');


# without Redis

my $inbox = $ll->stream('/api/inbox/events', user => 'u-lena');
$inbox->wait_event('hello');
$stream->wait_event('ping', 0.2);
my $head = $ll->poll('P', 'u-tom')->{head};

$fault = time();
$ll->stop('redis', 'KILL');

for my $s ($stream, $inbox) {
    my $ping = $s->wait_event('ping', 2);
    is($ping && $ping->{json}{live}, JSON::PP::false,
       'streams are sent live: false without Redis');
    cmp_ok($ping->{time} - $fault, '<', 1, 'live: false is sent within 1 s');
}

for my $case (
    ['send', sub { $ll->say('P', 'u-tom', 'lost?', client_id => 'l-1') }],
    ['mark', sub { $ll->mark('P', 'u-tom', 1) }],
    ['lease', sub { $ll->lease('P') }],
    ['poll', sub { $ll->get("$messages?after=0", user => 'u-tom') }],
    ['inbox', sub { $ll->get('/api/inbox', user => 'u-tom') }])
{
    my $r = $case->[1]();
    is_problem($r, 503, '', "$case->[0] gets 503 without Redis");
    like($r->header('Retry-After') // '', qr/^\d+$/,
         "the 503 of $case->[0] has Retry-After");
}

is($ll->say('P', 'u-tom', 'x', token => 'x')->status(), 401,
   'a bad token gets 401 without Redis');
is(health()->status(), 503, 'health is 503 without Redis');
like(health()->body(), qr/redis/i, 'health names Redis');

# a new stream gets 200, since any other status ends an EventSource for good;
# the access of its user is unknown, so it is told to come back later
for my $how ([], [http => 2], [tls => 1], [tls => 1, http => 2]) {
    for my $path ('/api/properties/P/events?after=0', '/api/inbox/events') {
        $start = time();
        my $s = $ll->stream($path, user => 'u-ana', @$how);
        my $event = $s->next_event(2);

        is($s->status(), 200, "$path @$how: gets 200 without Redis");
        cmp_ok($event->{time} - $start, '<', 1,
               "$path @$how: the first event comes within 1 s");
        is("$event->{event} $event->{data}", 'bye {"reason":"overload"}',
           "$path @$how: the event is bye overload");
        ok($s->retry() >= 10000 && $s->retry() <= 60000,
           "$path @$how: retry is 10 to 60 s");
        ok($s->wait_closed(2), "$path @$how: the stream is closed");
    }
}

# Redis is back: open streams were kept, and catch up
$ll->start('redis');
my $live = $stream->wait_event(sub { $_[0]{event} eq 'ping'
                                     && $_[0]{json}{live} }, 6);
ok($live, 'the thread stream is sent live: true');
ok($inbox->wait_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live} }, 6),
   'the inbox stream is sent live: true');
ok($ll->wait_healthy(), 'health is 200 once Redis is back');
is($ll->say('P', 'u-tom', 'back', client_id => 'l-1')->status(), 201,
   'the refused send is stored when repeated');
is($stream->wait_event('', 3)->{json}{text}, 'back',
   'the thread stream gets the message');
is($inbox->wait_event('thread', 3)->{json}{last}{preview}, 'back',
   'the inbox stream gets the message');
ok(!$stream->{closed}, 'the stream stayed open');


# messages that are sent while nginx has no connection to Redis

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
    is("@got", "@texts",
       "$type connections killed: the stream gets every entry in order");
}


# Redis falls silent: the probe finds it

ok(wait_for(sub { (health()->json() // {}) && health()->status() == 200 }, 8),
   'health is 200 after the connections were killed');
$stream->wait_event('ping', 0.2);
$fault = time();
$ll->signal('redis', 'STOP');

for my $s ($stream, $inbox) {
    my $ping = $s->wait_event('ping', 7);
    is($ping && $ping->{json}{live}, JSON::PP::false,
       'streams are sent live: false when Redis falls silent');
    cmp_ok($ping->{time} - $fault, '<', 5, 'live: false is sent within 5 s');
}

ok($ll->wait_healthy(503), 'health is 503 with a silent Redis');
cmp_ok(time() - $fault, '<', 5,
       'health is 503 within 5 s after Redis falls silent');
$r = $ll->say('P', 'u-tom', 'silence', client_id => 'silence');
is_problem($r, 503, '', 'a send gets 503 with a silent Redis');
$ll->signal('redis', 'CONT');
ok($stream->wait_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live} }, 8),
   'streams are sent live: true once Redis answers');
wait_for(sub { $ll->say('P', 'u-tom', 'silence', client_id => 'silence')
                  ->status() =~ /^20[01]$/ }, 8);
is($stream->wait_entry(sub { $_[0]{text} eq 'silence' }, 3)->{text}, 'silence',
   'a message sent afterwards reaches the stream');


# every entry once, in order

my @seqs = map { $_->{seq} } $stream->entries();
is("@seqs", join(' ', 2 .. $#seqs + 2),
   'the stream that was open all along has every entry once');
is(texts($stream->entries()), polled() =~ s/^opened //r,
   'the stream has the same entries as a poll');

# a stream that is opened now
my $late = $ll->events('P', 'u-ana', query => 'after=0');
ok($late->wait_entry($seqs[-1]), 'a stream from 0 reaches the newest entry');
is(join(' ', map { $_->{seq} } $late->entries()), join(' ', 1 .. $seqs[-1]),
   'a stream from 0 has every entry once');

$_->close() for $stream, $inbox, $late;
$ll->finish();
