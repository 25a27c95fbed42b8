#!/usr/bin/perl

# nginx and the worker ask three Sentinels where the primary is: while none of
# them runs, when the primary is killed, when it is stopped, and when a failover
# is requested.  Messages are sent and read all the time: each that is
# acknowledged is in the thread once, and each reader has it once.  A failover
# that is requested loses what the old primary acknowledged after the other was
# promoted, and no more; readers who saw it get reset.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault::Sentinel;
use LeaseLoft;

my $ll = LeaseLoft->new(start => 0, main => 'worker_processes 2;',
                        directives => { leaseloft_wait => '500ms' });

$ll->start('redis');

my $s = Fault::Sentinel->new($ll);
my @ports = @{ $s->{sentinels} };
my $dead = LeaseLoft::free_port();

# the first address is never up
sub url_of {
    my ($user, @list) = @_;
    return "redis+sentinel://$user" . join(',', map { "127.0.0.1:$_" } @list)
           . '/leaseloft';
}

sub faults {
    my $health = $ll->get('/internal/health')->json();
    return join ' ', @{ $health->{faults} // [] };
}

sub start_sentinels {
    $ll->spawn_redis("sentinel$_", "sentinel$_.conf --sentinel") for 0 .. 2;
}

$ll->{url} = url_of('', $dead, @ports);
$ll->nginx_conf();


# no Sentinel runs when nginx starts

$ll->stop("sentinel$_") for 0 .. 2;
$ll->start('nginx');
ok(wait_for(sub {
    faults() =~ /no Sentinel names the primary; .*127\.0\.0\.1:\d+: connect f/
}, 5), 'without Sentinels, health says why') or diag(faults());
is($ll->get('/api/inbox', user => 'u-tom')->status(), 503,
   'without Sentinels, requests get 503');

start_sentinels();
$ll->start('worker1');
ok(wait_for(sub {
    2 == (() = $ll->slurp('error.log') =~ /redis is connected/g)
}, 10), 'both processes connect once Sentinels run');
ok($ll->wait_healthy(200, 10), 'health is 200 once Sentinels run')
    or diag(faults());
is($ll->lease('P')->status(), 200, 'a lease is declared');


# messages, and who has which

my (@acked, %maybe, @streams);
my $n = 0;

# sends one until it is acknowledged; returns the seconds that this took
sub send_one {
    my $start = time();
    my $id = 'm-' . ++$n;

    wait_for(sub {
        $ll->say('P', 'u-tom', $id, client_id => $id)->status() =~ /^20[01]$/
    }, 30) or diag("$id is not acknowledged");
    push @acked, $id;

    return time() - $start;
}

sub texts_in { return map { $_ =~ /"text":"(m-\d+)"/ ? $1 : () } @_ }

# what a reader has: after "reset" they discard it and read up to its head
sub texts_of {
    my ($stream) = @_;

    my @texts;

    for my $event ($stream->events()) {
        if ($event->{event} eq 'reset') {
            my ($head) = $event->{json}{head} =~ /^(\d+)/;
            @texts = texts_in(map { $_->[1][1] }
                              grep { $_->[0] =~ /^(\d+)/ && $1 <= $head }
                              $ll->thread('P'));
        } elsif ($event->{event} eq '') {
            push @texts, texts_in($event->{data});
        }
    }

    return @texts;
}


sub judge {
    my ($name) = @_;

    my @thread = texts_in(map { $_->[1][1] } $ll->thread('P'));
    my %times;
    $times{$_}++ for @thread;

    is(join(' ', grep { $times{$_} > 1 } sort keys %times), '',
       "$name: no message is in the thread twice");
    is(join(' ', grep { !$times{$_} && !$maybe{$_} } @acked), '',
       "$name: no acknowledged message is lost");

    for my $stream (@streams) {
        my %got;

        ok($stream->wait_event(sub { ($_[0]{json}{text} // '') eq $acked[-1] },
                               15), "$name: a stream gets the last message");
        $got{$_}++ for texts_of($stream);
        is(join(' ', map { "$_:" . ($got{$_} // 0) }
                     grep { ($got{$_} // 0) != 1 } @thread), '',
           "$name: a reader has each message once");
    }
}

# so many that both processes have one
@streams = map { $ll->events('P', 'u-lena') } 1 .. 6;
ok($_->wait_event('hello', 5), 'a stream begins') for @streams;

send_one() for 1 .. 20;
judge('before');

# Sentinel asks a replica that it knows to be good
sub fail_over {
    my ($name, $do) = @_;

    ok($s->wait_ready(40), "$name: a failover is possible");

    my $old = $s->primary();
    my $new = $old eq 'redis' ? 'replica' : 'redis';

    send_one() for 1 .. 5;
    ok($s->redis($old)->replicated(1), "$name: the replica has all");

    my ($start, $moved, $longest) = (time(), 0, 0);
    my $first = @acked;
    my $log = length $ll->slurp('error.log');

    $do->($old);

    while (time() < $start + 40) {
        my $took = send_one();
        $longest = $took if $took > $longest;
        $moved ||= @acked
            if 2 == (() = substr($ll->slurp('error.log'), $log)
                              =~ /the primary of redis is now/g);
        last if $moved && @acked > $moved + 20;
    }

    ok($moved, "$name: both processes follow");
    diag(sprintf '%s: nginx follows after %d messages, the longest send '
                 . 'takes %.1f s, all %.1f s', $name, $moved - $first, $longest,
         time() - $start);
    ok($s->wait_primary($new, 10), "$name: the replica is the primary");

    return @acked[$first .. $moved - 1];
}

my @killed = fail_over('kill', sub { $ll->stop($_[0], 'KILL') });
judge('kill');

for my $stream (@streams) {
    ok((grep { $_->{event} eq 'ping' && !$_->{json}{live} } $stream->events()),
       'a stream is told that it is not live');
    ok($stream->find_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live} },
                           20), 'a stream is told that it is live');
}

ok($ll->wait_healthy(), 'health is 200 after the primary is killed');
ok($s->restart($s->primary() eq 'redis' ? 'replica' : 'redis'),
   'the killed Redis starts again');

# it continues as a second primary, until Sentinel makes it a replica
my $silent = $s->primary();
fail_over('stop', sub { $ll->signal($_[0], 'STOP') });
$ll->signal($silent, 'CONT');
send_one() for 1 .. 20;
judge('stop');
ok($ll->wait_healthy(200, 20), 'health is 200 after the primary is stopped');
ok($s->wait_replica($silent, 40), 'the stopped Redis becomes a replica');

# Sentinel may refuse while what it knows of the replica is outdated
my @requested = fail_over('request', sub {
    my ($old) = @_;
    for (1 .. 5) {
        eval { $s->sentinel('FAILOVER', 'leaseloft') };
        last if wait_for(sub { $s->primary() ne $old }, 3);
    }
});
$maybe{$_} = 1 for @requested;
judge('request');
ok($ll->wait_healthy(200, 20), 'health is 200 after a requested failover');


# a Sentinel that does not know the name

$ll->stop('nginx');
$ll->{url} =~ s/leaseloft$/other/;
$ll->nginx_conf();
$ll->start('nginx');
ok(wait_for(sub { faults() =~ /it knows no primary of this name|connect f/ },
            5), 'with another name, health says why') or diag(faults());
like($ll->slurp('error.log'), qr/it knows no primary of this name/,
     'with another name, the log says why');


# the password of Redis is given to Sentinels that demand one

my $primary = $s->primary();
$s->on($primary, 'ACL', 'SETUSER', 'default', 'resetpass', '>s3cret');

for my $port (@ports) {
    my $sentinel = bless { socket => LeaseLoft::connect_to($port), buf => '' },
                         'LeaseLoft::Redis';
    $sentinel->command('ACL', 'SETUSER', 'default', 'resetpass', '>s3cret');
}

$ll->stop('worker1');
$ll->stop('nginx');
$ll->{url} = url_of(':s3cret@', @ports);
$ll->nginx_conf();
$ll->start('nginx');
$ll->start('worker1');
ok($ll->wait_healthy(200, 10), 'nginx connects with a password')
    or diag(faults());

$ll->stop('nginx');
$ll->{url} = url_of(':other@', @ports);
$ll->nginx_conf();
$ll->start('nginx');
ok(wait_for(sub { faults() =~ /no Sentinel .*refused: wrong password/ }, 5),
   'with a wrong password, health says why') or diag(faults());
unlike($ll->slurp('error.log'), qr/s3cret/, 'the log has no password');

$ll->finish();
