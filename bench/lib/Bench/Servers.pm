package Bench::Servers;

# The measured servers, each in a directory of its own (that of the tests'
# stack), all with the same configuration of Redis.
#
#     my $server = Bench::Servers->start('ours', sync => 'everysec');
#     ... $server->port(), $server->pids('nginx') ...
#     $server->stop();
#
# Options: sync (appendfsync), workers (of nginx, or Node processes),
# leaseloft_workers, properties (leases to declare), parties (of each, 2), tls,
# defaults (nginx's own sizes of buffers, instead of those that LeaseLoft
# ships), zone (the size of LeaseLoft's shared zone), ping (leaseloft_ping), seal
# (--seal-after), primaries (of a Redis Cluster), tcp (to a single Redis).

use strict;
use warnings;

use Time::HiRes qw(sleep time);

use LeaseLoft;
use LeaseLoft::Cluster;

my %starts = (
    ours  => \&_ours,
    nchan => \&_nchan,
    stock => \&_stock,
    node  => \&_node,
    floor => \&_floor,
    redis => sub { },
    backend => \&_backend,
    push => \&_push,
);

# as in conf/leaseloft.conf
my $shipped = <<'END';
keepalive_timeout 75s;
client_header_buffer_size 2k;
connection_pool_size 624;
large_client_header_buffers 4 8k;
request_pool_size 256;
ssl_protocols TLSv1.3;
ssl_session_tickets off;
ssl_conf_command NumTickets 1;
ssl_session_cache shared:bench:10m;
ssl_buffer_size 4k;
END

# measured connections must not be closed meanwhile
my $always = "keepalive_requests 1000000000;\nreset_timedout_connection on;\n";


sub start {
    my ($class, $kind, %o) = @_;

    my $sync = $o{sync} // 'everysec';
    my $port = LeaseLoft::free_port();
    my $sizes = shipped();

    # for TLS, as the comment in that file says
    $sizes =~ s/(connection_pool_size) \d+/$1 384/ unless $o{tls};

    my $ll = LeaseLoft->new(
        start => 0, workers => $o{leaseloft_workers} // 1,
        worker_options => defined $o{seal} ? "--seal-after $o{seal}" : '',
        redis_conf => "appendfsync $sync\nport $port\nbind 127.0.0.1\n",
        directives => { leaseloft_max_streams => 100000,
                        $o{zone} ? (leaseloft_zone => $o{zone}) : (),
                        $o{ping} ? (leaseloft_ping => $o{ping}) : () },
        http => $always . ($o{defaults} ? "ssl_protocols TLSv1.3;\n"
                                        : $sizes));

    my $self = bless { %o, kind => $kind, ll => $ll, redis_port => $port },
                     $class;

    $self->_redis() unless $kind =~ /^(?:stock|floor|push)$/;
    $starts{$kind}->($self);
    $self->_wait();

    return $self;
}


