#!/usr/bin/perl

# The inbox of a user: its threads, their order and counts, pages, ETag, and
# the stream of its changes.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();

sub inbox {
    my ($user, $query) = @_;
    return $ll->get('/api/inbox' . ($query ? "?$query" : ''), user => $user)
              ->json();
}

sub names { return join ' ', map { $_->{property} } @{ $_[0]{threads} } }


# a user without a thread

my $empty = inbox('u-new');
is_deeply([@$empty{'total_unread', 'threads', 'next'}], [0, [], undef],
          'an inbox without threads is empty');
like($empty->{rev}, qr/^\d+$/, 'an empty inbox has a rev');


# threads

$ll->lease($_, tenants => ["u-$_"]) for qw(A B C);
$ll->say('A', 'u-A', "hello\nworld");
$ll->say('B', 'u-B', 'x' x 500);

my $inbox = inbox('u-lena');

is($inbox->{total_unread}, 2, 'total_unread counts all threads');
is(names($inbox), 'B A C', 'the thread with the newest entry is first');
is($inbox->{next}, undef, 'a short inbox has no next page');

my ($b, $a, $c) = @{ $inbox->{threads} };
like(delete $a->{last}{at}, qr/^20.*Z$/, 'the last entry has a time');
is_deeply($a, {
    property => 'A', label => 'Label of A', role => 'landlord', unread => 1,
    lease => { id => 'L-1', state => 'active', ends_at => undef,
               starts_at => '2020-01-01T00:00:00.000Z', next => undef },
    parties => [ { user => 'u-lena', role => 'landlord', name => 'Lena' },
                 { user => 'u-A', role => 'tenant', name => 'A' } ],
    last => { seq => 2, kind => 'message', event => undef, from => 'u-A',
              preview => "hello\nworld" },
}, 'a thread has all of its members') or diag(explain($a));
is(length $b->{last}{preview}, 140, 'a preview has 140 code points at most');
is_deeply([@{ $c->{last} }{qw(seq kind event from preview)}],
          [1, 'lease', 'opened', undef, undef],
          'the last entry of a thread can be a lease entry');

my $tenant = inbox('u-A');
is(names($tenant), 'A', 'the inbox of a tenant has the own thread only');
is_deeply([@{ $tenant->{threads}[0] }{'role', 'unread'}, exists
           $tenant->{threads}[0]{lease}{next} ? 1 : 0],
          ['tenant', 0, 0],
          'a thread of a tenant has the role, no unread and no next lease');


# counts and order

$ll->say('C', 'u-lena', 'from Lena');
is(names(inbox('u-lena')), 'C B A', 'an own message moves its thread up');
is(inbox('u-lena')->{total_unread}, 2, 'an own message is not unread');
is(inbox('u-C')->{total_unread}, 1, 'the message is unread for the tenant');
$ll->mark('A', 'u-lena', 2);
is(inbox('u-lena')->{total_unread}, 1, 'a read mark reduces the count');
is(names(inbox('u-lena')), 'C B A', 'a read mark does not change the order');


# threads of pending and ended leases

$ll->lease('D', starts_at => at(7200), tenants => ['u-D']);
$ll->lease('E', ends_at => '2021-01-01T00:00:00Z', tenants => ['u-E']);

my %by = map { $_->{property} => $_ } @{ inbox('u-lena')->{threads} };
is($by{D}{lease}{state}, 'pending', 'an inbox has threads of pending leases');
is($by{D}{last}, undef, 'the thread of a pending lease has no last entry');
is($by{E}{lease}{state}, 'ended', 'an inbox has threads of ended leases');
is($by{E}{last}{event}, 'ended',
   'the last entry of an ended thread is the end');
is(names(inbox('u-lena')), 'E D C B A',
   'a thread without entries is ordered by its declaration');


# pages

my ($cursor, @pages) = ('');

