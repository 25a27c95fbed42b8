#!/usr/bin/perl

# "lease" events: for those for whom something changed, and for nobody else.

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

# what comes next is the landlord's business alone

for my $start (4000, 5000) {
    my $starts_at = at($start);

    $ll->lease('P', lease_id => 'L-2', starts_at => $starts_at,
               tenants => ['u-mia']);

    my $event = $lena->wait_event('lease', 2);
    is($event->{json}{lease}{next}{starts_at}, $starts_at, "next at $start s");
    is($event->{json}{lease}{id}, 'L-1', 'the present lease');
}

# a name concerns everybody; and what was told before it did not reach Tom

$ll->lease('P', ends_at => at(3600),
           tenants => [{ user => 'u-tom', name => 'Thomas' }]);

for my $stream ($lena, $tom) {
    my $event = $stream->wait_event('lease', 2);
    is($event->{json}{parties}[1]{name}, 'Thomas', 'a new name');
}

is(scalar(grep { $_->{event} eq 'lease' } $tom->events()), 1,
   'the tenant was told once');

is(scalar($tom->entries()), 0, 'no entry is written for any of this');

# a party of the pending lease alone, who is taken off it

my $mia = $ll->events('P', 'u-tom2');
is($mia->status(), 404, 'not of the pending lease');

$ll->lease('P', lease_id => 'L-2', starts_at => at(6000),
           tenants => ['u-tom2']);
$mia = $ll->events('P', 'u-tom2');
is($mia->wait_event('hello', 2)->{json}{lease}{state}, 'pending', 'pending');

$ll->lease('P', lease_id => 'L-2', starts_at => at(6000),
           tenants => ['u-mia']);
is_deeply($mia->wait_event('bye', 2)->{json}, { reason => 'removed' },
          'taken off');
ok($mia->wait_closed(2), 'and closed');

$ll->finish();
