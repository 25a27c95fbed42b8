#!/usr/bin/perl

# Requests at the moment when their property's lease ends and the next one
# begins: the worker that finds a lease due first writes its end or its opening,
# then it carries out the request.  Each reply is compared with the thread.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new();
my $q = LeaseLoft::Requests->new($ll);
my $json = JSON::PP->new->canonical->utf8;


sub lease {
    my ($id, $from, $to, %members) = @_;

    return { lease_id => $id, label => 'Label', time_zone => 'UTC',
             landlords => [{ user => 'u-lena', name => 'Lena' }],
             tenants => [{ user => 'u-tom', name => 'Tom' }],
             starts_at => $from, ends_at => $to, %members };
}


my ($round, $seconds) = (0, 2);

# declares leases L-1 of $n properties that end at one moment, at which the
# leases L-2 begin: the moment, as time() and as text, and the properties
sub renewed {
    my ($n) = @_;

    $round++;

    for my $try (1 .. 4) {
        my ($began, $at) = (time(), at($seconds));
        my $t = $began + $seconds;
        my @properties = map { "R$round-$try-$_" } 1 .. $n;
        my @bad;

        # all of L-1 are declared before L-2 is, whichever worker does it
        for my $lease (lease('L-1', '2026-01-01T00:00:00Z', $at),
                       lease('L-2', $at, undef))
        {
            my @numbers = $q->put_all(map { [ 'lease', $_, '', $lease ] }
                                          @properties);
            push @bad, grep { (($q->await($_, 60) || {})->{status} || 0) != 200 }
                            @numbers;
        }

        my $took = time() - $began;

        # if that took too long, try again with more time
        $seconds = 1.5 * $took + 1;

        if (time() < $t - 0.1) {
            is("@bad", '', "$n leases that end soon and $n next are declared");
            return ($t, $at, @properties);
        }
    }

    die "cannot declare $n leases in time\n";
}


# queues the requests evenly over the 240 ms that begin 20 ms before $t, and
# calls back before each one with the part of them that is done, 0 to 1: the
# numbers of the requests
sub meet {
    my ($t, $requests, $callback) = @_;

    my ($n, @numbers) = (scalar @$requests);

    for my $i (0 .. $n - 1) {
        my $left = $t - 0.02 + 0.24 * $i / $n - time();

        sleep $left if $left > 0;
        $callback->($i / $n) if $callback;
        push @numbers, $q->put(@{ $requests->[$i] });
    }

    return @numbers;
}


# the entries of a thread with this client_id
sub sent {
    my ($property, $client_id) = @_;

    return map { $_->[1] } grep { $_->[1] =~ /"client_id":"\Q$client_id\E"/ }
                                $q->thread($property);
}


# what is wrong with the reply to a send, '' if nothing
sub wrong_send {
    my ($property, $client_id, $v) = @_;

    return 'none' if !$v;
    return "$v->{status} $v->{body}" if $v->{status} !~ /^20[01]$/;
    return 'no entry' if $v->{body} eq '';

    my @sent = sent($property, $client_id);

    return @sent . ' entries' if @sent != 1;
    return 'another entry' if $sent[0] ne $v->{body};
    return 'another number' if $v->{seq} != $json->decode($sent[0])->{seq};
    return '';
}


sub wrong_mark {
    my ($property, $v) = @_;

    return 'none' if !$v;
    return "$v->{status} $v->{body}" if $v->{status} != 204 || $v->{body} ne '';

    my $mark = $q->redis('HGET', "ll:{p:$property}:meta", 'r:u-lena') || 0;

    return $mark == 1 ? '' : "the mark is $mark";
}


