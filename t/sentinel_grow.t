#!/usr/bin/perl

# A single server gets replicas and Sentinels while messages are sent, by the
# steps in docs/scale.md; a replica takes over when the primary is killed; and
# the new primary becomes a single server again.  Nothing that was acknowledged
# is lost or doubled.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Manual;
use LeaseLoft::Writers;

my $page = 'docs/scale.md';
my ($user, $replicaof, $login, $switch) = map { $_->{text} }
    LeaseLoft::Manual::blocks($page, 'Growing from one server to Sentinel');
my ($monitor) = grep { /^sentinel monitor/ } map { $_->{text} }
                LeaseLoft::Manual::blocks($page, 'Sentinel');

my %port = map { $_ => LeaseLoft::free_port() } qw(redis replica1 replica2
                                                   sentinel1 sentinel2 sentinel3);
my @servers = qw(redis replica1 replica2);
my @sentinels = grep { /sentinel/ } sort keys %port;

# the text of the page with the address of this test
sub here { $_[0] =~ s/192\.0\.2\.11 6379/127.0.0.1 $port{redis}/r }

my $access = LeaseLoft::Redis::acl('PASSWORD') . $user
             . join '', $replicaof =~ /^(master.*\n)/mg;
my $ll = LeaseLoft->new(start => 0, main => 'worker_processes 1;',
                        directives => { leaseloft_drain => '1s' },
                        redis_conf => <<"END" . $access);
port $port{redis}
bind 127.0.0.1
END

# of a single server, or of the sentinels
sub url {
    my ($who, $part) = @_;

    return "redis://$who:PASSWORD\@127.0.0.1:$port{$part}" if $part;
    return "redis+sentinel://$who:PASSWORD\@"
           . join(',', map { "127.0.0.1:$port{$_}" } @sentinels) . '/leaseloft';
}

sub start_worker {
    $ll->{url} = url('worker', @_);
    $ll->start('worker1');
}

# runs the documented commands, with URLs as written before
sub follow {
    my ($name, @where) = @_;

    $ll->{url} = url('nginx', @where);
    $ll->nginx_conf();

    for my $step (split /\n/, $switch) {
        if ($step eq 'nginx -t') {
            is(($ll->nginx_test())[0], 0, "$name: $step");

        } elsif ($step eq 'systemctl reload nginx') {
            $ll->signal('nginx', 'HUP');

        } elsif ($step eq 'systemctl restart leaseloft-worker@1') {
            is($ll->stop('worker1'), 0, "$name: the worker stops");
            start_worker(@where);

        } else {
            die "$step?";
        }
    }
}

sub on {
    my ($part, @command) = @_;

    my $socket = LeaseLoft::connect_to($port{$part}) or die "no $part\n";
    my $redis = bless { socket => $socket, buf => '' }, 'LeaseLoft::Redis';

    return $redis->command(@command);
}

sub role { (eval { on($_[0], 'ROLE') } // ['none'])->[0] }

sub is_replica {
    my ($part) = @_;
    return (eval { on($part, 'INFO', 'replication') } // '')
           =~ /^role:slave.*^master_link_status:up/ms;
}


# a single server

$ll->start('redis');
start_worker('redis');
$ll->{url} = url('nginx', 'redis');
$ll->nginx_conf();
$ll->start('nginx');
$ll->started();

my @properties = qw(P Q R);
is($ll->lease($_)->status(), 200, "a lease of $_ is declared") for @properties;
my $stream = $ll->events('P', 'u-lena');
ok($stream->wait_event('hello'), 'a stream is open');

sub old_process_ends {
    my ($name) = @_;
    ok(wait_for(sub { 1 == (() = $ll->nginx_children()) }, 10),
       "$name: the old process of nginx ends");
}
my $writers = LeaseLoft::Writers->new($ll, @properties);
ok($writers->sending(), 'messages are sent');


# replicas and sentinels

for my $part (qw(replica1 replica2)) {
    mkdir $ll->dir() . "/$part";
    $ll->write("$part.conf", <<"END" . $access . here($replicaof));
include $LeaseLoft::root/conf/redis.conf
daemonize no
port $port{$part}
bind 127.0.0.1
dir $ll->{dir}/$part
unixsocket $ll->{dir}/$part.sock
END
    $ll->spawn_redis($part, "$part.conf");
    ok(wait_for(sub { is_replica($part) }, 20), "$part has all data");
}

for my $part (@sentinels) {
    $ll->write("$part.conf", <<"END" . here($monitor) . $login);
port $port{$part}
bind 127.0.0.1
dir $ll->{dir}
END
    $ll->spawn_redis($part, "$part.conf --sentinel");
}

for my $part (@sentinels) {
    ok(wait_for(sub {
        my $state = eval { on($part, 'SENTINEL', 'MASTER', 'leaseloft') };
        my %state = @{ $state // [] };
        ($state{'num-other-sentinels'} // 0) == 2 && $state{'num-slaves'} == 2
            && $state{flags} eq 'master'
    }, 30), "$part knows all");
}


# the switch

my $start = time();
$ll->{worker_options} = '--replicas 1';
follow('Sentinel');
ok($ll->wait_healthy(200, 20), 'Sentinel: the service is healthy');
ok($writers->sending(), 'Sentinel: messages are sent');
is($stream->wait_event('bye')->{json}{reason}, 'drain',
   'Sentinel: the stream is told to connect again');
old_process_ends('Sentinel');
diag(sprintf 'the switch to Sentinel paused messages for %.1f s',
     $writers->pause($start));
cmp_ok($writers->pause($start), '<', 10, 'Sentinel: the pause is short');


# a failover

$start = time();
$ll->stop('redis', 'KILL');
my ($new, @primaries);
ok(wait_for(sub {
    ($new) = @primaries = grep { role($_) eq 'master' } @servers;
}, 30), 'a replica takes over');
ok($writers->sending(), "messages are sent to $new");
diag(sprintf 'a failover paused messages for %.1f s', $writers->pause($start));
$ll->start('redis');
ok(wait_for(sub { is_replica('redis') }, 40), 'the old primary is a replica');
ok($ll->wait_healthy(200, 20), 'the service is healthy');


# and back

$ll->stop($_) for @sentinels;
$start = time();
$ll->{worker_options} = '';
follow('back', $new);
ok($ll->wait_healthy(200, 20), 'back: the service is healthy');
$ll->stop($_) for grep { $_ ne $new } @servers;
ok($writers->sending(), 'back: messages are sent');
diag(sprintf 'the switch to one server paused messages for %.1f s',
     $writers->pause($start));
cmp_ok($writers->pause($start), '<', 10, 'back: the pause is short');
old_process_ends('back');
$writers->stop();


# everything is there, once

$ll->{url} = url('operator', $new);
$writers->judge();
like(($ll->cli('unread', 'rebuild'))[1],
     qr/ 0 inbox threads repaired, 0 removed, 0 damaged$/m,
     'unread rebuild finds nothing to repair');

$ll->finish();
