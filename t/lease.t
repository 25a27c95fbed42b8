#!/usr/bin/perl

# Declaring leases: what a declaration must have, what it changes, and which
# ones are in each other's way.

use strict;
use warnings;
use utf8;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

binmode Test::More->builder->$_(), ':utf8'
    for qw(output failure_output todo_output);

my $ll = LeaseLoft->new();

sub events {
    my ($property, $user) = @_;
    return join ' ', map { $_->{kind} eq 'message' ? 'message'
                           : $_->{event} . ($_->{party}
                                            ? ":$_->{party}{user}" : '') }
           @{ $ll->poll($property, $user // 'u-lena',
                        'after=0&limit=200')->{entries} };
}


# the answer, and doing it twice

my $r = $ll->lease('P');

is($r->status(), 200, 'declared');
is($r->header('Cache-Control'), 'no-store', 'Cache-Control');
is($r->json()->{property}, 'P', 'property');
is($r->json()->{lease}{id}, 'L-1', 'lease');
is($r->json()->{lease}{state}, 'active', 'state');
is($r->json()->{head}, $ll->poll('P', 'u-lena')->{head}, 'head');
is(events('P'), 'opened', 'one entry opens it, whoever is on it');

my $again = $ll->lease('P');
is($again->body(), $r->body(), 'the same again');
is(events('P'), 'opened', 'changes nothing');

is($ll->lease('P', starts_at => '2020-01-01T05:30:00+05:30')->status(), 200,
   'the same in another way of writing');
is(events('P'), 'opened', 'changes nothing either');

is_deeply($ll->lease('L' x 64)->json()->{property}, 'L' x 64, 'an id of 64');
is_problem($ll->lease('L' x 65), 404, '', 'of 65');


# faults, all at once

my %good = (lease_id => 'L-1', label => 'x', time_zone => 'Europe/Berlin',
            landlords => [{ user => 'a', name => 'A' }],
            tenants => [{ user => 'b', name => 'B' }],
            starts_at => '2026-01-01T00:00:00Z', ends_at => undef);

my @people = map { { user => "p$_", name => 'x' } } 1 .. 21;
my $a = { user => 'a', name => 'A' };

for my $case (
    [{ lease_id => '' }, 'lease_id'], [{ lease_id => 'a b' }, 'lease_id'],
    [{ lease_id => 'x' x 65 }, 'lease_id'], [{ lease_id => 1 }, 'lease_id'],
    [{ label => '' }, 'label'], [{ label => 'x' x 201 }, 'label'],
    [{ label => "a\nb" }, 'label'], [{ label => "a\tb" }, 'label'],
    [{ label => undef }, 'label'],
    [{ time_zone => 'Mars/Base' }, 'time_zone'],
    [{ time_zone => '' }, 'time_zone'],
    [{ time_zone => '../../etc/passwd' }, 'time_zone'],
    [{ time_zone => '/etc/localtime' }, 'time_zone'],
    [{ time_zone => 'Europe' }, 'time_zone'],
    [{ landlords => [] }, 'landlords'], [{ tenants => [] }, 'tenants'],
    [{ tenants => \@people }, 'tenants'], [{ tenants => {} }, 'tenants'],
    [{ tenants => ['b'] }, 'tenants[0]'],
    [{ tenants => [{ user => 'b' }] }, 'tenants[0].name'],
    [{ tenants => [{ name => 'b' }] }, 'tenants[0].user'],
    [{ tenants => [{ user => 'b', name => '' }] }, 'tenants[0].name'],
    [{ tenants => [{ user => 'b', name => 'x' x 101 }] }, 'tenants[0].name'],
    [{ tenants => [{ user => 'b', name => 'B', mail => 'x' }] },
     'tenants[0].mail'],
    [{ tenants => [{ user => 'b', name => 'B' }, { user => 'b!', name => 'C' }]
     }, 'tenants[1].user'],
    [{ tenants => [$a] }, 'tenants[0].user'],
    [{ tenants => [map { { user => 'b', name => 'B' } } 1 .. 3] },
     'tenants[1].user tenants[2].user'],
    [{ starts_at => 'today' }, 'starts_at'], [{ starts_at => undef },
                                              'starts_at'],
    [{ starts_at => '2026-02-30T00:00:00Z' }, 'starts_at'],
    [{ starts_at => '2026-01-01' }, 'starts_at'],
    [{ starts_at => '2026-01-01T00:00:00' }, 'starts_at'],
    [{ starts_at => 1767225600 }, 'starts_at'],
    [{ ends_at => '2026-01-01T00:00:00Z' }, 'ends_at'],
    [{ ends_at => '2025-01-01T00:00:00Z' }, 'ends_at'],
    [{ ends_at => '2025-12-31T23:30:00-00:30' }, 'ends_at'],
    [{ ends_at => '' }, 'ends_at'],
    [{ extra => 1 }, 'extra'],
    [{ lease_id => '', label => '', time_zone => 'x', landlords => [],
       tenants => [], starts_at => 'x', ends_at => 'x', z => 1 },
     'lease_id label time_zone landlords tenants starts_at ends_at z'])
{
    my %body = (%good, %{ $case->[0] });
    my $r = $ll->put('/internal/properties/F/lease', \%body);
    my @got = sort split / /, fields($r);
    my @want = sort split / /, $case->[1];

    is_problem($r, 422, '', "faults: $case->[1]");
    is("@got", "@want", 'its fields');
}

