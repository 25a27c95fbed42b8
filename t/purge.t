#!/usr/bin/perl

# "leaseloft purge" deletes a property with everything of it: nothing of it is
# left in Redis, open streams end, other properties are as before; it can be
# interrupted and repeated.

use strict;
use warnings;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(main => 'worker_processes 2;',
                        worker_options => '--seal-after 3 --seal-size 4');
my $far = 'PurgedPropertyId';
my $secret = 'a text that must be gone';

sub inbox {
    my ($user) = @_;
    my $inbox = $ll->get('/api/inbox', user => $user)->json();
    return join ' ', $inbox->{total_unread},
                     sort map { "$_->{property}:$_->{unread}" }
                          @{ $inbox->{threads} };
}

sub purge {
    my ($status, $said) = $ll->cli('purge', @_);
    return wantarray ? ($status, $said) : $status;
}

# all keys, fields and members that have the id
sub found {
    my @found;
    for my $key (sort @{ $ll->redis('KEYS', '*') }) {
        my $dump = eval { $ll->redis('DUMP', $key) } // '';
        my $type = $ll->redis('TYPE', $key);
        my $all = $type eq 'hash' ? $ll->redis('HGETALL', $key)
                : $type eq 'zset' ? $ll->redis('ZRANGE', $key, 0, -1)
                : $type eq 'set' ? $ll->redis('SMEMBERS', $key)
                : $type eq 'stream' ? [map { @{ $_->[1] } }
                      @{ $ll->redis('XRANGE', $key, '-', '+') }] : [];
        push @found, $key if grep { /\Q$far\E|\Q$secret\E/ } $key, @$all;
    }
    return "@found";
}

sub fill {
    for my $property ($far, 'Other') {
        $ll->lease($property, ends_at => at(3600),
                   tenants => ['u-tom', 'u-ana']);
        $ll->say($property, 'u-tom', "$secret $_") for 1 .. 9;
        $ll->mark($property, 'u-lena', 3);
    }
    $ll->lease($far, tenants => ['u-ana'], ends_at => at(3600));
    $ll->redis('XADD', 'll:{q:0}:dead', '*', 'op', 'send', 'p', $_, 'u',
               'u-tom', 'b', $secret, 'why', 'x', 'id', '1-1')
        for $far, 'Other';
    return wait_for(sub {
        !grep { !$ll->redis('EXISTS', "ll:{p:$_}:segments") } $far, 'Other'
    }, 10);
}

ok(fill(), 'two properties with sealed entries');
my %before = map { $_ => inbox($_) } qw(u-lena u-tom u-ana);
like($before{'u-lena'}, qr/$far:\d/, 'the property is in an inbox');
like($before{'u-tom'}, qr/$far:\d/, 'and in that of one who has left');

my @streams = map { $ll->events($far, $_) } qw(u-lena u-ana u-lena u-ana);
my $inbox = $ll->stream('/api/inbox/events', user => 'u-lena');
my $other = $ll->events('Other', 'u-lena');
$_->wait_event('hello') for @streams, $inbox, $other;


# --dry-run

