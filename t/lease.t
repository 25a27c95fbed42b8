#!/usr/bin/perl

# Declarations of leases: what they must have, what they change, and which ones
# conflict.

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


# the response, and repeated declarations

my $r = $ll->lease('P');

is($r->status(), 200, 'a lease is declared');
is($r->header('Cache-Control'), 'no-store', 'the response has Cache-Control');
is($r->json()->{property}, 'P', 'the response has the property');
is($r->json()->{lease}{id}, 'L-1', 'the response has the id of the lease');
is($r->json()->{lease}{state}, 'active',
   'the response has the state of the lease');
is($r->json()->{head}, $ll->poll('P', 'u-lena')->{head},
   'the response has the head');
is(events('P'), 'opened', 'a lease opens with one entry for all parties');

my $again = $ll->lease('P');
is($again->body(), $r->body(),
   'a repeated declaration gets the same response');
is(events('P'), 'opened', 'a repeated declaration changes nothing');

is($ll->lease('P', starts_at => '2020-01-01T05:30:00+05:30')->status(), 200,
   'a declaration with the same time in another zone is accepted');
is(events('P'), 'opened', 'the same time in another zone changes nothing');

is_deeply($ll->lease('L' x 64)->json()->{property}, 'L' x 64,
          'a property id can have 64 characters');
is_problem($ll->lease('L' x 65), 404, '',
           'a property id cannot have 65 characters');


# invalid members are all reported at once

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

    is_problem($r, 422, '', "invalid $case->[1] gets 422");
    is("@got", "@want", "invalid $case->[1]: the problem names the fields");
}

for my $member (sort keys %good) {
    my %body = %good;
    delete $body{$member};
    is(fields($ll->put('/internal/properties/F/lease', \%body)), $member,
       "a missing $member is reported");
}

