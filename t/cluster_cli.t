#!/usr/bin/perl

# The command line on a Redis Cluster of three primaries.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Cluster;

# so that messages are sealed
my $ll = LeaseLoft->new(start => 0,
                        worker_options => '--seal-after 1 --seal-size 1');
my ($page) = map { local (@ARGV, $/) = $_; <> } 'docs/backup.md';
my ($rights) = $page =~ /"user backup on #\$hash ([^"]*)"/
    or BAIL_OUT('docs/backup.md has no user');
my $cluster = LeaseLoft::Cluster->new($ll, conf =>
    LeaseLoft::Redis::acl('PASSWORD') . "user backup on >PASSWORD $rights\n");

# the rights are those of conf/leaseloft.acl
my %url = map { $_ => $cluster->url() =~ s{//}{//$_:PASSWORD@}r }
              qw(nginx worker operator backup);

$ll->{url} = $url{nginx};
$ll->nginx_conf();
$ll->{url} = $url{worker};
$ll->start($_) for qw(worker1 nginx);
$ll->started();
$ll->{url} = $url{operator};

my @properties = map { "P$_" } 0 .. 8;

# the output of a command that succeeds
sub cli {
    my (@words) = @_;
    my ($status, $out) = $ll->cli(@words);
    is($status, 0, "leaseloft @words") or diag($out);
    return $out;
}

sub json { return decode_json(cli(@_, '--json')) }

my %body = (lease_id => 'L-1', label => 'Home', time_zone => 'Europe/Berlin',
            landlords => [{ user => 'u-lena', name => 'Lena' }],
            tenants => [{ user => 'u-tom', name => 'Tom' }],
            starts_at => '2020-01-01T00:00:00Z', ends_at => undef);

$ll->write('lease.json', encode_json(\%body));
$ll->write('lease2.json', encode_json({
    %body, tenants => [{ user => 'u-ana', name => 'Ana' }] }));
$ll->write('leases.json', join "\n", map { encode_json({ %body,
                                               property => $_ }) } @properties);

cli('lease', 'put', 'P0', $ll->dir() . '/lease.json');
cli('lease', 'load', $ll->dir() . '/leases.json');
is_deeply([ sort keys %{ { map { $cluster->has("ll:{p:$_}:meta") => 1 }
                               @properties } } ],
          [qw(node0 node1 node2)], 'leases are declared on each primary');
like(cli('lease', 'show', $_), qr/L-1/, "the lease of $_ is shown")
    for @properties;

is($ll->say($_, 'u-tom', "the heating of $_")->status(), 201,
   "a message of $_ is stored") for @properties;

like(cli('search', $_, 'heating'), qr/the heating of $_$/m,
     "the message of $_ is found") for @properties;
like(cli('record', 'P3'), qr/the heating of P3/, 'a record is made');
is(json('unread', 'u-lena')->{total_unread}, 9, 'messages are counted');


# a count that is wrong

for my $user ('u-lena') {
    my $key = "ll:{u:$user}:inbox";
    $cluster->on($cluster->has($key), 'HSET', $key, ':', '20 99 9');
}

cli('unread', 'rebuild');
is(json('unread', 'u-lena')->{total_unread}, 9, 'wrong counts are repaired');


cli('erase', 'P1', 2, '--reason', 'a test');
unlike(cli('record', 'P1'), qr/heating/, 'a message is erased');
cli('revoke', 'u-max');
ok(wait_for(sub {
    $ll->get('/api/inbox', user => 'u-max')->status() == 401
}, 5), 'tokens are revoked');


# dead letters of any queue

for my $k (0, 17) {
    my $key = "ll:{q:$k}:dead";
    $cluster->on($cluster->has($key), 'XADD', $key, '*', op => 'send',
                 p => "P$k", u => 'u-tom', why => 'a test', id => '1-1',
                 b => qq({"client_id":"dead-$k","text":"put back $k"}),
                 r => 'n.1');
}

is(scalar @{ json('dead', 'list')->{dead} }, 2, 'dead letters are listed');
cli('dead', 'retry');
ok(wait_for(sub { cli('search', 'P0', 'back') =~ /put back 0/ }, 10),
   'a dead letter is put back and carried out');

cli('purge', 'P2');
is(json('unread', 'u-lena')->{total_unread}, 9, 'a property is deleted');

is($ll->lease('P4', ends_at => '2021-01-01T00:00:00Z')->status(), 200,
   'a lease ends');


is($ll->lease('P4', lease_id => 'L-2', tenants => ['u-max'])->status(), 200,
   'another one begins');
cli('lease', 'put', $_, $ll->dir() . '/lease2.json')
    for grep { !/P[24]/ } @properties;
like(cli('forget', 'u-tom', '--texts', '--reason', 'a test'), qr/u-tom/,
     'a person is forgotten');
ok(!(grep { cli('record', $_) =~ /heating of|"Tom"/ } 'P0', 'P3', 'P8'),
   'their messages and their name are gone, on all primaries');
ok((grep { $cluster->command('HLEN', "ll:{p:$_}:segments") } @properties) > 3,
   'entries were sealed');


# a backup by a user who has the rights of the manual

mkdir $ll->dir() . '/backups';
$ll->{url} = $url{backup};
like(cli('backup', $ll->dir() . '/backups'), qr/ 16384 of 16384 slots, /,
     'all primaries are backed up');
$ll->{url} = $url{operator};


# doctor checks each primary

my %address = map { $_ => $cluster->address($_) } $cluster->parts();

sub doctor {
    my ($status, $out) = $ll->cli('doctor');
    return ($status, $out);
}

my ($status, $said) = doctor();
like($said, qr/^ok +slots +16384 of 16384 have a primary$/m,
     'doctor counts the slots');
for my $part (sort keys %address) {
    like($said, qr/^ok +$_->[0] +\Q$address{$part}\E: $_->[1]$/m,
         "doctor checks $_->[0] of $part")
        for ['version', 'Redis [\d.]+'], ['persistence', 'appendfsync always'],
            ['share', '546[12] of 16384 slots'],
            ['functions', 'leaseloft_1, revision \d+'], ['workers', '1'],
            ['sample', 'threads: \d+, entries: \d+, all verified'],
            ['queue', '\d+: 0 wait, 0 in progress'];
}
like($said, qr/^advice +replicas +\Q$address{node0}\E: none is connected/m,
     'doctor advises a replica');
unlike($said, qr/^(?:fault|unknown)(?! +(?:memory|access|machine|disk))/m,
       'doctor finds nothing wrong') or diag($said);


# the heartbeat of a worker that does not serve one of them; the numbers of
# queues that are configured have no effect

my %home = map {
    my $part = $_;
    $part => (grep { $cluster->has("ll:{q:$_}:requests") eq $part } 0 .. 63)[0]
} $cluster->parts();
my $reads = sprintf '%x', 1 << $home{node0} | 1 << $home{node1};

sub beat {
    $cluster->command('HSET', "ll:{q:$_}:workers", 'other',
                      sprintf '%d x=1 queues:4 reads:%s', time() * 1000, $reads)
        for values %home;
}

$ll->stop('worker1');
my @queue = ("ll:{q:$home{node2}}:requests");
push @queue, $cluster->command('XADD', @queue, '*', op => 'x');
beat();
is(join(' ', @{ $ll->get('/internal/health')->json()->{faults} }),
   "No worker reads queue $home{node2}, of Redis $address{node2}; "
   . '"leaseloft doctor" says why.', 'health names the primary');
($status, $said) = doctor();
my $unread = "$address{node2}: $home{node2}: no worker reads it, 1 requests wait:"
             . ' see what the logs of workers say about this primary';
like($said, qr/^fault +queue +\Q$unread\E$/m, 'doctor names the primary');
unlike($said, qr/--queues|leaseloft_queues/,
       'neither asks for other numbers of queues') or diag($said);
$cluster->command('XDEL', @queue);
$cluster->command('HDEL', "ll:{q:$_}:workers", 'other') for values %home;
$ll->{url} = $url{worker};
$ll->start('worker1');
$ll->{url} = $url{operator};
ok($ll->wait_healthy(), 'health is 200 with a worker');

$ll->stop('node1', 'KILL');
($status, $said) = doctor();
is($status, 2, 'doctor exits with 2 if a primary is down');
like($said, qr/^fault +connection +\Q$address{node1}\E: cannot connect/m,
     '... and says which');
like($said, qr/^ok +workers +\Q$address{node2}\E: 1$/m,
     '... and checks the others');

# a call that spans slots is refused by CROSSSLOT, or by ERR in a function
is(join(' ', grep { /^(?:CROSSSLOT|ERR|NOPERM)$/ }
                  sort keys %{ $cluster->errors() }), '',
   'no call spans two slots');

$ll->finish();
