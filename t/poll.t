#!/usr/bin/perl

# Polls and history: what they hold, where they begin and end, reset, ETag, and
# that an idle poll leaves Redis alone.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();
my $messages = '/api/properties/P/messages';

my %lease = (landlords => ['u-lena'], tenants => ['u-tom', 'u-ana'],
             ends_at => '2099-01-01T00:00:00+01:00', label => 'Elm "3"');

is($ll->lease('P', %lease)->status(), 200, 'a lease');

sub poll { return $ll->poll('P', @_) }
sub seqs { return join ' ', map { $_->{seq} } @{ $_[0]{entries} } }


# the whole object

$ll->say('P', $_ % 2 ? 'u-tom' : 'u-lena', "text $_") for 1 .. 9;

my $poll = poll('u-tom');
my $entries = delete $poll->{entries};
my ($seq, $tag) = split /\./, $poll->{head};

is(scalar @$entries, 10, 'all entries');
is($seq, 10, 'head');
like($tag, qr/^[0-9a-f]{8}$/, 'its tag');
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
}, 'the rest');

my $lena = poll('u-lena');
is_deeply([$lena->{you}{role}, $lena->{you}{unread}, $lena->{lease}{next}],
          ['landlord', 5, undef], 'a landlord\'s');
ok(exists $lena->{lease}{next}, 'lease.next is there for landlords');
ok(!exists $poll->{lease}{next}, 'and for nobody else');


# places and limits

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
    is(seqs($p), $case->[1], $case->[0]);
    is($p->{more} ? 1 : '', $case->[2], 'more');
    is($p->{reset}, undef, 'no reset');
    is($p->{head}, $head, 'head');
}

# a cursor brings one exactly on; every entry's tag is its cursor's
my ($at, @walked) = ('0');

for (1 .. 20) {
    my $p = poll('u-tom', "after=$at&limit=3");
    push @walked, map { $_->{seq} } @{ $p->{entries} };
    last unless $p->{more};
    $at = $p->{entries}[-1]{seq};
}

is("@walked", '1 2 3 4 5 6 7 8 9 10', 'page after page');

# reset
for my $after ('5.00000000', '11', '10.00000000', '0.00000000',
               '999999999999999')
{
    my $r = $ll->get("$messages?after=$after", user => 'u-tom');
    is($r->status(), 200, "after=$after");
    ok($r->json()->{reset} && !@{ $r->json()->{entries} }, 'reset');
    is($r->json()->{head}, $head, 'with the head');
}

# 0.TAG of hash(0)
$ll->lease('S', starts_at => at(3600));
my $pending = $ll->poll('S', 'u-tom');
like($pending->{head}, qr/^0\.[0-9a-f]{8}$/, 'an empty thread\'s head');
is_deeply([$pending->{entries}, $pending->{lease}{state},
           $pending->{you}{can_write}], [[], 'pending', JSON::PP::false],
          'a pending lease');
is($ll->poll('S', 'u-tom', "after=$pending->{head}")->{reset}, undef,
   'is a place');


# ETag

sub etag {
    my ($path, $user, $etag) = @_;
    my $r = $ll->get($path, user => $user,
                     headers => $etag ? { 'If-None-Match' => $etag } : {});
    return ($r->status(), $r->header('ETag'), $r);
}

my $idle = "$messages?after=$head";
my (undef, $tag1) = etag($idle, 'u-tom');
ok($tag1, 'an ETag');

my ($status, $tag2, $r) = etag($idle, 'u-tom', $tag1);
is($status, 304, 'not modified');
is($tag2, $tag1, 'with the ETag');
is($r->body(), '', 'and no body');
is($r->header('Cache-Control'), 'private, no-cache', 'Cache-Control');
is($r->header('X-Content-Type-Options'), 'nosniff', 'nosniff');

is((etag($idle, 'u-tom', "\"x\", $tag1"))[0], 304, 'among several');
is((etag($idle, 'u-tom', "W/$tag1" =~ s/W\/W/W/r))[0], 304, 'weak');
is((etag($idle, 'u-tom', '"x"'))[0], 200, 'another');
isnt((etag($idle, 'u-ana'))[1], $tag1, 'a co-tenant\'s differs, as it would');
is((etag("$messages?limit=2", 'u-tom', $tag1))[0], 200, 'another page');

# it changes with whatever the poll shows
sub changed {
    my ($what, $user) = @_;
    my ($status, $new) = etag($idle, $user // 'u-tom', $tag1);
    is($status, 200, "changed: $what");
    $tag1 = $new;
    is((etag($idle, $user // 'u-tom', $tag1))[0], 304, 'and then still');
}

$ll->mark('P', 'u-tom', 3);
changed('own read mark');
$ll->mark('P', 'u-lena', 3);
changed('another\'s read mark');
$ll->say('P', 'u-lena', 'new');
changed('a message');
$ll->lease('P', %lease, label => 'Other');
changed('the label');
$ll->lease('P', %lease, label => 'Other', tenants => ['u-tom']);
changed('the parties');
$ll->lease('P', %lease, label => 'Other', tenants => ['u-tom'],
           ends_at => undef);
changed('the end');

$lena = (etag($messages, 'u-lena'))[1];
$ll->lease('P', %lease, lease_id => 'L-2', starts_at => '2099-01-01T00:00:00Z',
           ends_at => undef)->status();
$ll->lease('P', %lease, label => 'Other', tenants => ['u-tom'],
           ends_at => '2099-01-01T00:00:00Z');
$ll->lease('P', %lease, lease_id => 'L-2', starts_at => '2099-01-01T00:00:00Z',
           ends_at => undef);
is((etag($messages, 'u-lena', $lena))[0], 200, 'changed: lease.next');
is_deeply($ll->poll('P', 'u-lena')->{lease}{next},
          { id => 'L-2', starts_at => '2099-01-01T00:00:00.000Z',
            ends_at => undef }, 'lease.next');


# an idle poll costs no trip to Redis

sub calls {
    my $info = $ll->redis('INFO', 'commandstats');
    return $info =~ /cmdstat_fcall_ro:calls=(\d+)/ ? $1 : 0;
}

$head = $ll->poll('P', 'u-tom')->{head};
$idle = "$messages?after=$head";
(undef, $tag1) = etag($idle, 'u-tom');
etag($idle, 'u-tom', $tag1);

# nginx calls functions read-only, workers do not
my $before = calls();
my $statuses = join ' ', map { (etag($idle, 'u-tom', $tag1))[0] } 1 .. 100;
my $used = calls() - $before;

is($statuses, join(' ', ('304') x 100), 'a hundred idle polls');
is($used, 0, 'without Redis');

$ll->say('P', 'u-lena', 'and now');
is((etag($idle, 'u-tom', $tag1))[0], 200, 'until there is something');

# the time zone stands beside the thread

is($ll->get('/api/properties/P/messages', user => 'u-tom')
      ->header('LeaseLoft-Time-Zone'), 'America/New_York', 'time zone');

$ll->lease('Z', time_zone => 'Asia/Kolkata', starts_at => at(3600));
is($ll->get('/api/properties/Z/messages', user => 'u-tom')
      ->header('LeaseLoft-Time-Zone'), 'Asia/Kolkata', 'while pending');

$ll->lease('Z', time_zone => 'Europe/Paris', starts_at => at(0));
is($ll->get('/api/properties/Z/messages', user => 'u-lena')
      ->header('LeaseLoft-Time-Zone'), 'Europe/Paris', 'as last declared');

$ll->finish();
