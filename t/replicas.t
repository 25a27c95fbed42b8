#!/usr/bin/perl

# With --replicas 1, a message is answered 201 only once a replica has it, and
# 202 while none has; so what was answered 201 survives the loss of the primary.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib', 't/fault/lib';
use Fault::Sentinel;
use LeaseLoft;

my $ll = LeaseLoft->new(start => 0,
                        directives => { leaseloft_wait => '1s' });
$ll->start('redis');
my $s = Fault::Sentinel->new($ll);

$ll->spawn('worker1', "$LeaseLoft::worker --redis $ll->{url} --replicas 1"
                      . ' --replica-wait 200');
$ll->start('nginx');
$ll->started();

sub send_as {
    my ($id, $text) = @_;
    return $ll->say('P', 'u-tom', $text // "text $id", client_id => $id);
}

sub newest {
    my ($part) = @_;
    my $entries = $s->on($part, 'XREVRANGE', 'll:{p:P}:thread', '+', '-',
                         'COUNT', 1);
    return $entries->[0] ? $entries->[0][0] : '';
}

is($ll->lease('P')->status(), 200, 'a lease is declared');

for my $i (1 .. 20) {
    my $r = send_as("a$i");
    is($r->status(), 201, "message $i gets 201") or diag($r->raw());
    is(newest('replica'), $r->json()->{seq} . '-0',
       "the replica has message $i by then");
}


# the replica is silent: the message is stored and streamed, but gets 202

my $stream = $ll->events('P', 'u-lena');
$stream->wait_event('hello');
$ll->signal('replica', 'STOP');

my $r = send_as('b');
is($r->status(), 202, 'a message without a replica gets 202');
is_deeply($r->json(), { state => 'accepted', client_id => 'b' },
          'the answer is that of an accepted message');
is($stream->wait_event('', 2)->{json}{client_id} // '', 'b',
   'a stream has the message');
is(send_as('b')->status(), 202, 'the same message gets 202 again');
is($ll->mark('P', 'u-lena', 3)->status(), 202, 'a read mark gets 202');
is($ll->lease('P', label => 'new')->status(), 202, 'a lease gets 202');
like($ll->slurp('worker1.log'),
     qr/\[warn\] fewer than 1 replicas answer in time: requests are answered 202/,
     'the log says why');
is(scalar(() = $ll->slurp('worker1.log') =~ /answer in time/g), 1,
   'it says so once');

# WAIT of a connection that only reads is about the writes of others too, as for
# a message that another worker has stored
SKIP: {
    my $info = $s->redis('redis')->command('INFO', 'server');
    skip 'WAIT of Redis 8 and Valkey is about writes of its own connection', 1
        if $info =~ /^redis_version:(?:[89]|\d\d)|^server_name:valkey/m;

    my $other = $s->redis('redis');
    $other->command('GET', 'none');
    is($other->command('WAIT', 1, 50), 0,
       'WAIT after a read is about all writes before it');
}

# so a repetition, which writes nothing itself, is written for before WAIT
sub claims {
    my $info = $s->redis('redis')->command('INFO', 'commandstats');
    return $info =~ /^cmdstat_xclaim:calls=(\d+)/m ? $1 : 0;
}

my $claims = claims();
send_as('e');
is(claims(), $claims, 'a new message needs no other write');
send_as('e');
cmp_ok(claims(), '>', $claims, 'a repetition writes before it waits');

my $start = time();
is(send_as('b', 'another text')->status(), 409, 'a refusal does not wait');
cmp_ok(time() - $start, '<', 0.5, 'it is answered at once');

# many messages do not wait for one another
$start = time();
$ll->redis('XADD', 'll:{q:0}:requests', '*', 'op', 'send', 'p', 'P', 'u',
           'u-tom', 'b', qq({"client_id":"c$_","text":"t"}), 'r', 'x.1')
    for 1 .. 320;
ok(wait_for(sub { newest('redis') eq '343-0' }, 5),
   'ten batches are stored without a replica')
    or diag(newest('redis'));

# the replica is back

$ll->signal('replica', 'CONT');
ok(wait_for(sub { send_as('b')->status() == 200 }, 10),
   'the same message gets 200 once the replica has it');
is(send_as('d')->status(), 201, 'the next message gets 201');
like($ll->slurp('worker1.log'), qr/\[notice\] 1 replicas answer again/,
     'the log says that replicas answer');


# the primary is lost: what was answered 201 is there

ok($s->wait_ready(30), 'a failover is possible');
my @kept = grep { send_as($_)->status() == 201 } map { "k$_" } 1 .. 40;
$ll->stop('redis', 'KILL');

is(scalar @kept, 40, '40 messages get 201');
ok($s->wait_primary('replica', 20), 'the replica is promoted');

my %found = map { my %f = @{ $_->[1] };
                  $f{e} =~ /"client_id":"(k\d+)"/ ? ($1 => 1) : () }
            @{ $s->on('replica', 'XRANGE', 'll:{p:P}:thread', '-', '+') };
is(join(' ', grep { !$found{$_} } @kept), '',
   'the new primary has all messages that got 201');
ok(wait_for(sub { send_as('after')->status() == 202 }, 10),
   'a message without another replica gets 202');

$ll->finish();
