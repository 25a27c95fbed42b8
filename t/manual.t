#!/usr/bin/perl

# The commands and settings of the manual that no other test runs, as they stand
# there but for paths and addresses (t/docs.t says which test runs which).  nginx
# takes all of its settings, Redis, Sentinel, HAProxy and Prometheus theirs.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Certificates;
use LeaseLoft::Files;
use LeaseLoft::Manual;

my $ll = LeaseLoft->new();
my $dir = $ll->dir();
my $certs = LeaseLoft::Certificates->new($dir);

mkdir "$dir/$_" for qw(bin etc etc/nginx etc/leaseloft);
$ll->write('bin/leaseloft', "#!/bin/sh\nexec $LeaseLoft::cli \"\$@\"\n");
chmod 0755, "$dir/bin/leaseloft";

# the texts of a section's blocks, of one kind if it is given
sub texts {
    my ($page, $section, $kind) = @_;

    return map { $_->{text} }
           grep { !defined $kind || $_->{kind} eq $kind }
           LeaseLoft::Manual::blocks("docs/$page.md", $section);
}

# runs commands in a directory, with leaseloft in the path: the output
sub run {
    my ($what, $commands, $where) = @_;

    local $ENV{PATH} = "$dir/bin:$ENV{PATH}:/usr/sbin";
    local $ENV{LEASELOFT_REDIS} = $ll->{url};

    my $script = $commands =~ s{build/leaseloft}{leaseloft}gr
                           =~ s{/etc/}{$dir/etc/}gr;
    my $said = qx(cd $where && (set -e; $script) 2>&1);
    is($?, 0, $what) or diag($said);

    return $said;
}

# nginx takes settings, at this place: "http" or "server"
sub is_taken {
    my ($what, $place, $settings) = @_;

    $settings =~ s{/etc/}{$dir/etc/}g;

    my $redis = $settings =~ s/^(leaseloft_redis .*\n)//m ? $1 : '';
    my $own = $ll->slurp('nginx.conf');
    my $conf = $own;

    $conf =~ s/^\s*leaseloft_redis .*\n/$redis/m if $redis;
    $conf =~ s/^\s*leaseloft_key .*\n//m if $settings =~ /^leaseloft_key/m;
    $conf =~ s/^(?=\s*access_log )/$settings/m if $place eq 'http';
    $conf =~ s/^(?=\s*root )/$settings/m if $place eq 'server';

    $ll->write('nginx.conf', $conf);
    my ($status, $said) = $ll->nginx_test();
    is($status, 0, "nginx takes $what") or diag($said, $settings);
    $ll->write('nginx.conf', $own);
}


# --- the command line ---

is($ll->lease('elm-12')->status(), 200, 'there is a property');
$ll->say('elm-12', 'u-tom', "text-$_") for 1 .. 20;

my $work = tempdir(CLEANUP => 1);

# docs/configure.md: the key of records
my ($key) = texts('configure', 'Records', 'sh');
run('configure.md: the key of records is made', $key, $work);
is((stat "$dir/etc/leaseloft/record.key")[2] & 0777, 0600,
   'configure.md: it is private');
is_taken('the key of records', 'server', "server_name rent.example.com;\n"
         . "leaseloft_record_key /etc/leaseloft/record.key;\n");

($key) = texts('directives', 'leaseloft_record_key', 'sh');
run('directives.md: a key of records is made', $key, $work);

# docs/cli.md: verify, with what the public key is
run('a record', "leaseloft record elm-12 --record-key record.key"
                . ' --origin messages.example.com >P.ndjson', $work);

my ($verify) = texts('cli', 'verify', 'sh');
my ($good, $bad) = $verify =~ /^\$ (.*)/mg;
my $says = $verify =~ /^(verified: .*)$/m ? $1 : '';

$ll->write('nginx.conf',
           $ll->slurp('nginx.conf') =~ s{^(?=\s*access_log )}
               {leaseloft_record_key $work/record.key messages.example.com;\n}mr);
$ll->signal('nginx', 'HUP');
ok(wait_for(sub {
    my $r = $ll->get('/api/record-key');
    open my $out, '>', "$work/messages.key" or die $!;
    print $out $r->body();
    return $r->status() == 200;
}, 10), 'the public key is published');

is(numbers((split /\n/, run('cli.md: a record is verified', $good, $work))[0]),
   numbers($says =~ s/property P/property elm-12/r), 'cli.md: it says so');

my $record = do { local (@ARGV, $/) = "$work/P.ndjson"; <> };
open my $out, '>', "$work/changed.ndjson" or die $!;
print $out $record =~ s/text-16/text-61/r;
close $out;
like(qx(cd $work && PATH=$dir/bin:\$PATH; $bad 2>&1),
     qr/^leaseloft: does not verify: entry 17 \(line 18\): its hash is another/m,
     'cli.md: a record that was changed does not verify');
like($verify, qr/entry 17 \(line 18\): its hash is another: \.\.\./,
     'cli.md: as the page shows');

