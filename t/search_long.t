#!/usr/bin/perl

# Searching a thread of 20,000 messages, most of them sealed: a page reads a
# bounded number of entries, and the oldest message is found by further pages.
# What a search takes is measured by bench/ ("search").

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;
use LeaseLoft::Search;

my $N = 20_000;
my $PAGE = 16_384;                 # entries read for a page

my $ll = LeaseLoft->new();
my $q = LeaseLoft::Requests->new($ll);
ok(wait_search($ll), 'a searcher takes searches');

# texts of usual length, by a fixed rule
my @words = qw(the boiler heating is out again today please call a plumber
               kitchen window broken rent paid on friday thanks for it);

sub text {
    my ($i) = @_;
    return join ' ', map({ $words[($i * 7 + $_ * $_) % @words] } 1 .. 20),
                     "n$i";
}

is($ll->lease('P')->status(), 200, 'a lease');

my @numbers = $q->put_all(map {
    [ 'send', 'P', $_ % 2 ? 'u-tom' : 'u-lena',
      { client_id => "c$_", text => text($_) } ]
} 1 .. $N);
is($q->await($numbers[-1], 120)->{status}, 201, "$N messages are sent");

ok(wait_for(sub { my ($sealed) = ($ll->redis('HGET', 'll:{p:P}:meta', 'sealed')
                                  // '') =~ /^(\d+)/;
                  ($sealed // 0) > $N - 200 }, 120), 'they are sealed');

sub search {
    my ($query) = @_;
    return $ll->get("/api/properties/P/search?$query", user => 'u-lena')
              ->json();
}

is_deeply([hits_of(search("q=n$N"))], [$N + 1], 'the newest is found');
is_deeply([hits_of(search('q=boiler&limit=3'))],
          [map { $_ + 1 } (grep { text($_) =~ /boiler/ } reverse 1 .. $N)
                              [0 .. 2]], 'the newest of many');

my $empty = search('q=zebra');
is_deeply($empty->{hits}, [], 'a word that no message has');
ok(defined $empty->{next}, 'its first page is not the last');
cmp_ok($N + 2 - ($empty->{next} // 0), '<=', $PAGE + 64,
       'a page reads a bounded number of entries');

my ($before, $pages, @found) = ('', 0);

do {
    my $page = search("q=%22+n1%22+boiler&limit=200$before");
    my $next = $page->{next};

    push @found, hits_of($page);
    $before = defined $next ? "&before=$next" : undef;
} while (defined $before && ++$pages < 200);

is("@found", join(' ', map { $_ + 1 } grep { text($_) =~ / n1/
                                             && text($_) =~ /boiler/ }
                                     reverse 1 .. $N),
   'further pages have all hits, down to the oldest');
cmp_ok($pages, '>', 0, 'there are further pages');

$ll->finish();
