#!/usr/bin/perl

# The command line for operators (leaseloft), with a real Redis and a real
# worker.

use strict;
use warnings;
use utf8;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;

binmode Test::More->builder->$_(), ':utf8'
    for qw(output failure_output todo_output);

my $json = JSON::PP->new->utf8->canonical;
my $ll = LeaseLoft->new();

my %lease = (
    lease_id => 'L-1', label => '12 Elm St', time_zone => 'America/New_York',
    landlords => [{ user => 'u-lena', name => 'Léna' }],
    tenants => [{ user => 'u-tom', name => 'Tom' }],
    starts_at => '2020-01-01T00:00:00Z', ends_at => undef,
);

sub lease {
    return $json->encode({ %lease, @_ });
}

# checks the exit status, and the output together with standard error
sub is_cli {
    my ($status, $like, @args) = @_;

    my ($got, $out) = $ll->cli(@args);

    is($got, $status, "leaseloft @args: the exit status is $status");
    like($out, $like, "leaseloft @args: the output is right");

    return $out;
}

sub cli_json {
    my (@args) = @_;

    my (undef, $out) = $ll->cli(@args, '--json');

    return $json->decode($out =~ /^(\{.*\})$/m ? $1 : '{}');
}


# help, and invalid arguments

my $help = is_cli(0, qr/^Usage: leaseloft COMMAND/, '--help');
my @commands = $help =~ /^  (\w[\w ]*\w)  +/mg;

is(scalar @commands, 18, '--help lists all commands');

my $page = do {
    open my $f, '<:utf8', "$LeaseLoft::root/docs/cli.md" or die;
    local $/;
    <$f>;
};

for my $command (@commands) {
    my $usage = is_cli(0, qr/^Usage: leaseloft \Q$command\E/,
                       split(/ /, $command), '--help');
    my ($line) = $usage =~ /^Usage: (.*\S)/m;
    like($page, qr/^### \Q$command\E\n\n`\Q$line\E`$/m,
         "docs/cli.md has \"$line\"");
}

is_cli(0, qr/^Usage: leaseloft COMMAND/, 'help');
is_cli(0, qr/^Usage: leaseloft lease put PROPERTY FILE$/m, 'help', 'lease',
       'put');
is_cli(0, qr/^leaseloft \d+\.\d+\.\d+\n\z/, '--version');
is_cli(0, qr/^leaseloft \d/, 'doctor', '--version');
is_cli(2, qr/^Usage: leaseloft COMMAND/);
is_cli(2, qr/no command "frob"/, 'frob');
is_cli(2, qr/no command "frob"/, 'help', 'frob');

for my $case (['lease', 'put load show'], ['dead', 'list retry drop']) {
    my ($word, $want) = @$case;

    for my $args ([2, $word], [0, $word, '--help'], [0, 'help', $word],
                  [2, $word, 'frob'])
    {
        my ($status, @args) = @$args;
        my $out = is_cli($status, qr/^  \Q$word\E/, @args);

        is(join(' ', $out =~ /^  \Q$word\E (\w+)  /mg), $want,
           "leaseloft @args: the subcommands are listed");
    }
}

is_cli(2, qr/no command "lease frob"/, 'lease', 'frob');
is_cli(2, qr/no option "--frob"/, 'doctor', '--frob');
is_cli(2, qr/"doctor" has no option "--ttl"/, 'doctor', '--ttl', 1);
is_cli(2, qr/"--json" takes no value/, 'doctor', '--json=1');
is_cli(2, qr/"--redis" needs a value/, 'doctor', '--redis');
is_cli(2, qr/"doctor" takes no arguments/, 'doctor', 'x');
is_cli(2, qr/"lease put" takes PROPERTY FILE/, 'lease', 'put', 'P');
is_cli(2, qr/PROPERTY must be 1 to 64/, 'lease', 'show', 'a b');
is_cli(2, qr/USER must be 1 to 64/, 'unread', 'a.b');
is_cli(2, qr/--queues must be 1 to 64/, 'doctor', '--queues', $_) for 0, 65;
is_cli(2, qr/--node is for a Redis Cluster/, 'backup', 'DIR', '--node', 'a:1');
is_cli(2, qr/port/, 'doctor', '--redis', 'redis://localhost:0');
is_cli(2, qr/neither unix:PATH nor redis:..HOST:PORT/, 'unread', 'u-lena', '--redis=');
is_cli(1, qr/cannot connect/, 'unread', 'u', '--redis', 'unix:/nowhere/redis');

