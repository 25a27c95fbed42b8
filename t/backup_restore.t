#!/usr/bin/perl

# A backup that is made while messages are sent is restored by the steps in
# docs/backup.md: all that was acknowledged before it began is there.  The
# same for a point in time, and for the rights of a Redis user.

use strict;
use warnings;

use JSON::PP;
use POSIX;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Backup;

my ($section) = map { local (@ARGV, $/) = $_; <> } 'docs/backup.md';
my %steps = $section =~ /^\*\*(\w[\w ]+)\..*?\n\n((?:    \S[^\n]*\n)+)/gms;
my ($find) = $section =~ /^    (find .*)/m;
my ($rights) = $section =~ /^    echo "(user backup on #\$hash .*)" /m;
$rights =~ s/#\$hash/>PASSWORD/;
ok($steps{Restore} && $steps{'To a point in time'} && $find && $rights,
   'docs/backup.md has the steps') or BAIL_OUT('no steps');

my $port = LeaseLoft::free_port();
my $ll = LeaseLoft->new(
    workers => 2, worker_options => '--seal-after 8 --seal-size 8',
    redis_conf => "port $port\nbind 127.0.0.1\naof-timestamp-enabled yes\n"
                  . $rights =~ s/\n\s+/ /gr . "\n");
my $dir = $ll->dir() . '/backups';
my @properties = qw(P Q R S);
mkdir $dir;

