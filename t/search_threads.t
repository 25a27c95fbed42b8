#!/usr/bin/perl

# Searching all threads of a user: the order of hits, pages and their cursors
# while threads move, cursors that are forged or stale, windows that are closed
# or not yet open, and the bounds of a page.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;
use LeaseLoft::Search;

my $ll = LeaseLoft->new(worker_options => '--seal-after 4 --seal-size 2');
my $q = LeaseLoft::Requests->new($ll);
ok(wait_search($ll), 'a searcher takes searches');

my $id = 0;

# sends a message to each of the properties, and waits for all
sub messages {
    my ($user, $text, @properties) = @_;

    my @numbers = $q->put_all(map {
        [ 'send', $_, $user, { client_id => 'i' . $id++, text => $text } ]
    } @properties);

    my @failed = grep { $q->await($_, 30)->{status} != 201 } @numbers;
    is("@failed", '', "$user sends to " . @properties . ' properties');
}

# a user's threads in the order of the inbox
sub inbox {
    my ($user) = @_;

    my ($cursor, @threads) = ('');

    do {
        my $page = $ll->get("/api/inbox?limit=200$cursor", user => $user)
                      ->json();
        push @threads, map { $_->{property} } @{ $page->{threads} };
        $cursor = $page->{next} && "&cursor=$page->{next}";
    } while ($cursor);

    return @threads;
}

sub search {
    my ($user, $query) = @_;
    return $ll->get("/api/search?$query", user => $user)->json();
}

sub declare {
    my ($property, %members) = @_;
    is($ll->lease($property, %members)->status(), 200,
       "a lease of $property");
}


# three threads, and one of somebody else

declare($_) for qw(A B C);
declare('X', landlords => ['u-karl'], tenants => ['u-kim']);
messages('u-tom', 'the boiler is cold', qw(A B C));
messages('u-kim', 'the boiler is ours', 'X');
messages('u-lena', 'which boiler?', qw(B A));

is_deeply([hits_of(search('u-tom', 'q=boiler'))],
          [map { my $p = $_;
                 map { "$p:$_" } $p eq 'C' ? 2 : (3, 2) } inbox('u-tom')],
          'hits are in the order of the inbox, and newest first');
is_deeply([hits_of(search('u-tom', 'q=boiler&from=u-lena'))], ['A:3', 'B:3'],
          'of one sender');

my $r = $ll->get('/api/search?q=which&limit=1', user => 'u-tom');
my ($entry) = $ll->get('/api/properties/A/messages?limit=1',
                       user => 'u-tom')->body() =~ /"entries":\[(.*)\]/;
is($r->body(), '{"hits":[{"property":"A","label":"Label of A","entry":'
   . "$entry}],\"next\":" . ($r->body() =~ /"next":(.*)\}$/)[0] . '}',
   'a hit has property, label and the bytes of the entry');
is($r->header('Cache-Control'), 'no-store', 'the response is not cached');
like($r->json()->{next}, qr/^\d+\.[\w.-]+$/, 'next is a cursor');
is_deeply(search('u-nobody', 'q=a'), { hits => [], next => undef },
          'a user without threads finds nothing');
is_deeply([hits_of(search('u-tom', 'q=boiler&before=1'))],
          [hits_of(search('u-tom', 'q=boiler'))],
          'before is unknown over all threads');


# pages

for my $limit (1, 2, 3, 200) {
    my ($pages, @hits) = all_hits($ll, 'u-tom', "q=boiler&limit=$limit");
    is("@hits", 'A:3 A:2 B:3 B:2 C:2', "pages of $limit have each hit once");
}


# windows: ended, left, pending, and a label as it was

declare('E', label => 'before');
messages('u-tom', 'a window on E', 'E');
declare('E', label => 'before', ends_at => at(-1));
declare('E', lease_id => 'L-2', label => 'after', tenants => ['u-mia']);
messages('u-mia', 'another window on E', 'E');

declare('F', tenants => ['u-tom', 'u-ana'], label => 'with Ana');
messages('u-ana', 'a window on F', 'F');
declare('F', tenants => ['u-tom'], label => 'without Ana');
messages('u-tom', 'no window for Ana', 'F');

declare('G', tenants => ['u-ana'], starts_at => at(3600));

is_deeply([map { "$_->{property} $_->{label} $_->{entry}{seq}" }
               @{ search('u-tom', 'q=window')->{hits} }],
          ['F without Ana 4', 'F without Ana 2', 'E before 2'],
          'a closed window is searched as it was, with its label');
is_deeply([map { "$_->{property} $_->{label} $_->{entry}{seq}" }
               @{ search('u-ana', 'q=window')->{hits} }],
          ['F with Ana 2'], 'one who has left finds their window');
is_deeply([hits_of(search('u-mia', 'q=window'))], ['E:5'],
          'a new tenant finds nothing of the old');
is_deeply([hits_of(search('u-lena', 'q=window'))],
          ['F:4', 'F:2', 'E:5', 'E:2'], 'a landlord finds all');
is_deeply(search('u-ana', 'q=Label'), { hits => [], next => undef },
          'a party of a pending lease finds nothing of it');


# cursors: malformed ones, and those of others

