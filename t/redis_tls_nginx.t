#!/usr/bin/perl

# nginx's connections to Redis over TLS: messages, replies and requests of any
# size, a peer that forwards a few bytes at a time, a Redis that stops; and for
# each fault of a handshake the reason in health.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Certificates;
use LeaseLoft::Client qw(connect_to);

my ($port, $plain) = map { LeaseLoft::free_port() } 1, 2;

my $ll = LeaseLoft->new(start => 0);
my $certs = LeaseLoft::Certificates->new($ll->dir() . '/certs');
my $socket = $ll->{url};
my @children;

mkdir $ll->dir() . '/certs';
$certs->authority($_) for qw(ca other);
$certs->issue('redis', 'DNS:redis.test,IP:127.0.0.1');
$certs->issue('old', 'DNS:redis.test,IP:127.0.0.1', days => 0);
$certs->issue('client', 'DNS:nginx.test');
$certs->issue('stranger', 'DNS:nginx.test', by => 'other');

my %ca = (leaseloft_redis_ssl_trusted_certificate => $certs->path('ca.crt'));

$ll->{redis_conf} = <<"END";
bind 127.0.0.1
port $plain
tls-port $port
tls-cert-file ${\ $certs->path('redis.crt') }
tls-key-file ${\ $certs->path('redis.key') }
tls-ca-cert-file ${\ $certs->path('ca.crt') }
tls-auth-clients no
END
$ll->_redis_conf();

# the worker uses the socket
sub nginx_uses {
    my ($url, %directives) = @_;

    $ll->{url} = $url;
    $ll->nginx_conf(directives => \%directives);
    $ll->{url} = $socket;
}

sub restart_nginx {
    my @conf = @_;

    $ll->stop('nginx');
    nginx_uses(@conf);
    $ll->start('nginx');
}

