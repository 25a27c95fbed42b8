#!/usr/bin/perl

# A bad night, on a bare Debian with systemd: LeaseLoft is added to an nginx with
# a site, by the packages and by what the manual says, and a message is sent over
# TLS.  Then whatever can break does: health, doctor, metrics and alerts tell the
# cause within ten seconds, and what the manual says mends it.  At the end is a
# table of who told it, and when it worked again.  Run by "make test-deb".

use strict;
use warnings;

use File::Temp qw(tempdir);
use MIME::Base64 qw(encode_base64url);
use Test::More;

use lib 't/lib';
use LeaseLoft::Deb;
use LeaseLoft::Site;

my $root = $ENV{DEB_ROOT} or die "run make test-deb\n";
my ($module) = glob "$root/debs/libnginx-mod-http-leaseloft_*.deb";
my $add = tempdir(CLEANUP => 1);

mkdir "$add/debs2";
LeaseLoft::Deb::repack($module, "$add/debs2/other.deb",
                       LeaseLoft::Deb::other_nginx());

my $site = LeaseLoft::Site->new(root => $root, add => $add);

my $redis_conf = '/etc/leaseloft/redis.conf';
my $acl = '/etc/leaseloft/leaseloft.acl';
my $http = '/etc/nginx/leaseloft/http.conf';
my $fault = '/etc/nginx/conf.d/zz-fault.conf';
my $worker_d = '/etc/systemd/system/leaseloft-worker@.service.d';
my $workers = "'leaseloft-worker@*'";

sub runs { return $site->run(@_) }
sub broken { $site->broken(@_) }
sub told { $site->told(@_) }
sub alerts { $site->alerts(@_) }
sub mended { $site->mended(@_) }

# changes a file by sed; all of these keep a copy, which mend() puts back
sub edit {
    my ($file, $sed, $then) = @_;
    runs("[ -e $file.right ] || cp -p $file $file.right; sed -i '$sed' $file; $then");
}

sub put_back { runs("mv $_[0].right $_[0]; $_[1]") }

my $restart_redis = 'systemctl restart leaseloft-redis';
my $reload = 'nginx -t -q && systemctl reload nginx';
my $restart = 'systemctl restart nginx';
my $restart_workers = 'systemctl restart leaseloft-worker@1 leaseloft-worker@2';

# a line of the http block, and without one none
sub http {
    my ($line) = @_;
    runs(($line ? "echo '$line' >$fault" : "rm -f $fault") . "; $reload");
}

$site->install();
$site->users();
$site->section('docs/redis.md', 'An administrator of Redis');
$site->section('docs/backup.md', 'With users of Redis');
like(runs('ls /var/backups/leaseloft'), qr/^\d{8}T\S+Z$/, 'a backup is there');
runs('mkdir -p /etc/cron.d');
$site->section('docs/operations.md', 'What to watch');
is($site->cron(), '', 'cron sends nothing');
is($site->health() =~ /^(\d+)/ ? $1 : '', 200, 'health is 200 with all users');


# --- Redis ---

broken('Redis is down', sub { runs('systemctl stop leaseloft-redis') });
told('health', qr/^503 .*Redis is not connected/);
told('doctor', qr/^unknown +connection +cannot connect to Redis/m);
told('cron', qr/^unknown +connection +cannot connect to Redis/m);
told('metrics', qr/^leaseloft_redis_up 0$/m);
alerts('LeaseloftRedisDown');
mended('systemctl start leaseloft-redis',
       sub { runs('systemctl start leaseloft-redis') });

broken('Redis is a read-only replica',
       sub { edit($redis_conf, '$a replicaof 127.0.0.1 6390', $restart_redis) });
told('health', qr/^503 .*(?:replica|READONLY)/);
told('doctor', qr/^fault +role +this Redis is a replica/m);
mended('its configuration', sub { put_back($redis_conf, $restart_redis) });

broken('maxmemory is reached',
       sub { edit($redis_conf, '$a maxmemory 1mb', $restart_redis) });
told('health', qr/^503 .*Redis refuses to write: OOM /);
told('doctor', qr/^fault +memory .*raise "maxmemory"/m);
mended('maxmemory', sub { put_back($redis_conf, $restart_redis) });

