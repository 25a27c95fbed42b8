#!/usr/bin/perl

# "leaseloft backup" of a Redis Cluster of three primaries while messages are
# sent, and its restore by the steps in docs/backup.md.  The copies are of
# different moments, which is forced here: inboxes and due times on other
# primaries than their property are older or newer than it.

use strict;
use warnings;

use JSON::PP;
use POSIX ();
use Test::More;
use Time::HiRes qw(time sleep);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Backup;
use LeaseLoft::Cluster;
use LeaseLoft::Net;
use LeaseLoft::Requests;

my ($page) = map { local (@ARGV, $/) = $_; <> } 'docs/backup.md';
my %steps = $page =~ /^\*\*(\w[\w ]*)\..*?\n\n((?:    \S[^\n]*\n)+)/gms;
my ($command) = $page =~ /^    (LEASELOFT_REDIS=redis\+cluster\S+ leaseloft .*)/m;
ok($command && $steps{'Restore a cluster'} && $steps{Join},
   'docs/backup.md has the steps')
    or BAIL_OUT('no steps');

my $ll = LeaseLoft->new(
    start => 0, directives => { leaseloft_wait => '500ms' },
    worker_options => '--claim 1000 --seal-after 8 --seal-size 8');

# so that some properties have their due times on the primary before theirs
my @dealt = ([0, 5200], [5201, 10921], [10922, 16383]);
my $c = LeaseLoft::Cluster->new($ll, dealt => \@dealt);
my @parts = $c->parts();
my $dir = $ll->dir() . '/backups';
mkdir $dir;

$ll->{url} = $c->url();
$ll->nginx_conf();
$ll->start($_) for qw(worker1 nginx);
$ll->started();


# names, and where they are

sub slot_of {
    my ($tag) = @_;

    my $crc = 0;

    for my $byte (unpack 'C*', $tag) {
        $crc ^= $byte << 8;
        $crc = ($crc << 1 ^ ($crc & 0x8000 ? 0x1021 : 0)) & 0xffff for 1 .. 8;
    }

    return $crc % 16384;
}

my @queues = map { slot_of("q:$_") } 0 .. 63;

sub part_of {
    my ($slot) = @_;
    return (grep { $slot <= $dealt[$_][1] } 0 .. 2)[0];
}

# that of the due time of a property: of the nearest queue
sub due_part {
    my $slot = slot_of("p:$_[0]");
    my ($nearest) = sort { abs($a - $slot) <=> abs($b - $slot) } @queues;
    return part_of($nearest);
}

# a name on a part, and whose due time is on a part
my %named;

sub property_on {
    my ($at, $due) = @_;

    for (my $n = 0;; $n++) {
        next if part_of(slot_of("p:P$n")) != $at || due_part("P$n") != $due
                || $named{"P$n"}++;
        return "P$n";
    }
}

my @user = map { my $part = $_;
                 (grep { part_of(slot_of("u:u-$_")) == $part } 1 .. 99)[0]
               } 0 .. 2;
$_ = "u-$_" for @user;