# options before a command, between its words and after it

for my $args (['--redis', $ll->{url}, '--json', 'unread', 'u-x'],
              ["--redis=$ll->{url}", 'unread', '--json', 'u-x'],
              ['unread', 'u-x', '--json', '--redis', $ll->{url}])
{
    local $ENV{LEASELOFT_REDIS} = 'unix:/nowhere/redis';
    is_cli(0, qr/^\{"user":"u-x","total_unread":0,/, @$args);
}

# a password is never printed, whatever is wrong with the arguments

{
    my $url = 'redis://op:s3cr%40t-w0rd@127.0.0.1:1';

    for my $args (['--redis', $url, 'doctor'], ["--redis=$url", 'doctor'],
                  ['--redsi', $url, 'doctor'], ["--redsi=$url", 'doctor'],
                  [$url, 'doctor'], ['doctor', $url], ['lease', $url],
                  ['lease', 'show', $url], ['lease', 'load', $url],
                  ['lease', 'put', 'P', $url], ["--json=$url", 'doctor'],
                  ['dead', 'retry', $url], ['unread', $url], ['help', $url],
                  ['--queues', $url, 'doctor'], ['--prefix', $url, 'doctor'],
                  ['token', '--key', $url, '--sub', 'u', '--ttl', 1],
                  ['--redis', "$url/1", 'doctor'], ['doctor', "-$url"],
                  ['--redis', $url =~ s/127/x127/r, 'doctor'])
    {
        my ($status, $out) = $ll->cli(@$args);

        cmp_ok($status, '>', 0, 'invalid arguments with a password fail');
        unlike($out, qr/s3cr|w0rd/, "the error has no password: $out");
    }

    for my $args ("--redis $url/1", "--redsi=$url", "--redsi $url", $url,
                  "--help=$url", "--redis $url -x", "--name $url",
                  "--prefix $url", "--batch $url", "--log $url")
    {
        my $said = qx($LeaseLoft::worker $args 2>&1);

        is($? >> 8, 2, 'the worker refuses invalid arguments');
        like($said, qr/\Aleaseloft-worker: .*--help\n\z/,
             'the error of the worker is one line');
        unlike($said, qr/s3cr|w0rd/,
               "the error of the worker has no password: $said");
    }
}


# tokens

$ll->lease('P');

my $key = "$ll->{dir}/token.key";
my $token = is_cli(0, qr/^[\w-]+\.[\w-]+\.[\w-]+\n$/, 'token', '--sub',
                   'u-tom', '--ttl=60', '--key', $key, '--name', 'Tom');
chomp $token;

is($ll->get('/api/inbox', token => $token)->status(), 200,
   'nginx accepts the token');

$ll->write('newline.key', "$ll->{key}\n");
my $made = cli_json('token', '--sub', 'u-tom', '--ttl', 60, '--key',
                    "$ll->{dir}/newline.key");
is($ll->get('/api/inbox', token => $made->{token})->status(), 200,
   'a final newline is not part of the secret');
like($made->{expires_at}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
     'token --json: expires_at is a time');

$ll->write('empty.key', "\n");
$ll->write('pem.key', "-----BEGIN PUBLIC KEY-----\n");

is_cli(1, qr/contains no secret/, 'token', '--sub', 'u', '--ttl', 1, '--key',
       "$ll->{dir}/empty.key");
is_cli(1, qr/PEM/, 'token', '--sub', 'u', '--ttl', 1, '--key',
       "$ll->{dir}/pem.key");
is_cli(1, qr/cannot open/, 'token', '--sub', 'u', '--ttl', 1, '--key',
       '/nowhere');
is_cli(2, qr/"token" needs --key FILE/, 'token', '--sub', 'u', '--ttl', 1);
is_cli(2, qr/--sub must be/, 'token', '--sub', 'a b', '--ttl', 1, '--key',
       $key);
is_cli(2, qr/--ttl must be/, 'token', '--sub', 'u', '--ttl', $_, '--key',
       $key) for '0', '-1', '1h', '', '99999999999999999999';


# one lease

$ll->write('lease.json', lease());

is_cli(0, qr/^Q: lease L-1 is active$/, 'lease', 'put', 'Q',
       "$ll->{dir}/lease.json");
is_cli(0, qr/^Q: lease L-1 is active$/, 'lease', 'put', 'Q',
       "$ll->{dir}/lease.json");

my $put = cli_json('lease', 'put', 'Q', "$ll->{dir}/lease.json");

is($put->{property}, 'Q', 'lease put --json: the property');
is($put->{head}, $ll->poll('Q', 'u-lena')->{head},
   'lease put --json: the head');
is(scalar @{ $ll->poll('Q', 'u-lena')->{entries} }, 1,
   'a lease that is declared three times opens once');

$ll->write('bad.json', lease(label => '', tenants => []));

is_cli(1, qr/^leaseloft: Q: label must .*; tenants must /, 'lease', 'put',
       'Q', "$ll->{dir}/bad.json");

is(join(' ', map { $_->{field} }
        @{ cli_json('lease', 'put', 'Q', "$ll->{dir}/bad.json")->{errors} }),
   'label tenants', 'lease put --json: the problem names the fields');
is_cli(1, qr/cannot open/, 'lease', 'put', 'Q', '/nowhere');

$ll->write('big.json', ' ' x 65537);

is_cli(1, qr/has more than 65536 bytes/, 'lease', 'put', 'Q',
       "$ll->{dir}/big.json");

$ll->write('other.json', lease(lease_id => 'L-2'));

is_cli(1, qr/in the way/, 'lease', 'put', 'Q', "$ll->{dir}/other.json");


# lease show

$ll->write('next.json', lease(lease_id => 'L-2', ends_at => undef,
                              starts_at => '2099-01-01T00:00:00Z'));
$ll->write('ends.json', lease(ends_at => '2098-01-01T01:00:00+01:00'));

is_cli(0, qr/L-1 is active/, 'lease', 'put', 'Q', "$ll->{dir}/ends.json");
is_cli(0, qr/L-2 is pending/, 'lease', 'put', 'Q', "$ll->{dir}/next.json");

my $shown = cli_json('lease', 'show', 'Q');

is($shown->{head}, $ll->poll('Q', 'u-lena')->{head},
   'lease show --json: the head');
is(join(' ', map { "$_->{lease_id}:$_->{state}" } @{ $shown->{leases} }),
   'L-1:active L-2:pending', 'lease show --json: the leases');
is_deeply($shown->{leases}[0],
          { %lease, state => 'active', starts_at => '2020-01-01T00:00:00.000Z',
            ends_at => '2098-01-01T00:00:00.000Z' },
          'lease show --json: the whole declaration');
is_cli(0, qr/^Q, head 1\.\w{8}\n\nL-1 \(active\) 12 Elm St\n/, 'lease', 'show',
       'Q');
is_cli(1, qr/no property "nobody"/, 'lease', 'show', 'nobody');

$ll->write('past.json', lease(ends_at => '2021-01-01T00:00:00Z'));
is_cli(0, qr/L-1 is ended/, 'lease', 'put', 'R', "$ll->{dir}/past.json");
is(cli_json('lease', 'show', 'R')->{leases}[0]{state}, 'ended',
   'lease show --json: a lease that ended');

is_cli(0, qr/^N: lease L-2 is pending$/, 'lease', 'put', 'N',
       "$ll->{dir}/next.json");
is_cli(0, qr/^N, head 0\.\w{8}\n\nL-2 \(pending\) /, 'lease', 'show', 'N');


# lease load: bad lines are named, all other lines are declared, in order

sub line {
    my ($property, @members) = @_;
    return lease(property => $property, @members) . "\n";
}

$ll->write('load.jsonl', join '', (map { line("M-$_") } 1 .. 300), "\n",
           "{]\n", "[]\n", lease() . "\n", line('a b'),
           line('M-301', label => ''),
           line('M-1', label => 'second'), line('M-1', label => 'third'),
           line('M-302'));

my $loaded = is_cli(1, qr/^303 declared, 5 failed$/m, 'lease', 'load',
                    "$ll->{dir}/load.jsonl");

like($loaded, qr/^leaseloft: line 302: is not JSON$/m,
     'lease load: a line that is not JSON is named');
like($loaded, qr/^leaseloft: line 303: must be an object$/m,
     'lease load: a line that is not an object is named');
like($loaded, qr/^leaseloft: line 304: property must /m,
     'lease load: a line without a property is named');
like($loaded, qr/^leaseloft: line 305: property must /m,
     'lease load: a line with an invalid property is named');
like($loaded, qr/^leaseloft: line 306, M-301: label must have 1 to 200 /m,
     'lease load: a line that is refused is named, with the reason');
is($ll->poll('M-1', 'u-lena')->{label}, 'third',
   'lease load: the last of several lines for a property counts');
is($ll->poll('M-302', 'u-tom')->{label}, '12 Elm St',
   'lease load: lines after a bad one are declared');
is($ll->get('/api/properties/M-301/messages', user => 'u-tom')->status(), 404,
   'lease load: a line that is refused creates no property');

my $errors = cli_json('lease', 'load', "$ll->{dir}/load.jsonl");

is($errors->{declared}, 303, 'lease load --json: how many were declared');
is($errors->{failed}, 5, 'lease load --json: how many failed');
is_deeply([ map { $_->{line} } @{ $errors->{errors} } ],
          [ 302, 303, 304, 305, 306 ], 'lease load --json: the failed lines');

$ll->write('good.jsonl', line('M-1', label => 'third'));
is_cli(0, qr/^1 declared, 0 failed$/m, 'lease', 'load',
       "$ll->{dir}/good.jsonl");


# unread and unread rebuild

$ll->say('P', 'u-tom', "message $_") for 1 .. 5;
$ll->say('Q', 'u-tom', "message $_") for 1 .. 3;
$ll->say('P', 'u-lena', 'an answer');
$ll->mark('P', 'u-lena', 3);

my $unread = cli_json('unread', 'u-lena');
my %unread = map { $_->{property} => $_->{unread} } @{ $unread->{threads} };

is($unread->{total_unread}, 6, 'unread --json: the total');
is($unread{P}, 3, 'unread --json: a thread with a read mark');
is($unread{Q}, 3, 'unread --json: a thread without a read mark');
is($unread{'M-7'}, 0, 'unread --json: a thread without messages');
is(scalar @{ $unread->{threads} }, 305,
   'unread --json: the threads of all pages');
is_cli(0, qr/^3\tP\tLabel of P$/m, 'unread', 'u-lena');
is_cli(0, qr/^0\ttotal$/, 'unread', 'nobody');

sub inboxes {
    return map {
        my $user = $_;
        my $inbox = $ll->get('/api/inbox?limit=200', user => $user)->json();
        delete $inbox->{rev};
        $json->encode($inbox);
    } qw(u-lena u-tom);
}

my @before = inboxes();

like((is_cli(0, qr/0 inbox threads repaired, 0 removed, 0 damaged$/, 'unread',
             'rebuild')),
     qr/^305 threads, 2 users/m, 'unread rebuild covers all threads');
is_deeply([ inboxes() ], \@before,
          'unread rebuild changes nothing where nothing is wrong');

$ll->redis('HSET', 'll:{p:P}:meta', 'c:u-lena', 1, 'c:u-tom', 2, 'n', 99);
$ll->redis('HDEL', 'll:{p:Q}:meta', 'c:u-lena', 'c:u-tom', 'n');
$ll->redis('DEL', map { "ll:{u:u-lena}:$_" } qw(inbox order));
$ll->redis('HSET', 'll:{u:u-tom}:inbox', ':', '7 1000 1');
$ll->redis('DEL', 'll:{u:u-tom}:order');
$ll->redis('HSET', 'll:{u:u-tom}:inbox', 'M-8', 'damaged');
$ll->redis('HSET', 'll:{p:M-9}:meta', 'n', 9);

is($ll->poll('M-9', 'u-lena')->{you}{unread}, 9,
   'a wrong count is shown before the rebuild');

my $rebuilt = cli_json('unread', 'rebuild');

is($rebuilt->{users}, 2, 'unread rebuild --json: the users');
cmp_ok($rebuilt->{repaired}, '>=', 304,
       'unread rebuild --json: how many threads were repaired');
is_deeply([ inboxes() ], \@before,
          'after a rebuild the inboxes are as before the damage');
ok(wait_for(sub { $ll->poll('M-9', 'u-lena')->{you}{unread} == 0 }),
   'a poll that showed a wrong count shows the right one');

$ll->say('P', 'u-tom', 'one more');
is(cli_json('unread', 'u-lena')->{total_unread}, 7,
   'after a rebuild a new message counts');


# unread rebuild while messages are sent

my $command = "$LeaseLoft::cli unread rebuild --redis $ll->{url}";
my $pid = $ll->spawn('rebuild', "sh -c 'for i in 1 2 3; do"
                     . " $command || exit 1; done'");
my ($sent, $over) = (0, 0);

until ($over) {
    $sent += $ll->say('P', 'u-tom', 'meanwhile')->status() == 201;
    $over = waitpid($pid, 1) == $pid;
}

is($?, 0, 'unread rebuild succeeds while messages are sent');
delete $ll->{pids}{rebuild};
cmp_ok($sent, '>', 5, "$sent messages are sent meanwhile");
ok(wait_for(sub { cli_json('unread', 'u-lena')->{total_unread}
                  == 7 + $sent }),
   'messages that are sent during a rebuild count once');
is(cli_json('unread', 'rebuild')->{repaired}, 0,
   'a second rebuild has nothing to repair');


# dead letters

my @request = (op => 'send', p => 'P', u => 'u-tom', r => 'gone.1',
               b => '{"client_id":"dead-1","text":"from the dead"}');

my $id = $ll->redis('XADD', 'll:{q:0}:dead', '*', @request,
                    why => 'died thrice', id => '5-1');
my $other = $ll->redis('XADD', 'll:{q:0}:dead', '*', @request,
                       why => 'again', id => '6-1');

my $dead = is_cli(0, qr/^\Q$id\E\t\S+\tsend\tP\tu-tom\tdied thrice$/m, 'dead',
                  'list');
unlike($dead, qr/from the dead/, 'dead list shows no text of a message');
is_deeply([ map { "$_->{id} $_->{request}" } @{ cli_json('dead', 'list')
                                                ->{dead} } ],
          [ "$id 5-1", "$other 6-1" ], 'dead list --json: the dead letters');

is_cli(1, qr/no request "1-1" was given up\n/, 'dead', 'retry', '1-1');
is_cli(0, qr/^1 queued$/, 'dead', 'retry', $id);
is(wait_for(sub { $ll->poll('P', 'u-lena')->{entries}[-1]{text} eq
                  'from the dead' }), 1, 'a retried request is carried out');
is_cli(0, qr/^1 queued$/, 'dead', 'retry');
is_cli(0, qr/^0 given up$/, 'dead', 'list');
is(scalar(grep { ($_->{text} // '') eq 'from the dead' }
          @{ $ll->poll('P', 'u-lena')->{entries} }), 1,
   'a request that is retried twice is carried out once');


# users, passwords and prefixes

my $port = LeaseLoft::free_port();

$ll->redis('CONFIG', 'SET', 'port', $port);
$ll->redis('ACL', 'SETUSER', 'op', 'on', '>p@ss/w', '~*', '&*', '+@all');

is_cli(0, qr/^Q, head/, 'lease', 'show', 'Q', '--redis',
       "redis://op:p%40ss%2Fw\@127.0.0.1:$port");
is_cli(0, qr/^Q, head/, 'lease', 'show', 'Q', '--redis',
       "redis://op:p%40ss%2Fw\@localhost:$port");
is_cli(2, qr/names a database.*--prefix/, 'lease', 'show', 'Q', '--redis',
       "redis://127.0.0.1:$port/1");
is_cli(1, qr/no property "Q"/, 'lease', 'show', 'Q', '--prefix', 'other');
is_cli(2, qr/prefix must be 1 to 16 of a-z 0-9 _ -/, 'doctor', '--prefix', $_)
    for '', 'LL', 'x' x 17;

my $refused = is_cli(1, qr/cannot connect to Redis: WRONGPASS/, 'unread', 'u',
                     '--redis', "redis://op:wrong\@127.0.0.1:$port");

unlike($refused, qr/\bwrong\b/, 'a refused password is not printed');


# without a worker

$ll->stop('worker1');

my $since = time();

is_cli(1, qr/no worker has answered within 10 s/, 'lease', 'put', 'S',
       "$ll->{dir}/lease.json");
cmp_ok(time() - $since, '<', 15,
       'without a worker lease put gives up in bounded time');

$ll->start('worker1');
is(wait_for(sub { ($ll->cli('lease', 'show', 'S'))[0] == 0 }), 1,
   'the declaration is carried out once a worker runs');

$ll->finish();
