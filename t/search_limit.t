#!/usr/bin/perl

# The limit of searches for each user: both kinds together, a burst of 20, by
# nginx's limit_req, apart from the limits of sends and polls.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Search;

# the shipped burst, and one search a minute, so that it does not matter how
# fast the machine is: 20 at once, and the one that is due
my $ll = LeaseLoft->new(limits => 1, directives => {
    'limit_req_zone $leaseloft_reader zone=leaseloft_searches:10m' =>
    'rate=1r/m' });
ok(wait_search($ll), 'a searcher takes searches');

$ll->lease('P', tenants => ['u-tom', 'u-ana', 'u-mia']);
$ll->say('P', 'u-tom', 'a message');

my $thread = '/api/properties/P/search';

# how often which status was answered
sub counts {
    my %n;
    $n{ $_->status() }++ for @_;
    return \%n;
}

my @responses = map { $ll->get(($_ % 2 ? $thread : '/api/search')
                               . '?q=message', user => 'u-tom') } 1 .. 30;

is_deeply(counts(@responses), { 200 => 21, 429 => 9 },
          'a user can search 21 times at once, in a thread and over all');
is_problem($responses[-1], 429, '', 'a search above the limit gets 429');
like($responses[-1]->header('Retry-After') // '', qr/^[1-9]\d*$/,
     'a search above the limit gets Retry-After');
like($ll->get('/internal/metrics')->body(),
     qr/^leaseloft_searches_refused_total 9$/m, 'the metric counts them');

# searches that are refused for another reason count, too; their reason precedes
# the limit

is_deeply(counts(map { $ll->get("$thread?q=", user => 'u-mia') } 1 .. 25),
          { 400 => 25 }, 'malformed queries are checked before the limit');
is($ll->get("$thread?q=a", user => 'u-mia')->status(), 429,
   'malformed queries count');

for my $user (qw(u-tom u-mia)) {
    like($ll->get("$thread?q=%22", user => $user)->json()->{detail},
         qr/quote/, "$user: a 400 above the limit says why");
    is($ll->get('/api/properties/none/search?q=a', user => $user)->status(),
       404, "$user: the property is checked before the limit");
    is($ll->post($thread, '{}', user => $user)->status(), 405,
       "$user: so is the method");
}

is($ll->get("$thread?q=a", token => 'x')->status(), 401, 'and the token');

# other users, and other requests

is($ll->get("$thread?q=message", user => 'u-ana')->status(), 200,
   'another user can search');
is($ll->say('P', 'u-tom', 'x')->status(), 201,
   'a user above the limit can send');
is($ll->get('/api/properties/P/messages', user => 'u-tom')->status(), 200,
   'a user above the limit can read');

$ll->finish();
