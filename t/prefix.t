#!/usr/bin/perl

# Two installations share one Redis, each with its own prefix: neither sees,
# counts, processes or repairs anything of the other.  The Redis user of the
# second one has no rights outside its prefix.

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

# the same property and users in both
is($one->lease('P')->status(), 200, 'a lease is declared in one');
is($two->lease('P', label => 'Two')->status(), 200,
   'a lease is declared in two');

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


# streams, marks and threads are separate

my @streams = map { ($_->events('P', 'u-lena', query => 'after=0'),
                     $_->stream('/api/inbox/events', user => 'u-lena')) }
                  $one, $two;

$_->wait_event('hello') for @streams;

is($one->say('P', 'u-tom', "secret $_")->status(), 201,
   'a message is sent in one')
    for 1 .. 5;
is($one->mark('P', 'u-lena', 3)->status(), 204, 'a mark is set in one');
is($one->lease('Q')->status(), 200, 'another lease is declared in one');

ok($streams[0]->wait_entry(6), 'the stream of one has five messages');
is($two->say('P', 'u-tom', 'of two')->status(), 201,
   'a message is sent in two');
is($streams[2]->wait_entry(sub { defined $_[0]{text} })->{text}, 'of two',
   'the first message on the stream of two is its own');
unlike($streams[$_]->raw(), qr/secret|"Q"/,
       "stream $_ of two has nothing of one") for 2, 3;
unlike($streams[$_]->raw(), qr/of two|"Two"/,
       "stream $_ of one has nothing of two") for 0, 1;

is($two->poll('P', 'u-lena')->{head} =~ s/\..*//r, 2,
   'the thread of two has two entries');
is(threads($two, 'u-lena'), '1 P:Two', 'the inbox of two has its own thread');
is(threads($one, 'u-lena'), '3 Q:Label of Q P:Label of P',
   'the inbox of one has its own threads');


# searches

for my $case ([$one, 'secret', 5], [$two, 'secret', 0], [$two, 'of', 1],
              [$one, 'of', 0])
{
    my ($ll, $word, $n) = @$case;
    my $r;

    ok(wait_for(sub { $r = $ll->get("/api/search?q=$word", user => 'u-lena');
                      $r->status() == 200 }), 'a search is answered');
    is(scalar @{ $r->json()->{hits} }, $n, 'with the messages of its own');
}


# workers, requests and due times are separate

my ($w1, $w2) = map { worker_names($_) } $one, $two;

ok($w1 && $w2 && $w1 ne $w2 && "$w1$w2" !~ / /,
   'metrics of each show its own worker only');

$one->stop('worker1');
ok($one->wait_healthy(503), 'health of one is 503 without its worker');
is($two->get('/internal/health')->status(), 200, 'health of two is 200');
is($one->say('P', 'u-tom', 'waits')->status(), 202,
   'a send in one gets 202 without its worker');
is($two->say('P', 'u-tom', 'goes on')->status(), 201, 'a send in two gets 201');
like(($two->cli('doctor'))[1], qr/^ok +workers +1$/m,
     'doctor of two finds its worker');
like(($one->cli('doctor'))[1], qr/^fault +workers /m,
     'doctor of one finds no worker');

is($one->lease('P', ends_at => at(0.5))->status(), 202,
   'the end of a lease is declared in one');
is($two->lease('P', label => 'Two', ends_at => at(0.5))->status(), 200,
   'the end of a lease is declared in two');
ok(wait_for(sub { $two->poll('P', 'u-lena')->{lease}{state} eq 'ended' }),
   'the lease in two ends');
is($one->poll('P', 'u-lena')->{lease}{state}, 'active',
   'the lease in one stays active without its worker');

$one->start('worker1');
ok(wait_for(sub { $one->poll('P', 'u-lena')->{lease}{state} eq 'ended' }),
   'the lease in one ends once its worker is back');


# dead letters

$one->redis('XADD', 'll:{q:0}:dead', '*', op => 'send', why => 'of one');
$one->redis('XADD', 'two_-2:{q:0}:dead', '*', op => 'send', why => 'of two');

like(($one->cli('dead', 'list'))[1], qr/\tof one\n1 given up$/,
     'dead list of one has its own entry only');
like(($two->cli('dead', 'list'))[1], qr/\tof two\n1 given up$/,
     'dead list of two has its own entry only');


# repairs

$one->redis('HSET', 'll:{p:P}:meta', 'c:u-lena', 99);
like(($two->cli('unread', 'rebuild'))[1],
     qr/^1 threads, 2 users, 0 inbox threads/m,
     'unread rebuild of two counts its own thread');
is($one->redis('HGET', 'll:{p:P}:meta', 'c:u-lena'), 99,
   'unread rebuild of two leaves the counts of one');


# every key and channel has a prefix; the functions are shared

my @names = (@{ $one->redis('KEYS', '*') },
             @{ $one->redis('PUBSUB', 'CHANNELS', '*') });

is(join(' ', grep { !/^(ll|two_-2):\{/ } @names), '',
        'every key and channel has one of the prefixes');

my $count = sub { scalar grep { $_[0] eq (split /:/)[0] } @names };

cmp_ok($count->($_), '>', 8,
       "more than 8 keys and channels have the prefix $_") for 'll', 'two_-2';
is(scalar @{ $one->redis('FUNCTION', 'LIST') }, 1,
   'there is one library of functions');
is_deeply($one->redis('ACL', 'LOG'), [],
          'Redis refused nothing to the user of two');


# the environment sets the prefix; the option overrides it

{
    local $ENV{LEASELOFT_PREFIX} = 'Two';
    my $said = qx($LeaseLoft::worker --redis $one->{url} 2>&1);

    is($? >> 8, 2, 'an invalid prefix in the environment is refused');
    like($said, qr/^leaseloft-worker: the prefix must be 1 to 16 of a-z 0-9 _/,
         'the error says what a prefix is');

    $said = qx($LeaseLoft::cli doctor --redis $one->{url} --prefix ll 2>&1);
    like($said, qr/^ok +workers +1$/m, '--prefix overrides the environment');
}

my $said = qx($LeaseLoft::worker --redis redis://h/1 2>&1);

is($? >> 8, 2, 'a Redis URL with a database is refused');
like($said, qr/names a database.*--prefix/, 'the error names --prefix');

$_->close() for @streams;
$two->finish(more => 1);
$one->finish();