for my $cursor ('', 'x', '.', '1', '1.', '.A', '1.A.', '1.A.0', '1.A.01',
                '01.A', '-1.A', '1.A%20B', '1.A.1.1', '1.A/B', '1.A%00',
                '1.' . 'A' x 65, '1' x 16 . '.A', '1.A.' . '1' x 16)
{
    is_problem($ll->get("/api/search?q=a&cursor=$cursor", user => 'u-tom'),
               400, '', "a 400 for the cursor <$cursor>");
}

my $far = 999_999_999_999_999;

is_deeply([hits_of(search('u-tom', "q=ours&cursor=$far.X.$far"))], [],
          'a cursor into the thread of others finds nothing there');
is($ll->get("/api/search?q=ours&cursor=0.X.$far", user => 'u-tom')
       ->comparable(),
   $ll->get("/api/search?q=ours&cursor=0.none.$far", user => 'u-tom')
       ->comparable(), 'as one into a thread that does not exist');
is_deeply([hits_of(search('u-tom', "q=boiler&cursor=$far.none"))],
          [qw(A:3 A:2 B:3 B:2 C:2)], 'a place before all');
is_deeply([hits_of(search('u-tom', 'q=boiler&cursor=0.none'))], [],
          'a place after all');
is_deeply([hits_of(search('u-mia', "q=window&cursor=0.E.5"))], [],
          'a cursor before the window of the user');
is_deeply([hits_of(search('u-ana', "q=window&cursor=0.F.$far"))], ['F:2'],
          'a cursor after it');
is_deeply([hits_of(search('u-ana', "q=window&cursor=0.G.$far"))], [],
          'a cursor into a pending lease');

is_problem($ll->get('/api/search?q=a'), 401, '', 'no token');
is_problem($ll->get('/api/search', user => 'u-tom'), 400, '', 'no query');
is_problem($ll->post('/api/search?q=a', '{}', user => 'u-tom'), 405, '',
           'POST');


# many threads: more than a page looks at, more than an inbox is sorted in one go

my @many = map { sprintf 'M%03d', $_ } 1 .. 150;
my @numbers = $q->put_all(map {
    [ 'lease', $_, '', { lease_id => 'L', label => $_, time_zone => 'UTC',
      landlords => [{ user => 'u-max', name => 'Max' }],
      tenants => [{ user => "u-$_", name => $_ }],
      starts_at => '2020-01-01T00:00:00Z', ends_at => undef } ] } @many);
$q->await($_, 30) for @numbers;

messages('u-max', 'the needle', $many[0]);
messages('u-max', "hay $_", @many) for 1 .. 2;

my @order = inbox('u-max');
is(@order, 150, 'an inbox of 150 threads');

my ($pages, @found) = all_hits($ll, 'u-max', 'q=needle');
is("@found", 'M001:2', 'what is in the last thread is found');
cmp_ok($pages, '>=', 3, "a page looks at a bounded number of threads: $pages");

for my $limit (7, 100) {
    ($pages, @found) = all_hits($ll, 'u-max', "q=hay&limit=$limit");
    is_deeply(\@found, [map { $_ eq 'M001' ? ("$_:4", "$_:3")
                                           : ("$_:3", "$_:2") } @order],
              "pages of $limit have all hits in the order of the inbox");
}


# threads move while pages are read: behind the page, ahead of it, and the one
# that it ends in

my %touched;
my $turn = 0;

($pages, @found) = all_hits($ll, 'u-max', 'q=hay&limit=9', sub {
    my ($page) = @_;
    my $present = $page->{hits}[-1]{property};

    for my $property ($turn++ % 3 ? () : ($present, $order[3], $order[-5])) {
        $touched{$property} = 1;
        messages('u-max', 'hay again', $property);
    }
});

my %n;
$n{$_}++ for @found;
is(join(' ', grep { $n{$_} > 1 } sort keys %n), '', 'no hit is given twice');
is_deeply([grep { !$touched{ (split /:/)[0] } } @found],
          [map { $_ eq 'M001' ? ("$_:4", "$_:3") : ("$_:3", "$_:2") }
               grep { !$touched{$_} } @order],
          'threads that have not changed are found once, in their order');
cmp_ok(scalar(keys %touched), '>', 5, 'while others have moved');


# a stale cursor: its thread is gone

my $next = search('u-max', 'q=hay&limit=3')->{next};
my ($gone) = $next =~ /^\d+\.(\w+)/;
$ll->redis('DEL', map { "ll:{p:$gone}:$_" }
               qw(thread meta reads snaps leases segments));
is($ll->get("/api/search?q=hay&cursor=$next", user => 'u-max')->status(), 200,
   'a cursor into a thread that is gone is harmless');


# pages of long messages are bounded

declare('L', landlords => ['u-lou'], tenants => ['u-lea']);
messages('u-lou', "\x{1f525}" x 3990 . ' fire', ('L') x 30);

my $page = $ll->get('/api/search?q=fire&limit=200', user => 'u-lou');
cmp_ok(length $page->body(), '<', 300 * 1024, 'a page has a bounded size');
ok(defined $page->json()->{next}, 'and ends early, with a next');
(undef, @found) = all_hits($ll, 'u-lou', 'q=fire&limit=200');
is_deeply(\@found, [map { "L:$_" } reverse 2 .. 31], 'all are found');

$ll->finish();
