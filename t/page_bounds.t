#!/usr/bin/perl

# Bounds on pages: a page ends early with the entry that brings its entries over
# 256 KiB, a client that does not read its page costs no more memory than that,
# and a user may have 20 pages under way at a time.

use strict;
use warnings;

use IO::Select;
use Socket qw(SO_RCVBUF inet_aton pack_sockaddr_in);
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $KIB = 1024;
my $PAGE = 256 * $KIB;

my $ll = LeaseLoft->new(main => 'worker_processes 1;',
                        listen => 'sndbuf=16k rcvbuf=16k');
my $path = '/api/properties/P/messages';

# 4 bytes a code point: the longest message
my $long = "\x{1f600}" x 4000;

$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->say('P', 'u-lena', $long) for 1 .. 59;

my $head = $ll->poll('P', 'u-tom', 'limit=1')->{entries}[0]{seq};
is($head, 60, 'the thread has 60 entries');

# the bytes of the entries in a response
sub bytes {
    my ($response) = @_;
    my ($entries) = $response->body() =~ /"entries":\[(.*)\]\}\z/s;
    return length($entries) - @{ $response->json()->{entries} } + 1;
}

sub seqs { map { $_->{seq} } @{ $_[0]->json()->{entries} } }


# pages end early in both directions, at the first poll of a user, which Redis
# evaluates, and at the next, which nginx answers by the window it knows

for my $query ('after=0', '', 'before=50') {
    for my $how ('first', 'next') {
        my $sep = $query && '&';
        my $r = $ll->get("$path?$query${sep}limit=200", user => 'u-tom');
        my @seqs = seqs($r);
        my $name = ($query || 'newest') . ", $how poll";
        my $edge = $query =~ /after/ ? $r->json()->{entries}[-1]
                                     : $r->json()->{entries}[0];
        my $last = length JSON::PP->new->utf8->encode($edge);

        cmp_ok(bytes($r), '>', $PAGE, "$name: the entries are over 256 KiB");
        cmp_ok(bytes($r) - $last, '<=', $PAGE,
               "$name: the entries without the last one are not");
        ok($r->json()->{more}, "$name: the page has more");
        is("@seqs", "@{[$seqs[0] .. $seqs[-1]]}",
           "$name: the entries have no gap, oldest first");

        is($seqs[0], 1,
           "$name: the page begins after the cursor") if $query eq 'after=0';
        is($seqs[-1], 49, "$name: the page ends before the given seq")
            if $query =~ /before/;
        is($seqs[-1], $head,
           "$name: the page ends with the newest entry") if $query eq '';
    }
}


# going on from page to page gives every entry once

for my $back (0, 1) {
    my (@all, $more);
    my $place = $back ? $head + 1 : 0;

    do {
        my $r = $ll->get("$path?limit=200&" . ($back ? 'before' : 'after')
                         . "=$place", user => 'u-ana');
        my @seqs = seqs($r);
        @all = $back ? (@seqs, @all) : (@all, @seqs);
        $more = $r->json()->{more} && @seqs;
        $place = $back ? $seqs[0] : $seqs[-1];
    } while ($more);

    is("@all", "@{[1 .. $head]}",
       'pages ' . ($back ? 'back' : 'forth') . ' have every entry once');
}


# pages of the inbox end early too

my @many = map { { user => "u-many$_", name => "\x{1f600}" x 100 } } 1 .. 20;

for (1 .. 70) {
    $ll->lease("I$_", label => "\x{1f600}" x 200, tenants => \@many,
               landlords => [{ user => 'u-liz', name => "\x{1f600}" x 100 }]);
}

my (@found, $cursor);

do {
    my $r = $ll->get('/api/inbox?limit=200'
                     . ($cursor ? "&cursor=$cursor" : ''), user => 'u-liz');
    my @threads = @{ $r->json()->{threads} };

    cmp_ok(length $r->body(), '<', $PAGE + 8 * $KIB,
           'a page of the inbox is bounded');
    push @found, map { $_->{property} } @threads;
    $cursor = $r->json()->{next};
    cmp_ok(length $r->body(), '>', $PAGE,
           'a page of the inbox with a cursor is over 256 KiB') if $cursor;
} while ($cursor && @found <= 70);

