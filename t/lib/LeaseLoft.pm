package LeaseLoft;

# A private LeaseLoft for one test: Redis, workers and nginx with the shipped
# configuration, on free ports and in a directory of its own.
#
#     my $ll = LeaseLoft->new();
#
#     $ll->lease('P', tenants => ['u-tom']);
#     is($ll->get('/api/inbox', user => 'u-tom')->status(), 200, 'inbox');
#
#     $ll->finish();
#
# LeaseLoft::Client has the requests.
#
# finish() stops everything.  It fails for an alert, an emergency or a report of
# a sanitizer or valgrind in a log, for a process that exited otherwise than it
# was told to, and for one that is left.
#
# Environment: BUILD (where the programs are, build/), NGINX_BIN (nginx),
# REDIS_BIN (redis-server; valkey-server is another), LEASELOFT_UNDER (a command
# that runs the worker and the command line, such as valgrind), LEASELOFT_DEBUG
# (nginx's debug log), LEASELOFT_KEEP (keep the directory and print its path).

use strict;
use warnings;

use Cwd qw(abs_path);
use Exporter qw(import);
use Fcntl qw(O_WRONLY O_CREAT O_APPEND);
use File::Basename qw(dirname);
use File::Path qw(remove_tree);
use File::Temp qw(tempdir);
use POSIX qw(setsid strftime);
use Test::More;
use Time::HiRes qw(time sleep);

use LeaseLoft::Client qw(connect_to);
use LeaseLoft::Ports qw(free_port);
use LeaseLoft::Redis;
use LeaseLoft::Segment qw(thread_of);
use LeaseLoft::Response qw(is_problem fields);

our @ISA = qw(LeaseLoft::Client);
our @EXPORT = qw(wait_for at is_problem fields);

our $root = abs_path(dirname(__FILE__) . '/../..');
our $build = $ENV{BUILD} || 'build';
$build = "$root/$build" if $build !~ m{^/};

