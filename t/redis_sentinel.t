#!/usr/bin/perl

# The worker and the command line find the primary by three Sentinels, of which
# any two may be down, and follow it through failovers: the primary is killed,
# falls silent, or is replaced on request.  What the promoted replica had is
# there afterwards, once.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(alarm sleep time);

use lib 't/lib', 't/fault/lib';
use Fault::Sentinel;
use LeaseLoft;
use LeaseLoft::Certificates;
use LeaseLoft::Requests;

my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();

$ll->start('redis');

my $s = Fault::Sentinel->new($ll);
my @sentinels = @{ $s->{sentinels} };
my $down = LeaseLoft::free_port();

sub url {
    return 'redis+sentinel://' . join(',', map { "127.0.0.1:$_" } @_)
           . '/leaseloft';
}

# two addresses may be down at start
my $url = url($down, @sentinels);
$ll->spawn('worker1', "$LeaseLoft::worker --redis "
                      . url($down, LeaseLoft::free_port(),
                            @sentinels[2, 0]));
$ll->spawn('worker2', "$LeaseLoft::worker --redis $url");

my $q = LeaseLoft::Requests->new($ll);
is($q->lease('P')->{status}, 200, 'a lease is declared');
for my $n (1, 2) {
    ok(wait_for(sub { $ll->slurp("worker$n.log") =~ /connected to redis/ }, 5),
       "worker $n finds the primary");
}


# --- failovers ---

my %kept;           # client_id: a 201, and the replica has it
my $sent = 0;

# what $do returns, or undef if it dies or takes longer
sub within {
    my ($seconds, $do) = @_;

    my $result = eval {
        local $SIG{ALRM} = sub { die "silent\n" };
        alarm $seconds;
        $do->();
    };
    alarm 0;

    return $result;
}

# sends one message, again until it has a verdict, as a client does; puts it into
# %kept if a replica has received it
sub send_one {
    my ($seconds) = @_;

    my $id = 'c' . ++$sent;
    my $end = time() + $seconds;

    while (time() < $end) {
        my $verdict = within(1, sub {
            $q->await($q->put('send', 'P', 'u-tom',
                              { client_id => $id, text => "text $sent" }), 5);
        });

        if (!$verdict) {
            # Redis fails, or another server is the primary now
            sleep 0.05;
            within(1, sub { $q->connect() });
            next;
        }

        return 0 if $verdict->{status} !~ /^20[01]$/;

        # WAIT is about what its connection has written: this, after the message
        within(1, sub { $q->redis('PUBLISH', 'nobody', '') });
        $kept{$id} = 1 if within(1, sub { $q->redis('WAIT', 1, 100) });
        return 1;
    }

    return 0;
}

# $do is done to the primary while messages are sent; returns the time without
# verdicts
sub fails_over {
    my ($name, $do, $back) = @_;

    ok($s->wait_ready(40), "$name: a failover is possible");
    $q->connect();
    ok(send_one(5), "$name: a message is stored before") for 1 .. 20;

    my $old = $s->primary();
    my $new = $old eq 'redis' ? 'replica' : 'redis';
    my $start = time();

    $do->($old);

    # until it is there, and then some
    my ($all, $last, $gap) = (1, $start, 0);

    while ($s->primary() ne $new || $s->role($new) ne 'master') {
        $all &&= send_one(30);
        my $now = time();
        $gap = $now - $last if $now - $last > $gap;
        $last = $now;
        last if $now > $start + 40;
    }

    my $promoted = time() - $start;

    # nginx follows Sentinel too, while the old primary still takes writes
    within(1, sub { $q->connect() });

    for (1 .. 20) {
        $all &&= send_one(30);
        my $now = time();
        $gap = $now - $last if $now - $last > $gap;
        $last = $now;
    }

    ok($all, "$name: every message gets a verdict");
    is($s->primary(), $new, "$name: the replica is promoted");
    cmp_ok($gap, '<', $promoted + 6, "$name: sends continue soon afterwards");
    diag(sprintf '%s: promoted after %.1f s, %.1f s without verdicts', $name,
         $promoted, $gap);

    $back->($old);
    ok($s->wait_replica($old, 40), "$name: the old primary is a replica");

    is(missing(), '', "$name: nothing is lost or doubled");
    ok(wait_for(sub { connected($new) }, 10),
       "$name: both workers are connected to the new primary");
}

# messages that are kept but not in the thread, or twice
sub missing {
    my %found;

    $q->connect();
    for my $entry ($ll->thread('P')) {
        my %fields = @{ $entry->[1] };
        $found{$1}++ if $fields{e} =~ /"client_id":"(c\d+)"/;
    }

    return join ' ', (grep { !$found{$_} } sort keys %kept),
                     (grep { $found{$_} > 1 } sort keys %found);
}

# whether both workers are connected to this server
sub connected {
    my ($part) = @_;

    my $list = eval { $s->on($part, 'CLIENT', 'LIST') } // '';
    return 2 == grep {
        my ($name) = $ll->slurp("worker$_.log") =~ /worker "(\S+)" starts/;
        $list =~ / name=\Q$name\E /
    } 1, 2;
}

fails_over('the primary is killed', sub { $ll->stop($_[0], 'KILL') },
           sub { $s->restart($_[0]) });