for (1 .. 10) {
    my $page = inbox('u-lena', "limit=2" . ($cursor && "&cursor=$cursor"));
    push @pages, names($page);
    is($page->{total_unread}, 1, 'each page has total_unread of all threads');
    $cursor = $page->{next} // last;
}

is(join('|', @pages), 'E D|C B|A', 'pages have all threads in order');


# ETag

my $r = $ll->get('/api/inbox', user => 'u-lena');
my $etag = $r->header('ETag');

sub status {
    return $ll->get('/api/inbox', user => 'u-lena',
                    headers => { 'If-None-Match' => $etag })->status();
}

is(status(), 304, 'an unchanged inbox gets 304');
$ll->say('B', 'u-B', 'again');
is(status(), 200, 'a changed inbox gets 200');


# the stream

for my $how (['HTTP/1.1'], ['HTTP/2', http => 2], ['TLS', tls => 1],
             ['TLS and HTTP/2', tls => 1, http => 2])
{
    my ($name, @how) = @$how;

    my $rev = inbox('u-lena')->{rev};
    my $total = inbox('u-lena')->{total_unread};
    my $stream = $ll->stream('/api/inbox/events', user => 'u-lena', @how);
    my $hello = $stream->next_event();

    is($hello->{event}, 'hello', "$name: a stream begins with hello");
    is_deeply($hello->{json}, { rev => $rev, total_unread => $total },
              "$name: hello has rev and total_unread");
    is($hello->{id}, $rev, "$name: the id of hello is the rev");
    like($stream->header('Content-Type'), qr{^text/event-stream},
         "$name: the type is text/event-stream");
    is($stream->header('Cache-Control'), 'no-store, no-transform',
       "$name: the stream has Cache-Control");

    $ll->say('B', 'u-B', "over $name");

    my $event = $stream->wait_event('thread');
    my %thread = %{ inbox('u-lena')->{threads}[0] };

    is_deeply($event->{json}, { %thread, total_unread => $total + 1 },
              "$name: an event has the thread and total_unread");
    cmp_ok($event->{id}, '>', $rev, "$name: the id of an event is newer");
    is($event->{id}, inbox('u-lena')->{rev},
       "$name: the id of an event is the rev of the inbox");

    $ll->mark('B', 'u-lena', $thread{last}{seq});
    is($stream->wait_event('thread')->{json}{total_unread}, 0,
       "$name: an event after a read mark has the new total");
    is(inbox('u-lena')->{total_unread}, 0,
       "$name: the inbox after a read mark has the new total");

    $stream->close();
}


# new properties and own messages

my $stream = $ll->stream('/api/inbox/events', user => 'u-lena');
$stream->wait_event('hello');
$ll->lease('F', tenants => ['u-F']);
is($stream->wait_event('thread')->{json}{property}, 'F',
   'the stream gets a new property');
$ll->say('F', 'u-lena', 'welcome');
is($stream->wait_event(sub { ($_[0]{json}{last}{seq} // 0) == 2 })
      ->{json}{unread}, 0, 'the stream gets an own message, not as unread');


# ping

my $quick = LeaseLoft->new(directives => { leaseloft_ping => '300ms' });
$quick->lease('P');
$stream = $quick->stream('/api/inbox/events', user => 'u-tom');
my $ping = $stream->wait_event('ping', 3);
is_deeply([sort keys %{ $ping->{json} }], [qw(live rev total_unread)],
          'a ping has all of its members');
ok($ping->{json}{live}, 'a ping says that the stream is live');
is($ping->{id}, undef, 'a ping has no id');
$quick->finish(more => 1);


# the size of a page

$ll->lease("n$_", landlords => ['u-many']) for 1 .. 60;
is(scalar @{ inbox('u-many')->{threads} }, 50,
   'a page has 50 threads by default');
is(scalar @{ inbox('u-many', 'limit=200')->{threads} }, 60,
   'a page can have up to 200 threads');

$ll->finish();
