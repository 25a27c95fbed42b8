#!/usr/bin/perl

# Connections of clients are cut by the kernel, with all sorts of requests under
# way: plain ones, those with TLS, and those of HTTP/2.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

# cuts nginx's side of all connections at these ports: how many it were, by port
sub cut {
    my $at = join ' or ', map { "sport = :$_" } @_;
    my %cut;

    $cut{$_}++ for qx(ss -tKHn state established '( $at )' 2>/dev/null)
                   =~ /^\d+\s+\d+\s+\S+:(\d+)\s/mg;

    return \%cut;
}

# asked of a connection of one's own, as ss says nothing where it cannot
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

# those that are always open: of readers and inboxes
my %streams = (http => 7, tls => 1, h2c => 1);

# nginx's word for a connection that the kernel cut while it was idle
$ll->expect_log(qr/Software caused connection abort/);

for (1 .. $rounds) {
    $f->fault('ss -K of all clients', sub {
        my $cut = cut(values %ports);
        cmp_ok($cut->{ $ports{$_} } // 0, '>=', $streams{$_}, "$_: cut")
            for sort keys %ports;
        sleep rand 0.4;
    });
}

$f->end(keep => 1);

# and the readers know of it
for my $reader (@{ $f->{model}{readers} }) {
    next if $reader->{kind} !~ /^(stream|secure|h2|inbox)$/;
    cmp_ok($reader->{connects}, '>', $rounds,
           "$reader->{name} was cut each time");
}

$ll->finish();
