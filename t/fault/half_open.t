#!/usr/bin/perl

# Half-open connections: clients vanish without a FIN or RST, and nothing is
# acknowledged any more, since they are in a network namespace that loses its
# address while their streams are open.  nginx closes their descriptors, and
# no longer counts the user's streams, within leaseloft_slow_timeout of the next
# ping; the kernel alone would take a quarter of an hour.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Net;

my ($ping, $slow) = (1, 3);
my $net = eval { LeaseLoft::Net->new() } or plan skip_all => $@;
my ($here, $inside) = ($net->here(), $net->inside());

my @ports = map { LeaseLoft::free_port() } 1 .. 3;
my $ll = LeaseLoft->new(
    main => 'worker_processes 1;',
    directives => { leaseloft_ping => "${ping}s",
                    leaseloft_slow_timeout => "${slow}s" },
    server => join ' ', "listen $here:$ports[0];",
                        "listen $here:$ports[1] ssl http2;",
                        "listen $here:$ports[2] http2;");

$ll->lease('P');

sub fds {
    my ($pid) = $ll->nginx_children();
    opendir my $dir, "/proc/$pid/fd" or return -1;
    return scalar grep { /^\d+$/ } readdir $dir;
}

sub streams { return $ll->metric('streams') }

my $token = $ll->token('u-tom');
my @ways = (
    ['HTTP/1.1', "http://$here:$ports[0]", '--http1.1'],
    ['TLS', "https://$here:$ports[1]", '--http1.1'],
    ['HTTP/2', "http://$here:$ports[2]", '--http2-prior-knowledge'],
    ['TLS and HTTP/2', "https://$here:$ports[1]", '--http2'],
);

# both kinds of streams, with messages that come (busy) or pings only (quiet)
for my $case (['/api/properties/P/events', 1], ['/api/properties/P/events', 0],
              ['/api/inbox/events', 0])
{
    my ($path, $busy) = @$case;
    my $what = $path . ($busy ? ', busy' : ', quiet');
    my $start = fds();
    my @clients;

    $net->appear();

    for my $way (@ways) {
        my ($how, $url, @option) = @$way;
        my $pid = open my $pipe, '-|', split(' ', $inside), 'curl',
            '-sNk', @option, '-H', "Authorization: Bearer $token", "$url$path";
        push @clients, LeaseLoft::Stream->new($pipe, $pid);
        # the headers are not needed
        $clients[-1]{response} = LeaseLoft::Response->parse('');
        ok($clients[-1]->wait_event('hello'),
           "$what: a stream over $how begins");
    }

    is(streams(), @ways, "$what: all streams are counted");
    cmp_ok(fds(), '>=', $start + @ways, "$what: each stream has a descriptor");

    $net->vanish();
    my $gone = time();

    $ll->say('P', 'u-lena', 'x' x 1000) for 1 .. ($busy ? 5 : 0);
    sleep 1;
    is(streams(), @ways, "$what: vanished clients are not noticed at once");

    my $bound = $ping + $slow + 2;
    ok(wait_for(sub { streams() == 0 && fds() <= $start },
                $bound - (time() - $gone)),
       "$what: vanished clients are given up within $bound s")
        or diag(streams() . ' streams, ' . fds() . " descriptors; $start");
    diag(sprintf '%s: %.1f s', $what, time() - $gone);

    $_->close() for @clients;
}

$ll->finish();
