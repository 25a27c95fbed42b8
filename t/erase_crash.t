#!/usr/bin/perl

# leaseloft erase is killed before and after each command that it sends to
# Redis, and runs while workers append and seal, several at once: an entry is
# erased as a whole or not at all, a repetition completes what was left, and
# numbers, chain, unread counts and inboxes stay exact.

use strict;
use warnings;

use JSON::PP;
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib', 't/fault/lib';
use Fault::Proxy;
use LeaseLoft;
use LeaseLoft::Requests;

my $seconds = $ENV{LEASELOFT_CRASH_SECONDS} || 6;
my $seed = $ENV{LEASELOFT_SEED} || int(rand(1e9));
srand($seed);

my $ll = LeaseLoft->new(start => 0, redis_conf => "rdbcompression no\n");
$ll->start('redis');

my $proxy = Fault::Proxy->new("$ll->{dir}/redis.sock", "$ll->{dir}/proxy.sock");
my $q = LeaseLoft::Requests->new($ll);
my @users = qw(u-lena u-tom u-ana);

# the pid of a command that erases an entry
sub begin {
    my ($property, $seq, $url) = @_;

    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    # it may be killed at its end, too; a sanitizer that looks for leaks then
    # would complain
    $ENV{ASAN_OPTIONS} = ($ENV{ASAN_OPTIONS} // '') . ':detect_leaks=0';

    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', "$ll->{dir}/erase.log";
    open STDERR, '>&', \*STDOUT;
    exec "exec $LeaseLoft::cli erase $property $seq --reason x --redis $url"
        or POSIX::_exit(127);
}

# a command is killed at a step
sub is_killed {
    my ($seq, $name, @step) = @_;

    $proxy->tell('strike', @step);

    my $pid = begin('P', $seq, "unix:$ll->{dir}/proxy.sock");

    is($proxy->line(10), $pid, $name);
    waitpid $pid, 0;
}

sub erase { return ($ll->cli('erase', @_, '--reason', 'x'))[0] }

sub text { return sprintf 'zq%s%05dqz', @_ }

# the keys with a text in them
sub where {
    my ($text) = @_;

    my ($cursor, $keys, @found) = (0);
    do {
        ($cursor, $keys) = @{ $ll->redis('SCAN', $cursor, 'COUNT', 1000) };
        push @found, grep { index($ll->redis('DUMP', $_) // '', $text) >= 0 }
                     @$keys;
    } while ($cursor);

    return join ' ', sort @found;
}

sub entry {
    my ($property, $seq) = @_;
    return (grep { $_->[0] == $seq } $q->thread($property))[0];
}

sub inbox_last {
    my ($user, $property) = @_;
    my ($thread) = grep { $_->{property} eq $property }
                   @{ $q->inbox($user)->{threads} };
    return $thread->{last};
}

# what is wrong with the counters and inboxes of a property
sub wrong {
    my ($property) = @_;
    my @wrong = $q->broken($property) || ();

    for my $user (@users) {
        my ($counted, $shown) = map { $q->$_($property, $user) }
                                qw(recount unread);
        push @wrong, "$user: unread $shown, not $counted" if $counted != $shown;
    }

    my $said = ($ll->cli('unread', 'rebuild'))[1];
    push @wrong, $said if $said !~ / 0 inbox threads repaired, 0 removed, 0 dam/;

    return join "\n", @wrong;
}


# --- killed at each step ---

# nothing is sealed in this one, so that the copy takes three calls
$ll->spawn('worker1', "$LeaseLoft::worker --redis $ll->{url} --seal-after 0");
$q->lease('P', tenants => ['u-tom', 'u-ana']);
$q->put_all(map { ['send', 'P', 'u-tom',
                   { client_id => "p$_", text => text('p', $_) }] } 2 .. 600);
ok(wait_for(sub { $ll->redis('HGET', 'll:{p:P}:meta', 'seq') == 600 }, 20),
   'there is a long thread');

my $seq = 600;

for my $step (['TIME', 1], ['HMGET', 1], ['ll1_entries', 1],
              (map { ['ll1_erase', $_] } 1 .. 3), ['ll1_badges', 1],
              (map { ['ll1_badge', $_] } 1 .. 3))
{
    for my $when (qw(before after)) {
        my ($command, $count) = @$step;
        my $name = "$when $command $count";

        # the newest entry, which inboxes show
        is($q->say('P', 'u-tom', text('p', ++$seq), "p$seq")->{status}, 201,
           "$name: a message is sent");

        is_killed($seq, "$name: the command gets there and is killed",
                  $when, $command, $count);

        my $whole = $command =~ /badge/ || $name eq 'after ll1_erase 3';
        my $kind = $whole ? 'erased' : 'message';

        like(entry('P', $seq)->[1], qr/^\{"seq":$seq,"kind":"$kind"/,
             "$name: the entry is there, of kind $kind");
        is($q->broken('P'), '', "$name: the chain verifies");
        is($q->say('P', 'u-lena', 'between', "b$seq")->{status}, 201,
           "$name: messages are sent") if $count == 2;

        is(erase('P', $seq), 0, "$name: the command is repeated");
        like(entry('P', $seq)->[1], qr/^\{"seq":$seq,"kind":"erased"/,
             "$name: the entry is erased");
        is(where(text('p', $seq)), '', "$name: its text is nowhere");
        $seq = $ll->redis('HGET', 'll:{p:P}:meta', 'seq');
        is(join(' ', map { inbox_last($_, 'P')->{kind} } @users),
           join(' ', ($count == 2 ? 'message' : 'erased') x 3),
           "$name: all inboxes show it");
    }
}

is(wrong('P'), '', 'all counts are exact');
is($ll->redis('XLEN', 'll:{p:P}:thread') + $ll->redis('HGET', 'll:{p:P}:meta',
                                                      'erasures'), $seq,
   'no other entry is lost');

# a copy that was left is of no harm, and does not stay
is_killed(5, 'a copy is left', 'after', 'll1_erase', 2);
my ($left) = @{ $ll->redis('KEYS', 'll:{p:P}:copy:*') };
is($left, 'll:{p:P}:copy:5', 'under a name of its own');
cmp_ok($ll->redis('PTTL', $left), '>', 0, 'it expires');
is(erase('P', 6), 0, 'another entry is erased');
is($q->say('P', 'u-lena', 'news', 'news')->{status}, 201, 'a message is sent');
is(erase('P', 5), 0, 'then the first one is');
is($q->broken('P'), '', 'and the chain verifies');
is(where(text('p', $_)), '', "and the text of $_ is nowhere") for 5, 6;
is($ll->redis('EXISTS', $left), 0, 'and the copy neither');
$ll->stop('worker1');


# --- beside workers that append and seal ---

$ll->spawn("worker$_", "$LeaseLoft::worker --redis $ll->{url} --seal-after 6"
                       . ' --seal-size 4') for 1 .. 2;
$q->connect();
$q->lease('R', tenants => ['u-tom', 'u-ana']);
$q->frames(qr/./);

my (%running, %erased, %tried, @sent);
my ($made, $kills, %kill_at) = (0, 0);
my ($end, $latest) = (time() + $seconds, time() + $seconds + 60);

# on a busy machine it takes longer until enough has happened
sub goes_on {
    return time() < $end
           || (time() < $latest && ($kills < 5 || keys %erased < 30));
}

while (goes_on() || keys %running) {
    if (goes_on()) {
        push @sent, scalar $q->put('send', 'R', $users[rand 3],
            { client_id => 'r' . ++$made, text => text('r', $made) })
            for 1 .. 1 + rand 6;
        my $head = $q->redis('HGET', 'll:{p:R}:meta', 'seq') // 0;
        $q->put('read', 'R', $users[rand 3],
                { upto => 1 + int rand $head }) if $head && rand() < 0.3;

        # near the head, at what is being sealed, or anywhere; some twice
        while (keys %running < 4 && $head > 5) {
            my $back = (1, 8, 14, $head)[rand 4];
            my $n = 2 + int(rand() < 0.5 ? $head - 1 - rand $back
                                         : rand($head - 1));
            $n = $head if $n > $head;
            $tried{$n} = 1;
            my $pid = begin('R', $n, $ll->{url});
            $running{$pid} = $n;
            $kill_at{$pid} = time() + rand(0.03) if rand() < 0.2;
        }
    }

    for my $pid (keys %running) {
        kill 'KILL', $pid if ($kill_at{$pid} // 'inf') < time();

        if (waitpid($pid, POSIX::WNOHANG()) == $pid) {
            my $n = delete $running{$pid};
            $erased{$n} = 1 if $? == 0;
            $kills++ if ($? & 127) == 9;
        }
    }

    $q->pump(0.005);
}

ok(wait_for(sub {
    $q->pump(0.2);
    !grep { !$q->{verdicts}{$_} } @sent;
}, 30), 'every message has a verdict') or diag("seed $seed");

my $sealed = $q->redis('HGET', 'll:{p:R}:meta', 'sealed');
note("$made messages, ", scalar keys %erased, " erased, $kills commands killed,"
     . " sealed: $sealed");
cmp_ok(scalar keys %erased, '>=', 30, 'many were erased');
cmp_ok($kills, '>=', 5, 'some commands were killed');
like($sealed, qr/^[1-9]\d+ 4$/, 'many entries were sealed');

is($q->broken('R'), '', 'numbers and chain are valid') or diag("seed $seed");

# those that were killed
erase('R', $_) for grep { !$erased{$_} } keys %tried;
$q->pump(0.3);

my (@is, @should);
for my $item ($q->thread('R')) {
    my ($n, $bytes) = @$item;
    my $entry = decode_json($bytes);

    push @is, $n if $entry->{kind} eq 'erased';
    push @should, $n if $tried{$n} && $n > 1;
}
is("@is", "@should", 'exactly those are erased that should be')
    or diag("seed $seed");
is($q->redis('HGET', 'll:{p:R}:meta', 'erasures'), scalar @is,
   'each was counted once');

my %text = map { $_->{text} // '' => 1 }
           map { decode_json($_->[1]) } $q->thread('R');
my @gone = grep { !$text{$_} } map { text('r', $_) } 1 .. $made;
is(scalar @gone, scalar @is, 'as many texts are gone');
is(join(' ', grep { $_ } map { where($_) } @gone), '',
   'and in no key of Redis') or diag("seed $seed");
is(wrong('R'), '', 'unread counts and inboxes are exact')
    or diag("seed $seed");

my @vers = map { (split / /, $_->[1])[1] }
           grep { $_->[0] eq 'll:{p:R}:ch' } @{ $q->{frames} };
my $first = $vers[0];
is(join(' ', @vers), join(' ', $first .. $first + $#vers),
   'versions of frames have no hole');

my @kept = grep { /^e\d/ } @{ $q->redis('HKEYS', 'll:{p:R}:segments') };
my ($last) = split ' ', $sealed;
is(join(' ', grep { substr($_, 1) <= $last } @kept), '',
   'what is sealed has no field left');

$proxy->stop();
$ll->finish();
