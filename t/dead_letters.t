#!/usr/bin/perl

# Dead letters: requests that workers gave up.  "leaseloft dead retry" queues
# them again, and each keeps its place in the order of requests: it does not
# undo what came after it.  "leaseloft dead drop" removes them.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $json = JSON::PP->new->utf8->canonical;
my $ll = LeaseLoft->new(start => 0, url => '');
my ($queue, $dead) = ('ll:{q:0}:requests', 'll:{q:0}:dead');

$ll->{url} = "unix:$ll->{dir}/redis.sock";
$ll->start('redis');
$ll->spawn('worker', "$LeaseLoft::worker --redis $ll->{url} --claim 200");

my $q = LeaseLoft::Requests->new($ll);

$q->ask('lease', 'first', '', {});

sub is_cli {
    my ($status, $like, @args) = @_;

    my ($got, $out) = $ll->cli(@args);

    is($got, $status, "leaseloft @args: the exit status is $status");
    like($out, $like, "leaseloft @args: the output is right");

    return $out;
}

sub letters { return @{ $q->redis('XRANGE', $dead, '-', '+') } }

# has the worker give up a request, whose property is damaged meanwhile: the id
# of its dead letter
sub give_up {
    my ($property, @request) = @_;

    my $meta = "ll:{p:$property}:meta";
    my %before = map { $_->[0] => 1 } letters();

    $q->redis('EXISTS', $meta) and $q->redis('RENAME', $meta, "$meta.kept");
    $q->redis('SET', $meta, 'damaged');

    ref $request[0] ? $request[0]->() : $q->put(@request);

    ok(wait_for(sub { grep { !$before{$_->[0]} } letters() }, 20),
       "$property: a request to a damaged property is given up");

    $q->redis('DEL', $meta);
    $q->redis('EXISTS', "$meta.kept")
        and $q->redis('RENAME', "$meta.kept", $meta);

    return (letters())[-1][0];
}

sub lease_of {
    my ($id, @tenants) = @_;

    return { lease_id => $id, label => "Lease $id", time_zone => 'UTC',
             landlords => [{ user => 'u-lena', name => 'Lena' }],
             tenants => [ map { { user => $_, name => $_ } } @tenants ],
             starts_at => '2020-01-01T00:00:00Z', ends_at => undef };
}

sub idle { return wait_for(sub { $q->redis('XLEN', $queue) == 0 }, 10) }


# an old declaration does not give an evicted tenant access again

my $old = give_up('P', 'lease', 'P', '', lease_of('L-1', 'u-tom', 'u-mia'));
my %letter = @{ (letters())[0][1] };
my $origin = $letter{id};

like($origin, qr/^\d+-\d+$/, 'a dead letter has the id of its request');
like($letter{why}, qr/^delivered 5 times, never completed: WRONGTYPE /,
     'it says why Redis failed the request');

is($q->ask('lease', 'P', '', lease_of('L-1', 'u-tom', 'u-mia'))->{status}, 200,
   'a lease with the tenant is declared');
is($q->say('P', 'u-tom', 'hello', 'c-1')->{status}, 201,
   'the tenant can send');
is($q->ask('lease', 'P', '', lease_of('L-1', 'u-mia'))->{status}, 200,
   'a lease without the tenant is declared');
is($q->say('P', 'u-tom', 'hello', 'c-2')->{status}, 409,
   'the evicted tenant cannot send');

my @thread = map { $_->[1] } $q->thread('P');

is_cli(0, qr/^1 queued$/, 'dead', 'retry');
ok(idle(), 'the retried declaration is done');
is($q->say('P', 'u-tom', 'hello', 'c-3')->{status}, 409,
   'a retried older declaration does not bring the tenant back');
is_deeply([ map { $_->[1] } $q->thread('P') ], \@thread,
          'a retried older declaration does not change the thread');

# a newer declaration still counts
is($q->ask('lease', 'P', '', lease_of('L-1', 'u-mia', 'u-ann'))->{status}, 200,
   'a declaration after the retry is accepted');
is($q->say('P', 'u-ann', 'hello', 'c-4')->{status}, 201,
   'a declaration after the retry counts');


# a request that is given up twice keeps its first id

$old = give_up('Q', 'lease', 'Q', '', lease_of('L-1', 'u-tom'));
%letter = @{ (letters())[0][1] };
$origin = $letter{id};

my $again = give_up('Q', sub { $ll->cli('dead', 'retry', $old) });

isnt($again, $old, 'a request that is given up again is a new dead letter');
%letter = @{ (letters())[0][1] };
is($letter{id}, $origin, 'the new dead letter has the first id');
is(scalar(@{ (letters())[0][1] }), 14, 'the new dead letter has one id');
is($q->ask('lease', 'Q', '', lease_of('L-1', 'u-mia'))->{status}, 200,
   'a newer declaration is accepted');