fails_over('the primary is silent', sub { $ll->signal($_[0], 'STOP') },
           sub { $ll->signal($_[0], 'CONT') });

# the Sentinel that worker 1 asks is killed; the old primary takes writes for
# some ten seconds after the failover
$ll->stop('sentinel2', 'KILL');

fails_over('a failover is requested', sub {
    my ($old) = @_;
    for (1 .. 4) {
        eval { $s->sentinel('FAILOVER', 'leaseloft') };
        last if wait_for(sub { $s->primary() ne $old }, 6);
    }
}, sub { });

cmp_ok(scalar(keys %kept), '>=', 60,
       'the replica had messages before each failover');


# --- the command line ---

sub is_cli {
    my ($name, $status, $expected, @url) = @_;

    my ($got, $said) = $ll->cli('unread', 'u-lena', '--redis', @url);
    is($got, $status, "$name: the exit status");
    like($said, $expected, "$name: the output");
}

is_cli('one address that is up', 0, qr/^\d+\ttotal$/m,
       url($down, @sentinels[2, 1]));
is_cli('no address that is up', 1,
       qr/cannot connect to Redis: sentinel 127\.0\.0\.1:$down: Connection refused$/m,
       url($down));
is_cli('a name that is not known', 1,
       qr/sentinel 127\.0\.0\.1:$sentinels[1] does not know a primary "other"$/m,
       url($sentinels[1]) =~ s/leaseloft$/other/r);
is_cli('a Redis in place of a Sentinel', 1,
       qr/sentinel 127\.0\.0\.1:$s->{ports}{redis} refuses: ERR unknown command/,
       url($s->{ports}{redis}));

# a Sentinel that names a replica, as one may that was cut off; under a name of
# its own, or the others would correct it
my $old = $s->primary() eq 'redis' ? 'replica' : 'redis';
my %monitor = (stale => $old, right => $s->primary());
my %wrong = map { $_ => LeaseLoft::free_port() } keys %monitor;

sub sentinel_of {
    my ($name, $port, $conf) = @_;

    mkdir "$dir/$name";
    $ll->write("$name.conf", "bind 127.0.0.1\ndir $dir/$name\n$conf");
    $ll->spawn_redis($name, "$name.conf --sentinel");
    ok(wait_for(sub { LeaseLoft::connect_to($port) }, 10), "$name runs");
}

sentinel_of($_, $wrong{$_}, "port $wrong{$_}\nsentinel monitor lost 127.0.0.1"
            . " $s->{ports}{$monitor{$_}} 5\n") for sort keys %monitor;

is_cli('a Sentinel that names a replica', 1,
       qr/127\.0\.0\.1:$s->{ports}{$old}: it is a read-only replica$/m,
       url($wrong{stale}) =~ s/leaseloft$/lost/r);
is_cli('another one after it', 0, qr/^\d+\ttotal$/m,
       url(@wrong{qw(stale right)}) =~ s/leaseloft$/lost/r);


# --- passwords, and TLS ---

my $secret = 'Wachtkennwort';
my %port = map { $_ => LeaseLoft::free_port() } qw(redis sentinel);
my $pki = LeaseLoft::Certificates->new($dir);

$pki->authority('ca');
$pki->issue('server', 'IP:127.0.0.1');

my $tls = <<"END";
tls-cert-file $dir/server.crt
tls-key-file $dir/server.key
tls-ca-cert-file $dir/ca.crt
tls-auth-clients no
tls-replication yes
requirepass $secret
END

mkdir "$dir/secure";
$ll->write('secure.conf', "bind 127.0.0.1\nport 0\ntls-port $port{redis}\n"
                          . "dir $dir/secure\n$tls");
$ll->spawn_redis('secure', 'secure.conf');
sentinel_of('secure-sentinel', $port{sentinel},
            "port 0\ntls-port $port{sentinel}\n$tls"
            . "sentinel monitor leaseloft 127.0.0.1 $port{redis} 1\n"
            . "sentinel auth-pass leaseloft $secret\n");

my $secure = "rediss+sentinel://:$secret\@127.0.0.1:$port{sentinel}/leaseloft";
my @ca = ('--redis-ca', "$dir/ca.crt");
my $no_functions = qr/^leaseloft: Redis does not have this version of the functions/;

is_cli('TLS and a password', 1, $no_functions, $secure, @ca);
is_cli('TLS without the CA', 1,
       qr/sentinel 127\.0\.0\.1:$port{sentinel}: its certificate is of an unknown CA/,
       $secure);
is_cli('a Sentinel without TLS', 1, qr/sentinel 127\.0\.0\.1:$sentinels[1]: .*TLS/,
       "rediss+sentinel://127.0.0.1:$sentinels[1]/leaseloft", @ca);
is_cli('a wrong password', 1, qr/sentinel 127\.0\.0\.1:$port{sentinel}: WRONGPASS/,
       $secure =~ s/$secret/falsch/r, @ca);
is_cli('no password', 1,
       qr/sentinel 127\.0\.0\.1:$port{sentinel} refuses: NOAUTH/,
       $secure =~ s/:$secret\@//r, @ca);

$ll->write('password', "$secret\n");
is_cli('a password from a file', 1, $no_functions,
       $secure =~ s/:$secret\@//r, @ca, '--redis-password-file',
       "$dir/password");

$ll->finish();