# a disk of its own
my $data = '/var/lib/leaseloft';
runs("systemctl stop leaseloft-redis; cp -a $data ~/data;"
     . " mount -t tmpfs -o size=160m,mode=700 tmpfs $data;"
     . " chown leaseloft:leaseloft $data; cp -a ~/data/. $data;"
     . ' systemctl start leaseloft-redis');

# leaves so many KiB
sub fill {
    runs("n=\$((\$(df --output=avail -k $data | tail -1) - $_[0]));"
         . " head -c \${n}k /dev/zero >>$data/filler");
}

broken('the disk of Redis is almost full', sub { fill(30000) });
told('health', qr/^200 .*The disk of Redis is almost full/);
told('doctor', qr/^fault +disk +\d+ MiB free in .*Redis stops when/m);
mended('room on the disk', sub { runs("rm $data/filler") });

broken('the disk of Redis is full', sub { fill(0) });
told('health', qr/^503 .*"detail":"The disk of Redis is full/);
told('doctor', qr/^fault +disk +0 MiB free in /m);
told("Redis's journal", qr/AOF write error/);

# by default systemd gives up at the fifth time
isnt($site->until_says(sub { runs('systemctl show leaseloft-redis -P NRestarts') },
                       qr/^(?:[6-9]|\d\d)/, time(), 60), undef,
     'it is started again for ever');
mended('room on the disk', sub { runs("rm $data/filler") });

runs("systemctl stop leaseloft-redis; umount $data;"
     . ' systemctl start leaseloft-redis');


# --- passwords and rights ---

for my $case (['nginx', $reload], ['worker', $restart_workers]) {
    my ($user, $then) = @$case;
    my $file = "/etc/leaseloft/$user.password";

    broken($user eq 'nginx' ? "nginx's Redis password is wrong"
                            : "the workers' Redis password is wrong",
           sub { edit($file, 's/./x/g', $then) });

    if ($user eq 'nginx') {
        told('health', qr/^503 .*refused: wrong password/);
        told('metrics', qr/^leaseloft_redis_up 0$/m);
    } else {
        told('health', qr/^503 .*No worker .*"?leaseloft doctor/);
        told('doctor', qr/^fault +refusals .*"worker": wrong password/m);
        told('systemctl status', qr/WRONGPASS/);
        told('journalctl -p err', qr/WRONGPASS/);
    }

    mended('the password', sub { put_back($file, $then) });
}

for my $case (['nginx', '+xadd', 'XADD'], ['nginx', '+time', 'TIME'],
              ['worker', '+@pubsub', 'PUBLISH'], ['worker', '+@read', 'HGET'],
              ['worker', '+time', 'TIME'])
{
    my ($user, $right, $name) = @$case;

    broken("the Redis user $user lacks $right", sub {
        edit($acl, "/^user $user /s/ $right\\>//", $restart_redis);
    });

    # without TIME a worker has no heartbeat that could say so

    told('health', $user eq 'nginx'
                   ? qr/^503 .*nginx's Redis user may not run [A-Z, ]*$name/
                   : $name eq 'TIME'
                   ? qr/^503 .*No worker .*"?leaseloft doctor/
                   : qr/^503 .*takes no requests: .* may not run \S*$name/);
    told('doctor', qr/^fault +(?:workers +\S+ takes no|refusals).*$name/mi)
        if $user eq 'worker';
    mended('the right', sub { put_back($acl, $restart_redis) });
}


# --- workers and queues ---

broken('no worker runs', sub { runs("systemctl stop $workers") });
told('health', qr/^503 .*No worker has sent a heartbeat/);
told('doctor', qr/^fault +workers +no heartbeat/m);
told('metrics', qr/^leaseloft_workers 0$/m);
alerts('LeaseloftNoWorker');
is($site->send_message('waits'), 202, 'a message is accepted meanwhile');
mended('systemctl start', sub { runs('systemctl start leaseloft-worker@1'
                                     . ' leaseloft-worker@2') });

# a real worker that says that it is older
my ($version) = runs('leaseloft-worker --version') =~ /([\d.]+)\s*\z/;
my $older = $version =~ s/\d/0/gr;
my $old = '/etc/systemd/system/leaseloft-worker@2.service.d';

broken('a worker is older than the other', sub {
    runs("sed 's/\\([^.0-9]\\)\Q$version\E\\x00/\\1$older\\x00/g' \\
              /usr/bin/leaseloft-worker >/usr/local/bin/old-worker
          chmod 755 /usr/local/bin/old-worker; mkdir -p $old
          printf '[Service]\\nExecStart=\\nExecStart=/usr/local/bin/old-worker --name old\\n' \\
              >$old/old.conf
          systemctl daemon-reload; systemctl restart leaseloft-worker\@2");
});
told('health', qr/^200 .*Worker old has version \Q$older\E, this nginx has/);
told('doctor', qr/^advice +versions +worker old has version "\Q$older\E"/m);
told('metrics', qr/^leaseloft_worker_info\{worker="old",version="\Q$older\E"/m);
alerts('LeaseloftVersions', '5m');
mended('its upgrade', sub {
    runs("rm -r $old; systemctl daemon-reload;"
         . ' systemctl restart leaseloft-worker@2');
});

broken('nginx has 4 queues, workers 1', sub { http('leaseloft_queues 4;') });
told('health', qr/^200 .*leaseloft_queues is 4, --queues of worker/);
told('doctor', qr/^advice +queues +nginx has 4 .*has 1/m);
mended('leaseloft_queues', sub { http() });

# what was accepted lies in eight queues
sub declare {
    runs('for i in $(seq 16); do sed "s/L-1/L-$i/" ~/lease.json |'
         . ' curl -s -X PUT -H "Content-Type: application/json" -d @-'
         . ' -w "%{http_code}\n"'
         . ' http://127.0.0.1:8081/internal/properties/q-$i/lease & done; wait');
}

http('leaseloft_queues 8;');
runs("systemctl stop $workers");
is(() = declare() =~ /202/g, 16, 'declarations are accepted');
broken('8 queues became 1', sub { http() });
told('doctor', qr/^(?:advice|fault) +queue /m);
mended('workers, which read all queues', sub { runs("systemctl start"
    . ' leaseloft-worker@1 leaseloft-worker@2') });
is($site->until_says(sub { $site->operator(
       'for i in $(seq 16); do leaseloft lease show q-$i; done 2>/dev/null'
       . ' | grep -c L-') }, qr/^(?:1[6-9]|[2-9]\d)/, time(), 10) ? 1 : 0, 1,
   'what was accepted is declared');

my $cli = 'redis-cli --no-auth-warning --user worker'
          . ' -a $(cat /etc/leaseloft/worker.password)';

broken('a request is a dead letter', sub {
    runs("$cli RENAME 'll:{p:q-1}:meta' 'll:{p:q-1}:kept';"
         . " $cli SET 'll:{p:q-1}:meta' damaged;"
         . ' curl -s -X PUT -H "Content-Type: application/json"'
         . ' -d @$HOME/lease.json'
         . ' http://127.0.0.1:8081/internal/properties/q-1/lease');
});
told('metrics', qr/^leaseloft_dead_letters\{queue="0"\} 1$/m, 60);
told('doctor', qr/^advice +dead .*never completed: WRONGTYPE .*"leaseloft dead/m,
     60);
alerts('LeaseloftDeadLetters');
mended('the data, leaseloft dead drop', sub {
    runs("$cli DEL 'll:{p:q-1}:meta';"
         . " $cli RENAME 'll:{p:q-1}:kept' 'll:{p:q-1}:meta'");
    $site->operator('leaseloft dead drop --all');
});


# --- tokens ---

# a token of the issuer whose clock is ahead, signed by openssl
sub early {
    my $text = join '.', map { encode_base64url($_) } '{"alg":"ES256","typ":"JWT"}',
        sprintf '{"sub":"u-tom","iss":"https://login.example.com",'
                . '"aud":"leaseloft","nbf":%d,"exp":%d}', time() + 600, time() + 900;
    my $hex = runs("printf %s '$text' | openssl dgst -sha256 -sign ~/login.key"
                   . ' | openssl asn1parse -inform DER');
    my $signature = join '', map { substr "\0" x 32 . pack('H*', $_), -32 }
                             $hex =~ /INTEGER\s*:(\w+)/g;
    return "$text." . encode_base64url($signature);
}

sub issued {
    my ($iss, $aud, $key) = @_;
    return runs("leaseloft token --sub u-tom --ttl 600 --iss $iss --aud $aud"
                . ' --key ' . ($key // '~/login.key'));
}

runs('openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256'
     . ' -out ~/other.key');

for my $case (
    ["the issuer's clock is ahead", 'early', \&early],
    ["the issuer's key is another", 'signature',
     sub { issued('https://login.example.com', 'leaseloft', '~/other.key') }],
    ['the issuer is another', 'issuer', sub { issued('else', 'leaseloft') }],
    ['the audience is another', 'audience',
     sub { issued('https://login.example.com', 'else') }])
{
    my ($name, $reason, $token) = @$case;

    runs('cp ~/header ~/header.right');
    broken($name, sub {
        my $wrong = $token->();
        runs("echo 'Authorization: Bearer $wrong' >~/header");
        $site->request('session?[1-25]');
    });
    told('metrics',
         qr/^leaseloft_tokens_refused_total\{reason="$reason"\} [1-9]\d+$/m);
    alerts('LeaseloftTokens');
    mended('what the issuer signs', sub { put_back('~/header', 'true') });
}


# --- connections, descriptors, the zone, limits ---

# a file for curl, with an inbox stream of each of 500 users
runs(<<'END');
cd
for i in $(seq 500); do
    printf 'url = "https://rent.example.com/api/inbox/events"\nno-buffer\nsilent\n'
    printf 'http1.1\ncacert = /etc/nginx/site.crt\n'
    printf 'output = /dev/null\nheader = "Authorization: Bearer %s"\nnext\n' \
        "$(leaseloft token --sub u-$i --ttl 3600 --key login.key \
               --iss https://login.example.com --aud leaseloft)"
done >streams
END

# opens the streams of some of them
sub streams {
    my ($first, $n) = @_;

    runs('cd; tail -n +' . (8 * ($first - 1) + 1) . ' streams | head -n '
         . (8 * $n - 1) . " >some-$first; setsid curl -Z --parallel-immediate"
         . " --parallel-max 300 -K some-$first >/dev/null 2>&1 &"
         . ' echo $! >>~/holders');
}

sub close_streams { runs('kill $(cat ~/holders); rm ~/holders') }

# opens more streams than there are connections, five at a time: of many at once
# more would be refused than have to be
sub hold {
    my ($n) = @_;
    streams(1 + 5 * $_, 5) for 0 .. $n / 5;
}

edit('/etc/nginx/nginx.conf', 's/worker_connections .*/worker_connections 4096;/;'
     . ' s/^worker_processes.*/worker_processes 1;/', 'true');
edit('/etc/nginx/modules-enabled/90-leaseloft.conf', 's/nofile .*/nofile 130;/',
     $restart);
$site->until_says(sub { $site->metrics() }, qr/^leaseloft_connections_free_least \d/m,
                  time(), 10);
broken('descriptors are almost used up', sub { hold(130) });
told('metrics', qr/^leaseloft_connections_free_least [0-9]$/m);
alerts('LeaseloftConnections');
told('doctor', qr/^(?:advice|fault) +connections .*raise "worker_rlimit_nofile"/m);
mended('worker_rlimit_nofile', sub {
    put_back('/etc/nginx/modules-enabled/90-leaseloft.conf', 'true');
    put_back('/etc/nginx/nginx.conf', $reload);
});
close_streams();

# more streams than two processes can have
edit('/etc/nginx/nginx.conf', 's/worker_connections .*/worker_connections 100;/;'
     . ' s/^worker_processes.*/worker_processes 2;/', $restart);
broken('connections are used up', sub { hold(220) });
told('metrics', qr/^leaseloft_connections_free_least [0-9]$/m);
alerts('LeaseloftConnections');
told('health', qr/^200 .*A process of nginx has [0-9] connections free/);
told('doctor', qr/^(?:advice|fault) +connections .*raise "worker_connections"/m);
told('metrics', qr/^leaseloft_streams_refused_total [1-9]/m);
is($site->send_message('beside'), 201, 'a message is sent meanwhile');
like($site->health(), qr/^200/, "health is reached at each try: $_") for 1 .. 20;
mended('worker_connections',
       sub { put_back('/etc/nginx/nginx.conf', $reload) });
close_streams();

edit($http, 's/leaseloft_zone .*/leaseloft_zone 32k;/', $restart);
broken('the shared zone is full',
       sub { streams(1, 250); streams(251, 250) });
told('metrics', qr/^leaseloft_streams_refused_total [1-9]/m);
told('metrics', qr/^leaseloft_zone_free_bytes 0$/m);
told("nginx's log", qr/no memory in leaseloft_zone/);
alerts('LeaseloftZone');
close_streams();
mended('leaseloft_zone', sub { put_back($http, $restart) });

# the output of a client is not read; its buffers are full after ten messages, and
# it has three seconds, in place of 60.  An old process could accept it after a
# reload
runs("sysctl -qw net.ipv4.tcp_rmem='4096 16384 32768'"
     . " net.ipv4.tcp_wmem='4096 16384 32768'");
runs("echo 'leaseloft_slow_timeout 3s;' >$fault; $restart");
broken('a client does not read', sub {
    runs('(setsid curl -sN --http1.1 -H @$HOME/header '
         . $site->url('properties/elm-12/events')
         . ' | sleep 60) >/dev/null 2>&1 & echo $! >~/holders');
    $site->until_says(sub { $site->metrics() },
                      qr/^leaseloft_streams\{kind="thread"\} [1-9]/m, time(), 10);
    is($site->send_message("large-$_", "\x{1f3e0}" x 4000), 201,
       "large message $_ is sent") for 1 .. 20;
});
told("nginx's access log", qr{ u-tom .*/events .* slow$}m);
told('metrics', qr/^leaseloft_streams_slow_total [1-9]/m);
mended('nothing: the client resumes', sub { close_streams(); http() });

broken('limit_req strikes',
       sub { $site->request('properties/elm-12/messages?[1-400]', "-d ''") });
told('metrics', qr/^leaseloft_http_responses_total\{endpoint="send",status="429"\}
                   \ [1-9]\d\d$/mx);
told("nginx's access log", qr/ u-tom .* 429 /);
alerts('LeaseloftLimits');
mended('stopping that client', sub { });


# --- proxies ---

broken('a proxy in front buffers', sub {
    runs(<<'END');
cat >/etc/nginx/conf.d/proxy.conf <<'CONF'
server {
    listen 8443 ssl;
    server_name rent.example.com;
    ssl_certificate     /etc/nginx/site.crt;
    ssl_certificate_key /etc/nginx/site.key;

    location / {
        proxy_pass https://127.0.0.1:443;
        proxy_set_header Host $host;
        proxy_http_version 1.1;
        proxy_buffering on;
        proxy_ignore_headers X-Accel-Buffering;
    }
}
CONF
nginx -t -q && systemctl restart nginx
END
});
told('doctor --url', qr/^fault +stream /m);
mended('proxy_buffering off', sub {
    runs('sed -i "/proxy_ignore/d; s/buffering on/buffering off/"'
         . " /etc/nginx/conf.d/proxy.conf; $reload");
});
# once the processes from before the reload accept nothing
isnt($site->until_says(sub {
    $site->operator('leaseloft doctor --url https://rent.example.com:8443'
                    . ' --token ~/tom --ca /etc/nginx/site.crt')
}, qr/^ok +stream/m, time(), 40), undef, 'doctor finds that stream well');


# --- configuration ---

broken('worker_shutdown_timeout is too short', sub {
    edit('/etc/nginx/modules-enabled/90-leaseloft.conf', 's/45s/5s/', 'true');
});
told('nginx -t', qr/\[warn\].*"worker_shutdown_timeout" is 5000ms/);
mended('worker_shutdown_timeout', sub {
    put_back('/etc/nginx/modules-enabled/90-leaseloft.conf', $reload);
});

my $apt;
broken('the module is for another nginx',
       sub { $apt = runs('apt-get -q install /debs2/other.deb') });
like($apt, qr/nginx-abi-9\.99\.9-1/, 'apt refuses it and says why');
push @{ $site->{told} }, 'apt';
mended('the right package', sub { });

is(runs('systemctl --failed --plain --no-legend'), '', 'no unit has failed');
diag("\n" . $site->table());
$site->stop();
done_testing();