sub rfc { POSIX::strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# a lease whose parties have inboxes on all primaries
sub lease {
    my ($property, %o) = @_;
    my $r = $ll->lease($property, landlords => [$user[0]],
                       tenants => [@user[1, 2]], %o);
    is($r->status(), 200, "$property: a lease is declared") or diag($r->raw());
}


# a backup, and what is done after the copies of node0 and node1: rewrites of
# the files of the next one let the backup wait
sub backup_with_gaps {
    my @do = @_;

    for my $part (qw(node1 node2)) {
        $c->on($part, 'CONFIG', 'SET', 'rdb-key-save-delay', 2_000_000);
        $c->on($part, 'BGREWRITEAOF');
    }

    begin_backup($ll, 'backup', '--json', $dir);

    for my $i (0, 1) {
        ok(wait_for(sub {
            $i < (() = $ll->slurp('backup.log') =~ /^waiting for a rewrite/mg)
        }, 20), "node$i is copied, the next one waits for a rewrite");
        $do[$i]->();

        # Redis takes this signal to its child as an order, not as a failure
        my $parent = $ll->pid('node' . ($i + 1));
        kill 'USR1', split ' ', qx(ps -o pid= --ppid $parent);
    }

    my $pid = delete $ll->{pids}{backup};
    ok(wait_for(sub { waitpid($pid, POSIX::WNOHANG()) == $pid }, 60)
       && $? == 0, 'the backup succeeds') or diag($ll->slurp('backup.log'));

    return decode_json($ll->slurp('backup.log') =~ /^(\{.*)/m ? $1 : '{}');
}

sub percentage_of {
    return $c->on($_[0], 'CONFIG', 'GET', 'auto-aof-rewrite-percentage')->[1];
}

# sends to properties, and writes each acknowledged message to a file
my @properties = map { my $part = $_; map { property_on($part, $part) } 1, 2 }
                 0 .. 2;

sub writer {
    my ($n) = @_;

    my $test = $$;
    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    open my $log, '>>', $ll->dir() . '/acknowledged' or POSIX::_exit(1);

    for (my $i = 0; getppid() == $test; $i++) {
        my $property = $properties[($i + $n) % @properties];
        my $text = "message $i of writer $n";
        my $answer = $ll->say($property, $user[$n], $text,
                              client_id => "w$n-$i");
        syswrite $log, join("\t", $property, $answer->json()->{seq}, $text)
                       . "\n" if $answer->status() == 201;
    }

    POSIX::_exit(1);
}

sub acknowledged {
    return map { [split /\t/] } split /\n/,
           $ll->slurp('acknowledged') =~ s/[^\n]*\z//r;
}

lease($_) for @properties;
my @writers = map { writer($_) } 0 .. 2;
ok(wait_for(sub { acknowledged() > 200 }, 30), 'messages are sent');

# due times in a newer copy than their property, ...
my ($moved, $made, $left) = map { property_on(1, 2) } 1 .. 3;

# ... or in an older one
my $late = property_on(1, 0);

my $opens = int(time()) + 40;
lease($moved, starts_at => rfc($opens));
lease($left);

my @before = acknowledged();
my $backup = backup_with_gaps(sub {
    my $n = acknowledged();
    ok(wait_for(sub { acknowledged() > $n + 100 }, 30),
       'messages are sent meanwhile');
    lease($late, starts_at => rfc($opens));

}, sub {
    my $n = acknowledged();
    ok(wait_for(sub { acknowledged() > $n + 100 }, 30),
       'and after the second copy');

    # these will be forgotten, but for their due times and inboxes
    lease($moved, starts_at => rfc($opens + 86400), label => "Label $_")
        for 1 .. 3;
    lease($made, starts_at => rfc($opens - 20));
    is($ll->say($left, $user[1], "lost $_")->status(), 201, 'a message is sent')
        for 1 .. 3;
    lease($left, tenants => [$user[2]], label => "Label $_") for 1 .. 2;
});

is($backup->{messages} > @before ? 1 : 0, 1,
   'it has more messages than were acknowledged before it began');
my $path = $backup->{path};
is(join(' ', map { "$_->{address} $_->{slots}" } @{ $backup->{nodes} }),
   join(' ', map { $c->address("node$_") . " $dealt[$_][0]-$dealt[$_][1]" }
                 0 .. 2),
   'it names the primaries and their slots');
is(join('', map { local (@ARGV, $/) = $_; <> } "$path/slots"),
   join('', map { "$_->{directory} $_->{slots}\n" } @{ $backup->{nodes} }),
   'the file has the same');
is(percentage_of($_), 100, "automatic rewrites of $_ are enabled again")
    for @parts;
my (undef, $others) = backups($dir);
is($others, '', 'nothing else is left');
$c->on($_, 'CONFIG', 'SET', 'rdb-key-save-delay', 0) for @parts;

ok(wait_for(sub { acknowledged() > @before + 600 }, 30), 'sending goes on');
kill 'TERM', @writers;
waitpid $_, 0 for @writers;
my @after = acknowledged();

my ($status, $said) = $ll->cli('backup', $dir);
is($status, 0, 'another backup succeeds') or diag($said);
like($said, qr/ 16384 of 16384 slots, \d+\.\d seconds$/m,
     'it says how many slots it has');
($status, $said) = $ll->cli('backup', '--json', '--node', $c->address('node2'),
                            $dir);
is($status, 0, 'of one primary alone') or diag($said);
is(scalar @{ decode_json($said =~ /^(\{.*)/m ? $1 : '{"nodes":[]}')->{nodes} },
   1, '... it has that one');


# one that is killed while it waits: the next one enables rewrites again, and
# deletes what it had copied

$c->on('node1', 'CONFIG', 'SET', 'rdb-key-save-delay', 2_000_000);
$c->on('node1', 'BGREWRITEAOF');
begin_backup($ll, 'killed', $dir);
ok(wait_for(sub { $ll->slurp('killed.log') =~ /^waiting for a rewrite/m }, 20),
   'a backup has copied one part, and waits');
$ll->stop('killed', 'KILL');
$c->on('node1', 'CONFIG', 'SET', 'rdb-key-save-delay', 0);
kill 'USR1', split ' ', qx(ps -o pid= --ppid ${\ $ll->pid('node1')});

is(percentage_of('node1'), 0, 'once it is killed, rewrites stay disabled');
like((backups($dir))[1], qr/^\.\S+\.partial \.rewrites-127\.0\.0\.1_\d+$/,
     'and what it has written is left');
is(($ll->cli('backup', $dir))[0], 0, 'the next one succeeds');
is(percentage_of('node1'), 100, '... and enables rewrites');
is((backups($dir))[1], '', '... and deletes the rest');


# what is refused

($status, $said) = $ll->cli('backup', '--node', '127.0.0.1:1', $dir);
is($status, 1, 'what is no primary is refused');
like($said, qr/"127.0.0.1:1" is no primary of the cluster/, '... by its name');
$c->open_slot(100, 'node1');
($status, $said) = $ll->cli('backup', $dir);
is($status, 1, 'while a slot is moving, a backup is refused');
like($said, qr/^leaseloft: slots of \S+ are moving: repeat the backup/m,
     '... and says why');
$c->cancel_slot(100, 'node1');
$command =~ s{=redis\S+}{=$ll->{url}} or die;
$command =~ s{leaseloft backup \S+}{$LeaseLoft::cli backup $dir} or die;
$said = qx($command 2>&1);
is($?, 0, 'it succeeds again, as the page says') or diag($said);


# restored, as new servers of a new cluster

sub run_step {
    my ($name, $step, $command) = @_;
    my $said = qx($command 2>&1);
    is($?, 0, "$name: $step") or diag($said);
}

my %ids = map { $_ => $c->id($_) } @parts;
$ll->stop($_) for @parts;

for my $i (0 .. $#parts) {
    my $data = $ll->dir() . "/$parts[$i]";

    for my $step (map { s/^\s+//r } split /\n/, $steps{'Restore a cluster'}) {
        next if $step eq 'systemctl stop leaseloft-redis';

        if ($step eq 'systemctl start leaseloft-redis') {
            $c->start($parts[$i]);
            next;
        }

        run_step($parts[$i], $step, $step
            =~ s{/var/backups/leaseloft/[^/]+/[^/]+}
                {$path/$backup->{nodes}[$i]{directory}}r
            =~ s{/var/lib/leaseloft}{$data}gr =~ s/leaseloft:leaseloft/$>/r);
    }
}

my %address = map { ("192.0.2.1$_" => $parts[$_ - 1]) } 1 .. 3;

for my $step (map { s/^\s+//r } split /\n/, $steps{Join}) {
    my $command = $step;

    if ($step =~ /^redis-cli -h (\S+) -p \d+ cluster meet (\S+) /) {
        my ($to, $new) = @address{$1, $2};
        $command = "redis-cli -h 127.0.0.1 -p $c->{ports}{$to} cluster meet "
                   . "127.0.0.1 $c->{ports}{$new} $c->{bus}{$new}";
    }

    # the library, which it needs, is in the files
    $command =~ s/^leaseloft/$LeaseLoft::cli --json --redis $ll->{url}/;
    $command .= ' >' . $ll->dir() . '/rebuilt' if $command =~ /rebuild/;
    run_step('join', $step, $command);
}

my $rebuilt = decode_json($ll->slurp('rebuilt') =~ /^(\{.*)/m ? $1 : '{}');
cmp_ok($rebuilt->{repaired}, '>', 0, "$rebuilt->{repaired} inboxes were wrong");
cmp_ok($rebuilt->{removed}, '>', 0, 'a thread that was lost was in inboxes');
cmp_ok($rebuilt->{due}, '>=', 2, 'and two due times were wrong');
isnt($c->id($_), $ids{$_}, "$_ has another id than before") for @parts;
ok($c->wait_ready(20), 'the cluster is complete');
ok($ll->wait_healthy(200, 30), 'the service is healthy');
is_deeply([ map { $c->owner($_->[0]) } @dealt ], \@parts,
          'each has its slots');
ok(wait_for(sub { !$c->sum('XLEN', 'requests') && !$c->sum('ZCARD', 'owed') },
            20), 'the requests that were queued are carried out');

# what was carried out since is in the inboxes
my $q = LeaseLoft::Requests->over($c);
my @all = (@properties, $moved, $left, $late);

sub wrong_counts {
    my @wrong;

    for my $user (@user) {
        my $inbox = $ll->get('/api/inbox?limit=200', user => $user)->json();
        my %shown = map { $_->{property} => $_ } @{ $inbox->{threads} };
        my $total = 0;

        for my $property (@all) {
            my $view = $ll->poll($property, $user, 'limit=1');
            my $n = $q->recount($property, $user);
            my $in = $shown{$property} // { unread => 'none' };

            $total += $n;
            push @wrong, "$user $property: $n, inbox $in->{unread}, thread "
                         . $view->{you}{unread}
                if $in->{unread} ne $n || $view->{you}{unread} != $n;
            push @wrong, "$user $property: inbox shows not $view->{head}"
                if index($view->{head}, ($in->{last}{seq} // 0) . '.') != 0;
        }

        # by their newest entry, if there is one
        my @at = map { ($_->{last} // {})->{at} // () }
                 @{ $inbox->{threads} };

        push @wrong, "$user: threads are not in order"
            if "@at" ne join ' ', reverse sort @at;
        push @wrong, "$user: total $inbox->{total_unread}, not $total"
            if $inbox->{total_unread} != $total;
        push @wrong, "$user: shows " . join ' ', sort keys %shown
            if keys %shown != @all;
    }

    return join "\n", @wrong;
}

is(wrong_counts(), '', 'counts, inboxes and orders are right');
is(join(' ', map { my $broken = $q->broken($_); $broken ? "$_: $broken" : () }
             @all), '', 'the chain of each thread is valid');

my (%there, %twice);

for my $property (@properties) {
    my $n = 0;
    for my $item ($q->thread($property)) {
        my $entry = decode_json($item->[1]);
        next if $entry->{kind} ne 'message';
        $there{$property}{ $entry->{seq} } = $entry->{text};
        $twice{"$property $entry->{text}"}++;
    }
}

is(scalar(grep { ($there{$_->[0]}{$_->[1]} // '') ne $_->[2] } @before), 0,
   'all ' . @before . ' messages acknowledged before it began are there');
is(scalar(grep { $_ > 1 } values %twice), 0, 'and none is there twice');
cmp_ok(scalar(keys %twice), '<', scalar(@after), 'it is the backup');

# a change of a property in the older copy reaches the inboxes
for my $property ($left, $properties[0]) {
    is($ll->say($property, $user[1], 'after the restore')->status(), 201,
       "$property: a message is sent");
}
ok(wait_for(sub { wrong_counts() eq '' }, 5),
   'a message to a property in the older copy is in the inboxes')
    or diag(wrong_counts());

like(($ll->cli('unread', 'rebuild'))[1],
     qr/, 0 inbox threads repaired, 0 removed, 0 damaged$/m,
     'a second rebuild finds nothing to repair');

# due times
my $begin = time() > $opens ? time() : $opens;

for my $property ($moved, $late) {
    ok(wait_for(sub {
        ($ll->poll($property, $user[0])->{lease}{state} // '') eq 'active'
    }, $begin + 3 - time()), "$property: its lease opens on time");
}

# that of one that was lost would be tried without end
is(join(' ', map { $c->command('ZSCORE', "ll:{q:$_}:due", $made) // () }
             0 .. 63), '', 'nothing is due for a property that was lost');
is($ll->get("/api/properties/$made/messages", user => $user[0])->status(), 404,
   '... which does not exist');
$ll->finish(more => 1);


# primaries on two machines

SKIP: {
    my $net = eval { LeaseLoft::Net->new() } or skip $@ =~ s/\n//r, 9;

    $ll = LeaseLoft->new(start => 0);
    $c = LeaseLoft::Cluster->new($ll, net => $net, inside => ['node2']);
    mkdir($dir = $ll->dir() . '/backups');
    $ll->{url} = $c->url();
    $ll->nginx_conf();
    $ll->start($_) for qw(worker1 nginx);
    $ll->started();

    my $inside = $c->address('node2');
    ($status, $said) = $ll->cli('backup', $dir);
    is($status, 0, 'the primaries on this machine are backed up') or diag($said);
    like($said, qr/^\Q$inside\E is on another machine: run the command there/m,
         'the other one is named');
    like($said, qr/ 10922 of 16384 slots, /, 'it says how many slots it has');
    ($status, $said) = $ll->cli('backup', '--node', $inside, $dir);
    is($status, 1, 'the other one alone cannot be backed up here');
    like($said, qr/^leaseloft: \Q$inside\E is on another machine/m,
         '... as it says');

    my $there = $net->inside() . " $LeaseLoft::cli backup --redis $ll->{url}";
    $said = qx($there $dir 2>&1);
    is($?, 0, 'on its machine, it is backed up') or diag($said);
    like($said, qr/ 5462 of 16384 slots, /, '... with its slots');

    $c->move($_, 'node1') for 10922;
    $c->on($_, 'CLUSTER', 'INFO') for $c->parts();
    my ($names) = backups($dir);
    is(scalar @$names, 2, 'each is a backup');
    is(join(' ', map { scalar(() = glob "$dir/$_/*_*/appendonlydir") } @$names),
       '2 1', '... of its primaries');
    $ll->finish(more => 1);
}

done_testing();