# the commands of the worker and of the command line
our ($worker, $cli) = map { join ' ', $ENV{LEASELOFT_UNDER} // (), "$build/$_" }
                          qw(leaseloft-worker leaseloft);

our $redis_server = $ENV{REDIS_BIN} || 'redis-server';

# built with sanitizers
our $sanitized = $build =~ /-(?:san|palloc)$/;

# a line of a report by a sanitizer or valgrind
my $report = qr/Sanitizer|runtime error:|^==\d+==/;

my $owner = $$;
my @stacks;

# only the test sets these
delete @ENV{grep { /^LEASELOFT_(?:REDIS|PREFIX)/ } keys %ENV};

$SIG{INT} = $SIG{TERM} = sub { exit 1 };
$SIG{PIPE} = 'IGNORE';


# new(%options): starts everything and waits until it is healthy
#
#     directives => { NAME => VALUE }   in place of those of conf/; undef: none
#     main, http, server => TEXT        further configuration of these blocks
#     listen => TEXT                    parameters of each public listen
#     redis_conf => TEXT                further configuration of Redis
#     redis_url => URL                  another Redis; none is started
#     prefix => NAME                    of keys and channels, for all parts
#     limits => 1                       with limit_req and limit_conn of conf/,
#                                       which other tests would exceed
#     workers => N                      1
#     connections => N                  of nginx, 4096
#     worker_options => '--seal-after 1'
#     start => 0                        only prepares it
sub new {
    my ($class, %options) = @_;

    my $self = bless {
        dir => tempdir('leaseloft-XXXXXX', TMPDIR => 1),
        key => join('', map { sprintf '%08x', rand 2**32 } 1 .. 5),
        workers => 1, worker_options => '', directives => {},
        connections => 4096,
        expected => [], pids => {}, failed => [], reports => [],
        %options,
    }, $class;

    push @stacks, $self;

    mkdir "$self->{dir}/$_" for qw(redis tmp leaseloft);
    $self->write('token.key', $self->{key});

    $self->{ports} = { map { $_ => free_port() } qw(http tls h2c internal) };
    $self->{url} = $self->{redis_url} || "unix:$self->{dir}/redis.sock";

    $self->_redis_conf();
    $self->nginx_conf();

    if ($self->{start} // 1) {
        $self->start('redis') unless $self->{redis_url};
        $self->start("worker$_") for 1 .. $self->{workers};
        $self->start('nginx');
        $self->started();
    }

    return $self;
}


# waits until all is healthy; a busy machine may take long to start it
sub started {
    my ($self) = @_;

    $self->wait_healthy(200, 60)
        or BAIL_OUT("not healthy: $self->{dir}\n"
                    . $self->get('/internal/health')->raw() . "\n"
                    . $self->slurp('error.log'));
}


# --- files ---

sub dir { $_[0]{dir} }


sub write {
    my ($self, $name, $text) = @_;

    open my $f, '>', "$self->{dir}/$name" or die "$name: $!";
    print $f $text;
    close $f;
}


# the text of a file in the directory, empty if there is none
sub slurp {
    my ($self, $name) = @_;

    open my $f, '<', "$self->{dir}/$name" or return '';
    local $/;

    return scalar <$f> // '';
}


sub _redis_conf {
    my ($self) = @_;

    my $dir = $self->{dir};

    $self->write('redis.conf', <<"END" . ($self->{redis_conf} // ''));
include $root/conf/redis.conf
daemonize no
dir $dir/redis
unixsocket $dir/redis.sock
enable-debug-command local
END
}


# writes nginx.conf, and leaseloft/ with the directives asked for; may be called
# again, with other options, before a reload
sub nginx_conf {
    my ($self, %options) = @_;

    @$self{keys %options} = values %options;

    my ($dir, $p) = @$self{'dir', 'ports'};
    my %directives = ($self->{limits} ? ()
                          : (limit_req => undef, limit_conn => undef),
                      $self->{prefix} ? (leaseloft_prefix => $self->{prefix})
                                      : (),
                      %{ $self->{directives} });
    my $debug = $ENV{LEASELOFT_DEBUG} ? 'debug' : 'info';
    my %found;

    for my $file (qw(http api internal pages)) {
        open my $in, '<', "$root/conf/leaseloft/$file.conf" or die "$file: $!";
        my $text = do { local $/; <$in> };

        for my $name (keys %directives) {
            my $value = $directives{$name};
            my $line = defined $value ? "$name $value;" : '';

            $found{$name} = 1
                if $text =~ s/^(\s*)\Q$name\E\s[^;]*;/$1$line/mg;
        }

        $self->write("leaseloft/$file.conf", $text);
    }

    my $more = join "\n", map { "$_ $directives{$_};" }
                   grep { defined $directives{$_} && !$found{$_} }
                   sort keys %directives;
    my ($main, $http, $server, $listen) = map { $self->{$_} // '' }
                                              qw(main http server listen);
    my $user = $> == 0 ? 'user root;' : '';

    # as in conf/leaseloft.conf, so that streams hibernate (docs/design.md)
    my %sizes = (request_pool_size => 256, connection_pool_size => 384);
    my $sizes = join "\n", map { "$_ $sizes{$_};" }
                    grep { "$http$server" !~ /^\s*$_\s/m } sort keys %sizes;

    $self->_certificate();

    $self->write('nginx.conf', <<"END");
load_module $build/ngx_leaseloft_module.so;
$user
daemon off;
pid $dir/nginx.pid;
error_log $dir/error.log $debug;
worker_shutdown_timeout 45s;
$main
events { worker_connections $self->{connections}; }
http {
    leaseloft_redis "$self->{url}";
    leaseloft_key $dir/token.key;
    include leaseloft/http.conf;
    $more
    $sizes
    $http
    access_log $dir/access.log leaseloft;
    client_body_temp_path $dir/tmp/body;
    proxy_temp_path $dir/tmp/proxy;
    fastcgi_temp_path $dir/tmp/fastcgi;
    uwsgi_temp_path $dir/tmp/uwsgi;
    scgi_temp_path $dir/tmp/scgi;
    ssl_certificate $dir/tls.crt;
    ssl_certificate_key $dir/tls.key;
    server {
        listen 127.0.0.1:$p->{http} $listen;
        listen 127.0.0.1:$p->{tls} ssl http2 $listen;
        listen 127.0.0.1:$p->{h2c} http2 $listen;
        reset_timedout_connection on;
        $server
        root $root/html;
        include leaseloft/api.conf;
        include leaseloft/pages.conf;
    }
    server {
        listen 127.0.0.1:$p->{internal};
        include leaseloft/internal.conf;
    }
}
END
}


# each test has a self-signed certificate of its own, which takes 20 ms; one for
# all tests would be a race
sub _certificate {
    my ($self) = @_;

    return if -e "$self->{dir}/tls.crt";

    system("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256"
           . " -nodes -days 2 -subj /CN=localhost -keyout $self->{dir}/tls.key"
           . " -out $self->{dir}/tls.crt 2>/dev/null") == 0
        or die "openssl failed\n";
}


# nginx -t with the present configuration: its exit status and output
sub nginx_test {
    my ($self) = @_;

    my $said = `${\ $self->_nginx_command()} -t 2>&1`;

    return ($? >> 8, $said);
}


sub _nginx_command {
    my ($self) = @_;

    my $bin = $ENV{NGINX_BIN}
        || ($sanitized ? "$root/conf/nginx_san.sh" : 'nginx');

    return "env PATH=\$PATH:/usr/sbin $bin -p $self->{dir}"
           . " -e $self->{dir}/error.log -c $self->{dir}/nginx.conf";
}


# --- processes: redis, worker1 …, nginx ---

sub start {
    my ($self, $part) = @_;

    my $dir = $self->{dir};

    my $command = $part eq 'redis' ? "$redis_server $dir/redis.conf"
                : $part eq 'nginx' ? $self->_nginx_command()
                : "$worker --redis $self->{url} $self->{worker_options}"
                  . ($self->{prefix} ? " --prefix $self->{prefix}" : '');

    $self->spawn($part, $command);

    if ($part eq 'redis') {
        wait_for(sub {
            my $r = LeaseLoft::Redis->new("$dir/redis.sock");
            $r && eval { $r->command('PING') };
        }, 10) or BAIL_OUT("no Redis in $dir");
    }

    if ($part eq 'nginx') {
        wait_for(sub { connect_to($self->{ports}{internal}) }, 10)
            or BAIL_OUT("no nginx in $dir: " . $self->slurp('error.log')
                        . $self->slurp('nginx.log'));
    }
}


# spawn($part, $command): runs another command as part of the stack; its output
# goes to PART.log
sub spawn {
    my ($self, $part, $command) = @_;

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        setsid();
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/$part.log";
        open STDERR, '>&', \*STDOUT;
        $ENV{UBSAN_OPTIONS} //= 'print_stacktrace=1';
        exec "exec $command" or POSIX::_exit(127);
    }

    $self->{pids}{$part} = $pid;

    return $pid;
}


# spawn_redis($part, $arguments): its configuration's name, and more arguments
sub spawn_redis { $_[0]->spawn($_[1], "$redis_server $_[0]{dir}/$_[2]") }


# stop($part, $signal, $timeout): sends a signal (TERM) and waits; returns the
# wait status, or undef if the process had to be killed.  finish() fails for one
# that exited otherwise than it was told to
sub stop {
    my ($self, $part, $signal, $timeout) = @_;

    my $pid = delete $self->{pids}{$part} or return 0;

    $signal //= 'TERM';
    kill $signal, $pid;

    my $status;

    if (wait_for(sub {
            return ($status = $?, 1)
                if waitpid($pid, POSIX::WNOHANG()) == $pid;

            # only a stopped process is continued: SIGCONT would disturb the
            # leak check of any other, which stops threads, so that it hangs
            kill 'CONT', $pid if state_of($pid) eq 'T';
            return 0;
        }, $timeout // 10))
    {
        push @{ $self->{failed} }, "$part ended with $status"
            if $status != ($signal eq 'KILL' ? 9 : 0);
        return $status;
    }

    kill 'KILL', -$pid;
    waitpid $pid, 0;

    return undef;
}


# signal($part, $signal)
sub signal {
    my ($self, $part, $signal) = @_;
    kill $signal, $self->{pids}{$part};
}


sub pid { $_[0]{pids}{$_[1]} }


# the pids of nginx's worker processes
sub nginx_children {
    my ($self) = @_;

    my $pid = $self->{pids}{nginx} or return ();

    return grep { $_ } split /\s+/,
           qx(cat /proc/$pid/task/$pid/children 2>/dev/null);
}


# waits until /internal/health answers 200 (or another status)
sub wait_healthy {
    my ($self, $status, $timeout) = @_;

    return wait_for(sub {
        $self->get('/internal/health')->status() == ($status // 200);
    }, $timeout // 10);
}


# the test causes an error that nginx logs like this
sub expect_log {
    my ($self, $regex) = @_;
    push @{ $self->{expected} }, $regex;
}


# --- redis and the command line ---

# redis(@command): its reply
sub redis {
    my ($self, @command) = @_;

    my $redis = LeaseLoft::Redis->new("$self->{dir}/redis.sock")
        or die "no Redis\n";

    return $redis->command(@command);
}


# thread($property): all entries, sealed or not, as XRANGE returns them
sub thread {
    my ($self, $property) = @_;

    return thread_of(sub { $self->redis(@_) }, $property, $self->{prefix});
}


# cli(@arguments): exit status and output of the command line
sub cli {
    my ($self, @arguments) = @_;

    local $ENV{LEASELOFT_REDIS} = $self->{url};
    local $ENV{LEASELOFT_PREFIX} = $self->{prefix} // '';

    my $pid = open(my $pipe, '-|') // die "fork: $!";
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec split(' ', $cli), @arguments or POSIX::_exit(127);
    }

    my $out = do { local $/; <$pipe> } // '';
    close $pipe;

    push @{ $self->{reports} }, grep { $_ =~ $report } split /\n/, $out;

    return ($? >> 8, $out);
}


# --- the end ---

# reports in the logs that were not expected
sub complaints {
    my ($self) = @_;

    my @lines = @{ $self->{reports} };

    for my $file (glob "$self->{dir}/*.log") {
        my $text = $self->slurp($file =~ s{.*/}{}r);

        push @lines, grep {
            /\[(alert|emerg)\]|$report|Assertion .* failed/
        } split /\n/, $text;
    }

    for my $regex (@{ $self->{expected} }) {
        @lines = grep { $_ !~ $regex } @lines;
    }

    return @lines;
}


# stops everything, checks logs and processes; ends the test unless more => 1
sub finish {
    my ($self, %o) = @_;

    $self->{finished} = 1;

    my @left = $self->_stop_all();
    my @complaints = $self->complaints();

    is("@left", '', 'no process is left');
    is(join("\n", @{ $self->{failed} }), '',
       'every process exited as it was told to');
    is(join("\n", @complaints), '', 'the logs have no alert');

    if (!Test::More->builder->is_passing()) {
        for my $log ('error.log', map { "worker$_.log" } 1 .. $self->{workers})
        {
            my @tail = split /\n/, $self->slurp($log);
            splice @tail, 0, -15 if @tail > 15;
            diag("$log:\n", join "\n", @tail);
        }
    }

    $self->_remove();
    done_testing() unless $o{more};
}


sub _stop_all {
    my ($self) = @_;

    my @left;

    # nginx first, so that no request is left waiting
    for my $part (sort keys %{ $self->{pids} }) {
        my @children = $part eq 'nginx' ? $self->nginx_children() : ();

        push @left, $part unless defined $self->stop($part);
        push @left, grep { -d "/proc/$_" } @children;
    }

    return @left;
}


sub _remove {
    my ($self) = @_;

    if ($ENV{LEASELOFT_KEEP}) {
        diag("kept $self->{dir}");
    } else {
        remove_tree($self->{dir});
    }
}


END {
    my $status = $?;

    if ($$ == $owner) {
        for my $self (grep { !$_->{finished} } @stacks) {
            diag("finish() was not reached");
            $self->_stop_all();
            $self->_remove();
            $status ||= 1;
        }
    }

    $? = $status;
}


# --- helpers ---

# wait_for($condition, $timeout): its value once it is true, else 0
sub wait_for {
    my ($condition, $timeout) = @_;

    my $end = time() + ($timeout // 5);

    for (;;) {
        my $value = $condition->();
        return $value if $value;
        return 0 if time() > $end;
        sleep(0.02);
    }
}


# at($seconds): a time that many seconds from now, as RFC 3339
sub at {
    my ($seconds) = @_;

    my $time = time() + $seconds;

    return strftime('%Y-%m-%dT%H:%M:%S', gmtime int $time)
           . sprintf('.%03dZ', ($time - int $time) * 1000);
}


# the state of a process, as in ps: T when it is stopped
sub state_of {
    my ($pid) = @_;

    open my $f, '<', "/proc/$pid/stat" or return '';

    return <$f> =~ /.*\) (\S)/ ? $1 : '';
}


1;
