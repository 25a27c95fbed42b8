#!/usr/bin/perl

# Details of the contract that need a setting of their own.

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


# streams are never compressed, even where gzip is on for all types

$ll->lease('P', tenants => ['u-tom', 'u-ana']);

for my $path ('/api/properties/P/events', '/zipped/P') {
    for my $how ([], [http => 2]) {
        my $s = $ll->stream($path, user => 'u-tom', @$how,
                            headers => { 'Accept-Encoding' => 'gzip, br' });
        ok($s->wait_event('hello', 2), "$path @$how: the stream begins");
        is($s->header('Content-Encoding'), undef,
           "$path @$how: the stream is not compressed");
    }
}


# the client_id is checked before the lease

my $first = $ll->say('P', 'u-ana', 'before I leave', client_id => 'c-early');
$ll->lease('P', tenants => ['u-tom']);
is($ll->say('P', 'u-ana', 'before I leave', client_id => 'c-early')->status(),
   200, 'a repeated send gets 200 after its sender has left');
is_problem($ll->say('P', 'u-ana', 'other', client_id => 'c-early'), 409,
           'client-id-reused',
           'a reused client_id is refused after its sender has left');
is_problem($ll->say('P', 'u-ana', 'before I leave', client_id => 'c-late'),
           409, 'lease-not-active', 'a new send is refused after one has left');


# a landlord whose window is closed sees the next lease, a tenant does not

my @ended = (ends_at => '2021-01-01T00:00:00Z');
my @next = (lease_id => 'L-2', starts_at => '2099-01-01T00:00:00Z',
            landlords => ['u-karl'], tenants => ['u-ben']);

$ll->lease('N', @ended);
is($ll->poll('N', 'u-lena')->{lease}{next}, undef,
   'without a next lease the landlord of an ended one sees none');
my $etag = $ll->get('/api/properties/N/messages', user => 'u-tom')
              ->header('ETag');
$ll->lease('N', @next);
is(($ll->poll('N', 'u-lena')->{lease}{next} // {})->{id}, 'L-2',
   'the landlord of an ended lease sees the next one');
is($ll->poll('N', 'u-lena')->{lease}{state}, 'ended',
   'the landlord of an ended lease sees its state');
is($ll->get('/api/properties/N/messages', user => 'u-tom',
            headers => { 'If-None-Match' => $etag })->status(), 304,
   'a next lease does not change the poll of an ended tenant');
is(($ll->get('/api/inbox', user => 'u-lena')->json()->{threads}[0]{lease}{next}
    // {})->{id}, 'L-2', 'the inbox of the landlord has the next lease');


# a user who is taken off a pending lease no longer has its thread

is($ll->get('/api/inbox', user => 'u-ben')->json()->{threads}[0]{property},
   'N', 'the inbox of a tenant has the thread of a pending lease');
$ll->lease('N', @next, tenants => ['u-mia']);
is_deeply($ll->get('/api/inbox', user => 'u-ben')->json()->{threads}, [],
          'the inbox of a user who is taken off has no thread');
is_deeply($ll->get('/api/inbox', user => 'u-mia')->json()->{threads}[0]{last},
          undef, 'the thread of a pending lease has no last entry');


# a stream on a closed window gets no new entries, but pings

# whether a process of nginx accepts no more connections
sub leaving {
    open my $f, '<', "/proc/$_[0]/cmdline" or return 1;
    return (<$f> // '') =~ /shutting down/;
}

$ll->nginx_conf(directives => { leaseloft_ping => '300ms' });
my %old = map { $_ => 1 } $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { my @now = grep { !leaving($_) } $ll->nginx_children();
                  @now && !grep { $old{$_} } @now }, 10), 'nginx has reloaded');
my $ana = $ll->events('P', 'u-ana', query => 'after=0');
$ana->wait_event('hello');
$ana->wait_event('');
my $head = $ll->poll('P', 'u-ana')->{head};
my $at = $ana->last_id();
$ll->say('P', 'u-tom', 'later');
my $ping = $ana->wait_event('ping', 2);
is($ping->{json}{head}, $head,
   'a ping on a closed window has the head of the window');
ok($ping->{json}{live}, 'a stream on a closed window is live');


# previews are counted in code points

$ll->lease('T', tenants => ['u-tom']);
$ll->say('T', 'u-tom', '👋🏽é' x 100);
my ($thread) = grep { $_->{property} eq 'T' }
               @{ $ll->get('/api/inbox', user => 'u-lena')->json()->{threads} };
is(length $thread->{last}{preview}, 140, 'a preview has 140 code points');
is($thread->{last}{preview}, substr('👋🏽é' x 100, 0, 140),
   'a preview is the beginning of the text');


# ties are broken by property id; threads without entries are in the order of
# their declarations

$ll->lease($_, landlords => ['u-kim'], starts_at => '2099-01-01T00:00:00Z',
           lease_id => "L-$_") for qw(Y X Z);
is(join(' ', map { $_->{property} }
             @{ $ll->get('/api/inbox', user => 'u-kim')->json()->{threads} }),
   'Z X Y', 'the newest declaration is first in the inbox');


# the largest lease: twenty people on each side, with long names

my @many = map { { user => "u-$_" . 'x' x 50, name => 'ü' x 100 } } 1 .. 40;
my $r = $ll->lease('M', landlords => [@many[0 .. 19]],
                   tenants => [@many[20 .. 39]], label => '"' x 200);
is($r->status(), 200, 'a lease of forty people is declared');
my $poll = $ll->poll('M', $many[39]{user});
is_deeply([map { $_->{user} } @{ $poll->{parties} }],
          [map { $_->{user} } @many], 'a poll has all forty people');
is($poll->{label}, '"' x 200, 'a poll has the whole label');
my $s = $ll->events('M', $many[0]{user}, query => 'after=0');
is_deeply($s->wait_event('hello')->{json}{parties}, $poll->{parties},
          'hello has all forty people');

$ll->finish();
