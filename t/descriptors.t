#!/usr/bin/perl

# Programs that are started with descriptors 0, 1 or 2 closed: none of their
# sockets gets such a number, so that nothing that they print goes to Redis.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

plan skip_all => 'valgrind opens descriptors itself' if $ENV{LEASELOFT_UNDER};

my $ll = LeaseLoft->new();

$ll->stop('worker1');
$ll->redis('CONFIG', 'RESETSTAT');

# unknown commands and the like, that Redis was sent
sub errors {
    my ($n) = $ll->redis('INFO', 'errorstats') =~ /^errorstat_ERR:count=(\d+)/m;
    return $n // 0;
}

sub closed {
    my ($set) = @_;
    return join ' ', map { ('<&-', '>&-', '2>&-')[$_] }
                     grep { $set & 1 << $_ } 0 .. 2;
}


# the worker logs when it starts, when its connection breaks, when it ends

for my $set (0 .. 7) {
    my $closed = closed($set);

    $ll->spawn('worker', "$LeaseLoft::worker --redis $ll->{url} --log debug"
                         . " --name w-$set"
                         . " $closed");
    ok($ll->wait_healthy(), "worker $closed") or last;

    my $pid = $ll->pid('worker');
    my @links = map { readlink "/proc/$pid/fd/$_" } 0 .. 2;

    is($links[$_], '/dev/null', "descriptor $_ is open")
        for grep { $set & 1 << $_ } 0 .. 2;

    my ($id) = $ll->redis('CLIENT', 'LIST') =~ /^id=(\d+) .* name=\S*w-$set /m;

    $ll->redis('CLIENT', 'KILL', 'ID', $id);
    is($ll->lease('P', label => "closed $set")->status(), 200,
       'it carries out what is asked');
    is($ll->say('P', 'u-tom', 'x')->status(), 201, 'and again');
    $ll->stop('worker');
}

is(errors(), 0, 'Redis was sent commands only');


# the command line, which complains, and prints a result

$ll->write('bad.jsonl', "{]\n");
$ll->start('worker1');
ok($ll->wait_healthy(), 'a worker');

for my $set (0 .. 7) {
    my $closed = closed($set);
    my $command = "$LeaseLoft::cli --redis $ll->{url}";
    my $out = "$ll->{dir}/out";

    # with a result that nobody gets, it has failed
    my $status = $set & 2 ? 1 : 0;

    system("$command unread u-tom > $out 2>&1 $closed");
    is($? >> 8, $status, "leaseloft unread $closed");
    like($ll->slurp('out'), $status ? qr/^(leaseloft: cannot write.*)?$/
                                    : qr/total$/, 'what it prints');

    system("$command lease load $ll->{dir}/bad.jsonl > $out 2>&1 $closed");
    is($? >> 8, 1, "leaseloft lease load $closed");

    system("$command lease load - < $ll->{dir}/bad.jsonl > $out 2>&1 $closed");
    is($? >> 8, 1, "leaseloft lease load - $closed");
    like($ll->slurp('out'), $set & 1 ? qr/cannot read: Bad file/
                                     : qr/line 1: is not JSON/,
         'standard input is read, or it says that there is none')
        if !($set & 4);
}

is(errors(), 0, 'Redis was sent commands only');

$ll->finish();