for my $member (sort keys %good) {
    my %body = %good;
    delete $body{$member};
    is(fields($ll->put('/internal/properties/F/lease', \%body)), $member,
       "without $member");
}

is(fields($ll->put('/internal/properties/F/lease',
                   encode_json(\%good) =~ s/\{/{"label":"x",/r)), 'label',
   'a key given twice');
is(fields($ll->put('/internal/properties/F/lease', '')), '""', 'no body');
is($ll->request('PUT', '/internal/properties/F/lease', body => '{}')->status(),
   415, 'no Content-Type');

for my $case (['label', 'x' x 200], ['label', '👋' x 200],
              ['label', 'ü "quoted" \\ </script>'],
              ['time_zone', 'America/Argentina/Buenos_Aires'],
              ['starts_at', '2026-01-01t00:00:00.5z'],
              ['starts_at', '2024-02-29T23:59:59.999999+14:00'],
              ['ends_at', '9999-12-31T23:59:59Z'])
{
    my $r = $ll->put("/internal/properties/G$case->[0]-" . length($case->[1])
                     . '/lease', { %good, $case->[0] => $case->[1] });
    is($r->status(), 200, "$case->[0]: " . substr $case->[1], 0, 40)
        or diag($r->raw());
}


# a change to an active lease

$ll->lease('C', tenants => ['u-tom']);
$ll->lease('C', tenants => ['u-tom', 'u-ana'], landlords => ['u-lena',
                                                             'u-karl']);
is(events('C'), 'opened joined:u-karl joined:u-ana', 'two join');

$ll->lease('C', tenants => ['u-ana'], landlords => ['u-lena']);
like(events('C'), qr/left:u-karl/, 'one leaves');
like(events('C'), qr/left:u-tom/, 'another too');

is_problem($ll->lease('C', starts_at => '2020-01-02T00:00:00Z'), 422, '',
           'starts_at stays');
is(fields($ll->lease('C', starts_at => '2020-01-02T00:00:00Z')), 'starts_at',
   'its field');

my $count = scalar split / /, events('C');
$ll->lease('C', tenants => [{ user => 'u-ana', name => 'Anna' }],
           label => 'Other');
is(scalar(split / /, events('C')), $count, 'names and labels are no entries');
is($ll->poll('C', 'u-lena')->{parties}[1]{name}, 'Anna', 'the name');
is($ll->poll('C', 'u-lena')->{label}, 'Other', 'the label');
is($ll->say('C', 'u-ana', 'x')->json()->{from}{name}, 'Anna', 'from now on');

$ll->lease('C', tenants => ['u-lena'], landlords => ['u-ana']);
like(events('C', 'u-ana'), qr/left:u-\w+ left:u-\w+ joined:u-\w+ joined:u-\w+$/,
     'changing sides is leaving and joining');

my $moved = $ll->lease('C', tenants => ['u-tom'], ends_at => at(3600));
is($moved->status(), 200, 'ends_at moves');
is($moved->json()->{lease}{state}, 'active', 'still active');
$moved = $ll->lease('C', tenants => ['u-tom'], ends_at => at(-3600));
is($moved->status(), 200, 'a past one');
is($moved->json()->{lease}{state}, 'ended', 'is now');
like(events('C'), qr/ended$/, 'an entry');
my ($end) = $moved->json()->{lease}{ends_at};
cmp_ok($end, 'gt', at(-60), 'ends_at is when it ended');


# one that has ended stays ended

my $body = { tenants => ['u-tom'], ends_at => at(-3600) };
is_problem($ll->lease('C', tenants => ['u-tom']), 409, 'lease-ended',
           'another body');

$ll->lease('W', ends_at => '2021-01-01T00:00:00Z');
is(events('W'), 'opened ended', 'wholly past: opens and ends at once');
is($ll->lease('W', ends_at => '2021-01-01T00:00:00Z')->status(), 200,
   'its own body again');
is(events('W'), 'opened ended', 'changes nothing');
is_problem($ll->lease('W', ends_at => undef), 409, 'lease-ended',
           'another body');


# the next lease

my @one = (ends_at => '2090-01-01T00:00:00Z');
my @two = (lease_id => 'L-2', starts_at => '2090-01-01T00:00:00Z',
           tenants => ['u-mia']);

sub next_id { ($ll->poll('N', 'u-lena')->{lease}{next} // {})->{id} }

$ll->lease('N', @one);
is($ll->lease('N', @two)->json()->{lease}{state}, 'pending', 'waits');
is(next_id(), 'L-2', 'the landlord sees it');
is($ll->poll('N', 'u-mia')->{lease}{state}, 'pending', 'so does the tenant');
is_deeply($ll->poll('N', 'u-mia')->{entries}, [], 'who sees nothing else');
is_problem($ll->say('N', 'u-mia', 'hello'), 409, 'lease-not-active',
           'and can not write');

is($ll->lease('N', @two, lease_id => 'L-3')->status(), 200, 'another pending');
is(next_id(), 'L-3', 'replaces it');
is($ll->lease('N', @two, lease_id => 'L-3', tenants => ['u-omar'])->status(),
   200, 'a pending one changes');
is_problem($ll->get('/api/properties/N/messages', user => 'u-mia'), 404, '',
           'who was taken off sees nothing');
is($ll->lease('N', @two, lease_id => 'L-3', tenants => ['u-mia'],
              starts_at => '2091-01-01T00:00:00Z')->status(), 200,
   'its start moves');

is_problem($ll->lease('N', @two, lease_id => 'L-4',
                      starts_at => '2089-12-31T23:59:59Z'), 409,
           'lease-conflict', 'one that overlaps the active lease');
is_problem($ll->lease('N', @two, lease_id => 'L-3',
                      starts_at => '2089-01-01T00:00:00Z'), 409,
           'lease-conflict', 'a pending one that moves so');
is_problem($ll->lease('N', ends_at => '2091-06-01T00:00:00Z'), 409,
           'lease-conflict', 'the active one past the pending one\'s start');
is_problem($ll->lease('N', ends_at => undef), 409, 'lease-conflict',
           'or without an end');
is($ll->lease('N', ends_at => '2091-01-01T00:00:00Z')->status(), 200,
   'up to its start');

$ll->lease('O');
is_problem($ll->lease('O', @two), 409, 'lease-conflict',
           'nothing follows a lease without an end');

# with none active, one that starts now leaves a later one pending
$ll->lease('M', @two);
is($ll->poll('M', 'u-lena')->{lease}{state}, 'pending', 'pending, none active');
is($ll->lease('M', @one)->json()->{lease}{state}, 'active', 'opens at once');
is($ll->poll('M', 'u-lena')->{lease}{next}{id}, 'L-2', 'the other waits on');

# a stream of one who is taken off a pending lease
my $s = $ll->events('M', 'u-mia');
is($s->wait_event('hello')->{json}{lease}{state}, 'pending', 'a stream');
$ll->lease('M', @two, tenants => ['u-omar']);
is_deeply($s->wait_event('bye', 2)->{json}, { reason => 'removed' }, 'bye');
ok($s->wait_closed(2), 'closed');

$ll->finish();
