#!/usr/bin/perl

# "leaseloft backup" copies Redis's append-only files while it runs, and
# verifies the copy: what it reports and leaves, what a damaged copy is told by,
# and what it refuses.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Backup;
use LeaseLoft::Files;

my $port = LeaseLoft::free_port();
my $ll = LeaseLoft->new(worker_options => '--seal-after 3 --seal-size 4',
                        redis_conf => <<"END");
port $port
bind 127.0.0.1
user op on >Erstkennwort ~* &* +\@all
user blind on >Erstkennwort ~* &* +\@all -config
user reader on >Erstkennwort ~* &* +\@all -config|set
END

my $dir = $ll->dir() . '/backups';
my $live = $ll->dir() . '/redis/appendonlydir';
mkdir $dir;
$ENV{TMPDIR} = $ll->dir() . '/tmp';

# a failed backup: what it says, and that it has left nothing
sub fails {
    my ($name, $why, @arguments) = @_;

    my ($before) = backups($dir);
    my ($status, $said) = $ll->cli('backup', @arguments);

    is($status, 1, "$name: the backup fails");
    like($said, $why, "$name: it says why");
    unlike($said, qr/kennwort/i, "$name: no password is printed");

    my ($after, $others) = backups($dir);
    is("@$after", "@$before", "$name: there is no new backup");
    is($others, '', "$name: nothing else is left");
    is(percentage($ll), 100, "$name: automatic rewrites are enabled");
    is(join(' ', glob "$ENV{TMPDIR}/leaseloft*"), '',
       "$name: no temporary file is left");
}

for my $property (qw(P Q R)) {
    $ll->lease($property);
    $ll->say($property, 'u-tom', "message $_ of $property") for 1 .. 15;
}
ok(wait_for(sub { $ll->redis('HLEN', 'll:{p:P}:segments') >= 2 }, 5),
   'threads have sealed entries');
is(($ll->cli('erase', 'Q', 4, '--reason', 'x'))[0], 0, 'and an erased one');


# the result

my ($status, $said) = $ll->cli('backup', $dir);
my ($names, $others) = backups($dir);
my ($name) = @$names;

is($status, 0, 'a backup exits with 0');
is(scalar @$names, 1, 'it has a name');
is($others, '', 'nothing else is left');
like($said, qr{^\Q$dir/$name\E: verified, \d+ bytes, \d+ keys, 3 properties,}m,
     'it says what it has');
like($said, qr/ 45 messages, \d+\.\d seconds$/m, 'and how long it took');
is(percentage($ll), 100, 'automatic rewrites are enabled again');
is(join(' ', glob "$ENV{TMPDIR}/leaseloft*"), '', 'no temporary file is left');
is(join(' ', map { sprintf '%o', (stat)[2] & 07777 } "$dir/$name",
             "$dir/$name/appendonlydir"), '700 700',
   'only the owner may enter the directories');

for my $file (glob "$dir/$name/appendonlydir/*") {
    my $copy = slurp($file);
    is(sprintf('%o', (stat $file)[2] & 07777), '600',
       "only the owner may read $file");
    is(substr(slurp($live . $file =~ s{.*(?=/)}{}r), 0, length $copy), $copy,
       'it is as far as it goes the file of Redis');
}

