package Fault::Sentinel;

# A primary, a replica, and three Sentinels that watch them, as an operator
# would set it up. nginx and the workers connect to one address that follows the
# primary: here a symbolic link to its socket, set by Sentinel's
# client-reconfig-script; in production an address that moves, or a proxy.
#
#     my $s = Fault::Sentinel->new($ll);     $ll's Redis runs
#     my $part = $s->primary();              its name, for $ll->stop()
#     $s->hold($other);                      gets nothing more from it
#     $s->wait_primary($other, 20);
#     $s->release($other);
#     $s->restart($part);                    becomes a replica of the other

use strict;
use warnings;

use LeaseLoft;


sub new {
    my ($class, $ll) = @_;

    my $dir = $ll->dir();
    my @ports = map { LeaseLoft::free_port() } 1 .. 5;
    my $self = bless { ll => $ll, ports => { redis => shift @ports,
                                             replica => shift @ports } },
                     $class;

    # the socket is renamed, and a link takes its name
    my $path = $self->path('redis');
    $ll->redis('CONFIG', 'SET', 'port', $self->{ports}{redis});
    rename "$dir/redis.sock", $path or die "rename: $!";
    symlink $path, "$dir/redis.sock" or die "symlink: $!";
    $self->_write_conf($_) for qw(redis replica);

    mkdir "$dir/redis-replica";
    $self->restart('replica');
    $self->on('replica', 'REPLICAOF', '127.0.0.1', $self->{ports}{redis});
    $self->wait_replica('replica', 10) or die "no replica\n";

    $self->_sentinel($_, $ports[$_]) for 0 .. 2;
    wait_for(sub { $self->_agreed() }, 15) or die "no Sentinel\n";

    return $self;
}


sub path {
    my ($self, $part) = @_;
    return $self->{ll}->dir() . "/port-$self->{ports}{$part}.sock";
}


sub redis { return LeaseLoft::Redis->new($_[0]->path($_[1])) }


sub on {
    my ($self, $part, @command) = @_;

    my $redis = $self->redis($part) or return undef;

    return $redis->command(@command);
}


# "master", "slave", or "none" if it does not answer, as while it is down, or as
# Sentinel changes its role, which closes all connections
sub role {
    my ($self, $part) = @_;

    return (eval { $self->on($part, 'ROLE') } // ['none'])->[0];
}


sub _write_conf {
    my ($self, $part) = @_;

    my $dir = $self->{ll}->dir();
    my $data = $part eq 'redis' ? 'redis' : 'redis-replica';

    $self->{ll}->write("$part-ha.conf", <<"END");
include $LeaseLoft::root/conf/redis.conf
daemonize no
bind 127.0.0.1
port $self->{ports}{$part}
dir $dir/$data
unixsocket ${\ $self->path($part)}
enable-debug-command local
repl-diskless-sync-delay 0
END
}


sub _sentinel {
    my ($self, $n, $port) = @_;

    my ($ll, $dir) = ($self->{ll}, $self->{ll}->dir());

    # MASTER ROLE STATE FROM-IP FROM-PORT TO-IP TO-PORT
    $ll->write("follow$n", <<"END");
#!/bin/sh
ln -s $dir/port-\$7.sock $dir/follow$n.link && \\
    mv -T $dir/follow$n.link $dir/redis.sock
END
    chmod 0755, "$dir/follow$n";

    $ll->write("sentinel$n.conf", <<"END");
bind 127.0.0.1
port $port
dir $dir
sentinel monitor leaseloft 127.0.0.1 $self->{ports}{redis} 2
sentinel down-after-milliseconds leaseloft 1500
sentinel failover-timeout leaseloft 6000
sentinel client-reconfig-script leaseloft $dir/follow$n
END

    push @{ $self->{sentinels} }, $port;
    $ll->spawn_redis("sentinel$n", "sentinel$n.conf --sentinel");
}


# sentinel(@command): asks the first Sentinel
sub sentinel {
    my ($self, @command) = @_;

    my $socket = LeaseLoft::connect_to($self->{sentinels}[0]) or return undef;
    my $redis = bless { socket => $socket, buf => '' }, 'LeaseLoft::Redis';

    return $redis->command('SENTINEL', @command);
}


# each Sentinel knows the others and the replica
sub _agreed {
    my ($self) = @_;

    my $state = eval { $self->sentinel('MASTER', 'leaseloft') } or return 0;
    my %state = @$state;

    return $state{'num-other-sentinels'} == 2 && $state{'num-slaves'} == 1
           && $state{flags} eq 'master';
}


# the server to which the address leads
sub primary {
    my ($self) = @_;

    my $path = readlink $self->{ll}->dir() . '/redis.sock';

    return (grep { $self->path($_) eq $path } qw(redis replica))[0];
}


sub wait_primary {
    my ($self, $part, $seconds) = @_;

    return wait_for(sub {
        $self->primary() eq $part && $self->role($part) eq 'master'
    }, $seconds);
}


sub restart {
    my ($self, $part) = @_;

    my $ll = $self->{ll};

    $ll->spawn_redis($part, "$part-ha.conf");

    return wait_for(sub {
        (eval { $self->on($part, 'PING') } // '') eq 'PONG'
    }, 10);
}


# hold($part): stops the replication to a replica: its primary refuses the
# password when it reconnects. For Sentinel it is as good a replica as before.
sub hold {
    my ($self, $part) = @_;

    $self->on($part, 'CONFIG', 'SET', 'masterauth', 'none');
    $self->on($self->primary(), 'CLIENT', 'KILL', 'TYPE', 'replica');

    return wait_for(sub {
        (eval { $self->on($part, 'INFO', 'replication') } // '')
            =~ /master_link_status:down/
    }, 5);
}


# Sentinel writes its configuration, with the password
sub release {
    my ($self, $part) = @_;

    $self->on($part, 'CONFIG', 'SET', 'masterauth', '');
    $self->on($part, 'CONFIG', 'REWRITE');
}


# waits until it is an up-to-date replica
sub wait_replica {
    my ($self, $part, $seconds) = @_;

    return wait_for(sub {
        my $role = eval { $self->on($part, 'ROLE') } // ['none'];
        $role->[0] eq 'slave' && $role->[3] eq 'connected'
    }, $seconds);
}


# waits until a failover is possible again
sub wait_ready {
    my ($self, $seconds) = @_;

    return wait_for(sub {
        return 0 if !$self->_agreed();
        my $replicas = eval { $self->sentinel('REPLICAS', 'leaseloft') }
            or return 0;
        my %replica = @{ $replicas->[0] };
        $replica{flags} eq 'slave' && $replica{'master-link-status'} eq 'ok'
    }, $seconds);
}


1;
