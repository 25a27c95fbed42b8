#!/usr/bin/perl

# Requests without a right to anything leave nothing in Redis: thousands of
# requests without a token, with bad ones, or for properties of others, leave
# every key, the append-only file, memory and subscriptions as they were.  A
# former or future party is refused by a worker, since a former send may be sent
# again: that leaves a request in the file, and nothing else.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;

my $times = 250;

my $ll = LeaseLoft->new(
    main => 'worker_processes 1;',
    http => 'keepalive_requests 1000000; keepalive_time 1h;',
    directives => { leaseloft_linger => '1s' });

$ll->lease('P');
$ll->lease('Q', landlords => ['u-omar'], tenants => ['u-mia']);
$ll->say('Q', 'u-mia', 'hello') for 1 .. 3;


# --- the state of Redis ---

# nginx reports itself here every 10 seconds, whatever it is asked
my $report = 'll:{w}:nginx';

# the process that searches renews its lane, also while its worker is stopped
my $searcher = 'PEXPIREAT ll:{search}:requests';

# each key with a digest of its value, less that of the reports
sub keys_now {
    my @keys = sort grep { $_ ne $report } @{ $ll->redis('KEYS', '*') };
    my $digests = $ll->redis('DEBUG', 'DIGEST-VALUE', @keys);

    return { map { $keys[$_] => $digests->[$_] } 0 .. $#keys };
}

sub info {
    my ($name) = @_;
    my ($value) = $ll->redis('INFO', 'all') =~ /^\Q$name\E:(\d+)/m;
    return $value;
}

# subscriptions to channels of properties and users
sub channels {
    return join ' ', sort grep { /\{[pu]:/ }
                     @{ $ll->redis('PUBSUB', 'CHANNELS') };
}

# the append-only file, and its size
sub file { return (glob $ll->dir() . '/redis/appendonlydir/*.incr.aof')[0] }
sub file_size { return -s file() }

# the commands that were written to it after this many bytes, less the reports
sub written {
    my ($from) = @_;

    open my $f, '<:raw', file() or die "aof: $!";
    seek $f, $from, 0;
    my @words = split /\r\n/, do { local $/; <$f> // '' };
    my @commands;

    while (@words) {
        my ($n) = shift(@words) =~ /^\*(\d+)$/ or die "no command in the file\n";
        my @args = map { (splice @words, 0, 2)[1] } 1 .. $n;
        my $command = "@args[0, 1]";
        push @commands, $command
            if $n > 1 && $args[0] ne 'SELECT' && $args[1] ne $report
               && $command ne $searcher;
    }

    return join "\n", @commands;
}


# --- requests without a right ---

my $socket;

# sends a request over one connection for as long as it lasts: the status
sub ask {
    my ($method, $path, %o) = @_;

    my @lines = ("$method $path HTTP/1.1", 'Host: localhost',
                 @{ $o{headers} || [] });
    push @lines, "Authorization: Bearer $o{token}" if defined $o{token};
    push @lines, 'Content-Length: ' . length $o{body} if defined $o{body};

    $socket //= LeaseLoft::connect_to($ll->{ports}{http}) or die "connect: $!";
    syswrite $socket, join("\r\n", @lines, '', '') . ($o{body} // '');

    my $in = '';

    for (;;) {
        last if !sysread $socket, $in, 65536, length $in;
        my ($head, $rest) = $in =~ /^(.*?\r\n)\r\n(.*)$/s or next;
        my ($length) = $head =~ /^Content-Length: (\d+)\r/mi or next;
        last if length $rest >= $length;
    }

    undef $socket if $in !~ /^Connection: keep-alive\r/mi;

    return $in =~ m{^HTTP/1\.1 (\d+)} ? $1 : 'none';
}

my @json = ('Content-Type: application/json');
my @foreign = ('Origin: https://evil.example', @json);
my $body = '{"client_id":"c","text":"t"}';
my $large = 'x' x (64 * 1024 + 1);

my $tom = $ll->token('u-tom');
my $eve = $ll->token('u-eve');
my $expired = $ll->token('u-tom', exp => int(time()) - 10);
my $forged = LeaseLoft::Token::token('another key',
                 { sub => 'u-tom', exp => int(time()) + 3600 });

# the number makes ids differ, so that anything stored for each would be seen
my %attacks = (
    'no token' => [401, sub {
        ask('GET', "/api/properties/P/messages?after=$_[0]") }],
    'no token, a stream' => [401, sub {
        ask('GET', "/api/properties/n$_[0]/events") }],
    'no token, a send' => [401, sub {
        ask('POST', '/api/properties/P/messages', headers => \@json,
            body => $body) }],
    'no token, the inbox' => [401, sub { ask('GET', '/api/inbox') }],
    'an expired token' => [401, sub {
        ask('POST', '/api/properties/P/read', token => $expired,
            headers => \@json, body => '{"upto":1}') }],
    'a forged token' => [401, sub {
        ask('GET', '/api/inbox/events', token => $forged) }],
    'what is not a token' => [401, sub {
        ask('GET', '/api/inbox', token => "x$_[0]") }],
    'a token of 5 kB' => [401, sub {
        ask('GET', '/api/inbox', token => $_[0] x 2000) }],
    'another origin' => [403, sub {
        ask('POST', '/api/properties/P/messages', body => $body,
            headers => [@foreign, "Cookie: leaseloft_session=$tom"]) }],
    'a poll of an unknown property' => [404, sub {
        ask('GET', "/api/properties/n$_[0]/messages", token => $tom) }],
    'a poll of the property of others' => [404, sub {
        ask('GET', "/api/properties/Q/messages?before=$_[0]",
            token => $tom) }],
    'a stream of an unknown property' => [404, sub {
        ask('GET', "/api/properties/n$_[0]/events", token => $tom) }],
    'a stream of the property of others' => [404, sub {
        ask('GET', "/api/properties/Q/events?after=$_[0]", token => $tom) }],
    'a send to an unknown property' => [404, sub {
        ask('POST', "/api/properties/n$_[0]/messages", token => $tom,
            headers => \@json, body => $body) }],
    'a send to the property of others' => [404, sub {
        ask('POST', '/api/properties/Q/messages', token => $tom,
            headers => \@json, body => $body) }],
    'a mark on the property of others' => [404, sub {
        ask('POST', '/api/properties/Q/read', token => $tom,
            headers => \@json, body => qq({"upto":$_[0]})) }],
    'a poll by a user without a lease' => [404, sub {
        ask('GET', '/api/properties/P/messages',
            token => $ll->token("u-none$_[0]")) }],
    'a send by a user without a lease' => [404, sub {
        ask('POST', '/api/properties/P/messages', token => $eve,
            headers => \@json, body => $body) }],
    'an empty inbox' => [200, sub {
        ask('GET', '/api/inbox', token => $ll->token("u-none$_[0]")) }],
    'an invalid property id' => [404, sub {
        ask('GET', "/api/properties/a.$_[0]/messages", token => $tom) }],
    'a bad query' => [400, sub {
        ask('GET', "/api/properties/P/messages?after=x$_[0]",
            token => $tom) }],
    'another method' => [405, sub {
        ask('DELETE', "/api/properties/n$_[0]/messages") }],
    'too large a body' => [413, sub {
        ask('POST', '/api/properties/P/messages', token => $tom,
            headers => \@json, body => $large) }],
    'a body of another type' => [415, sub {
        ask('POST', '/api/properties/P/messages', token => $tom,
            headers => ['Content-Type: text/plain'], body => $body) }],
    'a lease on the public listener' => [404, sub {
        ask('PUT', "/internal/properties/n$_[0]/lease", token => $tom,
            headers => \@json, body => '{}') }],
    'an unknown path' => [404, sub { ask('GET', "/api/$_[0]") }],
);

# without a worker, which would write its heartbeat

ok(wait_for(sub { channels() eq '' }, 5),
   'no channel is subscribed to at first');
$ll->signal('worker1', 'STOP');
sleep 1.2;    # for what is still under way

$_->[1]->(0) for values %attacks;

my %first = (keys => keys_now(), file => file_size(),
             memory => info('used_memory'),
             clients => info('connected_clients'));

my $start = time();

for my $name (sort keys %attacks) {
    my ($status, $do) = @{ $attacks{$name} };
    my %seen;

    $seen{ $do->($_) }++ for 1 .. $times;
    is_deeply(\%seen, { $status => $times },
              "$name: $times requests get $status");
}

# streams of empty inboxes, opened and closed
my @streams = map { $ll->stream('/api/inbox/events', user => "u-none$_") }
              1 .. 50;
ok($_->wait_event('hello'), 'a stream of an empty inbox opens') for @streams;
$_->close() for @streams;

diag(sprintf '%d requests in %.1f s', $times * keys %attacks, time() - $start);

ok(wait_for(sub { channels() eq '' }, 5),
   'no channel is subscribed to afterwards')
    or diag(channels());
is_deeply(keys_now(), $first{keys}, 'no key and no value has changed');
is(written($first{file}), '', 'nothing was written to the append-only file');
is(info('connected_clients'), $first{clients},
   'Redis has as many connections as before');
ok(wait_for(sub { info('used_memory') - $first{memory} <= 65536 }, 5),
   'Redis uses at most 64 KiB more memory')
    or diag(info('used_memory') - $first{memory});

$ll->signal('worker1', 'CONT');
is($ll->say('P', 'u-tom', 'hello')->status(), 201,
   'a send gets 201 afterwards');


# --- parties that may read but not write, or not yet ---

my %soon = (starts_at => '2099-01-01T00:00:00Z');

$ll->lease('F', tenants => ['u-tom', 'u-fred']);
$ll->say('F', 'u-fred', 'hello', client_id => 'before');
$ll->lease('F');
$ll->lease('E', tenants => ['u-edna'], ends_at => at(-1));
$ll->lease('N', %soon, tenants => ['u-nina', 'u-otto']);
$ll->lease('N', %soon, tenants => ['u-nina']);

# the property, the user and the status
my %parties = (
    'a tenant who left' => ['F', 'u-fred', 409],
    'a tenant whose lease has ended' => ['E', 'u-edna', 409],
    'a tenant whose lease is pending' => ['N', 'u-nina', 409],
    'a landlord whose lease is pending' => ['N', 'u-lena', 409],
    'a tenant removed from a pending lease' => ['N', 'u-otto', 404],
);

# all keys but the heartbeat of the worker
sub lasting { my $keys = keys_now(); delete $keys->{'ll:{w}:workers'}; $keys }

sub refused {
    my ($property, $user, $n) = @_;
    return ask('POST', "/api/properties/$property/messages",
               token => $ll->token($user), headers => \@json,
               body => qq({"client_id":"r$n","text":"t"}));
}

sub idle {
    return wait_for(sub { $ll->redis('XLEN', 'll:{q:0}:requests') == 0 }, 5);
}

refused(@{ $_ }[0, 1], 0) for values %parties;
ok(idle(), 'the queue is empty at first');
ok(wait_for(sub { channels() eq '' }, 5), 'no channel is subscribed to');

for my $name (sort keys %parties) {
    my ($property, $user, $status) = @{ $parties{$name} };
    my ($keys, $file, $memory) = (lasting(), file_size(),
                                  info('used_memory'));
    my $added = sub {
        return { @{ $ll->redis('XINFO', 'STREAM', 'll:{q:0}:requests') } }
               ->{'entries-added'};
    };
    my ($queued, %seen) = ($added->());

    $seen{ refused($property, $user, $_) }++ for 1 .. $times;
    is_deeply(\%seen, { $status => $times }, "$name: $times sends get $status");
    is($added->() - $queued, $status == 404 ? 0 : $times,
       "$name: " . ($status == 404 ? 'no' : 'every') . ' send is queued');
    ok(idle(), "$name: the queue is empty afterwards");
    is_deeply(lasting(), $keys, "$name: no key and no value has changed");
    ok(wait_for(sub { info('used_memory') - $memory <= 65536 }, 5),
       "$name: Redis uses at most 64 KiB more memory")
           or diag(info('used_memory') - $memory);
    my $bytes = (file_size() - $file) / $times;
    cmp_ok($bytes, '<', 1024,
           sprintf '%s: a send adds %.0f bytes to the file', $name, $bytes);
}

is($ll->say('F', 'u-fred', 'hello', client_id => 'before')->status(), 200,
   'the former send gets 200');

$ll->finish();