sub faults {
    my $health = $ll->get('/internal/health')->json();
    return join ' ', @{ $health->{faults} // [] };
}

nginx_uses("rediss://127.0.0.1:$port", %ca);
$ll->start('redis');
$ll->start('worker1');
$ll->start('nginx');


# messages

ok($ll->wait_healthy(), 'nginx connects over TLS');
my @tls = grep { !m{ laddr=\S+:(?:0|$plain) } && / laddr=/ }
          split /\n/, $ll->redis('CLIENT', 'LIST');
cmp_ok(scalar(grep { / laddr=127\.0\.0\.1:$port / } @tls), '>=', 2,
       'both connections are to the port for TLS');

is($ll->lease('P')->status(), 200, 'a lease is declared');
my $stream = $ll->events('P', 'u-lena');
ok($stream->wait_event('hello', 2), 'a stream begins');
is($ll->say('P', 'u-tom', 'over TLS')->status(), 201, 'a message is sent');
is($stream->wait_event('', 2)->{json}{text}, 'over TLS',
   'the stream gets the message');


# a reply of some 1 MB, in many records, and one that comes in pieces

my $long = join ' ', map { sprintf '%07d', $_ } 1 .. 480;
my @sent = map { "$_ $long" } 1 .. 200;
is(join(' ', map { $ll->say('P', 'u-tom', $_)->status() } @sent),
   join(' ', (201) x 200), '200 long messages are sent');

sub page_of {
    my @texts;
    my $after = 2;

    for (;;) {
        my $page = $ll->poll('P', 'u-tom', "after=$after&limit=200");
        my @entries = @{ $page->{entries} } or last;
        push @texts, map { $_->{text} } @entries;
        $after = $entries[-1]{seq};
    }

    return \@texts;
}

is_deeply(page_of(), \@sent, 'pages have all of them');

restart_nginx("rediss://127.0.0.1:" . trickle($port, 7), %ca);
ok($ll->wait_healthy(), 'nginx connects through a peer that sends 7 bytes');
is($ll->say('P', 'u-tom', 'in pieces')->status(), 201,
   'a message is sent in pieces');
is_deeply(page_of(), [ @sent, 'in pieces' ], 'pages arrive in pieces');

restart_nginx("rediss://127.0.0.1:$port", %ca);
ok($ll->wait_healthy(), 'nginx connects without it');


# more requests than the sockets' buffers take, while Redis is stopped: they are
# all written once it continues, from a buffer that has grown meanwhile

my @sockets;

# his stream saves the check of his access
my $tom = $ll->events('P', 'u-tom');
ok($tom->wait_event('hello', 2), 'a stream of the sender begins');
$ll->say('P', 'u-tom', 'before the stop');
ok($tom->wait_event(sub { ($_[0]{json}{text} // '') eq 'before the stop' }, 5),
   'the stream of the sender is live');
$ll->signal('redis', 'STOP');
my $stopped = time();

for my $n (1 .. 180) {
    my $s = connect_to($ll->{ports}{http}) or die "no connection\n";
    my $body = encode_json({ client_id => "big-$n",
                             text => "$n " . 'x' x 3900 });
    $body .= ' ' x (60_000 - length $body);
    syswrite $s, "POST /api/properties/P/messages HTTP/1.1\r\nHost: x\r\n"
        . "Authorization: Bearer ${\ $ll->token('u-tom') }\r\n"
        . "Content-Type: application/json\r\n"
        . 'Content-Length: ' . length($body) . "\r\n\r\n$body";
    push @sockets, $s;
}

ok(wait_for(sub {
    qx(ss -tn dport = :$port) =~ /^ESTAB\s+\d+\s+[1-9]\d{6}/m;
}, 1.5), 'more than 1 MB waits to be read by Redis');
$ll->signal('redis', 'CONT');
cmp_ok(time() - $stopped, '<', 3, 'Redis is stopped for less than 3 s');

my %got;
for my $s (@sockets) {
    my $text = '';
    IO::Select->new($s)->can_read(10) and sysread $s, $text, 4096;
    $got{ $text =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'none' }++;
}
is(join(' ', sort keys %got), '201', 'all sends of that time are acknowledged')
    or diag(explain(\%got));
unlike($ll->slurp('error.log'), qr/bad write retry/,
       'OpenSSL accepts the repeated writes');
ok($ll->wait_healthy(), 'health is 200 after them');


# Redis stops for longer than the probe waits, and goes on

$stream = $ll->events('P', 'u-lena');
$stream->wait_event('hello', 2);
$ll->signal('redis', 'STOP');
my $start = time();
ok($ll->wait_healthy(503, 8), 'health is 503 while Redis is stopped');
ok($stream->wait_event(sub { $_[0]{event} eq 'ping' && !$_[0]{json}{live} }, 5),
   'a stream is not live while Redis is stopped');
ok(wait_for(sub { faults() =~ /the TLS handshake timed out/ }, 8),
   'health says that the handshake timed out') or diag(faults());
$ll->signal('redis', 'CONT');
ok($ll->wait_healthy(200, 10), 'health is 200 once Redis continues');
is($ll->say('P', 'u-tom', 'after the stop')->status(), 201,
   'a message is sent after the stop');
ok($stream->wait_event(sub { ($_[0]{json}{text} // '') eq 'after the stop' },
                       10), 'the stream gets it');


# each fault, by its reason in health

sub because {
    my ($name, $regex, $url, %directives) = @_;

    restart_nginx($url, %directives);
    ok(wait_for(sub { faults() =~ $regex }, 8), "$name: health says why")
        or diag(faults());
    is($ll->get('/internal/health')->status(), 503, "$name: health is 503");
    is($ll->get('/api/inbox', user => 'u-tom')->status(), 503,
       "$name: requests are answered");
}

my $url = "rediss://127.0.0.1:$port";

because('another authority', qr/not signed by a trusted authority/, $url,
        leaseloft_redis_ssl_trusted_certificate => $certs->path('other.crt'));
because('the authorities of the system', qr/not signed by a trusted authority/,
        $url);
because('another name', qr/certificate of redis is for another name/, $url,
        %ca, leaseloft_redis_ssl_name => 'other.test');
because('another address', qr/for another name/, $url,
        %ca, leaseloft_redis_ssl_name => '127.0.0.2');
because('a port without TLS', qr/has no TLS|is this a port for TLS/,
        "rediss://127.0.0.1:$plain", %ca);
because('a port that needs TLS', qr/closed before any reply.*TLS/,
        "redis://127.0.0.1:$port");
because('a peer that never answers', qr/the TLS handshake timed out/,
        'rediss://127.0.0.1:' . silent(), %ca);
because('a peer that closes', qr/closed it during the TLS handshake/,
        'rediss://127.0.0.1:' . closing(), %ca);

$ll->redis('CONFIG', 'SET', 'tls-cert-file', $certs->path('old.crt'),
           'tls-key-file', $certs->path('old.key'));
because('an expired certificate', qr/not valid: certificate has expired/, $url,
        %ca);
$ll->redis('CONFIG', 'SET', 'tls-cert-file', $certs->path('redis.crt'),
           'tls-key-file', $certs->path('redis.key'),
           'tls-auth-clients', 'yes');

because('no client certificate', qr/a client certificate is required/, $url,
        %ca);
because('a client certificate of another authority',
        qr/redis refused TLS: unknown CA/, $url, %ca,
        leaseloft_redis_ssl_certificate => $certs->path('stranger.crt'),
        leaseloft_redis_ssl_certificate_key => $certs->path('stranger.key'));

$ll->redis('CONFIG', 'SET', 'tls-protocols', 'TLSv1.2');
because('no client certificate with TLS 1.2', qr/redis refused TLS/, $url, %ca);
$ll->redis('CONFIG', 'SET', 'tls-protocols', '');


# what is accepted

sub accepted {
    my ($name, @conf) = @_;

    restart_nginx(@conf);
    ok($ll->wait_healthy(), "$name: nginx connects") or diag(faults());
    is($ll->say('P', 'u-tom', $name)->status(), 201,
       "$name: a message is sent");
}

my %client = (leaseloft_redis_ssl_certificate => $certs->path('client.crt'),
              leaseloft_redis_ssl_certificate_key => $certs->path('client.key'));

accepted('a client certificate', $url, %ca, %client);
$ll->redis('CONFIG', 'SET', 'tls-protocols', 'TLSv1.2');
accepted('a client certificate with TLS 1.2', $url, %ca, %client);
$ll->redis('CONFIG', 'SET', 'tls-protocols', '', 'tls-auth-clients', 'no');
accepted('a name that is configured', $url, %ca,
         leaseloft_redis_ssl_name => 'redis.test');


# a Sentinel that speaks TLS only, and names the port for TLS

my $watch = LeaseLoft::free_port();

$ll->write('sentinel.conf', <<"END");
bind 127.0.0.1
port 0
tls-port $watch
tls-replication yes
tls-cert-file ${\ $certs->path('redis.crt') }
tls-key-file ${\ $certs->path('redis.key') }
tls-ca-cert-file ${\ $certs->path('ca.crt') }
tls-auth-clients no
dir ${\ $ll->dir() }
sentinel monitor leaseloft 127.0.0.1 $port 1
END
$ll->spawn_redis('sentinel', 'sentinel.conf --sentinel');
ok(wait_for(sub { connect_to($watch) }, 5), 'a Sentinel runs');

my $sentinel = "rediss+sentinel://127.0.0.1:$watch/leaseloft";

accepted('Sentinel over TLS', $sentinel, %ca);
because('Sentinel of another authority',
        qr/no Sentinel.*not signed by a trusted authority/, $sentinel,
        leaseloft_redis_ssl_trusted_certificate => $certs->path('other.crt'));
because('Sentinel without TLS', qr/no Sentinel.*is this a port for TLS/,
        "redis+sentinel://127.0.0.1:$watch/leaseloft");


# the password comes from a file, which only the master can read

$ll->redis('ACL', 'SETUSER', 'keeper', 'on', '>s3cr@t/:x', '~*', '&*', '+@all');
$ll->write('password', "s3cr\@t/:x\n");
chmod 0400, $ll->dir() . '/password';

accepted('a password from a file', "rediss://keeper\@127.0.0.1:$port", %ca,
         leaseloft_redis_password_file => $ll->dir() . '/password');
like($ll->redis('CLIENT', 'LIST'), qr/ user=keeper /,
     'nginx is the user of the URL');
$ll->write('password2', "s3cr-other");
because('a wrong password in a file', qr/refused: wrong password/,
        "rediss://keeper\@127.0.0.1:$port", %ca,
        leaseloft_redis_password_file => $ll->dir() . '/password2');
unlike($ll->slurp('error.log'), qr/s3cr/, 'the log has no password');

$ll->finish();


sub child {
    my ($listener, $do) = @_;

    my $test = $$;
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM);
        my @kept;
        while (kill 0, $test) {
            IO::Select->new($listener)->can_read(0.5) or next;
            my $peer = $listener->accept() or next;
            push @kept, $do->($peer) // ();
        }
        POSIX::_exit(0);
    }

    push @children, $pid;

    return $listener->sockport();
}


sub listener {
    return IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 16)
        // die "listen: $!";
}


# a port whose server accepts and says nothing
sub silent { return child(listener(), sub { $_[0] }) }

# a port whose server closes each connection when it has read something
sub closing {
    return child(listener(), sub {
        IO::Select->new($_[0])->can_read(2);
        sysread $_[0], my $hello, 65536;
        close $_[0];
        return;
    });
}


# a proxy that forwards at most $size bytes at a time
sub trickle {
    my ($to, $size) = @_;

    return child(listener(), sub {
        my ($peer) = @_;
        my $pid = fork() // die "fork: $!";

        return if $pid;

        my $redis = IO::Socket::INET->new(PeerAddr => "127.0.0.1:$to")
            or POSIX::_exit(1);
        my $select = IO::Select->new($peer, $redis);

        for (;;) {
            for my $from ($select->can_read(30)) {
                sysread $from, my $bytes, 16384 or POSIX::_exit(0);
                my $other = $from == $peer ? $redis : $peer;
                setsockopt $other, Socket::IPPROTO_TCP(),
                           Socket::TCP_NODELAY(), 1;
                while (length $bytes) {
                    syswrite $other, substr($bytes, 0, $size, '');
                }
            }
        }
    });
}


END {
    local $?;
    kill 'TERM', $_ for @children;
    waitpid $_, 0 for @children;
}
