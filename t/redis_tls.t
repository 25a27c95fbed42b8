#!/usr/bin/perl

# The worker and the command line reach Redis by TLS, verify its certificate,
# and say what is wrong with it.

use strict;
use warnings;

use IO::Select;
use IO::Socket::INET;
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Certificates;
use LeaseLoft::Requests;

my %port = map { $_ => LeaseLoft::free_port() }
               qw(tls plain other expired strict old);
my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();
my $pki = LeaseLoft::Certificates->new($dir);
my $ca = "$dir/ca.crt";

$pki->authority($_) for qw(ca foreign);
$pki->issue('redis', 'DNS:localhost,DNS:redis.test,IP:127.0.0.1');
$pki->issue('renewed', 'DNS:localhost,DNS:redis.test,IP:127.0.0.1');
$pki->issue('named', 'DNS:redis.test');
$pki->issue('expired', 'DNS:localhost', days => 0);
$pki->issue('client', 'DNS:worker');
$pki->issue('stranger', 'DNS:worker', by => 'foreign');

sub tls {
    my ($port, $certificate, $more) = @_;

    return <<"END" . ($more // "tls-auth-clients no\n");
bind 127.0.0.1 ::1
port 0
tls-port $port{$port}
tls-cert-file $dir/$certificate.crt
tls-key-file $dir/$certificate.key
tls-ca-cert-file $ca
END
}

$ll->{redis_conf} = tls('tls', 'redis') . "port $port{plain}\n"
                    . "user op on >s3cr%t ~* &* +\@all\n";
$ll->_redis_conf();
$ll->start('redis');

# further servers, which only have another certificate or rule
my %other = (other => tls('other', 'named'), expired => tls('expired', 'expired'),
             strict => tls('strict', 'redis', "tls-auth-clients yes\n"),
             old => tls('old', 'redis', "tls-auth-clients no\n"
                                        . "tls-protocols TLSv1.1\n"));

for my $name (sort keys %other) {
    $ll->write("$name.conf", "save ''\n$other{$name}");
    $ll->spawn_redis("redis-$name", "$name.conf");
    ok(wait_for(sub { LeaseLoft::connect_to($port{$name}) }, 10),
       "a Redis \"$name\" runs");
}

# the URL and the options of a connection by TLS
sub by_tls {
    my ($port, %options) = @_;

    my $user = delete $options{user} // '';
    my $host = delete $options{host} // 'localhost';
    $options{ca} = $ca if !exists $options{ca};
    delete $options{ca} if !$options{ca};

    return ('--redis', "rediss://$user$host:$port{$port}",
            map { ("--redis-$_", $options{$_}) } sort keys %options);
}

sub fails {
    my ($name, $expected, @options) = @_;

    my ($status, $said) = $ll->cli('doctor', @options);

    is($status, 3, "$name: the command line fails");
    like($said, qr/^unknown +connection +cannot connect to Redis: $expected, so nothing can be checked$/m,
         "$name: the reason is given");
}

sub works {
    my ($name, @options) = @_;

    my (undef, $said) = $ll->cli('doctor', @options);

    like($said, qr/^ok +version +Redis /m, $name);
}


# the command line

works('a host name is verified', by_tls('tls'));
works('an address is verified', by_tls('tls', host => '127.0.0.1'));
works('user and password are sent',
      by_tls('tls', user => 'op:s3cr%25t@'));
works('--redis-name replaces the host', by_tls('other', name => 'redis.test'));
works('a client certificate is sent',
      by_tls('strict', cert => "$dir/client.crt", key => "$dir/client.key"));

{
    local $ENV{LEASELOFT_REDIS_CA} = $ca;
    works('the CA is taken from the environment', by_tls('tls', ca => undef));
    works('which has no effect without TLS', '--redis', $ll->{url});
}

my $unknown = qr/its certificate is of an unknown CA: see --redis-ca/;
my $required = qr/it requires a client certificate \(--redis-cert, --redis-key\)/;

fails('the CAs of the system', $unknown, by_tls('tls', ca => undef));
fails('a foreign CA', $unknown, by_tls('tls', ca => "$dir/foreign.crt"));
fails('another name', qr/its certificate is not for "localhost": see --redis-name/,
      by_tls('other'));
fails('another address', qr/its certificate is not for its address: see --redis-name/,
      by_tls('other', host => '127.0.0.1'));
fails('a name by --redis-name',
      qr/its certificate is not for "redis2.test": see --redis-name/,
      by_tls('tls', name => 'redis2.test'));
fails('an expired certificate',
      qr/its certificate, or that of its CA, has expired/, by_tls('expired'));
fails('no client certificate', $required, by_tls('strict'));

# the same, if the connection is reset before the alert is read: by a relay that
# keeps back the client's last part of the handshake

my $relay = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
    or die "listen: $!";
$port{relay} = $relay->sockport();
my $relaying = fork() // die "fork: $!";

if ($relaying == 0) {
    my $data;

    alarm 60;
    my $client = $relay->accept();
    my $redis = LeaseLoft::connect_to($port{strict});
    sysread $client, $data, 65536;
    syswrite $redis, $data;

    my $both = IO::Select->new($client, $redis);
    while (!grep { $_ == $client } $both->can_read()) {
        sysread $redis, $data, 65536 or last;
        syswrite $client, $data;
    }

    setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
    close $client;
    POSIX::_exit(0);
}

close $relay;
fails('no client certificate, and a reset', $required, by_tls('relay'));
waitpid $relaying, 0;

fails('a client certificate of a foreign CA',
      qr/it does not accept the certificate in --redis-cert(?:: unknown CA)?/,
      by_tls('strict', cert => "$dir/stranger.crt",
             key => "$dir/stranger.key"));
fails('TLS 1.1', qr/TLS failed: .*(?:protocol|version).*/, by_tls('old'));
fails('a missing CA file',
      qr/cannot use --redis-ca "\Q$dir\E\/none": No such file or directory/,
      by_tls('tls', ca => "$dir/none"));
fails('a CA file without certificates', qr/cannot use --redis-ca ".*": no .*/,
      by_tls('tls', ca => "$dir/ca.key"));
fails('a key of another certificate', qr/cannot use --redis-key ".*": key .*/,
      by_tls('tls', cert => "$dir/client.crt", key => "$dir/ca.key"));

my $start = time();
fails('a port without TLS', qr/the TLS handshake timed out: is the port one for TLS\?|it does not speak TLS on this port/,
      by_tls('plain'));
cmp_ok(time() - $start, '<', 5, 'a port without TLS: within 5 s');

fails('a port with TLS', qr/(?:it speaks TLS on this port: use rediss:\/\/|Server closed the connection|Connection reset by peer)/,
      '--redis', "redis://127.0.0.1:$port{tls}");

# a server that accepts and stays silent

my $silent = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1')
    or die "listen: $!";
$port{silent} = $silent->sockport();
$start = time();
fails('a silent server',
      qr/the TLS handshake timed out: is the port one for TLS\?/,
      by_tls('silent'));
cmp_ok(time() - $start, '<', 5, 'a silent server: within 5 s');

# invalid options

for my $case (['--redis-ca is for TLS', '--redis', $ll->{url}, '--redis-ca', $ca],
              ['--redis-name is empty', by_tls('tls', name => '')],
              ['--redis-cert and --redis-key need each other',
               by_tls('tls', cert => "$dir/client.crt")])
{
    my ($expected, @options) = @$case;

    my ($status, $said) = $ll->cli('doctor', @options);
    is($status, 2, "$expected: the command line refuses it");
    like($said, qr/^leaseloft: \Q$expected\E/, "$expected: the reason is given");

    $said = qx($LeaseLoft::worker @{[ map { $_ eq '' ? "''" : $_ } @options ]} 2>&1);
    is($? >> 8, 2, "$expected: the worker refuses it");
    like($said, qr/^leaseloft-worker: \Q$expected\E.*--help$/,
         "$expected: the worker gives the reason");
}

my $said = qx($LeaseLoft::worker @{[ by_tls('tls', ca => "$dir/none") ]} 2>&1);
is($? >> 8, 1, 'the worker does not start without its CA file');
like($said, qr/^leaseloft-worker: cannot use --redis-ca /,
     'the worker says which file');


# the worker: requests by TLS, and after a lost connection

$ll->spawn('worker1', "$LeaseLoft::worker @{[ by_tls('tls') ]}");

my $q = LeaseLoft::Requests->new($ll);
is($q->lease('P')->{status}, 200, 'a lease is declared');

# over 16 KiB, the size of a TLS record, in each direction
my @text = map { 'x' x 4000 } 1 .. 40;
my @sent = map { $q->put('send', 'P', 'u-tom',
                         { client_id => "c$_", text => $text[$_ - 1] }) }
               1 .. 40;
is(scalar(grep { ($q->await($_) || { status => 0 })->{status} == 201 } @sent),
   40, 'messages of 4000 bytes are stored');

my ($status, $record) = $ll->cli('record', 'P', by_tls('tls'));
is($status, 0, 'the command line reads a record of 160 KB');
is(scalar(() = $record =~ /x{4000}/g), 40, 'the record has all messages');

# the certificate is renewed, and the connection is lost
$ll->redis('CONFIG', 'SET', 'tls-cert-file', "$dir/renewed.crt",
           'tls-key-file', "$dir/renewed.key");
$q->redis('CLIENT', 'KILL', 'TYPE', 'normal');
is($q->await($q->put('send', 'P', 'u-tom',
                     { client_id => 'after', text => 'x' }))->{status}, 201,
   'a message is stored after the connection was lost');

# a certificate that is not valid: the worker waits for a better one
my @clients = split /\n/, $ll->redis('CLIENT', 'LIST');
ok((grep { /laddr=\S+:$port{tls} .*name=\S/ } @clients),
   'the worker is connected by TLS');

$ll->redis('CONFIG', 'SET', 'tls-cert-file', "$dir/expired.crt",
           'tls-key-file', "$dir/expired.key");
$q->redis('CLIENT', 'KILL', 'TYPE', 'normal');
ok(wait_for(sub { $ll->slurp('worker1.log') =~ /can't connect to redis: "its certificate, or that of its CA, has expired", retrying/ }, 5),
   'the worker refuses an expired certificate');
$ll->redis('CONFIG', 'SET', 'tls-cert-file', "$dir/redis.crt",
           'tls-key-file', "$dir/redis.key");
is($q->await($q->put('send', 'P', 'u-tom',
                     { client_id => 'late', text => 'x' }), 10)->{status}, 201,
   'a message is stored once the certificate is valid');

$ll->finish();
