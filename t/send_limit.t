#!/usr/bin/perl

# The limit of sends for each user, by nginx's limit_req with $leaseloft_sender:
# a burst of 100, and then one send at a time.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

# the shipped burst, and one send a minute, so that it does not matter how fast
# the machine is: 100 at once, and the one that is due
my $ll = LeaseLoft->new(limits => 1, directives => {
    'limit_req_zone $leaseloft_sender zone=leaseloft_sends:10m' =>
    'rate=1r/m' });

$ll->lease('P', tenants => ['u-tom', 'u-ana', 'u-mia']);

# how often which status was answered
sub counts {
    my %n;
    $n{ $_->status() }++ for @_;
    return \%n;
}

my @responses = map { $ll->say('P', 'u-tom', "m$_") } 1 .. 120;

is_deeply(counts(@responses), { 201 => 101, 429 => 19 },
          'a user can send 101 messages at once');
is_problem($responses[-1], 429, '', 'a send above the limit gets 429');
like($responses[-1]->header('Retry-After') // '', qr/^[1-9]\d*$/,
     'a send above the limit gets Retry-After');


# sends that are refused for another reason count, too; the limit comes before
# the check of the body, and after those of token, origin and property

is_deeply(counts(map { $ll->post('/api/properties/P/messages', '{}',
                                 user => 'u-mia') } 1 .. 120),
          { 422 => 101, 429 => 19 }, 'invalid sends count');

for my $user (qw(u-mia u-tom)) {
    is($ll->post('/api/properties/P/messages', 'x', user => $user)->status(),
       429, "$user: the limit is checked before the body");
    is($ll->request('POST', '/api/properties/P/messages', user => $user,
                    body => '', headers => { 'Content-Type' => 'x/y' })
           ->status(), 429, "$user: the limit is checked before the type");
    is($ll->say('nope', $user, 'x')->status(), 404,
       "$user: the property is checked before the limit");
    is($ll->post('/api/properties/P/messages', '{}',
                 cookie => $ll->token($user),
                 headers => { Origin => 'http://e' })->status(), 403,
       "$user: the origin is checked before the limit");
}


# other users, and reading

is($ll->say('P', 'u-ana', 'x')->status(), 201, 'another user can send');
is($ll->get('/api/properties/P/messages', user => 'u-tom')->status(), 200,
   'a user above the limit can read');

$ll->finish();
