#!/usr/bin/perl

# The lease endpoint for a rental system on another host, with the commands and
# the configuration of docs/secure.md and docs/keys.md: the right client
# certificate and secret are accepted, all others are refused with a reason, and
# no list of processes has the secret, which can be rotated.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Certificates;
use LeaseLoft::Files;

my ($section) = slurp('docs/secure.md')
                =~ /^## Leases from another host\n(.*?)(?=^## |\z)/ms;
my ($ca, $secret, $put) = $section =~ /^```sh\n(.*?)^```$/msg;
my ($conf) = $section =~ /^```nginx\n(.*?)^```$/ms;
ok($ca && $secret && $put && $conf, 'docs/secure.md has the recipe')
    or BAIL_OUT('no recipe');

my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();
my $port = LeaseLoft::free_port();

# runs commands of the page in the test's directory: their status and output
sub run {
    my ($commands) = @_;

    $commands =~ s{/etc/nginx/}{$dir/}g;
    $commands =~ s{rent\.example\.com:8444}{localhost:$port}g;
    $ll->write('commands', "set -e\ncd $dir\n$commands");

    my $said = qx(sh $dir/commands 2>&1);

    return ($? >> 8, $said);
}

sub mode { return sprintf '%o', (stat "$dir/$_[0]")[2] & 07777 }


# the certificates and the secret, made as the page says

my ($status, $said) = run($ca);
is($status, 0, 'the CA and the certificate of the client are made') or diag($said);
is(mode($_), '600', "$_ is for its owner alone") for 'clients-ca.key', 'rental.key';

($status, $said) = run($secret);
is($status, 0, 'the secret is made') or diag($said);
is(mode('leaseloft/lease-secret.conf'), '640',
   'nginx\'s file with the secret has the mode 640');
is(mode('rental-secret'), '640', 'and so has that of the rental system');

my ($word) = $ll->slurp('rental-secret') =~ /^X-Lease-Secret: ([0-9a-f]{32})$/;
ok($word, 'the secret has 128 bits') or BAIL_OUT('no secret');
unlike($secret, qr/^\s*(?:\/|echo|openssl).*\$secret/m,
       'only printf, which is no process, gets the secret as an argument');


# nginx, with the paths of this test

$ll->write('server-ca.crt', $ll->slurp('tls.crt'));
$conf =~ s{/etc/leaseloft/}{$dir/}g;
$conf =~ s/listen 8444 /listen 127.0.0.1:$port / or BAIL_OUT('no port');
$ll->nginx_conf(http => $conf);
$ll->start($_) for qw(redis worker1 nginx);
$ll->started();

my $certs = LeaseLoft::Certificates->new($dir);
$certs->authority('other');
$certs->issue('stranger', 'DNS:rental', by => 'other');
$certs->issue('late', 'DNS:rental', by => 'clients-ca', days => 0);

$ll->write('wrong-secret', 'X-Lease-Secret: ' . '0' x 32 . "\n");
$ll->write('no-secret', "X-Other: 1\n");
$ll->write('lease.json', JSON::PP->new->encode({
    lease_id => 'L-1', label => 'Elm', time_zone => 'UTC',
    landlords => [{ user => 'u-lena', name => 'Lena' }],
    tenants => [{ user => 'u-tom', name => 'Tom' }],
    starts_at => '2026-01-01T00:00:00Z', ends_at => undef }));

# the status and the body of the documented command, changed by s/$from/$to/
sub answer {
    my ($from, $to) = @_;

    my $command = $put;
    if (defined $from) {
        $command =~ s/\Q$from\E/$to/ or BAIL_OUT("no $from");
    }
    $command =~ s/^curl /curl -s -w '%{http_code} %{content_type}' /m;

    my (undef, $said) = run($command);
    my ($body, $status, $type) = $said =~ /\A(.*?)(\d{3}) ?(\S*)\z/s
        or return (0, '', $said);

    return ($status, $type, $body);
}

