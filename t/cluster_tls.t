#!/usr/bin/perl

# Workers, nginx and the command line on a Redis Cluster over TLS.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Certificates;
use LeaseLoft::Cluster;

my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();
my $pki = LeaseLoft::Certificates->new($dir);

$pki->authority('ca');
$pki->issue('redis', 'IP:127.0.0.1');

my %port;
my $cluster = LeaseLoft::Cluster->new($ll, conf => sub {
    my ($part) = @_;
    $port{$part} = LeaseLoft::free_port();
    return <<"END";
tls-port $port{$part}
tls-cert-file $dir/redis.crt
tls-key-file $dir/redis.key
tls-ca-cert-file $dir/ca.crt
tls-auth-clients no
tls-cluster yes
END
});

$ll->{url} = 'rediss+cluster://' . join ',',
             map { "127.0.0.1:$port{$_}" } $cluster->parts();
$ENV{LEASELOFT_REDIS_CA} = "$dir/ca.crt";
$ll->nginx_conf(http =>
                "leaseloft_redis_ssl_trusted_certificate $dir/ca.crt;");
$ll->start($_) for qw(worker1 nginx);
$ll->started();

for my $property (map { "P$_" } 0 .. 5) {
    is($ll->lease($property)->status(), 200,
       "the lease of $property is declared");
    is($ll->say($property, 'u-tom', "to $property")->status(), 201,
       "a message of $property is stored");
}

is($ll->get('/api/inbox', user => 'u-lena')->json()->{total_unread}, 6,
   'messages are counted');
like(($ll->cli('record', $_))[1], qr/to $_/, "the record of $_ is made")
    for map { "P$_" } 0 .. 5;

# all clients but those of the test, which use sockets, speak TLS
for my $part ($cluster->parts()) {
    my @clients = split /\n/, $cluster->on($part, 'CLIENT', 'LIST');
    is(scalar(grep { / laddr=\S+:$cluster->{ports}{$part} / } @clients), 0,
       "no client of $part is without TLS");
    cmp_ok(scalar(grep { / laddr=\S+:$port{$part} / } @clients), '>=', 3,
           "clients of $part speak TLS");
}

$ll->finish();
