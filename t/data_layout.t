#!/usr/bin/perl

# The version of the layout of the data in Redis: the first worker sets it, and
# nginx, workers and commands refuse another one, and change nothing.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $key = 'll:{w}:layout';

my $ll = LeaseLoft->new(start => 0, workers => 2);

sub doctor { return ($ll->cli('doctor'))[1] }
sub health { return $ll->get('/internal/health') }

sub dump_keys {
    return join "\n", map { "$_ @{ $ll->redis('DEBUG', 'DIGEST-VALUE', $_) }" }
                      sort grep { !/\{(?:[wq]|search)/ } @{ $ll->redis('KEYS', '*') };
}


# a new Redis

$ll->start('redis');
$ll->start('nginx');
ok(!defined $ll->redis('GET', $key), 'a new Redis has no layout');
$ll->start('worker1');
ok($ll->wait_healthy(), 'a worker and nginx use a new Redis');
is($ll->redis('GET', $key), 1, 'the worker sets the layout');
is($ll->redis('PTTL', $key), -1, 'the layout does not expire');

$ll->lease('P');
is($ll->say('P', 'u-tom', 'hello')->status(), 201, 'a message can be sent');
like(doctor(), qr/^ok +layout +1$/m, 'doctor shows the layout');


# data that a newer version has converted, while an older one runs

$ll->redis('SET', $key, 2);
ok(wait_for(sub { $ll->slurp('worker1.log')
                  =~ /layout "2", this worker needs layout 1/ }, 3),
   'a running worker logs that the data has another layout');

my $before = dump_keys();

is($ll->say('P', 'u-tom', 'not now')->status(), 202,
   'the worker takes no requests');
$ll->redis('XTRIM', 'll:{q:0}:requests', 'MAXLEN', 0);
is(dump_keys(), $before, 'and changes nothing');

$ll->stop($_) for 'worker1', 'nginx';
$ll->start('worker2');
$ll->start('nginx');

ok(wait_for(sub { $ll->slurp('worker2.log')
                  =~ /layout "2", this worker needs layout 1/ }, 5),
   'a worker that starts logs it too');
ok(wait_for(sub { health()->json()->{detail}
                  eq 'Redis is not connected, it has data of layout 2, '
                     . 'this nginx needs layout 1.' }, 5),
   'health names both layouts') or diag(health()->body());
is(health()->status(), 503, 'health is 503');
is($ll->say('P', 'u-tom', 'not now')->status(), 503, 'a send gets 503');

like(doctor(), qr/^fault +layout +Redis has data of layout "2", this version /m,
     'doctor reports it as a fault');

for my $command ('lease show P', 'unread rebuild', 'unread u-tom', 'record P',
                 'dead list', 'dead retry', 'dead drop 1-0')
{
    my ($status, $said) = $ll->cli(split / /, $command);
    is($status, 1, "$command exits with 1");
    like($said, qr/^leaseloft: Redis has data of layout "2", this version /,
         "$command names both layouts");
}

is(dump_keys(), $before, 'nothing has changed');


# the right one again

$ll->redis('SET', $key, 1);
ok($ll->wait_healthy(200, 10), 'all go on by themselves');
is($ll->say('P', 'u-tom', 'now')->status(), 201, 'a message can be sent');
is($ll->poll('P', 'u-tom')->{head} =~ /^3\./, 1, 'it is the next one');

$ll->redis('SET', $key, "x\n" x 10000);
ok(wait_for(sub { $ll->slurp('worker2.log') =~ /layout "x/ }, 3),
   'a long value is cut in the log');
cmp_ok(length((grep { /layout "x/ } split /^/m, $ll->slurp('worker2.log'))[-1]),
       '<', 400, 'to one short line');

$ll->finish();