# runs the documented steps, with the paths of this test
sub follow {
    my ($name, $backup, $time) = @_;

    for my $step (map { s/^\s+//r } split /\n/, $steps{$name}) {
        my $command = $step =~ s{/var/backups/leaseloft/[^/]+}{$backup}gr
            =~ s{/var/lib/leaseloft}{$ll->{dir}/redis}gr
            =~ s{leaseloft:leaseloft}{$>}r =~ s/1796115600/$time/r
            =~ s/^leaseloft/$LeaseLoft::cli --redis $ll->{url}/r;

        if ($step eq 'systemctl stop leaseloft-redis') {
            is($ll->stop('redis'), 0, "$name: $step");

        } elsif ($step eq 'systemctl start leaseloft-redis') {
            $ll->start('redis');
            pass("$name: $step");

            # the library, which unread rebuild needs, is in the files

        } else {
            my $said = qx($command 2>&1);
            is($?, 0, "$name: $step") or diag($said);
        }
    }

    return $ll->wait_healthy(200, 30);
}

# { property => [entries] }, each with "seq"
sub threads {
    my %threads;
    for my $property (@properties) {
        my ($status, $record) = $ll->cli('record', $property);
        $threads{$property} = [
            map { decode_json($_->{entry}) } grep { defined $_->{entry} }
            map { decode_json($_) } split /\n/, $record ];
    }
    return \%threads;
}

# sends messages, and writes each that was acknowledged to a file
sub writer {
    my ($n) = @_;

    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    open my $log, '>>', $ll->dir() . '/acknowledged' or POSIX::_exit(1);
    $log->autoflush(1);

    for (my $i = 0;; $i++) {
        my $property = $properties[$i % @properties];
        my $text = "message $i of writer $n";
        my $answer = $ll->say($property, 'u-tom', $text,
                              client_id => "w$n-$i");
        syswrite $log, join("\t", $property, $answer->json()->{seq}, $text)
                       . "\n" if $answer->status() == 201;
    }
}

sub acknowledged {
    return map { [split /\t/] } grep { /./ }
           split /\n/, $ll->slurp('acknowledged') =~ s/[^\n]*\z//r;
}


# under load

$ll->lease($_) for @properties;
my @writers = map { writer($_) } 1 .. 3;
ok(wait_for(sub { acknowledged() > 100 }, 30), 'messages are sent');

# as often as an operator never would
my $test = $$;
my $rewriter = fork() // die "fork: $!";
if (!$rewriter) {
    while (getppid() == $test) {
        eval { $ll->redis('BGREWRITEAOF') };
        select undef, undef, undef, 0.02 + rand 0.2;
    }
    POSIX::_exit(1);
}

for my $round (1 .. 6) {
    my @before = acknowledged();
    my ($status, $said) = $ll->cli('backup', '--json', $dir);
    my $count = acknowledged();

    is($status, 0, "round $round: a backup is made under load, and rewrites")
        or diag($said);
    ok($count > @before, "round $round: messages were sent meanwhile");
    my $backup = decode_json($said =~ /^(\{.*)/m ? $1 : '{}');
    ok($backup->{messages} >= @before,
       "round $round: it has the messages that were acknowledged before");
}

kill 'KILL', $rewriter;
waitpid $rewriter, 0;

my @before = acknowledged();
my ($status, $said) = $ll->cli('backup', '--json', $dir);
is($status, 0, 'a backup is made');
my $backup = decode_json($said =~ /^(\{.*)/m ? $1 : '{}');
ok(wait_for(sub { acknowledged() > @before + 20 }, 30), 'sending goes on');
kill 'TERM', @writers;
waitpid $_, 0 for @writers;
my @after = acknowledged();
ok(@after > @before, scalar(@after) . ' messages were acknowledged, '
                     . scalar(@before) . ' before the backup');


# restored

ok(follow('Restore', $backup->{path}), 'the service is healthy again');
ok(wait_for(sub { !grep { $_ } map { $ll->redis('XLEN', "ll:{q:$_}:requests") }
                                   0 }, 20),
   'the requests that were queued are carried out');

my $threads = threads();
my @lost = grep { my ($property, $seq, $text) = @$_;
                  ($threads->{$property}[$seq - 1]{text} // '') ne $text }
           @before;
is(scalar @lost, 0, 'every message acknowledged before the backup is there');
my $messages = grep { $_->{kind} eq 'message' } map { @$_ } values %$threads;
ok($messages >= $backup->{messages}, "as many as the report says, $messages");
ok($messages < @after, 'it is the backup that was restored');

for my $property (@properties) {
    $ll->write('record', ($ll->cli('record', $property))[1]);
    is(($ll->cli('verify', $ll->dir() . '/record'))[0], 0,
       "the record of $property verifies");
}

like(($ll->cli('unread', 'rebuild'))[1],
     qr/ 0 inbox threads repaired, 0 removed/,
     'unread rebuild finds nothing to repair');
is($ll->get('/api/inbox', user => 'u-lena')->json()->{total_unread}, $messages,
   'the unread messages are those of the threads');
is($ll->say('P', 'u-tom', 'after the restore')->status(), 201,
   'messages can be sent');
is(($ll->cli('backup', $dir))[0], 0, 'the next backup can be made');


# to a point in time

my $good = time();
ok(wait_for(sub { time() > $good + 1 }, 5), 'time passes');
is(($ll->cli('purge', 'Q'))[0], 0, 'a property is purged by mistake');
is(($ll->cli('record', 'Q'))[0], 1, 'and gone');
system('rm', '-r', $ll->dir() . '/redis/appendonlydir.old');
ok(follow('To a point in time', $backup->{path}, $good),
   'the service is healthy again');
is_deeply(threads()->{Q}, $threads->{Q}, 'the property is there');
is(threads()->{P}[-1]{text}, 'after the restore',
   'and what was sent after the backup');
is($ll->say('Q', 'u-tom', 'hello')->status(), 201, 'messages can be sent');


# the rights of the Redis user

my @user = ('--redis', "redis://backup:PASSWORD\@127.0.0.1:$port");
is(($ll->cli('backup', @user, $dir))[0], 0, 'the rights of the page are enough')
    or diag(($ll->cli('backup', @user, $dir))[1]);
like($ll->redis('ACL', 'DRYRUN', 'backup', @$_), qr/no permissions/,
     "they do not allow @$_")
    for ['SET', 'll:x', 1], ['FLUSHALL'], ['KEYS', '*'], ['GET', 'other'],
        ['CONFIG', 'REWRITE'], ['CLIENT', 'KILL', '1.1.1.1:1'], ['SHUTDOWN'];


# old backups

my @names = @{ (backups($dir))[0] };
utime time() - 86400 * 16, time() - 86400 * 16, "$dir/$names[0]";
mkdir "$dir/other";
utime 0, 0, "$dir/other";
system($find =~ s{/var/backups/leaseloft}{$dir}r) == 0 or diag($find);
is(join(' ', @{ (backups($dir))[0] }), join(' ', @names[1 .. $#names]),
   'backups older than two weeks are deleted, and no others');
ok(-d "$dir/other", 'nor anything else in the directory');

$ll->finish();