# the same for a lease with another tenant: 200, or 409 if it has ended
sub wrong_lease {
    my ($property, $id, $v) = @_;

    return 'none' if !$v;
    return '' if $id eq 'L-1' && $v->{status} == 409
                 && $v->{body} =~ m{/lease-ended"};
    return "$v->{status} $v->{body}" if $v->{status} != 200 || !$v->{json};
    return "of another: $v->{body}" if $v->{json}{property} ne $property
                                       || $v->{json}{lease}{id} ne $id;

    my $view = $q->view($property, 'u-ana');

    return $id eq 'L-2' && ($view || {})->{state} ne 'open'
        ? 'without the tenant' : '';
}


sub wrong {
    my ($request, $v) = @_;

    my ($op, $property, undef, $body) = @$request;

    return $op eq 'send' ? wrong_send($property, $body->{client_id}, $v)
         : $op eq 'read' ? wrong_mark($property, $v)
         : wrong_lease($property, $body->{lease_id}, $v);
}


# checks the replies to the requests, and the threads
sub verify {
    my ($name, $requests, $numbers) = @_;

    my (%wrong, %properties);

    for my $i (0 .. $#$requests) {
        my $why = wrong($requests->[$i], $q->await($numbers->[$i], 60));

        $wrong{"$requests->[$i][0]: $why"}++ if $why ne '';
        $properties{ $requests->[$i][1] } = 1;
    }

    is_deeply(\%wrong, {}, "$name: each request gets the right reply");
    is(join(' ', grep { $_ } map { $q->broken($_) } sort keys %properties),
       '', "$name: the chain of each thread is valid");

    my @events = map {
        join ' ', map { $_->[1] =~ /"event":"(opened|ended)"/ ? $1 : () }
                      $q->thread($_)
    } sort keys %properties;

    is(join(', ', grep { $_ ne 'opened ended opened' } @events), '',
       "$name: each lease ends once, and each next one opens once");
}


# one send to each of 400 properties
sub sends {
    my ($name, $callback) = @_;

    my ($t, undef, @properties) = renewed(400);
    my @requests = map {
        [ 'send', $_, 'u-tom', { client_id => "c-$_", text => "to $_" } ]
    } @properties;

    verify("sends, $name", \@requests, [ meet($t, \@requests, $callback) ]);
}


# a send, a read mark and changes of both leases for each of 100 properties
sub all_kinds {
    my ($name, $callback) = @_;

    my ($t, $at, @properties) = renewed(100);
    my @tenants = map { { user => "u-$_", name => $_ } } 'tom', 'ana';
    my @requests = map {
        [ 'read', $_, 'u-lena', { upto => 1 } ],
        [ 'lease', $_, '', lease('L-1', '2026-01-01T00:00:00Z', $at,
                                 tenants => \@tenants) ],
        [ 'send', $_, 'u-tom', { client_id => "c-$_", text => "to $_" } ],
        [ 'lease', $_, '', lease('L-2', $at, undef, tenants => \@tenants) ],
    } @properties;

    # each property gets the kinds at other moments
    @requests = @requests[ map { my $k = $_; map { $k + 4 * $_ } 0 .. 99 }
                               0, 1, 2, 3 ];
    @requests = @requests[ sort { ($a * 37) % 400 <=> ($b * 37) % 400 }
                                0 .. 399 ];

    verify("all kinds, $name", \@requests, [ meet($t, \@requests, $callback) ]);
}


# a callback for meet() that stops a worker before the moment, and lets it
# continue near the end
sub stop_over {
    my ($worker) = @_;

    my $stopped = 0;

    return sub {
        my ($part) = @_;

        if ($part < 0.9 && !$stopped) {
            $ll->signal($worker, 'STOP');
            $stopped = 1;
        }

        $ll->signal($worker, 'CONT') if $part >= 0.9;
    };
}


sends('one worker');
all_kinds('one worker');
sends('one worker that is stopped', stop_over('worker1'));
all_kinds('one worker that is stopped', stop_over('worker1'));

$ll->start("worker$_") for 2, 3;
ok(wait_for(sub { $ll->slurp("worker$_.log") =~ /connected/ }, 10),
   "worker $_ is connected") for 2, 3;

sends('three workers');
all_kinds('three workers');
sends('three workers, one of them stopped', stop_over('worker2'));
all_kinds('three workers, one of them stopped', stop_over('worker2'));


# A worker with an outdated cache finds the end of a lease as it commits a send.
# A declaration of the same lease that follows in the same batch was checked
# while the lease looked active: the lease stays ended.

$ll->stop('worker3');

# stops a worker, and waits until it does not wait for requests any more
sub rest {
    my ($worker) = @_;

    my ($name) = $ll->slurp("$worker.log") =~ /worker "([^"]+)" starts/;

    $ll->signal($worker, 'STOP');
    ok(wait_for(sub {
        $q->redis('CLIENT', 'LIST') !~ /name=\Q$name\E .* flags=\w*b/
    }, 5), "$worker is stopped and waits for no request");
}

rest('worker2');
is($q->lease('E')->{status}, 200, 'worker1 declares a lease without an end');
rest('worker1');
$ll->signal('worker2', 'CONT');

my $ends = time() + 1;
is($q->lease('E', ends_at => at(1))->{status}, 200,
   'worker2 declares its end');
rest('worker2');

my @both = $q->put_all(
    [ 'send', 'E', 'u-tom', { client_id => 'late', text => 'too late' } ],
    [ 'lease', 'E', '', { lease_id => 'L-1', label => 'Label of E',
        time_zone => 'Europe/Berlin', starts_at => '2026-01-01T00:00:00Z',
        landlords => [{ user => 'u-lena', name => 'Name of u-lena' }],
        tenants => [{ user => 'u-tom', name => 'Name of u-tom' }],
        ends_at => undef } ]);

ok(wait_for(sub { time() > $ends }, 5), 'the end of the lease has passed');

# worker1 gets to the requests before it checks for due leases
$q->redis('DEL', 'll:{due}:due');
$ll->signal('worker1', 'CONT');

for my $n (0, 1) {
    my $v = $q->await($both[$n], 20) || {};

    my $what = ('a send', 'a declaration')[$n] . ' after the end';

    is($v->{status}, 409, "$what is refused");
    like($v->{body}, (qr{/lease-not-active"}, qr{/lease-ended"})[$n],
         "$what is refused with the reason");
}

is(join(' ', map { $_->[1] =~ /"event":"(\w+)"/ } $q->thread('E')),
   'opened ended', 'the lease stays ended');

$ll->signal('worker2', 'CONT');
$ll->finish();
