#!/usr/bin/perl

# The kernel closes all connections of clients (ss -K) while requests of all
# kinds are under way, over HTTP, TLS and HTTP/2.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

# closes nginx's side of all connections to these ports: how many, by port
sub cut {
    my $at = join ' or ', map { "sport = :$_" } @_;
    my %cut;

    $cut{$_}++ for qx(ss -tKHn state established '( $at )' 2>/dev/null)
                   =~ /^\d+\s+\d+\s+\S+:(\d+)\s/mg;

    return \%cut;
}

# tried with a connection of its own, since ss reports no error if it cannot
my $port = LeaseLoft::free_port();
my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1,
                                   LocalPort => $port) or BAIL_OUT('no port');
my $own = LeaseLoft::connect_to($port);
my $other = $listen->accept();

plan skip_all => $> == 0 ? 'the kernel has no ss -K' : 'only root has ss -K'
    if !cut($port)->{$port};

my $f = Fault->new();
my $ll = $f->ll();
my $rounds = $Fault::long ? 30 : 8;
my %ports = map { $_ => $ll->{ports}{$_} } qw(http tls h2c);

# the streams of readers and inboxes, which are always open
my %streams = (http => 7, tls => 1, h2c => 1);

# nginx's message for an idle connection that the kernel closed
$ll->expect_log(qr/Software caused connection abort/);

for (1 .. $rounds) {
    $f->fault('all connections of clients closed', sub {
        my $cut = cut(values %ports);
        cmp_ok($cut->{ $ports{$_} } // 0, '>=', $streams{$_},
               "all connections to port $_ are closed")
            for sort keys %ports;
        sleep rand 0.4;
    });
}

$f->end(keep => 1);

# each reader has noticed each time
for my $reader (@{ $f->{model}{readers} }) {
    next if $reader->{kind} !~ /^(stream|secure|h2|inbox)$/;
    cmp_ok($reader->{connects}, '>', $rounds,
           "$reader->{name} reconnects each time");
}

$ll->finish();
