#!/usr/bin/perl

# nginx's connections to Redis: over TCP, by a name that nginx's resolver looks
# up, as a user with a password; a wrong password, malformed frames, and a name
# that moves to another address.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use IO::Socket::INET;
use Test::More;

use LeaseLoft;

my $port = LeaseLoft::free_port();
my $dns = dns_server('redis.example' => '127.0.0.1');

my $ll = LeaseLoft->new(
    start => 0,
    http => "resolver 127.0.0.1:$dns->{port} ipv6=off valid=1s;",
    redis_conf => <<"END");
bind 127.0.0.1
port $port
user keeper on >s3cr\@t/:x ~* &* +\@all
END

$ll->{url} = "redis://keeper:s3cr%40t%2F%3Ax\@redis.example:$port";
$ll->nginx_conf();
$ll->start('redis');
$ll->start('nginx');

$ll->{url} =~ s/redis\.example/127.0.0.1/;
$ll->start('worker1');

ok($ll->wait_healthy(), 'nginx connects by name, as a user with a password');
is($ll->lease('P')->status(), 200, 'a lease is declared');

my $stream = $ll->events('P', 'u-lena');
ok($stream->wait_event('hello', 2), 'a stream begins');
is($ll->say('P', 'u-tom', 'by TCP')->status(), 201, 'a message is sent');
is($stream->wait_event('', 2)->{json}{text}, 'by TCP',
   'the stream gets the message');

# a wrong password: the log has the reason, not the password

$ll->redis('ACL', 'SETUSER', 'keeper', 'resetpass', '>other');
$ll->redis('CLIENT', 'KILL', 'USER', 'keeper');

ok($ll->wait_healthy(503, 5), 'health is 503 with a wrong password');
is($stream->wait_event(sub { $_[0]{event} eq 'ping' }, 2)->{json}{live},
   JSON::PP::false, 'a stream is not live with a wrong password');
ok(wait_for(sub { $ll->slurp('error.log') =~ /refused the command.*WRONGPASS/ },
            3), 'the log says that the password is wrong');
unlike($ll->slurp('error.log'), qr/s3cr/, 'the log does not have the password');

$ll->redis('ACL', 'SETUSER', 'keeper', '>s3cr@t/:x');

ok($ll->wait_healthy(200, 10), 'health is 200 with the right password');
is($stream->wait_event(sub { $_[0]{event} eq 'ping' }, 5)->{json}{live},
   JSON::PP::true, 'a stream is live with the right password');

# malformed frames: nginx closes the connection and reconnects

my @before = ($ll->nginx_children());

for my $frame ('', 'E', "E 1 1 1 zzzzzzzz\n{}", "E 9 9 9 0123abcd\n{\n}",
               "R 1 1 u-tom 2\n{}", "X 1 2\n", "I 1 1\n{}", "\0" x 100)
{
    $ll->redis('PUBLISH', 'll:{p:P}:ch', $frame);
}

ok(wait_for(sub { $ll->slurp('error.log') =~ /malformed frame/ }, 3),
   'a malformed frame is logged as an error');
ok($stream->wait_event(sub { $_[0]{event} eq 'ping' && $_[0]{json}{live} }, 5),
   'a stream is live after malformed frames');
# that ping may be an older one, and a send may come during the reconnect
ok(wait_for(sub {
    $ll->say('P', 'u-tom', 'and on', client_id => 'and-on')->status()
        =~ /^20[01]$/
}, 8), 'a message can be sent after malformed frames');
is($stream->wait_event('', 2)->{json}{text}, 'and on',
   'a stream gets messages after malformed frames');
is_deeply([$ll->nginx_children()], \@before,
          'malformed frames crash no process');

# the name moves to an address without a Redis, and back

$dns->{set}->('127.0.0.9');
# an answer is valid for 1 s, in which nginx may connect to the old address
ok(wait_for(sub {
    $ll->redis('CLIENT', 'KILL', 'USER', 'keeper');
    return $ll->get('/internal/health')->status() == 503;
}, 5), 'health is 503 while the name leads elsewhere');
$dns->{set}->('127.0.0.1');
ok($ll->wait_healthy(200, 15), 'health is 200 once the name leads back');

$ll->finish();


# a name server for one name whose address can be changed; it ends with the test
sub dns_server {
    my ($name, $address) = @_;

    my $socket = IO::Socket::INET->new(Proto => 'udp',
        LocalAddr => '127.0.0.1') or die "udp: $!";
    my $dir = File::Temp->newdir();
    my $set = sub {
        open my $f, '>', "$dir/new" or die;
        print $f $_[0];
        close $f;
        rename "$dir/new", "$dir/address";
    };

    $set->($address);

    my $test = $$;
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        my $select = IO::Select->new($socket);

        while (kill 0, $test) {
            $select->can_read(0.5) or next;
            my $from = $socket->recv(my $query, 512) or next;
            open my $f, '<', "$dir/address" or next;
            my $now = <$f>;

            # the header, the question as it came, one A record of 1 s
            $socket->send(substr($query, 0, 2) . pack('n5', 0x8180, 1, 1, 0, 0)
                . substr($query, 12)
                . pack('nnnNn a4', 0xc00c, 1, 1, 1, 4,
                       Socket::inet_aton($now)), 0, $from);
        }

        POSIX::_exit(0);
    }

    return { port => $socket->sockport(), set => $set, dir => $dir,
             pid => $pid };
}


END {
    local $?;
    kill 'TERM', $dns->{pid} if $dns && $dns->{pid};
    waitpid $dns->{pid}, 0 if $dns && $dns->{pid};
}
