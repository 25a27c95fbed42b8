package LeaseLoft::Cluster;

# A Redis Cluster of primaries, each with replicas, on loopback or with some in a
# network namespace. Its nodes are parts of the stack: node0 and so on, the
# primaries first.
#
#     my $ll = LeaseLoft->new(start => 0);
#     my $cluster = LeaseLoft::Cluster->new($ll, primaries => 3, replicas => 1);
#
#     $ll->{url} = $cluster->url();          then nginx_conf() and start()
#     $cluster->on('node0', 'PING');
#     $cluster->command('GET', 'key');       to the primary of the key
#     $cluster->owner($slot);                the part which has a slot now
#     $cluster->move($slot, 'node1');        with its keys
#     $ll->stop('node0', 'KILL');
#     $cluster->start('node0');

use strict;
use warnings;

use Time::HiRes qw(time sleep);

use LeaseLoft;
use LeaseLoft::Redis;


# new($ll, %options): primaries => 3, replicas => 0 (of each), conf => TEXT, or
# a function of the part that returns it; net => a LeaseLoft::Net and
# inside => [PART, ...], those that run in its namespace;
# slots are dealt evenly unless dealt => [[FIRST, LAST], ...] says otherwise
sub new {
    my ($class, $ll, %options) = @_;

    my $self = bless { ll => $ll, primaries => 3, replicas => 0, conf => '',
                       %options }, $class;
    my $n = $self->{primaries};

    $self->{parts} = [ map { "node$_" } 0 .. $n * (1 + $self->{replicas}) - 1 ];
    $self->{dealt} //= [ map { [ int(16384 * $_ / $n),
                                 int(16384 * ($_ + 1) / $n) - 1 ] }
                         0 .. $n - 1 ];

    for my $part ($self->parts()) {
        $self->{ports}{$part} = LeaseLoft::free_port();
        $self->_write_conf($part, LeaseLoft::free_port());
        $self->start($part);
    }

    $self->_join();

    return $self;
}


# around($ll, $part, $port): a cluster of which a part that runs is the first
# server
sub around {
    my ($class, $ll, $part, $port) = @_;

    return bless { ll => $ll, conf => '', parts => [$part],
                   ports => { $part => $port } }, $class;
}


sub parts { @{ $_[0]{parts} } }


