#!/usr/bin/perl

# Redis has no memory left (noeviction), then no disk space for its append-only
# file: writes are refused, reads are served, and nothing acknowledged is lost.

use strict;
use warnings;

use POSIX qw(WNOHANG);
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault;
use LeaseLoft;

my $f = Fault->new();
my $ll = $f->ll();

# a valid send is refused, and what is stored can be read
sub refuses {
    my $r;
    ok(wait_for(sub { $r = $ll->say('P1', 'u-ana1', 'no', client_id => 'x');
                      $r->status() == 503 }, 5), 'a send gets 503');
    is($ll->get('/api/properties/P1/messages?after=0&limit=1',
                user => 'u-ana1')->status(), 200, 'a poll gets 200');
}

for (1 .. ($Fault::long ? 10 : 2)) {
    $f->fault('out of memory', sub {
        $ll->redis('CONFIG', 'SET', 'maxmemory', '1mb');
        refuses();
        ok($ll->wait_healthy(503, 5), 'health is 503 within 5 s');
        sleep rand 3;
        $ll->redis('CONFIG', 'SET', 'maxmemory', '0');
    });
}

$f->end(more => 1);


# the append-only file on a small file system

my $small = File::Temp->newdir('leaseloft-small-XXXXXX', TMPDIR => 1);

SKIP: {
    skip 'no tmpfs can be mounted', 1
        if system("mount -t tmpfs -o size=4m none $small 2>/dev/null") != 0;

    # With "always", Redis exits when a write fails, since it could acknowledge
    # nothing any more; its unit restarts it until there is room.  With
    # "everysec" it stays, and refuses writes until there is room.
    for my $policy (qw(always everysec)) {
        $f = Fault->new(recover => 15, stack => {
            redis_conf => "dir $small\nappendfsync $policy\n" });
        $ll = $f->ll();

        $f->fault("disk full, $policy", sub {
            open my $fill, '>', "$small/fill" or die;
            while (syswrite $fill, 'x' x 16384) { }
            close $fill;

            ok($ll->wait_healthy(503, 10), "$policy: health is 503");

            if ($policy eq 'always') {
                my $gone = wait_for(sub {
                    waitpid($ll->pid('redis'), WNOHANG) != 0 }, 5);
                unlink "$small/fill";

                if (ok($gone, 'always: Redis exits')) {
                    delete $ll->{pids}{redis};
                    $ll->start('redis');
                }

            } else {
                refuses();
                sleep 1;
                is(waitpid($ll->pid('redis'), WNOHANG), 0,
                   'everysec: Redis does not exit');
                refuses();
                unlink "$small/fill";
            }
        });

        $f->end(more => 1);
        unlink glob "$small/appendonlydir/*";
        rmdir "$small/appendonlydir";
    }

    system("umount $small");
}

END { local $?; system("umount $small 2>/dev/null") if $small && -d $small }

done_testing();