# a text with its numbers and times left out
sub numbers { return $_[0] =~ s/\d[\d.:TZ-]*/N/gr }

# docs/cli.md and docs/erase.md: erase
for my $case (['cli', 'erase', qr/elm-12-3 482/, 'elm-12 3'],
              ['erase', 'Erasing a message', qr/P SEQ/, 'elm-12 4'])
{
    my ($page, $section, $names, $own) = @$case;
    my ($text) = texts($page, $section, 'sh');
    my ($command) = $text =~ /^\$? ?(.*leaseloft.*)$/m;

    $command =~ s/$names/$own/ or die $command;

    my $said = run("$page.md: a message is erased", $command, $work);

    like($said, qr/^entry [34] is erased, at \S+Z$/m, "$page.md: it says so");
    is(numbers((split /\n/, $said)[0]),
       numbers(($text =~ /^(\d{4}-.*)$/m)[0] =~ s/elm-12-3/elm-12/r),
       'cli.md: and in the log') if $page eq 'cli';
}

like(do { local (@ARGV, $/) = "$work/erasures.log"; <> },
     qr/erasing entry 4 of property "elm-12", reason: "TEXT"/,
     'erase.md: the log has what was erased');

# the steps that follow
my $steps = slurp('docs/erase.md');
my ($rewrite, $until) = $steps =~ /`(BGREWRITEAOF)`.*?`(aof_rewrite_\w+:0)`/s;
$ll->redis($rewrite);
ok(wait_for(sub { $ll->redis('INFO', 'persistence') =~ /^$until/m }, 10),
   'erase.md: the files are rewritten');
is(qx(grep -rlE 'text-[23]\\b' $dir/redis/appendonlydir), '',
   'erase.md: they have the texts no more');
run("erase.md: $_", $_, $work)
    for $steps =~ /`(leaseloft dead list)`/, $steps =~ /`(dead drop)`/
        ? 'leaseloft dead drop --all' : ();
is(join(' ', $ll->redis(split / /, ($steps =~ /`(SLOWLOG RESET)`/)[0])), 'OK',
   'erase.md: SLOWLOG RESET');

