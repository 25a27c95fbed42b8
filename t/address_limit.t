#!/usr/bin/perl

# The limits by address of docs/secure.md, as they stand there: polls, sends,
# marks and searches get 429, streams bye overload; users keep their own limits.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Files;

my ($section) = slurp('docs/secure.md')
                =~ /^## Limits by address\n(.*?)(?=^## |\z)/ms;
my ($http, $other, $stream) = $section =~ /^```nginx\n(.*?)^```$/msg;

# the numbers are replaced, so that it does not matter how fast the machine is
$http =~ s{rate=100r/s}{rate=1r/m} or BAIL_OUT('no rate');
$other =~ s/burst=400/burst=9/ or BAIL_OUT('no burst');
$stream =~ s/streams 100;/streams 3;/ or BAIL_OUT('no number of streams');

# the address is that which a proxy names
my $ll = LeaseLoft->new(start => 0, limits => 1,
    http => "$http\nset_real_ip_from 127.0.0.1;\n"
            . 'real_ip_header X-Client; server_tokens off;');

my $api = "$ll->{dir}/leaseloft/api.conf";
my $text = slurp($api);
my $streams = $text =~ s/^(    leaseloft_(?:inbox_)?events\b[^;]*;)$/$1\n$stream/mg;
my $names = 'messages|read|record|search|search_threads|inbox|session';
my $others = $text =~ s/^(    leaseloft_(?:$names)\b[^;]*;)$/$1\n$other/mg;
is("$streams $others", '2 7', 'the directives are added to nine locations');
$ll->write('leaseloft/api.conf', $text);

$ll->start('redis');
$ll->start('worker1');
$ll->start('nginx');
$ll->started();

$ll->lease('P', tenants => [map { "u-$_" } 'tom', 1 .. 18]);

# an address, as the proxy says it
sub from { return (headers => { 'X-Client' => $_[0] }) }

sub counts {
    my %n;
    $n{$_}++ for @_;
    return join ' ', map { "$_:$n{$_}" } sort keys %n;
}


# each kind of request, of users that are all below their own limits

my %kinds = (
    polls => sub { $ll->get('/api/properties/P/messages', @_) },
    inboxes => sub { $ll->get('/api/inbox', @_) },
    searches => sub { $ll->get('/api/properties/P/search?q=x', @_) },
    sends => sub {
        my %o = @_;
        $ll->post('/api/properties/P/messages',
                  { client_id => 'c', text => 'x' }, %o);
    },
    reads => sub { $ll->post('/api/properties/P/read', { upto => 1 }, @_) },
);
my %status = (sends => 201, reads => 204);
my $n = 0;

for my $kind (sort keys %kinds) {
    my $address = '192.0.2.' . ++$n;
    my @answers = map { $kinds{$kind}->(user => "u-$_", from($address)) }
                      1 .. 15;
    my $status = $status{$kind} // 200;

    is(counts(map { $_->status() } @answers), "$status:10 429:5",
       "$kind: one address can make 10 requests at once, whoever makes them");
    is_problem($answers[-1], 429, '', "$kind: the problem is that of a limit");
    like($answers[-1]->header('Retry-After') // '', qr/^[1-9]\d*$/,
         "$kind: it has Retry-After");
    is($kinds{$kind}->(user => 'u-16', from("198.51.100.$n"))->status(), $status,
       "$kind: another address is not limited");
}


# requests that are refused for another reason

for my $case (['a bad token', 401, '/api/inbox', token => 'x'],
              ['no token', 401, '/api/inbox'],
              ['no access', 404, '/api/properties/nope/messages',
               user => 'u-tom'])
{
    my ($what, $status, $path, @who) = @$case;
    my $address = '192.0.2.' . ++$n;
    my @answers = map { $ll->get($path, @who, from($address))->status() } 1 .. 20;

    is(counts(@answers[0 .. 9]), "$status:10", "$what: $status below the limit");
    is($kinds{polls}->(user => 'u-tom', from($address))->status(), 429,
       "$what: such requests count");
    is(counts(@answers[10 .. 19]), '401:10', "$what: above the limit too")
        if $status == 401;
}


# a network of IPv6 is one client

is(counts(map { $kinds{polls}->(user => 'u-tom', from("2001:db8:1:2:3:4:5:$_"))
                              ->status() } 1 .. 15),
   '200:10 429:5', 'the addresses of a network of 64 bits count together');
is($kinds{polls}->(user => 'u-tom', from('2001:db8:1:3::1'))->status(), 200,
   'those of another network do not');

# zeros are left out when such an address is written
is(counts(map { $kinds{polls}->(user => 'u-tom', from($_))->status() }
          map { ("2001:db8::$_", "2001:db8::1:$_:2:3") } 1 .. 7),
   '200:10 429:4', 'addresses with zeros in the network count together');
is($kinds{polls}->(user => 'u-tom', from('2001:db8::a:0:0:0:1'))->status(), 200,
   'such an address of another network does not');
is(counts(map { $kinds{polls}->(user => 'u-tom', from("::ffff:233.252.0.$_"))
                              ->status() } 1 .. 15),
   '200:15', 'IPv4 addresses in IPv6 are clients of their own');
is(counts(map { $kinds{polls}->(user => 'u-tom', from('::ffff:233.252.0.99'))
                              ->status() } 1 .. 15),
   '200:10 429:5', 'one of them counts like an IPv4 address');


# streams

for my $http (1, 2) {
    my $address = "203.0.113.$http";
    my @open = map { $ll->stream($_->[0], user => $_->[1], http => $http,
                                 from($address)) }
               ['/api/properties/P/events', 'u-1'], ['/api/inbox/events', 'u-2'],
               ['/api/properties/P/events', 'u-3'];
    ok($_->wait_event('hello'), "HTTP/$http: a stream is open") for @open;

    for my $path ('/api/properties/P/events', '/api/inbox/events') {
        my $late = $ll->stream($path, user => 'u-4', http => $http,
                               from($address));
        my $bye = $late->wait_event('bye');

        is($late->status(), 200, "HTTP/$http: a further one is a 200: $path");
        is($late->header('Content-Type'), 'text/event-stream',
           'it is a stream');
        is($late->header('Cache-Control'), 'no-store, no-transform',
           'that is not stored');
        is($bye && $bye->{json}{reason}, 'overload', 'it gets bye overload');
        ok($late->wait_closed(2), 'and is closed');
        ok($late->retry() >= 10000 && $late->retry() <= 60000,
           'the client is to come back in 10 to 60 s');
    }

    my $other = $ll->stream('/api/inbox/events', user => 'u-4', http => $http,
                            from('203.0.113.100'));
    ok($other->wait_event('hello'), "HTTP/$http: another address is not limited");

    $open[0]->close();
    ok(wait_for(sub {
        my $next = $ll->stream('/api/inbox/events', user => 'u-5',
                               http => $http, from($address));
        my $first = $next->wait_event(sub { 1 });
        $first && $first->{event} eq 'hello';
    }, 5), "HTTP/$http: a stream that is closed no longer counts");
}


# a user's own limit, from many addresses

like(counts(map { $kinds{searches}->(user => 'u-18', from("198.51.100.$_"))
                                  ->status() } 1 .. 40), qr/\b429:\d/,
     'the limit of a user holds from many addresses');

$ll->finish();
