#!/usr/bin/perl

# Two installations on one Redis, which differ by prefix: neither sees, counts,
# carries out or repairs anything of the other's.  The second one's Redis user
# has no rights outside its prefix.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $port = LeaseLoft::free_port();

my $one = LeaseLoft->new(redis_conf => <<"END");
bind 127.0.0.1
port $port
user two on >PASSWORD ~two_-2:* &two_-2:* +\@all -select
END

my $two = LeaseLoft->new(redis_url => "redis://two:PASSWORD\@127.0.0.1:$port",
                         prefix => 'two_-2');

# the same property and the same users in both
is($one->lease('P')->status(), 200, 'a lease in one');
is($two->lease('P', label => 'Two')->status(), 200, 'a lease in two');

sub threads {
    my ($ll, $user) = @_;

    my $inbox = $ll->get('/api/inbox', user => $user)->json();

    return join ' ', $inbox->{total_unread},
                     map { "$_->{property}:$_->{label}" }
                         @{ $inbox->{threads} };
}

sub worker_names {
    my ($ll) = @_;

    return join ' ', sort $ll->get('/internal/metrics')->body()
                     =~ /^leaseloft_worker_messages_total\{worker="(.*?)"\}/mg;
}


# what happens in one is not seen in two

my @streams = map { ($_->events('P', 'u-lena', query => 'after=0'),
                     $_->stream('/api/inbox/events', user => 'u-lena')) }
                  $one, $two;

$_->wait_event('hello') for @streams;

is($one->say('P', 'u-tom', "secret $_")->status(), 201, 'sent in one')
    for 1 .. 5;
is($one->mark('P', 'u-lena', 3)->status(), 204, 'read in one');
is($one->lease('Q')->status(), 200, 'another lease in one');

ok($streams[0]->wait_entry(6), 'one has five messages');
is($two->say('P', 'u-tom', 'of two')->status(), 201, 'sent in two');
is($streams[2]->wait_entry(sub { defined $_[0]{text} })->{text}, 'of two',
   'the first message that two hears is its own');
unlike($streams[$_]->raw(), qr/secret|"Q"/, 'and nothing else') for 2, 3;
unlike($streams[$_]->raw(), qr/of two|"Two"/, 'nor does one') for 0, 1;

is($two->poll('P', 'u-lena')->{head} =~ s/\..*//r, 2, 'the thread of two');
is(threads($two, 'u-lena'), '1 P:Two', 'the inbox of two');
is(threads($one, 'u-lena'), '3 Q:Label of Q P:Label of P', 'the inbox of one');


# workers, requests and due times are each one's own

my ($w1, $w2) = map { worker_names($_) } $one, $two;

ok($w1 && $w2 && $w1 ne $w2 && "$w1$w2" !~ / /, 'a worker each');

$one->stop('worker1');
ok($one->wait_healthy(503), 'one has no worker');
is($two->get('/internal/health')->status(), 200, 'two has');
is($one->say('P', 'u-tom', 'waits')->status(), 202, 'one is not served');
is($two->say('P', 'u-tom', 'goes on')->status(), 201, 'two is');
like(($two->cli('doctor'))[1], qr/^ok +workers +1$/m, 'doctor of two');
like(($one->cli('doctor'))[1], qr/^fault +workers /m, 'doctor of one');

is($one->lease('P', ends_at => at(0.5))->status(), 202, 'an end in one');
is($two->lease('P', label => 'Two', ends_at => at(0.5))->status(), 200,
   'and in two');
ok(wait_for(sub { $two->poll('P', 'u-lena')->{lease}{state} eq 'ended' }),
   'the lease of two ends');
is($one->poll('P', 'u-lena')->{lease}{state}, 'active',
   'that of one waits for its worker');

$one->start('worker1');
ok(wait_for(sub { $one->poll('P', 'u-lena')->{lease}{state} eq 'ended' }),
   'and ends');


# dead letters

$one->redis('XADD', 'll:{q:0}:dead', '*', op => 'send', why => 'of one');
$one->redis('XADD', 'two_-2:{q:0}:dead', '*', op => 'send', why => 'of two');

like(($one->cli('dead', 'list'))[1], qr/\tof one\n1 given up$/, 'dead of one');
like(($two->cli('dead', 'list'))[1], qr/\tof two\n1 given up$/, 'dead of two');


# repairs

$one->redis('HSET', 'll:{p:P}:meta', 'u:u-lena', 99);
like(($two->cli('unread', 'rebuild'))[1],
     qr/^1 threads, 2 users, 0 inbox threads/m, 'two counts its own');
is($one->redis('HGET', 'll:{p:P}:meta', 'u:u-lena'), 99, 'and leaves one');


# nothing has another name; the functions are shared

my @names = (@{ $one->redis('KEYS', '*') },
             @{ $one->redis('PUBSUB', 'CHANNELS', '*') });

is(join(' ', grep { !/^(ll|two_-2):\{/ } @names), '', 'all have a prefix');

my $count = sub { scalar grep { $_[0] eq (split /:/)[0] } @names };

cmp_ok($count->($_), '>', 8, "some are of $_") for 'll', 'two_-2';
is(scalar @{ $one->redis('FUNCTION', 'LIST') }, 1, 'one library');
is_deeply($one->redis('ACL', 'LOG'), [], 'two never asked for anything else');


# the environment says it too, an option has the last word

{
    local $ENV{LEASELOFT_PREFIX} = 'Two';
    my $said = qx($LeaseLoft::worker --redis $one->{url} 2>&1);

    is($? >> 8, 2, 'a bad prefix in the environment');
    like($said, qr/^leaseloft-worker: the prefix must be 1 to 16 of a-z 0-9 _/,
         'says so');

    $said = qx($LeaseLoft::cli doctor --redis $one->{url} --prefix ll 2>&1);
    like($said, qr/^ok +workers +1$/m, 'the option counts');
}

my $said = qx($LeaseLoft::worker --redis redis://h/1 2>&1);

is($? >> 8, 2, 'a database is refused');
like($said, qr/names a database.*--prefix/, 'and what to use instead');

$_->close() for @streams;
$two->finish(more => 1);
$one->finish();
