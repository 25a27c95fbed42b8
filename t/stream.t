#!/usr/bin/perl

# The stream of a thread: what comes first, replay and resume, live events,
# pings, and how it ends; over HTTP/1.1 and HTTP/2, plain and TLS.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_ping => '600ms' });

$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->say('P', 'u-tom', "text $_") for 2 .. 150;

sub seqs { return join ' ', map { $_->{seq} } @_ }

my $poll = $ll->poll('P', 'u-lena');
my $head = $poll->{head};
delete @$poll{'entries', 'more'};


for my $how (['HTTP/1.1'], ['HTTP/2', http => 2], ['TLS', tls => 1],
             ['TLS and HTTP/2', tls => 1, http => 2])
{
    my ($name, @how) = @$how;

    # first bytes and headers
    my $s = $ll->events('P', 'u-lena', @how);
    my $hello = $s->next_event(2);

    is($s->status(), 200, "$name: 200");
    like($s->header('Content-Type'), qr{^text/event-stream\b}, 'type');
    is($s->header('Cache-Control'), 'no-store, no-transform', 'caching');
    is($s->header('X-Accel-Buffering'), 'no', 'no buffering');
    is($s->header('X-Content-Type-Options'), 'nosniff', 'nosniff');
    is($s->header('Content-Encoding'), undef, 'not compressed');

    is($hello->{event}, 'hello', 'hello is first');
    is($hello->{id}, undef, 'without an id');
    is_deeply($hello->{json}, $poll, 'the poll without entries');
    cmp_ok($s->retry(), '>=', 1000, 'retry');
    cmp_ok($s->retry(), '<=', 4000, 'retry');

    # live from the head on
    my $text = "live over $name: <b> \"quoted\"\nsecond line \x{2028}";
    my $sent = $ll->say('P', 'u-tom', $text);
    my $event = $s->wait_event('', 2);

    is($event->{data}, $sent->body(), 'an entry, to the byte');
    like($event->{id}, qr/^$event->{json}{seq}\.[0-9a-f]{8}$/, 'its id');
    is($ll->poll('P', 'u-lena')->{head}, $event->{id}, 'is the head');
    is(seqs($s->entries()), $event->{json}{seq}, 'and nothing before it');

    # ping
    my $ping = $s->wait_event('ping', 3);
    is_deeply($ping->{json}, { head => $event->{id},
                               live => JSON::PP::true }, 'ping');
    is($ping->{id}, undef, 'without an id');

    # the whole window, then live
    my $n = $event->{json}{seq};
    $s = $ll->events('P', 'u-lena', query => 'after=0', @how);
    $s->wait_entry($n, 5);
    is(seqs($s->entries()), join(' ', 1 .. $n), 'after=0 replays all');
    is($s->last_id(), $event->{id}, 'ends at the head');

    my @bytes = map { $_->{data} } grep { $_->{event} eq '' } $s->events();
    my %fields = @{ $ll->redis('XRANGE', 'll:{p:P}:thread', '7-0', '7-0')
                       ->[0][1] };
    is($bytes[6], $fields{e}, 'the stored bytes');

    $ll->say('P', 'u-tom', 'more');
    is($s->wait_event('', 2)->{json}{seq}, $n + 1, 'then live');
    $s->close();

    # resume
    my $at = (grep { $_->{json}{seq} == 100 } grep { $_->{event} eq '' }
              $s->events())[0]{id};

    for my $place ([last_id => $at], [query => "after=$at"],
                   [last_id => $at, query => 'after=5'], [last_id => '100'])
    {
        my $r = $ll->events('P', 'u-lena', @$place, @how);
        $r->wait_entry($n + 1, 5);
        is(seqs($r->entries()), join(' ', 101 .. $n + 1),
           "resumed by @$place");
        $r->close();
    }

    $head = $ll->poll('P', 'u-lena')->{head};
    $poll = $ll->poll('P', 'u-lena');
    delete @$poll{'entries', 'more'};

    # reset
    for my $place ('100.00000000', '99999', 'nonsense', '', 'a' x 200,
                   '1.9F3A01C2')
    {
        my $r = $ll->events('P', 'u-lena', last_id => $place, @how);
        my @first = map { $r->next_event(2) } 1 .. 2;
        next if $place eq '' && $first[1] && $first[1]{event} eq 'ping';
        is($first[0]{event}, 'hello', "place '" . substr($place, 0, 20) . "'");
        is($first[1]{event}, 'reset', 'reset');
        is_deeply($first[1]{json}, { head => $head }, 'with the head');
        is($first[1]{id}, undef, 'no id');
        $ll->say('P', 'u-tom', 'after a reset');
        is($r->wait_event('', 2)->{json}{text}, 'after a reset', 'then live');
        $head = $ll->poll('P', 'u-lena')->{head};
        $poll = $ll->poll('P', 'u-lena');
        delete @$poll{'entries', 'more'};
        $r->close();
    }

    # the token's end
    my $short = $ll->events('P', undef, @how,
                            token => $ll->token('u-lena', exp => int(time()) + 2));
    ok($short->wait_event('hello', 2), 'a short token');
    my $bye = $short->wait_event('bye', 4);
    is_deeply($bye->{json}, { reason => 'expired' }, 'expired');
    ok($short->wait_closed(2), 'closed');
    cmp_ok($short->retry(), '>=', 1000, 'retry with bye');
    cmp_ok($short->retry(), '<=', 4000, 'retry with bye');
    ok($short->{ended}, 'the last chunk came') unless @how;
}

