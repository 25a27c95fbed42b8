#!/usr/bin/perl

# Programs that are started with descriptors 0, 1 or 2 closed: no socket gets
# one of these numbers, so that nothing that is printed goes to Redis.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

plan skip_all => 'valgrind opens descriptors itself' if $ENV{LEASELOFT_UNDER};

my $ll = LeaseLoft->new();

$ll->stop('worker1');
$ll->redis('CONFIG', 'RESETSTAT');

# how many invalid commands Redis got
sub errors {
    my ($n) = $ll->redis('INFO', 'errorstats') =~ /^errorstat_ERR:count=(\d+)/m;
    return $n // 0;
}

sub closed {
    my ($set) = @_;
    return join ' ', map { ('<&-', '>&-', '2>&-')[$_] }
                     grep { $set & 1 << $_ } 0 .. 2;
}


# the worker logs when it starts, when it loses its connection, when it ends

for my $set (0 .. 7) {
    my $closed = closed($set);

    $ll->spawn('worker', "$LeaseLoft::worker --redis $ll->{url} --log debug"
                         . " --name w-$set"
                         . " $closed");
    ok($ll->wait_healthy(), "worker $closed: it serves") or last;

    my $pid = $ll->pid('worker');
    my @links = map { readlink "/proc/$pid/fd/$_" } 0 .. 2;

    is($links[$_], '/dev/null', "worker $closed: descriptor $_ is /dev/null")
        for grep { $set & 1 << $_ } 0 .. 2;

    my ($id) = $ll->redis('CLIENT', 'LIST') =~ /^id=(\d+) .* name=\S*w-$set /m;

    $ll->redis('CLIENT', 'KILL', 'ID', $id);
    is($ll->lease('P', label => "closed $set")->status(), 200,
       "worker $closed: it declares a lease after a reconnect");
    is($ll->say('P', 'u-tom', 'x')->status(), 201,
       "worker $closed: it sends a message");
    $ll->stop('worker');
}

is(errors(), 0, 'Redis got no invalid command from workers');


# the command line, which prints errors and a result

$ll->write('bad.jsonl', "{]\n");
$ll->start('worker1');
ok($ll->wait_healthy(), 'health is 200 with an ordinary worker');

for my $set (0 .. 7) {
    my $closed = closed($set);
    my $command = "$LeaseLoft::cli --redis $ll->{url}";
    my $out = "$ll->{dir}/out";

    # it fails if it cannot print its result
    my $status = $set & 2 ? 1 : 0;

    system("$command unread u-tom > $out 2>&1 $closed");
    is($? >> 8, $status, "leaseloft unread $closed: the status is $status");
    like($ll->slurp('out'), $status ? qr/^(leaseloft: cannot write.*)?$/
                                    : qr/total$/,
         "leaseloft unread $closed: the output is right");

    system("$command lease load $ll->{dir}/bad.jsonl > $out 2>&1 $closed");
    is($? >> 8, 1, "leaseloft lease load FILE $closed: the status is 1");

    system("$command lease load - < $ll->{dir}/bad.jsonl > $out 2>&1 $closed");
    is($? >> 8, 1, "leaseloft lease load - $closed: the status is 1");
    like($ll->slurp('out'), $set & 1 ? qr/cannot read: Bad file/
                                     : qr/line 1: is not JSON/,
         "leaseloft lease load - $closed: the error is right")
        if !($set & 4);
}

is(errors(), 0, 'Redis got no invalid command from the command line');

$ll->finish();