is_cli(0, qr/^1 queued$/, 'dead', 'retry', $again);
ok(idle(), 'the declaration retried twice is done');
is($q->say('Q', 'u-tom', 'hello', 'c-1')->{status}, 409,
   'a declaration that is retried twice does not replace a newer one');


# a request without a newer one is carried out

give_up('R', 'lease', 'R', '', lease_of('L-1', 'u-tom'));
is_cli(0, qr/^1 queued$/, 'dead', 'retry');
ok(idle(), 'the retried declaration of R is done');
is($q->say('R', 'u-tom', 'hello', 'c-1')->{status}, 201,
   'a retried declaration without a newer one counts');


# many requests are retried in their first order, not in that of the letters

my @order = (3, 10, 2, 7, 1, 12, 5, 11, 4, 9, 6, 8);

$q->redis('XADD', $dead, '*', op => 'send', p => 'R', u => 'u-tom',
          b => $json->encode({ client_id => "o-$_", text => "$_" }),
          r => 'gone.1', why => 'of the test', id => "1000-$_") for @order;
$q->redis('XADD', $dead, '*', op => 'send', p => 'R', u => 'u-tom',
          b => $json->encode({ client_id => 'o-0', text => '0' }),
          r => 'gone.1', why => 'of the test', id => '999-99');

is_cli(0, qr/^13 queued$/, 'dead', 'retry');
ok(idle(), 'all retried messages are done');
is(join(' ', grep { /^\d+$/ } map { $json->decode($_->[1])->{text} // '' }
             $q->thread('R')),
   join(' ', 0 .. 12), 'retried messages are sent in their first order');


# a dead letter that cannot be retried is named, and all others are retried

$q->redis('XADD', $dead, '*', why => 'empty', id => '5-1');
$q->redis('XADD', $dead, '*', op => 'send', p => 'R', u => 'u-tom',
          b => $json->encode({ client_id => 'rest', text => 'the rest' }),
          r => 'gone.1', why => 'of the test', id => '6-1');

my ($empty) = letters();

is_cli(1, qr/^leaseloft: "$empty->[0]" contains no request\n1 queued$/,
       'dead', 'retry');
ok(idle(), 'the other dead letter is done');
is($json->decode(($q->thread('R'))[-1][1])->{text}, 'the rest',
   'the other dead letter is retried');

$q->redis('SET', 'll:{q:1}:dead', 'damaged');
is_cli(1, qr/^leaseloft: queue 1: Redis refuses: WRONGTYPE.*\n(?s:.*)1 given up$/,
       'dead', 'list', '--queues', 3);
$q->redis('DEL', 'll:{q:1}:dead');


# a request with an id in the future does not count as newer than those after it

$q->redis('XADD', $queue, '*', op => 'lease', p => 'S', u => '', r => 'gone.1',
          b => $json->encode(lease_of('L-1', 'u-tom')),
          id => '99999999999999-0');
ok(idle(), 'the request with an id in the future is done');
is($q->ask('lease', 'S', '', lease_of('L-1', 'u-mia'))->{status}, 200,
   'the declaration after an id in the future is accepted');
is($q->say('S', 'u-mia', 'hello', 'c-1')->{status}, 201,
   'the declaration after an id in the future counts');


# drop

is_cli(2, qr/takes ids, or --all/, 'dead', 'drop');
is_cli(2, qr/takes ids, or --all/, 'dead', 'drop', '1-1', '--all');
is_cli(0, qr/^\Q$empty->[0]\E\t.*\tempty\n1 dropped$/, 'dead', 'drop',
       $empty->[0]);
is_cli(1, qr/^leaseloft: no request "\Q$empty->[0]\E" was given up$/m,
       'dead', 'drop', $empty->[0]);

$q->redis('XADD', $dead, '*', op => 'send', p => 'R', u => 'u-tom',
          b => $json->encode({ client_id => "d-$_", text => "secret $_" }),
          r => 'gone.1', why => "reason $_", id => "7-$_") for 1 .. 250;

my ($got, $out) = $ll->cli('dead', 'drop', '--all', '--json');
my $dropped = $json->decode($out)->{dropped};

is($got, 0, 'leaseloft dead drop --all: the exit status is 0');
is(scalar @$dropped, 250, 'dead drop --all --json lists all of them');
is_deeply([ map { $dropped->[0]{$_} } qw(op property user why request) ],
          [ 'send', 'R', 'u-tom', 'reason 1', '7-1' ],
          'dead drop --json names each dead letter');
unlike($out, qr/secret/, 'dead drop --json shows no text of a message');
is(scalar letters(), 0, 'no dead letter is left');

# a dropped message was never sent, so the same client_id is free
is($q->say('R', 'u-tom', 'secret 1', 'd-1')->{status}, 201,
   'a dropped message can be sent again');

$ll->finish();
