#!/usr/bin/perl

# Redis has no memory left (noeviction), then no disk for its append-only file.
# Writes are refused, reads go on, and nothing that was acknowledged is lost.

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

# what is valid is refused, what is there can be read
sub refuses {
    my $r;
    ok(wait_for(sub { $r = $ll->say('P1', 'u-ana1', 'no', client_id => 'x');
                      $r->status() == 503 }, 5), 'sends are refused');
    is($ll->get('/api/properties/P1/messages?after=0&limit=1',
                user => 'u-ana1')->status(), 200, 'reads go on');
}

for (1 .. ($Fault::long ? 10 : 2)) {
    $f->fault('out of memory', sub {
        $ll->redis('CONFIG', 'SET', 'maxmemory', '1mb');
        refuses();
        ok($ll->wait_healthy(503, 5), 'unhealthy within 5 s');
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

    # with "always", Redis ends itself when a write fails, as nothing could be
    # acknowledged any more: its unit starts it again, and it works once there
    # is room.  With "everysec" it stays and refuses writes until there is.
    for my $policy (qw(always everysec)) {
        $f = Fault->new(recover => 15, stack => {
            redis_conf => "dir $small\nappendfsync $policy\n" });
        $ll = $f->ll();

        $f->fault("disk full, $policy", sub {
            open my $fill, '>', "$small/fill" or die;
            while (syswrite $fill, 'x' x 16384) { }
            close $fill;

            ok($ll->wait_healthy(503, 10), 'unhealthy');

            if ($policy eq 'always') {
                my $gone = wait_for(sub {
                    waitpid($ll->pid('redis'), WNOHANG) != 0 }, 5);
                unlink "$small/fill";

                if (ok($gone, 'always: Redis ends itself')) {
                    delete $ll->{pids}{redis};
                    $ll->start('redis');
                }

            } else {
                refuses();
                sleep 1;
                is(waitpid($ll->pid('redis'), WNOHANG), 0, 'everysec: stays');
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