sub refused {
    my ($what, $why, @change) = @_;

    my ($status, $type, $body) = answer(@change);

    is($status, 403, "$what: 403");
    is($type, 'application/problem+json', "$what: a problem document");
    like(eval { decode_json($body)->{detail} } // $body, $why,
         "$what: it says why");
}

my $cert = '--cert rental.crt --key rental.key';

refused('no certificate', qr/^The client certificate is not accepted: NONE$/,
        $cert, '');
refused('a certificate of another CA',
        qr/^The client certificate is not accepted: FAILED:unable to /,
        $cert, '--cert stranger.crt --key stranger.key');
refused('a certificate that has expired',
        qr/^The client certificate is not accepted: FAILED:.*expired$/,
        $cert, '--cert late.crt --key late.key');
refused('a wrong secret', qr/^X-Lease-Secret is missing or wrong$/,
        '@rental-secret', '@wrong-secret');
refused('no secret', qr/^X-Lease-Secret is missing or wrong$/,
        '@rental-secret', '@no-secret');

# another endpoint, another method
($status) = answer('/internal/properties/elm-12-3/lease', '/internal/metrics');
is($status, 404, 'the metrics are not there');
($status) = answer('--upload-file lease.json', '--data @lease.json');
is($status, 405, 'another method is a 405');


# the right one, while the list of processes is watched

my $reader = fork() // die;
if ($reader == 0) {
    exec 'sh', '-c', "while :; do cat /proc/[0-9]*/cmdline; done 2>/dev/null"
                     . " >$dir/processes" or POSIX::_exit(1);
}

($status, undef, my $body) = answer();
is($status, 200, 'the right certificate and secret: 200') or diag($body);
is(decode_json($body)->{lease}{state}, 'active', 'the lease is declared');
is($ll->say('elm-12-3', 'u-tom', 'hello')->status(), 201,
   'its tenant can send a message');

# the secret is rotated, as docs/keys.md says

my @steps = slurp('docs/keys.md')
            =~ /^## The secret of the lease endpoint\n(.*)\z/ms
            ? $1 =~ /^```sh\n(.*?)^```$/msg : ();
my $command = $ll->_nginx_command();
$ll->write('nginx.sh', "#!/bin/sh\nexec $command \"\$@\"\n");
s/^nginx (.*) && nginx /sh nginx.sh $1 && sh nginx.sh /mg for @steps;
is(scalar @steps, 2, 'docs/keys.md has the steps');

my $file = 'leaseloft/lease-secret.conf';
copy('rental-secret', 'old-secret');

sub copy { $ll->write($_[1], $ll->slurp($_[0])) }
sub valid { (answer('@rental-secret', "\@$_[0]"))[0] }

($status, $said) = run($steps[0]);
is($status, 0, 'a secret is added') or diag($said);
my ($next) = $ll->slurp('rental-secret') =~ /: (\w+)/;
isnt($next, $word, 'it is another one');
ok(wait_for(sub { valid('rental-secret') == 200 }, 10), 'it is accepted');
is(valid('old-secret'), 200, 'the old one too');

($status, $said) = run("conf=/etc/nginx/$file new=$next\n$steps[1]");
is($status, 0, 'the old one is removed') or diag($said);
ok(wait_for(sub { valid('old-secret') == 403 }, 10), 'it is refused');
is(valid('rental-secret'), 200, 'the new one is accepted');
is(mode($file), '640', 'the file still has the mode 640');

kill 'TERM', $reader;
waitpid $reader, 0;
my $seen = $ll->slurp('processes');
like($seen, qr/rental-secret/, 'the command was seen in the list of processes');
unlike($seen, qr/$word|$next/, 'the secret is not in the list of processes');
unlike($ll->slurp($_), qr/$word|$next/, "the secret is not in $_")
    for 'error.log', 'access.log';

$ll->finish();
