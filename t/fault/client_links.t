#!/usr/bin/perl

# Connections of clients are cut by the kernel, with all sorts of requests under
# way.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new();
my $ll = $f->ll();
my $port = $ll->{ports}{http};

# nginx's word for a connection that the kernel cut while it was idle
$ll->expect_log(qr/Software caused connection abort/);

SKIP: {
    skip 'ss -K is not there', 1
        if system("ss -K dst 127.0.0.1 dport = :1 >/dev/null 2>&1") != 0;

    for (1 .. ($Fault::long ? 30 : 8)) {
        $f->fault('ss -K of all clients', sub {
            system("ss -K src 127.0.0.1 sport = :$port >/dev/null 2>&1");
            sleep rand 0.4;
        });
    }
}

$f->end();
