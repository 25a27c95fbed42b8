#!/usr/bin/perl

# The stream of a thread: its first events, replay and resume, live events,
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

    is($s->status(), 200, "$name: a stream gets 200");
    like($s->header('Content-Type'), qr{^text/event-stream\b},
         "$name: Content-Type is that of an event stream");
    is($s->header('Cache-Control'), 'no-store, no-transform',
       "$name: Cache-Control forbids storing and changing");
    is($s->header('X-Accel-Buffering'), 'no', "$name: X-Accel-Buffering is no");
    is($s->header('X-Content-Type-Options'), 'nosniff',
       "$name: a stream has nosniff");
    is($s->header('Content-Encoding'), undef,
       "$name: a stream is not compressed");

    is($hello->{event}, 'hello', "$name: hello is the first event");
    is($hello->{id}, undef, "$name: hello has no id");
    is_deeply($hello->{json}, $poll,
              "$name: hello is the poll without entries");
    cmp_ok($s->retry(), '>=', 1000, "$name: retry is at least 1 s");
    cmp_ok($s->retry(), '<=', 4000, "$name: retry is at most 4 s");

    # a live entry
    my $text = "live over $name: <b> \"quoted\"\nsecond line \x{2028}";
    my $sent = $ll->say('P', 'u-tom', $text);
    my $event = $s->wait_event('', 2);

    is($event->{data}, $sent->body(),
       "$name: a live entry has the bytes of the 201");
    like($event->{id}, qr/^$event->{json}{seq}\.[0-9a-f]{8}$/,
         "$name: the id of an entry is SEQ.TAG");
    is($ll->poll('P', 'u-lena')->{head}, $event->{id},
       "$name: the id of the newest entry is the head");
    is(seqs($s->entries()), $event->{json}{seq},
       "$name: a stream without a cursor begins at the head");

    # ping
    my $ping = $s->wait_event('ping', 3);
    is_deeply($ping->{json}, { head => $event->{id},
                               live => JSON::PP::true },
              "$name: ping has head and live");
    is($ping->{id}, undef, "$name: ping has no id");

    # the whole window, then live entries
    my $n = $event->{json}{seq};
    $s = $ll->events('P', 'u-lena', query => 'after=0', @how);
    $s->wait_entry($n, 5);
    is(seqs($s->entries()), join(' ', 1 .. $n),
       "$name: after=0 replays the whole window");
    is($s->last_id(), $event->{id}, "$name: the replay ends at the head");

    my @bytes = map { $_->{data} } grep { $_->{event} eq '' } $s->events();
    my %fields = @{ ($ll->thread('P'))[6][1] };
    is($bytes[6], $fields{e}, "$name: a replayed entry has the stored bytes");

    $ll->say('P', 'u-tom', 'more');
    is($s->wait_event('', 2)->{json}{seq}, $n + 1,
       "$name: live entries follow the replay");
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
           "$name: a stream resumes from @$place");
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
        is($first[0]{event}, 'hello',
           "$name: hello is first with cursor '" . substr($place, 0, 20) . "'");
        is($first[1]{event}, 'reset', "$name: reset replaces the replay");
        is_deeply($first[1]{json}, { head => $head },
                  "$name: reset has the head");
        is($first[1]{id}, undef, "$name: reset has no id");
        $ll->say('P', 'u-tom', 'after a reset');
        is($r->wait_event('', 2)->{json}{text}, 'after a reset',
           "$name: live entries follow reset");
        $head = $ll->poll('P', 'u-lena')->{head};
        $poll = $ll->poll('P', 'u-lena');
        delete @$poll{'entries', 'more'};
        $r->close();
    }

    # the token expires
    my $short = $ll->events('P', undef, @how,
        token => $ll->token('u-lena', exp => int(time()) + 2));
    ok($short->wait_event('hello', 2),
       "$name: a stream opens with a token about to expire");
    my $bye = $short->wait_event('bye', 4);
    is_deeply($bye->{json}, { reason => 'expired' },
              "$name: bye expired is sent at exp");
    ok($short->wait_closed(2), "$name: the stream is closed at exp");
    cmp_ok($short->retry(), '>=', 1000, "$name: retry of bye is at least 1 s");
    cmp_ok($short->retry(), '<=', 4000, "$name: retry of bye is at most 4 s");
    ok($short->{ended}, "$name: the chunked body ends properly") unless @how;
}

is($ll->get('/api/properties/P/events?after=', user => 'u-lena', timeout => 1)
      ->body() =~ /event: reset/ ? 1 : 0, 1, 'an empty after gets reset');


# retry is drawn for each connection
my %retry = map { $ll->events('P', 'u-lena')->wait_event('hello');
                  my $s = $ll->events('P', 'u-lena'); $s->next_event();
                  $s->retry() => 1 } 1 .. 4;
cmp_ok(scalar keys %retry, '>', 1, 'retry differs between streams');


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
              { user => 'u-ana', role => 'tenant', name => 'Ana' },
              "$user gets the left entry");

    my $lease = $s{$user}->find_event('lease', 2);
    is_deeply([sort keys %{ $lease->{json} }], [qw(lease parties you)],
              "$user gets a lease event with lease, parties and you");
    is_deeply([map { $_->{user} } @{ $lease->{json}{parties} }],
              [qw(u-lena u-tom u-ben)], "$user gets the new parties");
    is($lease->{id}, undef, "$user gets the lease event without an id");
}

my $left = $s{'u-ana'}->wait_event('', 2);
is($left->{json}{event}, 'left', 'the removed tenant gets the left entry');
is($s{'u-ana'}->find_event('lease', 2)->{json}{you}{can_write},
   JSON::PP::false, 'the removed tenant is told can_write: false');
cmp_ok(time() - $start, '<', 1, 'both come within 1 s');
$ll->say('P', 'u-tom', 'Ana must not see this');
$ll->mark('P', 'u-tom', 5);
# her own mark is the only event that may come, and it comes after these
$ll->mark('P', 'u-ana', $left->{json}{seq});
my $mark = $s{'u-ana'}->wait_event('read', 5);
is($mark && $mark->{json}{user}, 'u-ana',
   'the removed tenant gets no read event but of the own mark');
is_deeply([grep { ($_->{json}{seq} // 0) > $left->{json}{seq} }
           $s{'u-ana'}->events()], [],
          'the removed tenant gets nothing past the left entry');


# an HTTP/1.0 client, and one that sends a body with its GET
my $token = $ll->token('u-lena');
my $r = $ll->raw("GET /api/properties/P/events HTTP/1.0\r\nHost: x\r\n"
                 . "Authorization: Bearer $token\r\n\r\n", timeout => 1);
like($r->body(), qr/event: hello/, 'a stream opens over HTTP/1.0');
$r = $ll->raw("GET /api/properties/P/events HTTP/1.1\r\nHost: x\r\n"
              . "Content-Length: 3\r\n"
              . "Authorization: Bearer $token\r\n\r\nabc", timeout => 1);
like($r->raw(), qr/event: ping/, 'a stream with a request body gets pings');

$ll->finish();
