#!/usr/bin/perl

# Polls and history: their members, ranges, reset, and ETag, and that an idle
# poll sends nothing to Redis.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();
my $messages = '/api/properties/P/messages';

my %lease = (landlords => ['u-lena'], tenants => ['u-tom', 'u-ana'],
             ends_at => '2099-01-01T00:00:00+01:00', label => 'Elm "3"');

is($ll->lease('P', %lease)->status(), 200, 'a lease is declared');

sub poll { return $ll->poll('P', @_) }
sub seqs { return join ' ', map { $_->{seq} } @{ $_[0]{entries} } }


# every member

$ll->say('P', $_ % 2 ? 'u-tom' : 'u-lena', "text $_") for 1 .. 9;

my $poll = poll('u-tom');
my $entries = delete $poll->{entries};
my ($seq, $tag) = split /\./, $poll->{head};

is(scalar @$entries, 10, 'a poll has all entries');
is($seq, 10, 'the head is the newest seq');
like($tag, qr/^[0-9a-f]{8}$/, 'the tag of the head is 8 hex digits');
delete $poll->{head};
is_deeply($poll, {
    property => 'P', label => 'Elm "3"',
    lease => { id => 'L-1', state => 'active',
               starts_at => '2020-01-01T00:00:00.000Z',
               ends_at => '2098-12-31T23:00:00.000Z' },
    you => { role => 'tenant', read => 0, unread => 4,
             can_write => JSON::PP::true },
    parties => [
        { user => 'u-lena', role => 'landlord', name => 'Lena', read => 0 },
        { user => 'u-tom', role => 'tenant', name => 'Tom', read => 0 },
        { user => 'u-ana', role => 'tenant', name => 'Ana', read => 0 },
    ],
}, 'the other members of a poll are as declared');

my $lena = poll('u-lena');
is_deeply([$lena->{you}{role}, $lena->{you}{unread}, $lena->{lease}{next}],
          ['landlord', 5, undef],
          "a landlord gets the landlord's role, unread and lease.next");
ok(exists $lena->{lease}{next}, 'landlords get lease.next');
ok(!exists $poll->{lease}{next}, 'tenants do not get lease.next');


# ranges and limits

my $head = "10.$tag";

for my $case (
    ['limit=3', '8 9 10', 1], ['limit=200', '1 2 3 4 5 6 7 8 9 10', ''],
    ['limit=10', '1 2 3 4 5 6 7 8 9 10', ''],
    ['after=0', '1 2 3 4 5 6 7 8 9 10', ''], ['after=0&limit=4', '1 2 3 4', 1],
    ['after=4&limit=4', '5 6 7 8', 1], ['after=6&limit=4', '7 8 9 10', ''],
    ["after=$head", '', ''], ['after=9', '10', ''],
    ['before=5', '1 2 3 4', ''], ['before=5&limit=2', '3 4', 1],
    ['before=1', '', ''], ['before=11&limit=1', '10', 1],
    ['before=999', '1 2 3 4 5 6 7 8 9 10', ''], ['before=0', '', ''],
    ['after%3D0=x&limit=1', '10', 1])
{
    my $p = poll('u-tom', $case->[0]);
    is(seqs($p), $case->[1], "$case->[0]: entries");
    is($p->{more} ? 1 : '', $case->[2], "$case->[0]: more");
    is($p->{reset}, undef, "$case->[0]: no reset");
    is($p->{head}, $head, "$case->[0]: head");
}

# polling with the cursor of the last entry gives the next page
my ($at, @walked) = ('0');

for (1 .. 20) {
    my $p = poll('u-tom', "after=$at&limit=3");
    push @walked, map { $_->{seq} } @{ $p->{entries} };
    last unless $p->{more};
    $at = $p->{entries}[-1]{seq};
}

is("@walked", '1 2 3 4 5 6 7 8 9 10', 'page after page has every entry once');

# reset
for my $after ('5.00000000', '11', '10.00000000', '0.00000000',
               '999999999999999')
{
    my $r = $ll->get("$messages?after=$after", user => 'u-tom');
    is($r->status(), 200, "after=$after gets 200");
    ok($r->json()->{reset} && !@{ $r->json()->{entries} },
       "after=$after gets reset without entries");
    is($r->json()->{head}, $head, "after=$after gets the head");
}

# 0.TAG of hash(0)
$ll->lease('S', starts_at => at(3600));
my $pending = $ll->poll('S', 'u-tom');
like($pending->{head}, qr/^0\.[0-9a-f]{8}$/,
     'the head of an empty thread is 0.TAG');
is_deeply([$pending->{entries}, $pending->{lease}{state},
           $pending->{you}{can_write}], [[], 'pending', JSON::PP::false],
          'a pending lease has no entries and is read-only');
is($ll->poll('S', 'u-tom', "after=$pending->{head}")->{reset}, undef,
   'the head of an empty thread is a valid cursor');


# ETag