# docs/cli.md: doctor through a site
my ($doctor) = texts('cli', 'doctor', 'sh');
run('cli.md: doctor opens a stream', $doctor
    =~ s{/etc/nginx/leaseloft/token.key}{$dir/token.key}r
    =~ s{https://rent.example.com}{http://127.0.0.1:$ll->{ports}{http}}r
    =~ s{^(leaseloft doctor.*)}{$1 >said || [ \$? = 1 ]}mr, $work);
like(do { local (@ARGV, $/) = "$work/said"; <> }, qr/^ok +stream /m,
     'cli.md: it finds the stream well');

# docs/cli.md: what it says of a backup
my ($backup) = texts('cli', 'backup', 'sh');
mkdir "$work/backups";
my $made = run('cli.md: a backup is made', ($backup =~ /^\$ (.*)/m)[0]
               =~ s{/var/backups/leaseloft}{$work/backups}r, $work);
is(numbers((split /\n/, $made)[-1]) =~ s{\S*/backups/}{/var/backups/leaseloft/}r,
   numbers((split /\n/, $backup)[-1]), 'cli.md: it says what was verified');


# --- settings of nginx ---

$ll->write('etc/leaseloft/lease-secret.conf', '');
$certs->authority('ca');
$certs->issue('redis', 'DNS:redis.example,IP:127.0.0.1');
$ll->write('etc/nginx/redis-ca.crt', $ll->slurp('ca.crt'));
$ll->write($_, "password\n") for qw(etc/nginx/redis-password
    etc/leaseloft/nginx.password etc/leaseloft/worker.password);

my ($request, $map) = texts('directives', 'leaseloft_user', '');
is_taken('the settings of auth_request', 'server',
         "location = /login/check { return 204; }\n$request");
is_taken('the map of a proxy that signs in', 'http',
         $map . 'leaseloft_user $proxied_user;');
is_taken('the location of an endpoint', 'server',
         (texts('directives', 'Endpoints', ''))[0] =~ s{/api/}{/more/}r);

my ($one, $several, $origin) = texts('proxies', 'Origin behind TLS termination');
is_taken('a constant origin', 'http', $one);
is_taken('an origin of a header', 'http', $several);
is_taken('an origin by a map', 'http', $origin);

is_taken('the location of health', 'server',
         (texts('upgrade', 'Taking an nginx out of a load balancer', ''))[0]);

my ($tls) = texts('redis', 'Redis on another machine');
is_taken('the settings of a Redis with TLS', 'http',
         "resolver 127.0.0.1;\n" . join '', $tls =~ /^(leaseloft_.*\n)/mg);

for my $section ('Sentinel', 'Redis Cluster') {
    my ($urls) = texts('scale', $section, '');

    is_taken("the URL of $section", 'http',
             join '', $urls =~ /^(leaseloft_.*\n)/mg);

    # with addresses of this machine, where no server is
    my $port = LeaseLoft::free_port();
    my $env = env($urls) =~ s/192\.0\.2\.\d+/127.0.0.1:$port/gr;
    my ($status, $said) = run_status("env $env leaseloft lease show P");
    is($status, 1, "the command line takes that of $section");
    like($said, qr/^leaseloft: cannot [^:]+: (?:sentinel )?127\.0\.0\.1:$port: /,
         "it looks for the servers of $section")
        or diag($said);
}

# the variables of a block, with the paths of this test
sub env {
    return join ' ', map { s{/etc/}{$dir/etc/}gr } $_[0] =~ /^(LEASELOFT_\S+=\S+)/mg;
}

# the exit status and output
sub run_status {
    local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
    my $said = qx(timeout 3 $_[0] 2>&1);
    return ($? >> 8, $said);
}

my ($load) = texts('install', 'From the sources', '');
my $own = $ll->slurp('nginx.conf');
mkdir "$dir/modules";
symlink "$LeaseLoft::build/ngx_leaseloft_module.so",
        "$dir/modules/ngx_leaseloft_module.so";
$ll->write('nginx.conf', $own =~ s/^load_module .*\n/$load/mr);
is(($ll->nginx_test())[0], 0, 'nginx loads the module by its relative path');
$ll->write('nginx.conf', $own);


# --- settings of others ---

# Redis, by the settings of the page
my ($settings) = texts('redis', 'Settings');
$ll->write('manual.conf', $settings =~ s{/usr/share/leaseloft}{$LeaseLoft::root/conf}r
    =~ s{/var/lib/leaseloft}{$work}r
    =~ s{/run/leaseloft/redis.sock}{$dir/manual.sock}r);
$ll->spawn_redis('manual', 'manual.conf');
ok(wait_for(sub { -S "$dir/manual.sock" }, 10), 'redis.md: Redis starts');
like($ll->slurp('manual.conf'), qr/^maxmemory 8gb$/m, 'redis.md: with a limit');
my ($status, $said) = run_status("leaseloft doctor --redis unix:$dir/manual.sock");
unlike($said, qr/^(?:fault|unknown) +(?:persistence|eviction|memory|access|role)/m,
       'redis.md: doctor finds its settings right') or diag($said);
$ll->stop('manual');

# and by TLS, as the page has it for the command line
my $port = LeaseLoft::free_port();
$ll->write('etc/leaseloft/redis-ca.crt', $ll->slurp('ca.crt'));
$ll->write('etc/leaseloft/redis-password', "password\n");
$ll->write('tls.conf', <<"CONF");
include $LeaseLoft::root/conf/redis.conf
daemonize no
port 0
tls-port $port
bind 127.0.0.1
tls-cert-file $dir/redis.crt
tls-key-file $dir/redis.key
tls-ca-cert-file $dir/ca.crt
tls-auth-clients no
dir $work
appendonly no
user worker on >password ~* &* +\@all
CONF
$ll->spawn_redis('tls', 'tls.conf');
my $env = env($tls) =~ s{redis\.example:6379}{127.0.0.1:$port}r;
ok(wait_for(sub { $said = (run_status("env $env leaseloft doctor"))[1];
                  $said =~ /^ok +version/m }, 10),
   'redis.md: the command line reaches a Redis by TLS') or diag($said);
$ll->stop('tls');

# Sentinel
my ($urls, $monitor, $haproxy) = texts('scale', 'Sentinel', '');
my $sentinel = LeaseLoft::free_port();
$ll->write('sentinel.conf', "port $sentinel\nbind 127.0.0.1\ndir $work\n"
                            . "protected-mode no\n$monitor");
$ll->spawn('sentinel', "redis-server $dir/sentinel.conf --sentinel");
ok(wait_for(sub {
    qx(redis-cli -p $sentinel SENTINEL GET-MASTER-ADDR-BY-NAME leaseloft 2>&1)
        eq "192.0.2.11\n6379\n" }, 10), 'scale.md: Sentinel takes the settings');
$ll->stop('sentinel');

# HAProxy in front of Redis
$ll->write('haproxy.cfg', <<"CFG" . $haproxy);
defaults
    timeout connect 5s
    timeout client 1h
frontend redis
    mode tcp
    bind 127.0.0.1:${\ LeaseLoft::free_port() }
    default_backend leaseloft-redis
CFG
$said = qx(/usr/sbin/haproxy -c -f $dir/haproxy.cfg 2>&1);
is($?, 0, 'scale.md: HAProxy takes the settings') or diag($said);

# Prometheus
my ($scrape) = texts('metrics', 'Metrics');
$ll->write('prometheus.yml', $scrape);
$said = qx(promtool check config $dir/prometheus.yml 2>&1);
is($?, 0, 'metrics.md: Prometheus takes the jobs') or diag($said);

$ll->finish();
