#!/usr/bin/perl

# Lines of the contract that need a setting of their own.

use strict;
use warnings;
use utf8;

use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(
    http => 'gzip on; gzip_min_length 1; gzip_types *;',
    server => 'location ~ ^/zipped/(?<p>\w+)$ { leaseloft_events $p; }');


# streams are never compressed, not even where gzip is on

$ll->lease('P', tenants => ['u-tom', 'u-ana']);

for my $path ('/api/properties/P/events', '/zipped/P') {
    for my $how ([], [http => 2]) {
        my $s = $ll->stream($path, user => 'u-tom', @$how,
                            headers => { 'Accept-Encoding' => 'gzip, br' });
        ok($s->wait_event('hello', 2), "$path: hello");
        is($s->header('Content-Encoding'), undef, 'not compressed');
    }
}


# a client_id is looked up before the lease is

my $first = $ll->say('P', 'u-ana', 'before I leave', client_id => 'c-early');
$ll->lease('P', tenants => ['u-tom']);
is($ll->say('P', 'u-ana', 'before I leave', client_id => 'c-early')->status(),
   200, 'a send repeated after one left');
is_problem($ll->say('P', 'u-ana', 'other', client_id => 'c-early'), 409,
           'client-id-reused', 'with another text');
is_problem($ll->say('P', 'u-ana', 'before I leave', client_id => 'c-late'),
           409, 'lease-not-active', 'a new one');


# lease.next is current through a landlord's closed window, and for nobody else

my @ended = (ends_at => '2021-01-01T00:00:00Z');
my @next = (lease_id => 'L-2', starts_at => '2099-01-01T00:00:00Z',
            landlords => ['u-karl'], tenants => ['u-ben']);

$ll->lease('N', @ended);
is($ll->poll('N', 'u-lena')->{lease}{next}, undef, 'no next lease');
my $etag = $ll->get('/api/properties/N/messages', user => 'u-tom')
              ->header('ETag');
$ll->lease('N', @next);
is(($ll->poll('N', 'u-lena')->{lease}{next} // {})->{id}, 'L-2', 'a next one');
is($ll->poll('N', 'u-lena')->{lease}{state}, 'ended', 'beside the ended one');
is($ll->get('/api/properties/N/messages', user => 'u-tom',
            headers => { 'If-None-Match' => $etag })->status(), 304,
   'a tenant\'s window did not change');
is(($ll->get('/api/inbox', user => 'u-lena')->json()->{threads}[0]{lease}{next}
    // {})->{id}, 'L-2', 'in the inbox too');


# who is taken off a pending lease has it no longer in the inbox

is($ll->get('/api/inbox', user => 'u-ben')->json()->{threads}[0]{property},
   'N', 'a pending thread is in the inbox');
$ll->lease('N', @next, tenants => ['u-mia']);
is_deeply($ll->get('/api/inbox', user => 'u-ben')->json()->{threads}, [],
          'until one is taken off');
is_deeply($ll->get('/api/inbox', user => 'u-mia')->json()->{threads}[0]{last},
          undef, 'where there is nothing to see yet');


# a stream on a closed window: its end, and then nothing but pings

$ll->nginx_conf(directives => { leaseloft_ping => '300ms' });
$ll->signal('nginx', 'HUP');
sleep 0.5;
my $ana = $ll->events('P', 'u-ana', query => 'after=0');
$ana->wait_event('hello');
$ana->wait_event('');
my $head = $ll->poll('P', 'u-ana')->{head};
my $at = $ana->last_id();
$ll->say('P', 'u-tom', 'later');
my $ping = $ana->wait_event('ping', 2);
is($ping->{json}{head}, $head, 'the ping has the window\'s head');
ok($ping->{json}{live}, 'live');


# previews are counted in code points, and cut nowhere else

$ll->lease('T', tenants => ['u-tom']);
$ll->say('T', 'u-tom', '👋🏽é' x 100);
my ($thread) = grep { $_->{property} eq 'T' }
               @{ $ll->get('/api/inbox', user => 'u-lena')->json()->{threads} };
is(length $thread->{last}{preview}, 140, '140 code points');
is($thread->{last}{preview}, substr('👋🏽é' x 100, 0, 140), 'the first ones');


# ties are broken by property id; the order of threads without entries is that
# of their declarations

$ll->lease($_, landlords => ['u-kim'], starts_at => '2099-01-01T00:00:00Z',
           lease_id => "L-$_") for qw(Y X Z);
is(join(' ', map { $_->{property} }
             @{ $ll->get('/api/inbox', user => 'u-kim')->json()->{threads} }),
   'Z X Y', 'the newest declaration first');


# twenty on each side, with long names: nothing is cut

my @many = map { { user => "u-$_" . 'x' x 50, name => 'ü' x 100 } } 1 .. 40;
my $r = $ll->lease('M', landlords => [@many[0 .. 19]],
                   tenants => [@many[20 .. 39]], label => '"' x 200);
is($r->status(), 200, 'forty people');
my $poll = $ll->poll('M', $many[39]{user});
is_deeply([map { $_->{user} } @{ $poll->{parties} }],
          [map { $_->{user} } @many], 'all of them');
is($poll->{label}, '"' x 200, 'and the label');
my $s = $ll->events('M', $many[0]{user}, query => 'after=0');
is_deeply($s->wait_event('hello')->{json}{parties}, $poll->{parties}, 'hello');

$ll->finish();
