#!/usr/bin/perl

# "lease" events: the users for whom something changed get one, and no one else
# does.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Test::More;

use LeaseLoft;

my $ll = LeaseLoft->new();

$ll->lease('P', ends_at => at(3600));

my ($lena, $tom) = map { $ll->events('P', $_) } qw(u-lena u-tom);
$_->wait_event('hello') for $lena, $tom;

# a next lease changes something for the landlord only

for my $start (4000, 5000) {
    my $starts_at = at($start);

    $ll->lease('P', lease_id => 'L-2', starts_at => $starts_at,
               tenants => ['u-mia']);

    my $event = $lena->wait_event('lease', 2);
    is($event->{json}{lease}{next}{starts_at}, $starts_at,
       "the landlord gets the next lease, in $start s");
    is($event->{json}{lease}{id}, 'L-1',
       'the landlord gets the current lease with it');
}

# a new name changes something for all parties; the tenant gets no event before

$ll->lease('P', ends_at => at(3600),
           tenants => [{ user => 'u-tom', name => 'Thomas' }]);

for my $stream ($lena, $tom) {
    my $event = $stream->wait_event('lease', 2);
    is($event->{json}{parties}[1]{name}, 'Thomas',
       'each party gets a new name');
}

is(scalar(grep { $_->{event} eq 'lease' } $tom->events()), 1,
   'the tenant gets no event for a next lease');

is(scalar($tom->entries()), 0,
   'a next lease and a new name add no entry');

# a tenant of the pending lease only, who is taken off it

my $mia = $ll->events('P', 'u-tom2');
is($mia->status(), 404,
   'a user who is not of the pending lease gets no stream');

$ll->lease('P', lease_id => 'L-2', starts_at => at(6000),
           tenants => ['u-tom2']);
$mia = $ll->events('P', 'u-tom2');
is($mia->wait_event('hello', 2)->{json}{lease}{state}, 'pending',
   'a tenant of the pending lease gets a stream');

$ll->lease('P', lease_id => 'L-2', starts_at => at(6000),
           tenants => ['u-mia']);
is_deeply($mia->wait_event('bye', 2)->{json}, { reason => 'removed' },
          'a tenant who is taken off the pending lease gets bye');
ok($mia->wait_closed(2), 'the stream of that tenant is closed');

$ll->finish();
