#!/usr/bin/perl

# Redis is killed and started again, with appendfsync always: what was
# acknowledged is kept.  Then with a file so large that it replies LOADING for
# several seconds.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new(stack => { redis_conf => <<'END' });
enable-debug-command yes
END
my $ll = $f->ll();

for (1 .. ($Fault::long ? 10 : 3)) {
    $f->fault('kill -9 and a restart', sub {
        sleep rand 0.5;
        $ll->stop('redis', 'KILL');
        sleep rand 1.5;
        $ll->start('redis');
    });
}

# LOADING: many keys that load slowly, like a file of years
$f->fault('LOADING', sub {
    $ll->redis('DEBUG', 'POPULATE', 60000, 'filler', 100);
    $ll->redis('BGREWRITEAOF');
    wait_for(sub { $ll->redis('INFO', 'persistence')
                       =~ /aof_rewrite_in_progress:0/ }, 30);
    $ll->stop('redis', 'KILL');

    # about 100 us for each key: several seconds of LOADING
    $ll->write('redis.conf', $ll->slurp('redis.conf')
               . "key-load-delay 50\nloading-process-events-interval-bytes"
               . " 65536\n");
    $ll->spawn_redis('redis', 'redis.conf');

    my $loading = wait_for(sub {
        my $r = LeaseLoft::Redis->new($ll->dir() . '/redis.sock') or return 0;
        eval { $r->command('GET', 'x') };
        return $@ =~ /LOADING/;
    }, 5);
    ok($loading, 'Redis replies LOADING');
    is($ll->get('/internal/health')->status(), 503,
       'health is 503 while Redis replies LOADING');
    wait_for(sub {
        my $r = LeaseLoft::Redis->new($ll->dir() . '/redis.sock') or return 0;
        !defined eval { $r->command('GET', 'x') } && $@ eq '';
    }, 120) or fail('Redis has loaded its file');
});

$f->end();
