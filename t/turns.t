#!/usr/bin/perl

# One turn of nginx's event loop has bounded work, however many streams are to
# be told something at once: 64 properties when the connection to Redis is lost,
# 64 streams when pings are due.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

plan skip_all => 'a sanitizer is to be the first library'
    if $LeaseLoft::sanitized;

my $count = 300;
my $bound = 64;

# a connection may send other things in the same turn
my $more = 4;

my $ll = LeaseLoft->new(start => 0, main => 'worker_processes 1;',
    directives => { leaseloft_max_streams => 1000, leaseloft_ping => '2s' });
my $library = $ll->dir() . '/turns.so';
my $file = $ll->dir() . '/turns';

is(system("gcc -shared -fPIC -O1 -o $library t/lib/turns.c"), 0,
   'the library that counts is built');
$ll->write('turns', "\0" x 8);

sub most { return unpack 'Q', $ll->slurp('turns') }
sub reset_most {
    open my $f, '+<', $file or die "$file: $!";
    syswrite $f, "\0" x 8;
}

my $conf = $ll->slurp('nginx.conf');
$conf =~ s/worker_connections \d+/worker_connections 2048/;
$ll->write('nginx.conf', "env TURNS;\n$conf");

$ll->start($_) for qw(redis worker1);
{
    local $ENV{LD_PRELOAD} = $library;
    local $ENV{TURNS} = $file;
    $ll->start('nginx');
}
$ll->wait_healthy() or BAIL_OUT('not healthy');

$ll->write('leases', join '', map {
    qq({"property":"P$_","lease_id":"L-1","label":"P$_","time_zone":"UTC",)
    . qq("landlords":[{"user":"u-lena","name":"Lena"}],)
    . qq("tenants":[{"user":"u-tom","name":"Tom"}],)
    . qq("starts_at":"2020-01-01T00:00:00Z","ends_at":null}\n)
} 1 .. $count);
is(($ll->cli('lease', 'load', "@{[ $ll->dir() ]}/leases"))[0], 0,
   'leases are declared');

my @streams = map { $ll->events("P$_", 'u-lena') } 1 .. $count;

# how many streams have an event whose data matches, since all had it last
sub told {
    my ($data) = @_;

    my $told = 0;

    for my $stream (@streams) {
        my @new = $stream->events();
        splice @new, 0, $stream->{seen} // 0;
        $told++ if grep { $_->{data} =~ $data } @new;
    }

    return $told;
}

sub all_told {
    my ($data) = @_;

    my $all = wait_for(sub { told($data) == $count }, 20);
    $_->{seen} = () = $_->events() for @streams;
    return $all;
}

ok(all_told(qr/"property"/), "$count streams are open");
ok(all_told(qr/"live":true/), 'they are live');

reset_most();
$ll->stop('redis');
ok(all_told(qr/"live":false/), 'Redis is gone: all streams are told');
my $most = most();
cmp_ok($most, '>', $bound / 2, 'the library counts');
cmp_ok($most, '<=', $bound + $more,
       'Redis is gone: one turn tells a part of the streams');

# they were told in the same moment, and are due in the same moment

reset_most();
ok(all_told(qr/"live":false/), 'pings are sent to all streams');
$most = most();
cmp_ok($most, '>', 0, 'the library counts pings');
cmp_ok($most, '<=', $bound + $more, 'one turn sends a part of the pings');

$ll->finish();