is($ll->get('/api/properties/P/events?after=', user => 'u-lena', timeout => 1)
      ->body() =~ /event: reset/ ? 1 : 0, 1, 'after= is malformed: reset');


# retry is drawn anew
my %retry = map { $ll->events('P', 'u-lena')->wait_event('hello');
                  my $s = $ll->events('P', 'u-lena'); $s->next_event();
                  $s->retry() => 1 } 1 .. 4;
cmp_ok(scalar keys %retry, '>', 1, 'retry is random');


# lease events, for those whom they concern
my %s = map { $_ => $ll->events('P', $_) } qw(u-lena u-tom u-ana);
$_->wait_event('hello') for values %s;
my $start = time();

$ll->lease('P', tenants => ['u-tom', { user => 'u-ben', name => 'Ben' }],
           label => 'New');

for my $user (qw(u-lena u-tom)) {
    my @events;
    $s{$user}->wait_event(sub { push @events, $_[0];
                                $_[0]{event} eq ''
                                && $_[0]{json}{event} eq 'joined' }, 2);
    my ($left) = grep { ($_->{json}{event} // '') eq 'left' } @events;
    is_deeply($left->{json}{party},
              { user => 'u-ana', role => 'tenant', name => 'Ana' }, 'left');

    my $lease = $s{$user}->find_event('lease', 2);
    is_deeply([sort keys %{ $lease->{json} }], [qw(lease parties you)],
              'lease');
    is_deeply([map { $_->{user} } @{ $lease->{json}{parties} }],
              [qw(u-lena u-tom u-ben)], 'the parties');
    is($lease->{id}, undef, 'no id');
}

my $left = $s{'u-ana'}->wait_event('', 2);
is($left->{json}{event}, 'left', 'who left sees it');
is($s{'u-ana'}->find_event('lease', 2)->{json}{you}{can_write},
   JSON::PP::false, 'and is read-only');
cmp_ok(time() - $start, '<', 1, 'within a second');
$ll->say('P', 'u-tom', 'Ana must not see this');
$ll->mark('P', 'u-tom', 5);
# her own mark is all that may come, and it comes after these
$ll->mark('P', 'u-ana', $left->{json}{seq});
my $mark = $s{'u-ana'}->wait_event('read', 5);
is($mark && $mark->{json}{user}, 'u-ana', 'her own mark is the first she sees');
is_deeply([grep { ($_->{json}{seq} // 0) > $left->{json}{seq} }
           $s{'u-ana'}->events()], [], 'and nothing else after it');


# a HTTP/1.0 client, and one that sends a body with its GET
my $token = $ll->token('u-lena');
my $r = $ll->raw("GET /api/properties/P/events HTTP/1.0\r\nHost: x\r\n"
                 . "Authorization: Bearer $token\r\n\r\n", timeout => 1);
like($r->body(), qr/event: hello/, 'HTTP/1.0');
$r = $ll->raw("GET /api/properties/P/events HTTP/1.1\r\nHost: x\r\n"
              . "Content-Length: 3\r\n"
              . "Authorization: Bearer $token\r\n\r\nabc", timeout => 1);
like($r->raw(), qr/event: ping/, 'a body with a GET');

$ll->finish();
