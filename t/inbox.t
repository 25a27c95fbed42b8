#!/usr/bin/perl

# The inbox and its stream.

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


# nobody's yet

my $empty = inbox('u-new');
is_deeply([@$empty{'total_unread', 'threads', 'next'}], [0, [], undef],
          'an empty inbox');
like($empty->{rev}, qr/^\d+$/, 'rev');


# threads

$ll->lease($_, tenants => ["u-$_"]) for qw(A B C);
$ll->say('A', 'u-A', "hello\nworld");
$ll->say('B', 'u-B', 'x' x 500);

my $inbox = inbox('u-lena');

is($inbox->{total_unread}, 2, 'total_unread');
is(names($inbox), 'B A C', 'newest first');
is($inbox->{next}, undef, 'one page');

my ($b, $a, $c) = @{ $inbox->{threads} };
like(delete $a->{last}{at}, qr/^20.*Z$/, 'at');
is_deeply($a, {
    property => 'A', label => 'Label of A', role => 'landlord', unread => 1,
    lease => { id => 'L-1', state => 'active', ends_at => undef,
               starts_at => '2020-01-01T00:00:00.000Z', next => undef },
    parties => [ { user => 'u-lena', role => 'landlord', name => 'Lena' },
                 { user => 'u-A', role => 'tenant', name => 'A' } ],
    last => { seq => 2, kind => 'message', event => undef, from => 'u-A',
              preview => "hello\nworld" },
}, 'a thread') or diag(explain($a));
is(length $b->{last}{preview}, 140, 'preview of 140 code points');
is_deeply([@{ $c->{last} }{qw(seq kind event from preview)}],
          [1, 'lease', 'opened', undef, undef], 'a lease entry');

my $tenant = inbox('u-A');
is(names($tenant), 'A', 'a tenant\'s');
is_deeply([@{ $tenant->{threads}[0] }{'role', 'unread'}, exists
           $tenant->{threads}[0]{lease}{next} ? 1 : 0],
          ['tenant', 0, 0], 'role, unread, and no next lease');


# counts and order

$ll->say('C', 'u-lena', 'from Lena');
is(names(inbox('u-lena')), 'C B A', 'own messages move a thread too');
is(inbox('u-lena')->{total_unread}, 2, 'but are not unread');
is(inbox('u-C')->{total_unread}, 1, 'for the other one it is');
$ll->mark('A', 'u-lena', 2);
is(inbox('u-lena')->{total_unread}, 1, 'a mark counts down');
is(names(inbox('u-lena')), 'C B A', 'and moves nothing');


# pending and ended leases are there

$ll->lease('D', starts_at => at(7200), tenants => ['u-D']);
$ll->lease('E', ends_at => '2021-01-01T00:00:00Z', tenants => ['u-E']);

my %by = map { $_->{property} => $_ } @{ inbox('u-lena')->{threads} };
is($by{D}{lease}{state}, 'pending', 'pending');
is($by{D}{last}, undef, 'nothing to see yet');
is($by{E}{lease}{state}, 'ended', 'ended');
is($by{E}{last}{event}, 'ended', 'its last entry');
is(names(inbox('u-lena')), 'E D C B A',
   'a thread without entries stands where it was declared');


# pages

my ($cursor, @pages) = ('');

for (1 .. 10) {
    my $page = inbox('u-lena', "limit=2" . ($cursor && "&cursor=$cursor"));
    push @pages, names($page);
    is($page->{total_unread}, 1, 'of all threads');
    $cursor = $page->{next} // last;
}

is(join('|', @pages), 'E D|C B|A', 'pages');


# ETag

my $r = $ll->get('/api/inbox', user => 'u-lena');
my $etag = $r->header('ETag');

sub status {
    return $ll->get('/api/inbox', user => 'u-lena',
                    headers => { 'If-None-Match' => $etag })->status();
}

is(status(), 304, 'not modified');
$ll->say('B', 'u-B', 'again');
is(status(), 200, 'no longer');


# the stream

for my $how (['HTTP/1.1'], ['HTTP/2', http => 2], ['TLS', tls => 1],
             ['TLS and HTTP/2', tls => 1, http => 2])
{
    my ($name, @how) = @$how;

    my $rev = inbox('u-lena')->{rev};
    my $total = inbox('u-lena')->{total_unread};
    my $stream = $ll->stream('/api/inbox/events', user => 'u-lena', @how);
    my $hello = $stream->next_event();

    is($hello->{event}, 'hello', "$name: hello");
    is_deeply($hello->{json}, { rev => $rev, total_unread => $total }, 'data');
    is($hello->{id}, $rev, 'id');
    like($stream->header('Content-Type'), qr{^text/event-stream}, 'type');
    is($stream->header('Cache-Control'), 'no-store, no-transform', 'no-store');

    $ll->say('B', 'u-B', "over $name");

    my $event = $stream->wait_event('thread');
    my %thread = %{ inbox('u-lena')->{threads}[0] };

    is_deeply($event->{json}, { %thread, total_unread => $total + 1 },
              'the thread, with the total');
    cmp_ok($event->{id}, '>', $rev, 'a newer rev');
    is($event->{id}, inbox('u-lena')->{rev}, 'the inbox\'s');

    $ll->mark('B', 'u-lena', $thread{last}{seq});
    is($stream->wait_event('thread')->{json}{total_unread}, 0, 'read');
    is(inbox('u-lena')->{total_unread}, 0, 'there too');

    $stream->close();
}


# a new property appears by itself; one's own messages too

my $stream = $ll->stream('/api/inbox/events', user => 'u-lena');
$stream->wait_event('hello');
$ll->lease('F', tenants => ['u-F']);
is($stream->wait_event('thread')->{json}{property}, 'F', 'a new property');
$ll->say('F', 'u-lena', 'welcome');
is($stream->wait_event(sub { ($_[0]{json}{last}{seq} // 0) == 2 })
      ->{json}{unread}, 0, 'an own message');


# ping

my $quick = LeaseLoft->new(directives => { leaseloft_ping => '300ms' });
$quick->lease('P');
$stream = $quick->stream('/api/inbox/events', user => 'u-tom');
my $ping = $stream->wait_event('ping', 3);
is_deeply([sort keys %{ $ping->{json} }], [qw(live rev total_unread)], 'ping');
ok($ping->{json}{live}, 'live');
is($ping->{id}, undef, 'no id');
$quick->finish(more => 1);


# the user's number of threads

$ll->lease("n$_", landlords => ['u-many']) for 1 .. 60;
is(scalar @{ inbox('u-many')->{threads} }, 50, '50 unless told');
is(scalar @{ inbox('u-many', 'limit=200')->{threads} }, 60, 'up to 200');

$ll->finish();
