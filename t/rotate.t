#!/usr/bin/perl

# The steps of docs/keys.md, as they stand there: keys of tokens, passwords of
# Redis and certificates are replaced while a stream is open and somebody polls
# and sends with a token of before; nobody is signed out, nothing is lost.

use strict;
use warnings;

use JSON::PP;
use MIME::Base64 qw(decode_base64 encode_base64url);
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Certificates;
use LeaseLoft::Files;

my %section = map { /\A(.*)\n/ ? ($1 => $_) : () }
              split /^## /m, slurp('docs/keys.md');

# the commands and the configuration of a section, in their order
sub blocks {
    my ($title, $kind) = @_;

    return ($section{$title} // '') =~ /^```$kind\n(.*?)^```$/msg;
}

my $port = LeaseLoft::free_port();
my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();
my $etc = "$dir/etc/leaseloft";

mkdir "$dir/$_" for qw(bin etc etc/leaseloft etc/nginx etc/redis);

my $certs = LeaseLoft::Certificates->new($dir);
$certs->authority($_) for 'old-ca', 'new-ca';
$certs->issue('redis', 'DNS:redis.test,IP:127.0.0.1', by => 'old-ca');
$certs->issue('redis-2', 'DNS:redis.test,IP:127.0.0.1', by => 'new-ca');
$certs->issue('client', 'DNS:nginx.test', by => 'old-ca');
$certs->issue('client-2', 'DNS:nginx.test', by => 'new-ca');

sub copy { $ll->write($_[1], $ll->slurp($_[0])) }

copy('old-ca.crt', 'etc/leaseloft/redis-ca.crt');
copy('new-ca.crt', 'etc/leaseloft/new-ca.crt');
copy("redis.$_", "etc/redis/redis.$_") for qw(crt key);
copy("client.$_", "etc/leaseloft/redis-client.$_") for qw(crt key);


# Redis by TLS, with client certificates and the shipped users

my %password = (nginx => 'n' x 40, worker => 'w' x 40);
my $acl = slurp('conf/leaseloft.acl')
          =~ s/^user default off/user default on nopass ~* &* +\@all/mr
          =~ s/#\@(\w+)\@/'>' . ($password{lc $1} \/\/ 'x' x 40)/ger;
$ll->write('etc/leaseloft/leaseloft.acl', $acl);
$ll->write('etc/leaseloft/redis-password', "$password{worker}\n");
$ll->write('etc/nginx/redis-password', "$password{nginx}\n");

$ll->{redis_conf} = <<"END";
port 0
bind 127.0.0.1
tls-port $port
tls-cert-file $dir/etc/redis/redis.crt
tls-key-file $dir/etc/redis/redis.key
tls-ca-cert-file $etc/redis-ca.crt
tls-auth-clients yes
aclfile $etc/leaseloft.acl
END
$ll->_redis_conf();


# a key of tokens

sub shell {
    my ($commands) = @_;

    $commands =~ s{/etc/}{$dir/etc/}g;
    $commands =~ s{https://login\.example\.com/}{file://$dir/}g;
    $commands =~ s{rent\.example\.com:443}{127.0.0.1:$ll->{ports}{tls}}g;
    $ll->write('commands', "cd $dir\n$commands");

    my $said = qx(PATH=$dir/bin:\$PATH timeout 60 sh $dir/commands 2>&1);

    return ($? >> 8, $said);
}

sub step {
    my ($what, $commands) = @_;

    my ($status, $said) = shell($commands);

    is($status, 0, $what) or diag($said);

    return $said;
}

# the programs that the page calls, of this test
for (['nginx', $ll->_nginx_command() . ' "$@"'],
     ['redis-cli', "/usr/bin/redis-cli -s $dir/redis.sock \"\$@\""],
     ['leaseloft', "$LeaseLoft::cli \"\$@\""])
{
    my ($name, $command) = @$_;
    $ll->write("bin/$name", "#!/bin/sh\nPATH=/usr/sbin:/usr/bin:/bin\nexec $command\n");
    chmod 0755, "$dir/bin/$name";
}

my $make = (blocks('Keys of tokens', 'sh'))[0];
step('a first key is made', $make =~ s/token-2/token-1/gr);
copy('token-1.pem', 'etc/leaseloft/token.pem');

sub conf {
    my ($keys) = @_;

    $ll->{url} = "rediss://nginx\@127.0.0.1:$port";
    $ll->nginx_conf(server => $keys =~ s{/etc/}{$dir/etc/}gr, directives => {
        leaseloft_drain => '1s',
        leaseloft_redis_password_file => "$dir/etc/nginx/redis-password",
        leaseloft_redis_ssl_trusted_certificate => "$etc/redis-ca.crt",
        leaseloft_redis_ssl_certificate => "$etc/redis-client.crt",
        leaseloft_redis_ssl_certificate_key => "$etc/redis-client.key" });
    $ll->{url} = "unix:$dir/redis.sock";
}

conf('leaseloft_key /etc/leaseloft/token.pem;');
$ll->start('redis');
$ll->spawn('worker1', "$LeaseLoft::worker --redis rediss://worker\@127.0.0.1:$port"
    . " --redis-password-file $etc/redis-password --redis-ca $etc/redis-ca.crt"
    . " --redis-cert $etc/redis-client.crt --redis-key $etc/redis-client.key");
$ll->start('nginx');
$ll->started();

# a token of the key in a file of the test's directory
sub signed {
    my ($user, $key, @more) = @_;

    my ($status, $said) = $ll->cli('token', '--sub', $user, '--ttl', 3600,
                                   '--key', "$dir/$key", @more);

    return $said =~ s/\n\z//r;
}

$ll->lease('P', tenants => ['u-tom']);
my $old = signed('u-tom', 'token-1.key');
my $sender = signed('u-lena', 'token-1.key');


# somebody polls all the time, with the token of before; and a stream is open,
# which resumes when it is told to

sub poller {
    my ($token) = @_;

    my $test = $$;
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    open my $f, '>', "$dir/answers";
    $f->autoflush(1);
    while (getppid() == $test) {
        my $r = eval { $ll->get('/api/properties/P/messages', token => $token) };
        print $f $r ? $r->status() : 'none', "\n";
        sleep 0.05;
    }
    POSIX::_exit(1);
}

my ($stream, @seen, $sent);

sub follow {
    my ($token) = @_;

    $stream = $ll->stream('/api/properties/P/events?after=0', token => $token,
                          last_id => $stream && $stream->last_id());
    ok($stream->wait_event('hello', 5), 'the stream is open');
}

# a step that reloads: the stream is told to come back, and comes
sub reloads {
    my ($what, $commands, $token) = @_;

    my $before = join ' ', $ll->nginx_children();
    my $said = step($what, $commands);
    my $bye = $stream->wait_event('bye', 10);

    is($bye && $bye->{json}{reason}, 'drain', "$what: the stream is told to move");
    push @seen, map { $_->{seq} } $stream->entries();
    follow($token);
    ok($ll->wait_healthy(200, 20), "$what: health is 200");
    hears("after: $what");

    return $said;
}

# a message is answered 201 and arrives in the stream
sub hears {
    my ($text) = @_;

    my $r = $ll->post('/api/properties/P/messages',
                      { client_id => 'c-' . ++$sent, text => $text },
                      token => $sender);
    is($r->status(), 201, "$text: a message is sent");
    ok($stream->wait_entry($r->json()->{seq}, 5), "$text: the stream has it");
}

follow($old);
hears('before');
my $poller = poller($old);


# keys of tokens

my @shell = blocks('Keys of tokens', 'sh');
my @nginx = blocks('Keys of tokens', 'nginx');
is(scalar(@shell) . ' ' . scalar(@nginx), '4 2', 'the page has the steps');

step('a new key is made', $shell[0]);
copy('token-2.pem', 'etc/leaseloft/token-2.pem');
conf($nginx[0]);
reloads('both keys', $shell[1], $old);
my $new = step('a token of the new key', $shell[2]) =~ s/\n\z//r;
is($ll->get('/api/session', token => $_)->status(), 200,
   'tokens of both keys are valid') for $old, $new;
is(stop_poller(), '200', 'whoever has an old token was never signed out');

$sender = signed('u-lena', 'token-2.key');
$poller = poller($new);
conf($nginx[1]);
reloads('the new key alone', $shell[3], $new);
is($ll->get('/api/session', token => $old)->status(), 401,
   'a token of the old key is refused at last');
like($ll->get('/internal/metrics')->body(),
     qr/^leaseloft_tokens_refused_total\{reason="signature"\} [1-9]/m,
     'which is counted');

sub stop_poller {
    my $n = () = $ll->slurp('answers') =~ /\n/g;
    ok(wait_for(sub { (() = $ll->slurp('answers') =~ /\n/g) >= $n + 2 }, 20),
       'whoever polls has two more answers');
    kill 'TERM', $poller;
    waitpid $poller, 0;

    my %said = map { $_ => 1 } split /\n/, $ll->slurp('answers');
    return join ' ', sort keys %said;
}


# a JWKS: the issuer adds a key, signs with it, and removes the old one

sub jwk {
    my ($name) = @_;

    my $der = decode_base64(join '', $ll->slurp("$name.pem") =~ /^([^-].*)$/mg);

    return { kty => 'EC', crv => 'P-256', kid => $name,
             x => encode_base64url(substr $der, -64, 32),
             y => encode_base64url(substr $der, -32) };
}

sub publish {
    $ll->write('jwks.json', encode_json({ keys => [map { jwk($_) } @_] }));
}

my ($fetch) = blocks('Keys of tokens, as a JWKS', 'sh');
publish('token-1');
copy('jwks.json', 'etc/leaseloft/jwks.json');
my %kid = map { $_ => signed('u-tom', "$_.key", '--kid', $_) } 'token-1', 'token-2';

# the configuration has both for a while, as the issuer begins to set a kid
conf("$nginx[1]leaseloft_key /etc/leaseloft/jwks.json;");
reloads('a JWKS beside it', $shell[3], $new);
is(stop_poller(), '200', 'nobody was signed out');
$poller = poller($kid{'token-1'});
publish('token-1', 'token-2');
reloads('a set with two keys', $fetch, $kid{'token-1'});
is($ll->get('/api/session', token => $_)->status(), 200,
   'tokens of both keys are valid') for values %kid;

$ll->write('jwks.json', '{"keys":[');
$ll->expect_log(qr/is no JWKS/);
my ($status, $said) = shell($fetch);
like($said, qr/is no JWKS/, 'a set that is broken is refused');
is($ll->slurp('etc/leaseloft/jwks.json') =~ tr/{//, 3, 'the old one is put back');
is(($ll->nginx_test())[0], 0, 'nginx can be started with it');
is(stop_poller(), '200', 'nobody was signed out');

publish('token-2');
reloads('the new key alone, in a set', $fetch, $kid{'token-2'});
is($ll->get('/api/session', token => $kid{'token-1'})->status(), 401,
   'a token of the old key is refused');
is($ll->get('/api/session', token => $kid{'token-2'})->status(), 200,
   'one of the new key is valid');
$new = $kid{'token-2'};
$poller = poller($new);


# passwords of Redis: the workers', then nginx's

my @redis = blocks('Passwords of Redis', 'sh');
is(scalar @redis, 3, 'the page has the steps');

sub names { return scalar(() = $ll->redis('CLIENT', 'LIST') =~ /\buser=$_[0]\b/g) }

for my $user ('worker', 'nginx') {
    my @steps = @redis;

    if ($user eq 'nginx') {
        s{/etc/leaseloft/redis-password}{/etc/nginx/redis-password} for @steps;
        s/\bworker\b/nginx/g for @steps;
        $steps[1] =~ s/^redis-cli/nginx -s reload\nredis-cli/m;
    }

    my $path = $user eq 'nginx' ? 'etc/nginx' : 'etc/leaseloft';
    my $was = $ll->slurp("$path/redis-password");

    # in one shell, as they share variables
    step("$user: a password is added", "$steps[0]true");
    hears("$user: both passwords");

    if ($user eq 'nginx') {
        step("$user: it is used", 'file=' . "/$path/redis-password\n$steps[1]");
        $stream->wait_event('bye', 10);
        push @seen, map { $_->{seq} } $stream->entries();
        follow($new);
    } else {
        step("$user: it is used", 'file=' . "/$path/redis-password\n$steps[1]");
    }

    isnt($ll->slurp("$path/redis-password"), $was, "$user: the file has it");
    ok(wait_for(sub { names($user) }, 10), "$user: it logs in with it");
    ok($ll->wait_healthy(200, 20), "$user: health is 200");
    hears("$user: the new password");

    my ($sha_old, $sha_new) = map { qx(printf %s '$_' | sha256sum) =~ s/ .*\n//r }
                              map { s/\n//r } $was, $ll->slurp("$path/redis-password");
    step("$user: the old one is removed", "old=$sha_old new=$sha_new\n$steps[2]");
    is_deeply({ @{ $ll->redis('ACL', 'GETUSER', $user) } }->{passwords}, [$sha_new],
              "$user: the new password is the only one");
    $ll->redis('CLIENT', 'KILL', 'USER', $user);
    ok(wait_for(sub { names($user) }, 10), "$user: it logs in again");
    ok($ll->wait_healthy(200, 20), "$user: health is 200 again");
    hears("$user: without the old password");
}


# certificates of Redis: another CA, then those of the clients and of Redis

my ($client, $server, $authority) = blocks('Certificates of Redis', 'sh');

reloads('both CAs', $authority, $new);
copy("client-2.$_", "etc/leaseloft/redis-client.$_.new") for qw(crt key);
reloads('client certificates of the new CA', $client, $new);
copy("redis-2.$_", "etc/redis/redis.$_") for qw(crt key);
step('Redis reads its certificate', $server);

copy('new-ca.crt', 'etc/leaseloft/redis-ca.crt');
reloads('the new CA alone', (split /\n/, $authority, 2)[1], $new);
$ll->redis('CLIENT', 'KILL', 'USER', $_) for 'worker', 'nginx';
ok(wait_for(sub { names('worker') && names('nginx') }, 10),
   'nginx and the worker connect with certificates of the new CA alone');
ok($ll->wait_healthy(200, 20), 'health is 200');
hears('the new CA alone');


# the certificate of nginx

my ($reload, $show) = blocks('Certificates of nginx', 'sh');
like(step('what nginx sends is shown', $show), qr/CN *= *localhost/,
     'it is the first certificate');
copy("redis-2.$_", "tls.$_") for qw(crt key);
reloads('another certificate of nginx', $reload, $new);
like(step('what nginx sends is shown', $show), qr/CN *= *redis-2/,
     'it is the new certificate');

is(stop_poller() =~ s/ ?503//r, '200', 'nobody was signed out at any time');


# nothing was lost, and nothing came twice

push @seen, map { $_->{seq} } $stream->entries();
my $head = $ll->get('/api/properties/P/messages', token => $new)->json()->{head};
is("@seen", join(' ', 1 .. $head =~ s/\..*//r),
   'the streams had all entries, once and in order');

$ll->finish();