sub etag {
    my ($path, $user, $etag) = @_;
    my $r = $ll->get($path, user => $user,
                     headers => $etag ? { 'If-None-Match' => $etag } : {});
    return ($r->status(), $r->header('ETag'), $r);
}

my $idle = "$messages?after=$head";
my (undef, $tag1) = etag($idle, 'u-tom');
ok($tag1, 'a poll has an ETag');

my ($status, $tag2, $r) = etag($idle, 'u-tom', $tag1);
is($status, 304, 'If-None-Match with the ETag gets 304');
is($tag2, $tag1, 'the 304 has the ETag');
is($r->body(), '', 'the 304 has no body');
is($r->header('Cache-Control'), 'private, no-cache',
   'the 304 has Cache-Control');
is($r->header('X-Content-Type-Options'), 'nosniff', 'the 304 has nosniff');

is((etag($idle, 'u-tom', "\"x\", $tag1"))[0], 304,
   'the ETag among several gets 304');
is((etag($idle, 'u-tom', "W/$tag1" =~ s/W\/W/W/r))[0], 304,
   'the weak form of the ETag gets 304');
is((etag($idle, 'u-tom', '"x"'))[0], 200, 'another ETag gets 200');
isnt((etag($idle, 'u-ana'))[1], $tag1, 'the ETag of a co-tenant differs');
is((etag("$messages?limit=2", 'u-tom', $tag1))[0], 200,
   'the ETag of another page gets 200');

# the ETag changes with whatever the poll shows
sub changed {
    my ($what, $user) = @_;
    my ($status, $new) = etag($idle, $user // 'u-tom', $tag1);
    is($status, 200, "the ETag changes with $what");
    $tag1 = $new;
    is((etag($idle, $user // 'u-tom', $tag1))[0], 304,
       "the new ETag gets 304: $what");
}

$ll->mark('P', 'u-tom', 3);
changed('the own read mark');
$ll->mark('P', 'u-lena', 3);
changed('the read mark of another');
$ll->say('P', 'u-lena', 'new');
changed('a message');
$ll->lease('P', %lease, label => 'Other');
changed('the label');
$ll->lease('P', %lease, label => 'Other', tenants => ['u-tom']);
changed('the parties');
$ll->lease('P', %lease, label => 'Other', tenants => ['u-tom'],
           ends_at => undef);
changed('the end of the lease');

$lena = (etag($messages, 'u-lena'))[1];
$ll->lease('P', %lease, lease_id => 'L-2', starts_at => '2099-01-01T00:00:00Z',
           ends_at => undef)->status();
$ll->lease('P', %lease, label => 'Other', tenants => ['u-tom'],
           ends_at => '2099-01-01T00:00:00Z');
$ll->lease('P', %lease, lease_id => 'L-2', starts_at => '2099-01-01T00:00:00Z',
           ends_at => undef);
is((etag($messages, 'u-lena', $lena))[0], 200,
   'the ETag changes with lease.next');
is_deeply($ll->poll('P', 'u-lena')->{lease}{next},
          { id => 'L-2', starts_at => '2099-01-01T00:00:00.000Z',
            ends_at => undef },
          'a landlord gets the pending lease as lease.next');


# an idle poll sends nothing to Redis

sub calls {
    my $info = $ll->redis('INFO', 'commandstats');
    return $info =~ /cmdstat_fcall_ro:calls=(\d+)/ ? $1 : 0;
}

$head = $ll->poll('P', 'u-tom')->{head};
$idle = "$messages?after=$head";
(undef, $tag1) = etag($idle, 'u-tom');
etag($idle, 'u-tom', $tag1);

# nginx calls functions by FCALL_RO, workers by FCALL
my $before = calls();
my $statuses = join ' ', map { (etag($idle, 'u-tom', $tag1))[0] } 1 .. 100;
my $used = calls() - $before;

is($statuses, join(' ', ('304') x 100), 'a hundred idle polls get 304');
is($used, 0, 'idle polls call no function in Redis');

$ll->say('P', 'u-lena', 'and now');
is((etag($idle, 'u-tom', $tag1))[0], 200,
   'a poll after a new message gets 200');

# the time zone of the lease is in a header

is($ll->get('/api/properties/P/messages', user => 'u-tom')
      ->header('LeaseLoft-Time-Zone'), 'America/New_York',
      'LeaseLoft-Time-Zone is the time zone of the lease');

$ll->lease('Z', time_zone => 'Asia/Kolkata', starts_at => at(3600));
is($ll->get('/api/properties/Z/messages', user => 'u-tom')
      ->header('LeaseLoft-Time-Zone'), 'Asia/Kolkata',
      'LeaseLoft-Time-Zone is sent for a pending lease');

$ll->lease('Z', time_zone => 'Europe/Paris', starts_at => at(0));
is($ll->get('/api/properties/Z/messages', user => 'u-lena')
      ->header('LeaseLoft-Time-Zone'), 'Europe/Paris',
      'LeaseLoft-Time-Zone is the one last declared');

$ll->finish();