# one server, or a cluster
sub _redis {
    my ($self) = @_;

    my $ll = $self->{ll};

    if ($self->{primaries}) {
        $self->{cluster} = LeaseLoft::Cluster->new($ll,
            primaries => $self->{primaries},
            conf => 'appendfsync ' . ($self->{sync} // 'everysec') . "\n");
        $ll->{url} = $self->{cluster}->url();

    } else {
        $ll->start('redis');
        $ll->{url} = "redis://127.0.0.1:$self->{redis_port}" if $self->{tcp};
    }

    $ll->nginx_conf();
}


# the shipped sizes that determine the memory of a stream
sub shipped {
    return $shipped;
}


sub port {
    my ($self) = @_;

    return $self->{ll}{ports}{ $self->{tls} ? 'tls' : 'http' };
}


sub key { $_[0]{ll}->dir() . '/token.key' }
sub redis { my $self = shift; return $self->{ll}->redis(@_) }
sub socket { $_[0]{ll}->dir() . '/redis.sock' }


# the servers of Redis: their parts, sockets, connections and processes
sub redis_parts { $_[0]{cluster} ? $_[0]{cluster}->parts() : 'redis' }
sub sockets { map { $_[0]{ll}->dir() . "/$_.sock" } $_[0]->redis_parts() }
sub connections { map { LeaseLoft::Redis->new($_) } $_[0]->sockets() }
sub primaries { map { $_[0]{ll}->pid($_) } $_[0]->redis_parts() }


# pids($part): of nginx's workers, redis, the LeaseLoft workers ("worker"), node
# or the floor; of all without an argument
sub pids {
    my ($self, $part) = @_;

    my $ll = $self->{ll};

    return map { $self->pids($_) } $self->parts() unless defined $part;
    return $ll->nginx_children() if $part eq 'nginx';
    return $self->_workers() if $part eq 'worker';
    return map { family($_) } $self->primaries() if $part eq 'redis';
    return family($ll->pid($part));
}


# in a cluster, a worker is several processes
sub _workers {
    my ($self) = @_;

    my @pids = map { $self->{ll}->pid("worker$_") // () }
                   1 .. $self->{ll}{workers};

    return $self->{cluster} ? map { family($_) } @pids : @pids;
}


# a process and its children; none without one
sub family {
    my ($pid) = @_;

    return $pid ? ($pid, split ' ', qx(cat /proc/$pid/task/$pid/children)) : ();
}


sub parts {
    my ($self) = @_;

    my %all = (ours => [qw(nginx worker redis)], node => [qw(node redis)],
               stock => ['nginx'], floor => ['floor'], redis => ['redis'],
               backend => [qw(worker redis)], push => ['nginx'],
               nchan => $self->{memory} ? ['nginx'] : [qw(nginx redis)]);

    return @{ $all{ $self->{kind} } };
}


sub stop {
    my ($self) = @_;

    my $ll = $self->{ll};

    $self->{stopped} = 1;
    $ll->{finished} = 1;

    # open streams would be drained; the children are known only while their
    # master runs
    if (my $nginx = $ll->pid('nginx')) {
        my @children = $ll->nginx_children();
        kill 'KILL', $nginx, @children;
    }

    $ll->_stop_all();
    $ll->_remove();
}


# --- kinds of servers ---

sub _ours {
    my ($self) = @_;

    my $ll = $self->{ll};
    my $conf = $ll->slurp('nginx.conf');

    # the settings of the tests are for few connections
    $conf =~ s/^error_log .*/error_log @{[ $ll->dir() ]}\/error.log error;/m;
    $conf =~ s/^(\s*)access_log .*/$1access_log off;/m;
    $conf =~ s/^events .*/"events {" . _connections() . '}'/me;
    $conf = $self->_main() . $conf;

    # the kernel gives each connection to one worker
    $conf =~ s/(listen 127\.0\.0\.1:\d+[^;]*);/$1 reuseport;/g
        if ($self->{workers} // 1) > 1;

    $ll->write('nginx.conf', $conf);
    $ll->start("worker$_") for 1 .. $ll->{workers};
    $ll->start('nginx');
    $ll->wait_healthy(200, 15) or die "not healthy\n";

    $self->leases(0, $self->{properties}) if $self->{properties};
}


# Redis and workers only
sub _backend {
    my ($self) = @_;

    my $ll = $self->{ll};

    $ll->start("worker$_") for 1 .. $ll->{workers};
    $self->leases(0, $self->{properties});
}


# leases($first, $count): declares them
sub leases {
    my ($self, $first, $count) = @_;

    my $half = int(($self->{parties} // 2) / 2);

    my $lines = join '', map {
        my $property = $_;
        my ($landlords, $tenants) = map { side($_, $property, $half) } qw(l t);

        qq({"property":"b$_","lease_id":"L-1","label":"$_ Elm St",)
        . qq("time_zone":"America/New_York",)
        . qq("landlords":[$landlords],"tenants":[$tenants],)
        . qq("starts_at":"2020-01-01T00:00:00Z","ends_at":null}\n)
    } $first .. $first + $count - 1;

    $self->{ll}->write('leases', $lines);

    my ($status, $said) = $self->{ll}->cli('lease', 'load',
                              $self->{ll}->dir() . '/leases');

    die "leases: $said\n" if $status;
}


# the first party of each side sends and watches
sub side {
    my ($letter, $property, $count) = @_;

    my $name = $letter eq 'l' ? 'Lena' : 'Tom';

    return join ',', map {
        my $more = $_ > 1 ? "-$_" : '';
        qq({"user":"$letter$property$more","name":"$name"})
    } 1 .. $count;
}


sub _connections { 'worker_connections 19900; ' }

sub _main {
    my ($self) = @_;

    return 'worker_processes ' . ($self->{workers} // 1) . ";\n"
           . "worker_rlimit_nofile 20000;\n";
}


# an nginx for peers: the contents of the http and server blocks
sub _nginx {
    my ($self, $main, $http, $server) = @_;

    my $ll = $self->{ll};
    my ($dir, $p) = ($ll->dir(), $ll->{ports});
    my $user = $> == 0 ? 'user root;' : '';
    my $reuse = ($self->{workers} // 1) > 1 ? 'reuseport' : '';

    $ll->write('nginx.conf', $main . $self->_main() . <<"END");
$user
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log error;
events { @{[ _connections() ]} }
http {
    access_log off;
    $ll->{http}
    client_body_temp_path $dir/tmp/body;
    proxy_temp_path $dir/tmp/proxy;
    fastcgi_temp_path $dir/tmp/fastcgi;
    uwsgi_temp_path $dir/tmp/uwsgi;
    scgi_temp_path $dir/tmp/scgi;
    ssl_certificate $dir/tls.crt;
    ssl_certificate_key $dir/tls.key;
    $http
    server {
        listen 127.0.0.1:$p->{http} $reuse;
        listen 127.0.0.1:$p->{tls} ssl http2 $reuse;
        listen 127.0.0.1:$p->{internal};
        $server
    }
}
END

    $ll->start('nginx');
}


sub _nchan {
    my ($self) = @_;

    my $module = "$LeaseLoft::build/peers/nchan/usr/lib/nginx/modules"
                 . '/ngx_nchan_module.so';
    my ($http, $pass) = $self->{memory} ? ('', '')
        : ("upstream redis { nchan_redis_server"
           . " redis://127.0.0.1:$self->{redis_port}; }",
           'nchan_redis_pass redis;');

    $self->_nginx("load_module $module;\n", $http, <<"END");
location ~ ^/api/properties/([^/]+)/events {
    nchan_subscriber eventsource;
    nchan_channel_id \$1;
    nchan_subscriber_first_message newest;
    $pass
}
location ~ ^/api/properties/([^/]+)/messages {
    nchan_publisher;
    nchan_channel_id \$1;
    nchan_message_buffer_length 100;
    $pass
}
END
}


# push-stream numbers events only if the sender does: see --event-id
sub _push {
    my ($self) = @_;

    my $size = 128 + int(($self->{properties} // 0) / 20);

    $self->_nginx("load_module $ENV{PUSH_STREAM_MODULE};\n", <<"HTTP", <<"END");
push_stream_shared_memory_size ${size}m;
push_stream_max_messages_stored_per_channel 20;
client_body_buffer_size 16k;
client_max_body_size 16k;
HTTP
location ~ ^/api/properties/([^/]+)/events {
    push_stream_subscriber eventsource;
    push_stream_channels_path \$1;
    push_stream_header_template ok;
    push_stream_message_template "~text~";
    push_stream_ping_message_interval 15s;
}
location ~ ^/api/properties/([^/]+)/messages {
    push_stream_publisher;
    push_stream_channels_path \$1;
    push_stream_store_messages on;
}
END
}


sub _stock {
    my ($self) = @_;

    $self->_nginx('', '', "location / { return $self->{status}; }");
}


sub _node {
    my ($self) = @_;

    my $dir = $self->{ll}->dir();

    $self->{ll}->spawn('node', "node $LeaseLoft::build/peers/node/server.mjs "
                       . $self->port() . " $dir/redis.sock "
                       . ($self->{workers} // 1));
}


sub _floor {
    my ($self) = @_;

    $self->{ll}->spawn('floor', "$LeaseLoft::build/bench/floor --port "
                                . $self->port());
}


sub _wait {
    my ($self) = @_;

    return if $self->{kind} =~ /^(?:redis|backend)$/;

    for (1 .. 500) {
        return if LeaseLoft::connect_to($self->port());
        sleep 0.02;
    }

    die "$self->{kind} does not come up: "
        . $self->{ll}->slurp("$self->{kind}.log") . "\n";
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $@);
    $self->stop() if $self->{ll} && !$self->{stopped} && !${^GLOBAL_PHASE}
                     =~ /DESTRUCT/;
}


1;
