#!/usr/bin/perl

# The Debian packages in a bare Debian with systemd: installed by apt, started
# as docs/install.md says, upgraded, removed, installed again and purged.  The
# messages survive all but the last.  Run by "make test-deb".

use strict;
use warnings;

use File::Basename;
use File::Temp qw(tempdir);
use Test::More;

use lib 't/lib';
use LeaseLoft::Deb;
use LeaseLoft::Machine;
use LeaseLoft::Manual;

my $root = $ENV{DEB_ROOT} or die "run make test-deb\n";
my @debs = sort glob "$root/debs/*.deb";
my %names = map { (split /_/, basename($_))[0] => $_ } @debs;
my @packages = qw(leaseloft-pages leaseloft-redis leaseloft-worker
                  libnginx-mod-http-leaseloft);

is(join(' ', sort keys %names), "@packages",
   'all packages are built');

# what apt gets to see later: the next version, and one for another nginx

my $repacked = tempdir(CLEANUP => 1);
mkdir "$repacked/debs2";

LeaseLoft::Deb::repack($names{$_}, "$repacked/debs2/next-$_.deb",
                       's/^Version: .*/Version: 99/') for @packages;
LeaseLoft::Deb::repack($names{'libnginx-mod-http-leaseloft'},
                       "$repacked/debs2/other.deb", LeaseLoft::Deb::other_nginx());

my $machine = LeaseLoft::Machine->new(root => $root, add => $repacked);
my $apt = 'apt-get -q -y -o Dpkg::Use-Pty=0';

# installation

like(runs("$apt install /debs2/other.deb"), qr/nginx-abi-9\.99\.9-1/,
     'apt refuses a module for another nginx, and names what it needs');
isnt($machine->status(), 0, 'nothing is installed then');

my $said = runs("$apt install /debs/*.deb");
is($machine->status(), 0, 'apt installs the packages') or diag($said);
is(runs('nginx -t 2>&1 | grep -v successful'),
   'nginx: the configuration file /etc/nginx/nginx.conf syntax is ok',
   'nginx loads the module');
is(runs('nginx -T 2>/dev/null | grep -c ngx_leaseloft_module'), 1,
   'the module is enabled');
is(runs('stat -c "%a %U:%G" /etc/leaseloft/redis.conf'
        . ' /etc/leaseloft/worker.env /var/lib/leaseloft'),
   "600 leaseloft:leaseloft\n600 root:root\n700 leaseloft:leaseloft",
   'configuration and data are private');
is(runs('su www-data -s /bin/sh -c "ls /var/lib/leaseloft" >/dev/null'),
   "ls: cannot open directory '/var/lib/leaseloft': Permission denied",
   'nginx cannot read the data');

# as in docs/install.md, but with the shipped example of a site: what is added to
# another one is in acceptance.t

nginx_conf();

my (@done, @said);

for my $block (map { $_->{kind} eq 'sh' ? $_->{text} : () }
               LeaseLoft::Manual::blocks('docs/install.md', 'First start'))
{
    push @said, runs(LeaseLoft::Manual::script($block, @done));
    is($machine->status(), 0, (split /\n/, $block)[0]) or diag($said[-1]);
    push @done, $block;
}

cmp_ok(scalar @done, '>', 5, 'the manual has commands');

like(join("\n", @said), qr/Status: "takes requests"/,
     'the worker takes requests');
like(runs('curl -si http://127.0.0.1:8081/internal/health'), qr/^HTTP\S+ 200/,
     'the service is healthy');

is(send_message('first'), 201, 'a message is sent over TLS');
is(texts(), 'first', 'it can be read');
is(https('index.html'), 200, 'the pages are there');
is(runs('systemctl --failed --plain --no-legend'), '', 'no unit has failed');

# upgrade

my $redis = runs('systemctl show -P MainPID leaseloft-redis');
my $worker = runs('systemctl show -P MainPID leaseloft-worker@1');

runs('echo LEASELOFT_PREFIX=ll >>/etc/leaseloft/worker.env');
$said = runs("$apt install /debs2/next-*.deb");
is($machine->status(), 0, 'apt upgrades the packages') or diag($said);
is(runs('dpkg-query -W -f "\${Version} " ' . "@packages"), '99 99 99 99 ',
   'they are newer');