is("@found", join(' ', map { "I$_" } reverse 1 .. 70),
   'pages of the inbox have every thread once');


# memory: clients that ask for a page and do not read it

my ($worker) = $ll->nginx_children();

sub rss {
    my ($kib) = do {
        open my $f, '<', "/proc/$worker/status" or die;
        local $/;
        <$f> =~ /^VmRSS:\s+(\d+)/m;
    };
    return $kib * $KIB;
}

sub unread {
    my ($n, $get, $user) = @_;

    my @sockets = map {
        my $socket = IO::Socket::INET->new(Proto => 'tcp');
        $socket->sockopt(SO_RCVBUF, 8192);
        $socket->connect(pack_sockaddr_in($ll->{ports}{http},
                                          inet_aton('127.0.0.1')))
            or die "connect: $!";
        $socket->syswrite("GET $get HTTP/1.1\r\nHost: localhost\r\n"
                          . 'Authorization: Bearer ' . $ll->token($user)
                          . "\r\n\r\n");
        $socket;
    } 1 .. $n;

    ok((!grep { !IO::Select->new($_)->can_read(10) } @sockets),
       "$n clients are sent the head of the response: $get");

    return @sockets;
}

my $CLIENTS = 50;

for my $case (["$path?after=0&limit=200", 'u-tom'],
              ["$path?limit=200", 'u-tom'], ["$path?limit=200", 'u-ana'],
              ['/api/inbox?limit=200', 'u-liz'])
{
    my ($get, $user) = @$case;

    # a fresh nginx that has answered once has no freed memory to reuse
    $ll->stop('nginx');
    $ll->start('nginx');
    $ll->wait_healthy();
    ($worker) = $ll->nginx_children();
    $ll->get($get, user => $user) for 1 .. 3;

    my @sockets = unread(10, $get, $user);
    my $before = rss();
    push @sockets, unread($CLIENTS, $get, $user);
    my $each = int((rss() - $before) / $CLIENTS / $KIB);

    note("$each KiB for each client: $get");

    SKIP: {
        skip 'sanitizers need more', 1 if $LeaseLoft::sanitized;
        cmp_ok($each, '<', 300,
               "a client that does not read takes less than 300 KiB: $get");
    }

    close $_ for @sockets;
}

$ll->finish(more => 1);


# by the shipped limits a user has 20 pages at a time, and streams besides

$ll = LeaseLoft->new(limits => 1, main => 'worker_processes 1;',
                     listen => 'sndbuf=16k rcvbuf=16k');
$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->say('P', 'u-lena', $long) for 1 .. 30;

my @pages = (unread(10, "$path?limit=200", 'u-tom'),
             unread(10, "$path?after=0&limit=200", 'u-tom'));

is_problem($ll->get($path, user => 'u-tom'), 429, '',
           'the 21st page at a time gets 429');
like($ll->get($path, user => 'u-tom')->header('Retry-After'), qr/^\d+$/,
     'the 429 has Retry-After');
is_problem($ll->get('/api/inbox', user => 'u-tom'), 429, '',
           'pages of the inbox count as well');
is($ll->get($path, user => 'u-ana')->status(), 200,
   'another user is not limited');
is($ll->say('P', 'u-tom', 'hello')->status(), 201,
   'the limit on pages does not apply to sends');

my @streams = map { $ll->events('P', 'u-tom') } 1 .. 5;
is(scalar(grep { $_->wait_event('hello') } @streams), 5,
   'the limit on pages does not apply to streams');
push @streams, $ll->stream('/api/inbox/events', user => 'u-tom');
ok($streams[-1]->wait_event('hello'),
   'the limit on pages does not apply to inbox streams');
is($ll->get($path, user => 'u-tom')->status(), 429,
   'streams do not free a page');

close shift @pages;
ok(wait_for(sub { $ll->get($path, user => 'u-tom')->status() == 200 }),
   'a page is answered once another has ended');

$ll->finish();