my $json = decode_json(($ll->cli('backup', '--json', $dir))[1]
                       =~ /^(\{.*)/m ? $1 : '{}');
is(join(' ', sort keys %$json), 'bytes keys messages path properties seconds',
   '--json has the report');
ok(-d $json->{path}, 'its path is the backup');
is("$json->{properties} $json->{messages}", '3 45', 'and its numbers too');
my $bytes = 0;
$bytes += -s for glob "$json->{path}/appendonlydir/*";
is($json->{bytes}, $bytes, 'bytes are those of the files');
is(scalar @{ (backups($dir))[0] }, 2, 'the older backup is kept');

chdir $ll->dir();
is(($ll->cli('backup', 'backups'))[0], 0, 'DIR may be a relative path');
chdir $LeaseLoft::root;

is(($ll->cli('backup', '--redis', "redis://op:Erstkennwort\@127.0.0.1:$port",
             $dir))[0], 0, 'Redis may be reached by the loopback address');


# the end of a copy may be in the middle of a command: it is cut off

my $half = '*3\r\n$3\r\nSET\r\n$1\r\n';
my @tail = in_redis_server($ll, "printf '$half' >>appendonly.aof.1.incr.aof");
$json = decode_json(($ll->cli('backup', '--json', @tail, $dir))[1]
                    =~ /^(\{.*)/m ? $1 : '{}');
is($json->{messages}, 45, 'a copy that ends within a command is verified');
ok(defined redis_on($json->{path}, ['DBSIZE'], '--aof-load-truncated', 'no'),
   'a Redis that accepts no truncated file loads it');
unlike(slurp("$json->{path}/appendonlydir/appendonly.aof.1.incr.aof"),
       qr/SET\r\n\$1\r\n\z/, 'what was half a command is gone');


# a key that expires while the copy is verified: nothing is appended to the copy

$ll->redis('SET', 'short', 'lived', 'PX', 1500);
my @sleep = in_redis_server($ll, "stat -c %s appendonly.aof.1.incr.aof >"
                                 . $ll->dir() . '/size; sleep 2',
                            '--hz 100');
$json = decode_json(($ll->cli('backup', '--json', @sleep, $dir))[1]
                    =~ /^(\{.*)/m ? $1 : '{}');
is(-s "$json->{path}/appendonlydir/appendonly.aof.1.incr.aof",
   $ll->slurp('size') + 0, 'the copy is as long as before it was verified');
like(slurp("$json->{path}/appendonlydir/appendonly.aof.1.incr.aof"),
     qr/lived/, 'and has a key that has expired since');


# damaged copies

my $incr = 'appendonly.aof.1.incr.aof';

fails('half of the file is missing', qr/^leaseloft: the copy (?:lacks|has)/m,
      in_redis_server($ll, "truncate -s \$((\$(stat -c %s $incr) / 2)) $incr"),
      $dir);
is($ll->say('P', 'u-tom', 'the last one')->status(), 201, 'a message is sent');
fails('the last message is missing',
      qr/^leaseloft: the copy lacks entries of "P"$/m,
      in_redis_server($ll, "perl -0777 -pi -e 's/the last one.*//s' $incr"),
      $dir);
fails('a byte of the format is changed',
      qr/^leaseloft: the copy cannot be loaded: .*Bad file format/m,
      in_redis_server($ll, "perl -0pi -e "
                      . "'s/\\*(\\d+\\r\\n.4\\r\\nXADD)/+\$1/' $incr"), $dir);
fails('the functions are missing',
      qr/^leaseloft: cannot read "P": .*functions/m,
      in_redis_server($ll, "sed -i 's/ll1_entries/ll1_xntries/' $incr"), $dir);
fails('a letter of a text is changed',
      qr/^leaseloft: entry \d+ of "P" is damaged in the copy/m,
      in_redis_server($ll, "sed -i 's/message 15 of P/massage 15 of P/' $incr"),
      $dir);
fails('a file is missing', qr/^leaseloft: the copy cannot be loaded: /m,
      in_redis_server($ll, "rm appendonly.aof.1.base.rdb"), $dir);
fails('the program ends by a signal',
      qr/^leaseloft: the copy cannot be loaded: .* ended by signal 9: .*memory/m,
      in_redis_server($ll, 'kill -9 $$'), $dir);
fails('the program fails', qr/the copy cannot be loaded: .*no reason/,
      in_redis_server($ll, 'exit 1'), $dir);
fails('there is no such program',
      qr/cannot run "\/nowhere\/redis".*--redis-server/,
      '--redis-server', '/nowhere/redis', $dir);


# the program of the other kind of server is not run

my $path = $ENV{PATH};
my $other = $LeaseLoft::redis_server =~ /valkey/ ? 'redis' : 'valkey';

mkdir $ll->dir() . '/bin';
$ll->write("bin/$other-server", "#!/bin/sh\nexit 1\n");
chmod 0755, $ll->dir() . "/bin/$other-server";
$ENV{PATH} = $ll->dir() . "/bin:$path";
($status, $said) = $ll->cli('backup', $dir);
is($status, 0, 'the copy is loaded by the program that the server is of')
    or diag($said);
$ENV{PATH} = $path;


# damage that Redis has itself is copied, and reported

$ll->redis('XDEL', 'll:{p:R}:thread', '16-0');
($status, $said) = $ll->cli('backup', $dir);
is($status, 0, 'a thread that is damaged in Redis prevents no backup');
like($said, qr/^leaseloft: entry 16 of "R" is damaged in Redis, and so in the/m,
     'it is reported');


# what is refused

my $url = "127.0.0.1:$port";
fails('without a right to CONFIG',
      qr/^leaseloft: cannot find the append-only files: .*config\|get/m,
      '--redis', "redis://blind:Erstkennwort\@$url", $dir);
fails('without a right to CONFIG SET',
      qr/^leaseloft: cannot disable rewrites: .*config\|set/m,
      '--redis', "redis://reader:Erstkennwort\@$url", $dir);
fails('with a wrong password', qr/^leaseloft: cannot connect to Redis: /m,
      '--redis', "redis://op:Zweitkennwort\@$url", $dir);
fails('a directory that does not exist',
      qr/^leaseloft: cannot open "\/nowhere"/m,
      '/nowhere');
fails('a file in place of a directory', qr/Not a directory/,
      $ll->dir() . '/redis.conf');
rename $live, "$live.away";
fails('the files of Redis are elsewhere',
      qr{^leaseloft: cannot open ".*appendonlydir": .*the machine of Redis}m,
      $dir);
rename "$live.away", $live;

is(($ll->cli('backup'))[0], 2, 'without DIR it exits with 2');
is(($ll->cli('backup', $dir, 'x'))[0], 2, 'with two of them too');

$ll->redis('CONFIG', 'SET', 'appendonly', 'no');
fails('append-only files are off', qr/^leaseloft: Redis writes no append-only/m,
      $dir);
$ll->redis('CONFIG', 'SET', 'appendonly', 'yes');
ok(wait_for(sub { $ll->redis('INFO', 'persistence')
                      =~ /aof_rewrite_in_progress:0.*aof_enabled:1|
                          aof_enabled:1.*aof_rewrite_in_progress:0/sx }, 10),
   'append-only files are on again');

$ll->redis('CONFIG', 'SET', 'auto-aof-rewrite-percentage', 0);
($status, $said) = $ll->cli('backup', $dir);
is($status, 0, 'rewrites may be disabled already');
like($said, qr/^automatic rewrites are disabled in Redis/m, 'it says that');
is(percentage($ll), 0, 'and leaves them so');

$ll->finish();
