#!/usr/bin/perl

# A rolling upgrade of the workers under load.  Workers of a next version, with
# a library of functions of another name, run beside the old ones; each version
# takes over the requests of killed workers of the other; then the old ones
# stop. nginx stays the old one, so both libraries stay.
#
# The next version is this one, built for this test with other names for the
# library and its functions.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $next = tempdir('leaseloft-next-XXXXXX', TMPDIR => 1, CLEANUP => 1);

sub build_next {
    system("cp -R Makefile common conf fuzz worker $next") == 0 or die "cp\n";
    system("sed -i -e s/leaseloft_1/leaseloft_2/g -e s/ll1_/ll2_/g"
           . " $next/common/*.h $next/worker/*.[ch] $next/worker/*/*.[ch]"
           . " $next/worker/lua/*.lua") == 0
        or die "sed\n";

    # without the options of the make that runs this test
    local @ENV{qw(MAKEFLAGS MFLAGS MAKELEVEL)};

    return system("make -s -j2 -C $next BUILD=build OPT=-O1"
                  . ' build/leaseloft-worker >/dev/null') == 0;
}

my $start = time();
ok(build_next(), 'the next version is built') or BAIL_OUT('no next version');
diag(sprintf 'the next version was built in %.1f s', time() - $start);

my $worker = "$next/build/leaseloft-worker";

# a queue is read by one worker at a time, so each version needs some
my $f = Fault->new(claim => 800, properties => 16, options => '--queues 8',
                   directives => { leaseloft_queues => 8 });
my $ll = $f->ll();

# which versions of a function are called within 2 s
sub called {
    my ($function) = @_;

    my $redis = LeaseLoft::Redis->new($ll->dir() . '/redis.sock');
    my ($end, %versions) = (time() + 2);

    $redis->send_command('MONITOR');
    while (time() < $end) {
        $versions{$1} = 1 if $redis->reply() =~ /"ll(\d)_$function"/;
    }

    return join ' ', sort keys %versions;
}

is(called('append'), '1', 'the old workers call functions of their library');

$f->fault('workers of the next version beside the old ones', sub {
    $f->start_worker($_, $worker) for 3, 4;
    ok(wait_for(sub { my $list = $ll->redis('FUNCTION', 'LIST');
                      @$list == 2 }, 5), 'each version has its library');
});
is(called('append'), '1 2', 'workers of both versions send messages');

# each version takes over the requests of killed workers of the other one
for my $round (1 .. ($Fault::long ? 10 : 2)) {
    $f->fault('kill -9 of workers of each version', sub {
        for my $n (1, 3) {
            $ll->stop("worker$_", 'KILL') for $n, $n + 1;
            sleep 1 + rand 0.3;
            $f->start_worker($_, $n == 3 ? $worker : undef) for $n, $n + 1;
            sleep 0.5;
        }
    });
}
is(called('append'), '1 2',
   'workers of both versions send messages after kill -9');

$f->fault('the old workers stop', sub {
    for my $n (1, 2) {
        is($ll->stop("worker$n"), 0, 'an old worker exits with 0');
        sleep 0.3;
    }
});
is(called('append'), '2', 'only workers of the next version send messages');
is(called('(?:view|since)'), '1',
   'the old nginx calls functions of its library');

$f->fault('kill -9 of a worker of the next version', sub {
    $ll->stop('worker3', 'KILL');
    $f->start_worker(3, $worker);
});

$f->end();
