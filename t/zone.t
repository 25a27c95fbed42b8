#!/usr/bin/perl

# The shared zone: what happens when it is full, and over reloads.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(main => 'worker_processes 2;',
                        directives => { leaseloft_zone => '32k',
                                        leaseloft_drain => '1s' });

# an inbox stream needs no lease
sub open_streams {
    my ($n) = @_;
    my @streams = map { $ll->stream('/api/inbox/events', user => "u-$_") }
                      1 .. $n;
    my %first;
    for my $s (@streams) {
        my $event = $s->next_event(5);
        $first{$event ? $event->{event} : 'none'}++;
    }
    return (\%first, @streams);
}

sub streams { return $ll->metric('streams') }

my ($first, @streams) = open_streams(400);

is($first->{none}, undef, 'every stream gets an event');
cmp_ok($first->{hello}, '>', 50, 'more than 50 streams fit into a zone of 32k');
cmp_ok($first->{bye} // 0, '>', 50, 'more than 50 streams are sent bye');
is(streams(), $first->{hello}, 'the metric counts the streams that fit');
like($ll->slurp('error.log'), qr/no memory in leaseloft_zone/,
     'the lack of room is logged');

$_->close() for @streams;
ok(wait_for(sub { streams() == 0 }), 'no stream is counted after they close');

my $before = $first->{hello};
($first, @streams) = open_streams(400);
is($first->{hello}, $before, 'as many streams fit again');
$_->close() for @streams;

# a reload with open streams: streams of old and new processes are counted
@streams = map { $ll->stream('/api/inbox/events', user => 'u-tom') } 1 .. 5;
$_->wait_event('hello') for @streams;

my %old = map { $_ => 1 } $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { grep { !$old{$_} } $ll->nginx_children() }),
   'a reload starts new processes');
ok((grep { $_ == streams() } 0 .. 5), 'at most the five streams are counted');
ok($_->wait_event('bye', 5), 'a stream of an old process is sent bye')
    for @streams;
ok(wait_for(sub { streams() == 0 }), 'no stream of old processes is counted');
ok(wait_for(sub { !grep { $old{$_} } $ll->nginx_children() }, 10),
   'the old processes exit');

# another size makes a new zone
$ll->nginx_conf(directives => { leaseloft_zone => '64k' });
%old = map { $_ => 1 } $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { !grep { $old{$_} } $ll->nginx_children() }, 10),
   'a reload with another size ends the old processes');

($first, @streams) = open_streams(400);
cmp_ok($first->{hello}, '>', $before, 'more streams fit into a larger zone');
$_->close() for @streams;

$ll->nginx_conf(directives => { leaseloft_zone => '16k' });
my ($status, $said) = $ll->nginx_test();
is($status, 1, 'a zone of 16k is refused');
like($said, qr/"leaseloft_zone".* too small/,
     'the error says that the zone is too small');
$ll->expect_log(qr/too small|no memory in leaseloft_zone/);

$ll->finish();