is(runs('tail -1 /etc/leaseloft/worker.env; stat -c "%a %U:%G"'
        . ' /etc/leaseloft/worker.env'),
   "LEASELOFT_PREFIX=ll\n600 root:root", 'configuration is kept');
isnt(runs('systemctl show -P MainPID leaseloft-worker@1'), $worker,
     'workers are restarted');
is(runs('systemctl show -P MainPID leaseloft-redis'), $redis,
   'Redis is not');
is(send_message('second'), 201, 'messages are sent on');

# removal

runs('mv /etc/nginx/conf.d/leaseloft.conf /tmp');
$said = runs("$apt remove @packages");
is($machine->status(), 0, 'apt removes the packages') or diag($said);
is(runs('nginx -t 2>&1 | grep -c successful'), 1, 'nginx goes on without');
is(runs('pgrep -fc "^/usr/bin/(leaseloft-worker|redis-server.*leaseloft)"'), 0,
   'workers and Redis are stopped');
is(runs('tail -1 /etc/leaseloft/worker.env'), 'LEASELOFT_PREFIX=ll',
   'configuration is kept');

$said = runs("$apt install /debs/*.deb --allow-downgrades");
is($machine->status(), 0, 'apt installs them again') or diag($said);
runs('mv /tmp/leaseloft.conf /etc/nginx/conf.d; systemctl restart nginx');
runs('systemctl start leaseloft-worker@1');
is(texts(), 'first second', 'the messages are still there');

# purge

runs('rm /etc/nginx/conf.d/leaseloft.conf /etc/leaseloft/t*'
     . ' /etc/nginx/modules-enabled/90-leaseloft.conf');
$said = runs("$apt purge @packages");
is($machine->status(), 0, 'apt purges the packages') or diag($said);
is(runs('ls -d /var/lib/leaseloft /etc/leaseloft /etc/nginx/leaseloft'
        . ' /etc/nginx/modules-enabled/*leaseloft* /usr/share/leaseloft'
        . ' /etc/systemd/system/*/leaseloft*'
        . ' 2>/dev/null'), '', 'nothing is left');
is(runs('nginx -t 2>&1 | grep -c successful'), 1, 'nginx is as before');

$machine->stop();
done_testing();


sub runs { return $machine->run($_[0]) }


# the shipped example, with a certificate that curl trusts
sub nginx_conf {
    runs(<<'END');
cd /etc/leaseloft
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=rent.example.com -addext subjectAltName=DNS:rent.example.com \
    -keyout tls.key -out tls.crt
chmod 600 tls.key
echo "cacert = /etc/leaseloft/tls.crt" >~/.curlrc
echo "127.0.0.1 rent.example.com" >>/etc/hosts
cp /usr/share/leaseloft/leaseloft.conf /etc/nginx/conf.d/leaseloft.conf
END
}


# the status of a request over TLS; the body is in /tmp/body
sub https {
    my ($path, @options) = @_;

    my $token = runs('leaseloft token --sub u-tom --ttl 600'
                     . ' --iss https://login.example.com --aud leaseloft'
                     . ' --key ~/login.key');

    return runs("curl -s -o /tmp/body -w '%{http_code}' @options"
                . " -H 'Authorization: Bearer $token'"
                . " https://rent.example.com/$path");
}


sub send_message {
    my ($text) = @_;

    runs(<<'END');
cat >/tmp/lease <<'LEASE'
{"lease_id":"L-1","label":"12 Elm St","time_zone":"America/New_York",
"landlords":[{"user":"u-lena","name":"Lena"}],
"tenants":[{"user":"u-tom","name":"Tom"}],
"starts_at":"2026-01-01T00:00:00Z","ends_at":null}
LEASE
leaseloft --redis unix:/run/leaseloft/redis.sock lease put P /tmp/lease
END

    return https('api/properties/P/messages',
                 "-H 'Content-Type: application/json'",
                 qq(-d '{"client_id":"c-$text","text":"$text"}'));
}


# the texts of the thread
sub texts {
    https('api/properties/P/messages');

    return join ' ', runs('cat /tmp/body') =~ /"text":"(\w+)"/g;
}
