#!/usr/bin/perl

# Whoever has no business here costs Redis nothing that stays: thousands of
# requests without a token, with bad ones, or for what is not theirs, leave
# every key, the append-only file, memory and subscriptions as they were.  Who
# was a party, or is to be one, is refused by the workers, as what they sent
# before may be sent again: that leaves a line in the file, and nothing else.

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


# --- what Redis holds ---

# each key with a digest of its value
sub keys_now {
    my @keys = sort @{ $ll->redis('KEYS', '*') };
    my $digests = $ll->redis('DEBUG', 'DIGEST-VALUE', @keys);

    return { map { $keys[$_] => $digests->[$_] } 0 .. $#keys };
}

sub info {
    my ($name) = @_;
    my ($value) = $ll->redis('INFO', 'all') =~ /^\Q$name\E:(\d+)/m;
    return $value;
}

# subscriptions, less nginx's and the worker's own
sub channels {
    return join ' ', sort grep { /\{[pu]:/ }
                     @{ $ll->redis('PUBSUB', 'CHANNELS') };
}


# --- strangers ---

my $socket;

# over one connection for as long as it lasts: the status
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

# a number makes ids differ, so that anything kept for each would be seen
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
    'no token at all' => [401, sub {
        ask('GET', '/api/inbox', token => "x$_[0]") }],
    'a token of 5 kB' => [401, sub {
        ask('GET', '/api/inbox', token => $_[0] x 2000) }],
    'another origin' => [403, sub {
        ask('POST', '/api/properties/P/messages', body => $body,
            headers => [@foreign, "Cookie: leaseloft_session=$tom"]) }],
    'a poll of what is not there' => [404, sub {
        ask('GET', "/api/properties/n$_[0]/messages", token => $tom) }],
    'a poll of what is another\'s' => [404, sub {
        ask('GET', "/api/properties/Q/messages?before=$_[0]",
            token => $tom) }],
    'a stream of what is not there' => [404, sub {
        ask('GET', "/api/properties/n$_[0]/events", token => $tom) }],
    'a stream of what is another\'s' => [404, sub {
        ask('GET', "/api/properties/Q/events?after=$_[0]", token => $tom) }],
    'a send to what is not there' => [404, sub {
        ask('POST', "/api/properties/n$_[0]/messages", token => $tom,
            headers => \@json, body => $body) }],
    'a send to what is another\'s' => [404, sub {
        ask('POST', '/api/properties/Q/messages', token => $tom,
            headers => \@json, body => $body) }],
    'a mark on what is another\'s' => [404, sub {
        ask('POST', '/api/properties/Q/read', token => $tom,
            headers => \@json, body => qq({"upto":$_[0]})) }],
    'who has no lease at all' => [404, sub {
        ask('GET', '/api/properties/P/messages',
            token => $ll->token("u-none$_[0]")) }],
    'a send by one without a lease' => [404, sub {
        ask('POST', '/api/properties/P/messages', token => $eve,
            headers => \@json, body => $body) }],
    'an inbox with nothing in it' => [200, sub {
        ask('GET', '/api/inbox', token => $ll->token("u-none$_[0]")) }],
    'an id that is none' => [404, sub {
        ask('GET', "/api/properties/a.$_[0]/messages", token => $tom) }],
    'a bad query' => [400, sub {
        ask('GET', "/api/properties/P/messages?after=x$_[0]",
            token => $tom) }],
    'a method that is none' => [405, sub {
        ask('DELETE', "/api/properties/n$_[0]/messages") }],
    'a body too large' => [413, sub {
        ask('POST', '/api/properties/P/messages', token => $tom,
            headers => \@json, body => $large) }],
    'a body of another type' => [415, sub {
        ask('POST', '/api/properties/P/messages', token => $tom,
            headers => ['Content-Type: text/plain'], body => $body) }],
    'a lease, from outside' => [404, sub {
        ask('PUT', "/internal/properties/n$_[0]/lease", token => $tom,
            headers => \@json, body => '{}') }],
    'no path of ours' => [404, sub { ask('GET', "/api/$_[0]") }],
);

# everything is in its place, and no heartbeat writes to the file

ok(wait_for(sub { channels() eq '' }, 5), 'nobody watches anything');
$ll->signal('worker1', 'STOP');
sleep 1.2;    # what nginx still asks now and then

$_->[1]->(0) for values %attacks;

my %first = (keys => keys_now(), file => info('aof_current_size'),
             memory => info('used_memory'),
             clients => info('connected_clients'));

my $start = time();

for my $name (sort keys %attacks) {
    my ($status, $do) = @{ $attacks{$name} };
    my %seen;

    $seen{ $do->($_) }++ for 1 .. $times;
    is_deeply(\%seen, { $status => $times }, "$name: $times x $status");
}

# inboxes that nobody else has, watched and left
my @streams = map { $ll->stream('/api/inbox/events', user => "u-none$_") }
              1 .. 50;
ok($_->wait_event('hello'), 'a stream of an empty inbox') for @streams;
$_->close() for @streams;

diag(sprintf '%d requests in %.1f s', $times * keys %attacks, time() - $start);

ok(wait_for(sub { channels() eq '' }, 5), 'nobody watches anything')
    or diag(channels());
is_deeply(keys_now(), $first{keys}, 'no key, and no value, has changed');
is(info('aof_current_size'), $first{file}, 'nothing was written to disk');
is(info('connected_clients'), $first{clients}, 'as many connections');
ok(wait_for(sub { info('used_memory') - $first{memory} <= 65536 }, 5),
   'memory is what it was, within 10 bytes a request')
    or diag(info('used_memory') - $first{memory});

$ll->signal('worker1', 'CONT');
is($ll->say('P', 'u-tom', 'hello')->status(), 201, 'and all is well');


# --- those who may read, but not write, or not yet ---

my %soon = (starts_at => '2099-01-01T00:00:00Z');

$ll->lease('F', tenants => ['u-tom', 'u-fred']);
$ll->say('F', 'u-fred', 'hello', client_id => 'before');
$ll->lease('F');
$ll->lease('E', tenants => ['u-edna'], ends_at => at(-1));
$ll->lease('N', %soon, tenants => ['u-nina', 'u-otto']);
$ll->lease('N', %soon, tenants => ['u-nina']);

# the status, and what its problem is
my %parties = (
    'a tenant who left' => ['F', 'u-fred', 409],
    'a tenant whose lease has ended' => ['E', 'u-edna', 409],
    'a tenant whose lease is pending' => ['N', 'u-nina', 409],
    'a landlord whose lease is pending' => ['N', 'u-lena', 409],
    'who was taken off a pending lease' => ['N', 'u-otto', 404],
);

# all but the heartbeat
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
ok(idle(), 'nothing waits');
ok(wait_for(sub { channels() eq '' }, 5), 'nobody watches anything');

for my $name (sort keys %parties) {
    my ($property, $user, $status) = @{ $parties{$name} };
    my ($keys, $file, $memory) = (lasting(), info('aof_current_size'),
                                  info('used_memory'));
    my $added = sub {
        return { @{ $ll->redis('XINFO', 'STREAM', 'll:{q:0}:requests') } }
               ->{'entries-added'};
    };
    my ($queued, %seen) = ($added->());

    $seen{ refused($property, $user, $_) }++ for 1 .. $times;
    is_deeply(\%seen, { $status => $times }, "$name: $times x $status");
    is($added->() - $queued, $status == 404 ? 0 : $times,
       $status == 404 ? 'no worker is asked' : 'as a worker says');
    ok(idle(), 'nothing waits');
    is_deeply(lasting(), $keys, 'no key, and no value, has changed');
    ok(wait_for(sub { info('used_memory') - $memory <= 65536 }, 5),
       'memory is what it was') or diag(info('used_memory') - $memory);
    my $bytes = (info('aof_current_size') - $file) / $times;
    cmp_ok($bytes, '<', 1024, sprintf '%.0f bytes of the file each', $bytes);
}

is($ll->say('F', 'u-fred', 'hello', client_id => 'before')->status(), 200,
   'what was sent before is still known');

$ll->finish();
