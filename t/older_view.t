#!/usr/bin/perl

# Redis has an older version of a property than nginx has seen, as a promoted
# replica may have, and a stream reads it while nginx cannot subscribe.  Once it
# can, the property's channel is subscribed to as any other.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $port = LeaseLoft::free_port();

my $ll = LeaseLoft->new(
    start => 0, main => 'worker_processes 1;',
    directives => { leaseloft_ping => '1s' },
    redis_conf => "port $port\nbind 127.0.0.1\n"
                  . LeaseLoft::Redis::acl('PASSWORD'));
$ll->start($_) for qw(redis worker1);
$ll->{url} = "redis://nginx:PASSWORD\@127.0.0.1:$port";
$ll->nginx_conf();
$ll->start('nginx');
ok($ll->wait_healthy(), 'health is 200');

sub may { is($ll->redis('ACL', 'SETUSER', 'nginx', @_), 'OK', "nginx: @_") }

# how often Redis has called a function that only reads
sub reads {
    my ($n) = $ll->redis('INFO', 'commandstats')
                  =~ /^cmdstat_fcall_ro:calls=(\d+)/m;
    return $n;
}

# a ping of the stream that has not been looked at says so
sub is_live {
    my ($stream, $live) = @_;
    return $stream->wait_event(sub {
        $_[0]{event} eq 'ping' && !($_[0]{json}{live} xor $live)
    }, 10);
}

is($ll->lease('P')->status(), 200, 'a lease is declared');
my $stream = $ll->events('P', 'u-lena');
ok($stream->wait_event('hello'), 'a stream opens');
ok(is_live($stream, 1), 'it is live');

# the stream has to read the changed lease, and cannot
may('-fcall_ro');
is($ll->lease('P', label => 'Changed')->status(), 200, 'the lease is changed');
ok(wait_for(sub { $ll->slurp('error.log') =~ /fcall_ro/ }, 5),
   'the stream is refused to read it');

# nginx cannot subscribe
may(qw(-subscribe));
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
ok(is_live($stream, 0), 'the stream is not live without the subscription');

# the property is as it was before, and the stream reads it
my $ver = $ll->redis('HINCRBY', 'll:{p:P}:meta', 'ver', -1);
my $before = reads();
may('+fcall_ro');
ok(wait_for(sub { reads() > $before }, 5), 'the stream reads the property');

may('+subscribe');
ok(is_live($stream, 1), 'the stream is live again');
is($ll->say('P', 'u-tom', 'hello')->status(), 201, 'a message is sent');
is($ll->redis('HGET', 'll:{p:P}:meta', 'ver'), $ver + 1,
   'the version is one that nginx has seen');
my $entry = $stream->wait_entry(2);
is($entry && $entry->{text}, 'hello', 'the stream gets the message');

$ll->finish();