# sealing may go on, which moves entries between the keys that there are
sub names { return join ' ', sort grep { !/\{(?:w|search)/ }
                             @{ $ll->redis('KEYS', '*') } }
my $kept = names();
my ($status, $said) = purge('--dry-run', $far);
is($status, 0, 'a dry run exits with 0');
like($said, qr/^$far: would delete 1[12] entries, the thread of 3 users, 1 dead/,
     'it says what would be deleted');
is(names(), $kept, 'it deletes nothing');
my $json = decode_json((purge('--dry-run', '--json', $far))[1]);
is(join(' ', map { "$_=$json->{$_}" } qw(property purged users dead_letters)),
   "$far purged=0 users=3 dead_letters=1" =~ s/^/property=/r,
   '--json says it too');


# for good

($status, $said) = purge($far);
is($status, 0, 'a property can be purged');
like($said, qr/^$far: deleted 1[12] entries, the thread of 3 users, 1 dead/,
     'it says what was deleted');
like($said, qr/^left: backups, the append-only file/m, 'and what is left');
is(found() =~ s/ll:\{q:0\}:dead|ll:\{p:Other\}:\w+(?::\d+)?| //gr, '',
   'nothing of it is in Redis');

for my $stream (@streams) {
    my $bye = $stream->wait_event('bye', 3);
    is($bye && $bye->{json}{reason}, 'removed', 'a stream ends as removed');
}
is($ll->get("/api/properties/$far/messages", user => $_)->status(), 404,
   "a poll of $_ is a 404") for qw(u-lena u-tom u-ana);
is($ll->say($far, 'u-ana', 'x')->status(), 404, 'a send is a 404');

for my $user (qw(u-lena u-tom u-ana)) {
    my ($n) = $before{$user} =~ /Other:(\d+)/;
    is(inbox($user), "$n Other:$n", "the inbox of $user has the other only");
}
my ($n) = $before{'u-lena'} =~ /Other:(\d+)/;
ok($inbox->wait_event(sub { ($_[0]{json}{total_unread} // -1) == $n }, 3),
   'the inbox stream gets the new total');
is($ll->say('Other', 'u-tom', 'hello')->status(), 201,
   'the other property goes on');
ok($other->wait_entry(sub { ($_[0]{text} // '') eq 'hello' }),
   'its stream too');
$_->close() for @streams, $inbox, $other;

is(($ll->cli('dead', 'list'))[1] =~ /\tOther\t/, 1,
   'dead letters of others are kept');
like(($ll->cli('unread', 'rebuild'))[1], qr/ 0 inbox threads repaired, 0 rem/,
     'unread rebuild finds nothing to repair');


# again, unknown, bad input

($status, $said) = purge($far);
is($status, 1, 'a property that does not exist is a failure');
like($said, qr/^leaseloft: there is no property "$far"$/, 'and named');
is(purge('a b'), 2, 'an invalid id exits with 2');
is(purge(), 2, 'so does none');

# a new one of the same id
ok(fill(), 'the property is declared again');
is($ll->poll($far, 'u-lena')->{entries}[0]{seq}, 1, 'its thread begins at 1');
my $stream = $ll->events($far, 'u-lena', query => 'after=0');
ok($stream->wait_entry(9), 'a stream has all entries');
$stream->close();


# interrupted after the property was deleted: the next run goes on

my @names = qw(thread meta reads snaps leases segments purge);
$ll->redis('FCALL', 'll1_purge', scalar @names,
           (map { "ll:{p:$far}:$_" } @names), "ll:{p:$far}:ch");
unlike(found(), qr/\{p:$far\}:meta/, 'the property is deleted');
like($ll->redis('HGET', 'll:{u:u-tom}:inbox', $far), qr/^\d+ /,
     'but not the thread of an inbox');
like((purge('--dry-run', $far))[1], qr/would delete 0 entries, .* 3 users/,
     'a dry run says what is left to do');
is(purge($far), 0, 'a second run goes on');
is(found() =~ s/ll:\{q:0\}:dead|ll:\{p:Other\}:\w+(?::\d+)?| //gr
       =~ s/ll:\{p:$far\}:sent:\d+//gr, '', 'and leaves nothing');
is(inbox('u-tom') =~ /$far/, '', 'nor in an inbox');

# while workers write to it
ok(fill(), 'the property is declared once more');
my $writer = fork() // die "fork: $!";
if ($writer == 0) {
    $ll->say($far, 'u-ana', "$secret $_") for 1 .. 200;
    POSIX::_exit(0);
}
select undef, undef, undef, 0.1;
is(purge($far), 0, 'it can be purged while messages arrive');
kill 'TERM', $writer;
waitpid $writer, 0;
is(inbox('u-lena') =~ /$far/, '', 'no inbox has it afterwards');
unlike(found(), qr/\{p:$far\}:(?!sent)/, 'nor has Redis');

$ll->finish();