is(fields($ll->put('/internal/properties/F/lease',
                   encode_json(\%good) =~ s/\{/{"label":"x",/r)), 'label',
   'a member that occurs twice is reported');
is(fields($ll->put('/internal/properties/F/lease', '')), '""',
   'an empty body is reported');
is($ll->request('PUT', '/internal/properties/F/lease', body => '{}')->status(),
   415, 'a declaration without a Content-Type gets 415');

for my $case (['label', 'x' x 200], ['label', '👋' x 200],
              ['label', 'ü "quoted" \\ </script>'],
              ['time_zone', 'America/Argentina/Buenos_Aires'],
              ['starts_at', '2026-01-01t00:00:00.5z'],
              ['starts_at', '2024-02-29T23:59:59.999999+14:00'],
              ['ends_at', '9999-12-31T23:59:59Z'])
{
    my $r = $ll->put("/internal/properties/G$case->[0]-" . length($case->[1])
                     . '/lease', { %good, $case->[0] => $case->[1] });
    is($r->status(), 200,
       "$case->[0] " . substr($case->[1], 0, 40) . ' is valid')
        or diag($r->raw());
}


# changes of an active lease

$ll->lease('C', tenants => ['u-tom']);
$ll->lease('C', tenants => ['u-tom', 'u-ana'], landlords => ['u-lena',
                                                             'u-karl']);
is(events('C'), 'opened joined:u-karl joined:u-ana',
   'each new party joins');

$ll->lease('C', tenants => ['u-ana'], landlords => ['u-lena']);
like(events('C'), qr/left:u-karl/, 'a landlord who is taken off leaves');
like(events('C'), qr/left:u-tom/, 'a tenant who is taken off leaves');

is_problem($ll->lease('C', starts_at => '2020-01-02T00:00:00Z'), 422, '',
           'starts_at of an active lease cannot change');
is(fields($ll->lease('C', starts_at => '2020-01-02T00:00:00Z')), 'starts_at',
   'starts_at is named as the invalid field');

my $count = scalar split / /, events('C');
$ll->lease('C', tenants => [{ user => 'u-ana', name => 'Anna' }],
           label => 'Other');
is(scalar(split / /, events('C')), $count,
   'a change of names and label adds no entry');
is($ll->poll('C', 'u-lena')->{parties}[1]{name}, 'Anna',
   'a poll has the new name');
is($ll->poll('C', 'u-lena')->{label}, 'Other', 'a poll has the new label');
is($ll->say('C', 'u-ana', 'x')->json()->{from}{name}, 'Anna',
   'a new message has the new name');

$ll->lease('C', tenants => ['u-lena'], landlords => ['u-ana']);
like(events('C', 'u-ana'), qr/left:u-\w+ left:u-\w+ joined:u-\w+ joined:u-\w+$/,
     'parties who change sides leave and join');

my $moved = $ll->lease('C', tenants => ['u-tom'], ends_at => at(3600));
is($moved->status(), 200, 'ends_at of an active lease can move');
is($moved->json()->{lease}{state}, 'active',
   'a lease with a future ends_at is active');
$moved = $ll->lease('C', tenants => ['u-tom'], ends_at => at(-3600));
is($moved->status(), 200, 'ends_at can move into the past');
is($moved->json()->{lease}{state}, 'ended',
   'a lease with a past ends_at ends at once');
like(events('C'), qr/ended$/, 'the end of a lease adds an entry');
my ($end) = $moved->json()->{lease}{ends_at};
cmp_ok($end, 'gt', at(-60),
       'ends_at becomes the time at which the lease ended');


# an ended lease stays ended

my $body = { tenants => ['u-tom'], ends_at => at(-3600) };
is_problem($ll->lease('C', tenants => ['u-tom']), 409, 'lease-ended',
           'an ended lease cannot change');

$ll->lease('W', ends_at => '2021-01-01T00:00:00Z');
is(events('W'), 'opened ended', 'a lease in the past opens and ends at once');
is($ll->lease('W', ends_at => '2021-01-01T00:00:00Z')->status(), 200,
   'an ended lease can be declared again unchanged');
is(events('W'), 'opened ended',
   'a repeated declaration of an ended lease changes nothing');
is_problem($ll->lease('W', ends_at => undef), 409, 'lease-ended',
           'an ended lease cannot get another end');


# the next lease

my @one = (ends_at => '2090-01-01T00:00:00Z');
my @two = (lease_id => 'L-2', starts_at => '2090-01-01T00:00:00Z',
           tenants => ['u-mia']);

sub next_id { ($ll->poll('N', 'u-lena')->{lease}{next} // {})->{id} }

$ll->lease('N', @one);
is($ll->lease('N', @two)->json()->{lease}{state}, 'pending',
   'a lease that starts later is pending');
is(next_id(), 'L-2', 'the landlord sees the pending lease');
is($ll->poll('N', 'u-mia')->{lease}{state}, 'pending',
   'its tenant sees the pending lease');
is_deeply($ll->poll('N', 'u-mia')->{entries}, [],
          'its tenant sees no entry');
is_problem($ll->say('N', 'u-mia', 'hello'), 409, 'lease-not-active',
           'its tenant cannot send');

is($ll->lease('N', @two, lease_id => 'L-3')->status(), 200,
   'another pending lease is declared');
is(next_id(), 'L-3', 'another pending lease replaces the first one');
is($ll->lease('N', @two, lease_id => 'L-3', tenants => ['u-omar'])->status(),
   200, 'a pending lease can change');
is_problem($ll->get('/api/properties/N/messages', user => 'u-mia'), 404, '',
           'a tenant who is taken off a pending lease gets 404');
is($ll->lease('N', @two, lease_id => 'L-3', tenants => ['u-mia'],
              starts_at => '2091-01-01T00:00:00Z')->status(), 200,
   'starts_at of a pending lease can move');

is_problem($ll->lease('N', @two, lease_id => 'L-4',
                      starts_at => '2089-12-31T23:59:59Z'), 409,
           'lease-conflict', 'a lease that overlaps the active one conflicts');
is_problem($ll->lease('N', @two, lease_id => 'L-3',
                      starts_at => '2089-01-01T00:00:00Z'), 409,
           'lease-conflict',
           'a pending lease that moves into the active one conflicts');
is_problem($ll->lease('N', ends_at => '2091-06-01T00:00:00Z'), 409,
           'lease-conflict',
           'an active lease that moves into the pending one conflicts');
is_problem($ll->lease('N', ends_at => undef), 409, 'lease-conflict',
           'an active lease without an end conflicts with the pending one');
is($ll->lease('N', ends_at => '2091-01-01T00:00:00Z')->status(), 200,
   'an active lease can end at the start of the pending one');

$ll->lease('O');
is_problem($ll->lease('O', @two), 409, 'lease-conflict',
           'a lease after one without an end conflicts');

# no lease is active, one is pending, and one that starts now is declared
$ll->lease('M', @two);
is($ll->poll('M', 'u-lena')->{lease}{state}, 'pending',
   'a pending lease is shown where none is active');
is($ll->lease('M', @one)->json()->{lease}{state}, 'active',
   'an earlier lease opens at once');
is($ll->poll('M', 'u-lena')->{lease}{next}{id}, 'L-2',
   'the pending lease stays pending');

# the stream of a user who is taken off a pending lease
my $s = $ll->events('M', 'u-mia');
is($s->wait_event('hello')->{json}{lease}{state}, 'pending',
   'a tenant of a pending lease can open a stream');
$ll->lease('M', @two, tenants => ['u-omar']);
is_deeply($s->wait_event('bye', 2)->{json}, { reason => 'removed' },
          'the stream of a user who is taken off gets bye');
ok($s->wait_closed(2), 'the stream of a user who is taken off is closed');

$ll->finish();
