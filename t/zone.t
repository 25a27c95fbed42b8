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

# that nobody has a lease does not matter to inbox streams
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

sub streams {
    my ($n) = $ll->get('/internal/metrics')->body()
              =~ /^leaseloft_streams (\d+)$/m;
    return $n;
}

my ($first, @streams) = open_streams(400);

is($first->{none}, undef, 'all are answered');
cmp_ok($first->{hello}, '>', 50, 'some find room');
cmp_ok($first->{bye} // 0, '>', 50, 'the others are turned away');
is(streams(), $first->{hello}, 'those that found room are counted');
like($ll->slurp('error.log'), qr/no memory in leaseloft_zone/, 'it is logged');

$_->close() for @streams;
ok(wait_for(sub { streams() == 0 }), 'all are gone');

my $before = $first->{hello};
($first, @streams) = open_streams(400);
is($first->{hello}, $before, 'as many find room again');
$_->close() for @streams;

# a reload while streams are open: old and new processes count together
@streams = map { $ll->stream('/api/inbox/events', user => 'u-tom') } 1 .. 5;
$_->wait_event('hello') for @streams;

my %old = map { $_ => 1 } $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { grep { !$old{$_} } $ll->nginx_children() }), 'reloaded');
ok((grep { $_ == streams() } 0 .. 5), 'streams of both are counted');
ok($_->wait_event('bye', 5), 'an old stream ends') for @streams;
ok(wait_for(sub { streams() == 0 }), 'nothing is left of them');
ok(wait_for(sub { !grep { $old{$_} } $ll->nginx_children() }, 10),
   'nor of the processes');

# another size is another zone
$ll->nginx_conf(directives => { leaseloft_zone => '64k' });
%old = map { $_ => 1 } $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { !grep { $old{$_} } $ll->nginx_children() }, 10),
   'reloaded with another size');

($first, @streams) = open_streams(400);
cmp_ok($first->{hello}, '>', $before, 'there is more room');
$_->close() for @streams;

$ll->nginx_conf(directives => { leaseloft_zone => '16k' });
my ($status, $said) = $ll->nginx_test();
is($status, 1, 'a zone that is too small');
like($said, qr/"leaseloft_zone".* too small/, 'is refused');
$ll->expect_log(qr/too small|no memory in leaseloft_zone/);

$ll->finish();