# the first $n parts, all unless told
sub url {
    my ($self, $n) = @_;

    my @parts = $self->parts();

    return 'redis+cluster://' . join ',',
           map { $self->address($_) } @parts[0 .. ($n // @parts) - 1];
}


sub address { $_[0]->_host($_[1]) . ":$_[0]{ports}{$_[1]}" }


sub _inside {
    my ($self, $part) = @_;
    return scalar grep { $_ eq $part } @{ $self->{inside} // [] };
}


# all that cross the link have an address of its
sub _host {
    my ($self, $part) = @_;

    my $net = $self->{net} or return '127.0.0.1';

    return $self->_inside($part) ? $net->there() : $net->here();
}


sub start {
    my ($self, $part) = @_;

    my $under = $self->_inside($part) ? $self->{net}->inside() . ' ' : '';

    $self->{ll}->spawn($part, "$under$LeaseLoft::redis_server "
                              . $self->{ll}->dir() . "/$part.conf");
    LeaseLoft::wait_for(sub { eval { $self->on($part, 'PING') } }, 10)
        or die "no $part\n";
}


sub _write_conf {
    my ($self, $part, $bus) = @_;

    my $dir = $self->{ll}->dir();

    mkdir "$dir/$part";
    my $conf = $self->{conf};
    $conf = $conf->($part) if ref $conf;
    $conf .= "protected-mode no\n" if $self->{net};

    $self->{ll}->write("$part.conf", <<"END" . $conf);
include $LeaseLoft::root/conf/redis.conf
daemonize no
bind ${\ $self->_host($part)}
port $self->{ports}{$part}
dir $dir/$part
unixsocket $dir/$part.sock
enable-debug-command local
repl-diskless-sync-delay 0
cluster-enabled yes
cluster-port $bus
cluster-node-timeout 2000
cluster-require-full-coverage no
shutdown-timeout 0
END
    $self->{bus}{$part} = $bus;
}


# a connection to a part
sub redis {
    my ($self, $part) = @_;

    return LeaseLoft::Redis->new($self->{ll}->dir() . "/$part.sock")
           || die "no $part\n";
}


sub on {
    my ($self, $part, @command) = @_;

    return $self->redis($part)->command(@command);
}


sub id { $_[0]->on($_[1], 'CLUSTER', 'MYID') }


sub _join {
    my ($self) = @_;

    my @parts = $self->parts();
    my $n = $self->{primaries};

    for my $i (0 .. $#parts) {
        $self->on($parts[$i], 'CLUSTER', 'SET-CONFIG-EPOCH', $i + 1);
        $self->on($parts[$i], 'CLUSTER', 'MEET', $self->_host($parts[0]),
                  $self->{ports}{$parts[0]}, $self->{bus}{$parts[0]}) if $i;
        $self->on($parts[$i], 'CLUSTER', 'ADDSLOTSRANGE',
                  @{ $self->{dealt}[$i] }) if $i < $n && $self->{dealt}[$i];
    }

    LeaseLoft::wait_for(sub {
        @parts == grep { $self->knows($_) == @parts } @parts
    }, 30) or die "the nodes do not meet\n";

    for my $i ($n .. $#parts) {
        my $id = $self->id($parts[$i % $n]);
        $self->on($parts[$i], 'CLUSTER', 'REPLICATE', $id);
    }

    $self->wait_ready(30) or die "the cluster is not ready\n";
}


# how many nodes a part knows
sub knows {
    my ($self, $part) = @_;

    return scalar grep { !/handshake|noaddr/ }
                  split /\n/, $self->on($part, 'CLUSTER', 'NODES');
}


# waits until this many parts know each other
sub wait_nodes {
    my ($self, $n) = @_;

    return LeaseLoft::wait_for(sub {
        $n == grep { $self->knows($_) == $n } $self->running()
    }, 20);
}


# waits until all parts that run agree, replicas are connected
sub wait_ready {
    my ($self, $timeout) = @_;

    return LeaseLoft::wait_for(sub {
        my %views;

        for my $part ($self->running()) {
            return 0 if $self->on($part, 'CLUSTER', 'INFO')
                        !~ /cluster_state:ok/;

            my $role = $self->on($part, 'ROLE');
            return 0 if $role->[0] eq 'slave' && $role->[3] ne 'connected';

            $views{ $self->_view($part) } = 1;
        }

        return keys %views == 1;
    }, $timeout // 10);
}


# which nodes a part knows: whom each replicates, and its slots
sub _view {
    my ($self, $part) = @_;

    return join "\n", sort map {
        my ($id, undef, undef, $primary, undef, undef, undef, undef, @slots)
            = split ' ';
        join ' ', $id, $primary, grep { !/^\[/ } @slots
    } split /\n/, $self->on($part, 'CLUSTER', 'NODES');
}


sub running { grep { $_[0]{ll}->pid($_) } $_[0]->parts() }


# the part that has a slot, as the running primaries say themselves; undef if
# none does
sub owner {
    my ($self, $slot) = @_;

    for my $part ($self->running()) {
        my ($line) = grep { /myself/ && /master/ } split /\n/,
                     eval { $self->on($part, 'CLUSTER', 'NODES') } // '';

        my @fields = split ' ', $line // '';

        for my $range (@fields[8 .. $#fields]) {
            return $part if $range =~ /^(\d+)(?:-(\d+))?$/ && $1 <= $slot
                            && $slot <= ($2 // $1);
        }
    }

    return undef;
}


# the slot of a key
sub slot { $_[0]->on(($_[0]->running())[0], 'CLUSTER', 'KEYSLOT', $_[1]) }


# the part that has a key
sub has { $_[0]->owner($_[0]->slot($_[1])) }


# sends a command to the primary that has its key, and once more if
# that is another one now
sub command {
    my ($self, @args) = @_;

    my $key = $args[0] =~ /^FCALL/ ? $args[3] : $args[1];
    my ($tag) = $key =~ /\{(.+?)\}/;
    $tag //= $key;

    for (1 .. 2) {
        my $part = $self->{found}{$tag} //= $self->has($key)
                   // die "no primary has $key\n";
        my $reply = eval { \$self->on($part, @args) };

        return $$reply if $reply;
        die $@ if $@ !~ /MOVED|CLUSTERDOWN/ && $self->{ll}->pid($part);
        delete $self->{found}{$tag};
    }

    die $@;
}


# the sum of a command over a key beside each queue, such as XLEN of "requests"
sub sum {
    my ($self, $command, $name) = @_;

    my $n = 0;
    $n += $self->command($command, "ll:{q:$_}:$name") for 0 .. 63;

    return $n;
}


# how often the running servers have answered with an error: name => number
sub errors {
    my ($self) = @_;

    my %errors;

    for my $part ($self->running()) {
        my $info = $self->on($part, 'INFO', 'errorstats');
        $errors{$1} += $2 while $info =~ /^errorstat_([^:]+):count=(\d+)/mg;
    }

    return \%errors;
}


# runs redis-cli --cluster, with the address of a part: its output, or dies
sub manage {
    my ($self, $command, @words) = @_;

    my $out = `redis-cli --cluster $command @words 2>&1`;
    die "redis-cli --cluster $command: $out\n" if $?;

    return $out;
}


# starts another server, which knows nothing of the cluster: its part
sub add_part {
    my ($self) = @_;

    my $part = 'node' . $self->parts();
    push @{ $self->{parts} }, $part;
    $self->{ports}{$part} = LeaseLoft::free_port();
    $self->_write_conf($part, LeaseLoft::free_port());
    $self->start($part);

    return $part;
}


# copies the functions and the keys of a single server, as redis-cli --cluster
# import
sub import_from {
    my ($self, $single) = @_;

    my $functions = $single->command('FUNCTION', 'DUMP');

    for my $part (grep { $self->on($_, 'ROLE')->[0] eq 'master' }
                  $self->parts()) {
        $self->on($part, 'FUNCTION', 'RESTORE', $functions, 'REPLACE');
    }

    for my $key (@{ $single->command('KEYS', '*') }) {
        # it may have expired
        my $value = $single->command('DUMP', $key) // next;
        $self->on($self->has($key), 'RESTORE', $key, 0, $value, 'REPLACE');
    }
}


# moves a slot and its keys, as redis-cli --cluster reshard; $pause->() is
# called before the slot changes its owner
sub move {
    my ($self, $slot, $to, $pause) = @_;

    my $from = $self->owner($slot);
    return if $from eq $to;

    $self->open_slot($slot, $to);
    $self->_migrate_all($slot, $from, $to);
    $pause->() if $pause;
    $self->close_slot($slot, $to);
}


# its steps: from now on keys of the slot may be moved ...
sub open_slot {
    my ($self, $slot, $to) = @_;

    my $from = $self->owner($slot);

    $self->on($to, 'CLUSTER', 'SETSLOT', $slot, 'IMPORTING', $self->id($from));
    $self->on($from, 'CLUSTER', 'SETSLOT', $slot, 'MIGRATING', $self->id($to));
}


# ... these keys are ...
sub migrate {
    my ($self, $from, $to, @keys) = @_;

    $self->on($from, 'MIGRATE', $self->_host($to), $self->{ports}{$to}, '', 0,
              5000, 'KEYS', @keys);
}


sub _migrate_all {
    my ($self, $slot, $from, $to) = @_;

    while (my @keys = @{ $self->on($from, 'CLUSTER', 'GETKEYSINSLOT', $slot,
                                   10) }) {
        $self->migrate($from, $to, @keys);
    }
}


# ... and then all keys have, and the slot is the other part's.  All primaries
# are told: one that is not yet told may have the new owner told otherwise
sub close_slot {
    my ($self, $slot, $to) = @_;

    my $id = $self->id($to);
    my $from = $self->owner($slot);

    for my $part ($to, $from, $self->running()) {
        $self->on($part, 'CLUSTER', 'SETSLOT', $slot, 'NODE', $id)
            if $self->on($part, 'ROLE')->[0] eq 'master';
    }
}


# ... or the keys move back, and the slot stays
sub cancel_slot {
    my ($self, $slot, $to) = @_;

    my $from = $self->owner($slot);

    $self->on($from, 'CLUSTER', 'SETSLOT', $slot, 'STABLE');
    $self->_migrate_all($slot, $to, $from);
    $self->on($to, 'CLUSTER', 'SETSLOT', $slot, 'STABLE');
}


1;
