#!/usr/bin/perl

# leaseloft erase: the text of a message is gone from Redis, from its files once
# they are written anew, and from all that readers are sent, by two processes of
# nginx; what else was true of the message stays so.

use strict;
use warnings;

use Digest::SHA qw(sha256);
use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;
use LeaseLoft::Search;

my $SIZE = 8;

# the worker seals nothing at first
my $ll = LeaseLoft->new(worker_options => '--seal-after 0',
                        main => 'worker_processes 2;', listen => 'sndbuf=32k',
                        redis_conf => "rdbcompression no\n");
my $q = LeaseLoft::Requests->new($ll);
my $json = JSON::PP->new->utf8;
my $time = qr/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/;
my (%hash, %sent);

sub text { return sprintf 'zq%03dqz', $_[0] }

sub talk {
    my ($to, @users) = @_;

    while (keys %sent < $to) {
        my $seq = $ll->redis('HGET', 'll:{p:P}:meta', 'seq') + 1;
        return if $seq > $to;
        my $user = $users[$seq % @users];
        $sent{$seq} = [$user, "id$seq"];
        is($ll->say('P', $user, text($seq), client_id => "id$seq")->status(),
           201, "message $seq is sent");
    }
}

sub erase_in {
    my ($property, $seq) = @_;
    return $ll->cli('erase', $property, $seq, '--reason', 'Ticket 4711');
}

sub erase { return erase_in('P', @_) }

# the values of Redis's keys in which a text is found, as they are in memory
sub where {
    my ($text) = @_;

    my ($cursor, $keys, @found) = (0);
    do {
        ($cursor, $keys) = @{ $ll->redis('SCAN', $cursor, 'COUNT', 1000) };
        push @found, grep { index($ll->redis('DUMP', $_) // '', $text) >= 0 }
                     @$keys;
    } while ($cursor);

    push @found, 'an entry' if grep { index($_->[1], $text) >= 0 }
                               $q->thread('P');

    return join ' ', sort @found;
}

sub kinds {
    my ($user, $query) = @_;
    return join ' ', map { ($_->{kind} eq 'erased' ? '-' : '') . $_->{seq} }
                     @{ $ll->poll('P', $user, $query)->{entries} };
}

sub get {
    my ($user, $query, $etag) = @_;
    return $ll->get("/api/properties/P/messages?$query", user => $user,
                    headers => $etag ? { 'If-None-Match' => $etag } : {});
}

# several streams of a user, so that each process has some
sub streams {
    my ($property, $user) = @_;
    my @streams = map { $ll->events($property, $user) } 1 .. 4;
    $_->wait_event('hello') or die "no hello\n" for @streams;
    return @streams;
}

sub erased_of {
    return join ' ', map { $_->{json}{seq} }
                     grep { $_->{event} eq 'erased' } $_[0]->events();
}


# --- a thread: Karl has left, Ana has come later ---

sub lease { return $ll->lease('P', tenants => ['u-tom', @_]) }

lease('u-karl');                                            # 1
talk(11, 'u-tom', 'u-karl', 'u-lena');                      # 2 to 11
lease('u-ana', 'u-karl');                                   # 12
talk(19, 'u-tom', 'u-lena', 'u-ana');                       # 13 to 19
lease('u-ana');                                             # 20: Karl leaves
talk(30, 'u-tom', 'u-lena', 'u-ana');                       # 21 to 30
$ll->mark('P', 'u-lena', 10);

$hash{$_->[0]} = $_->[3] for $q->thread('P');
is($q->broken('P'), '', 'the chain verifies before');

my @users = qw(u-lena u-tom u-ana u-karl);
my %unread = map { $_ => $ll->poll('P', $_)->{you}{unread} } @users;


# --- bad input ---

for my $case (
    [2, qr/needs --reason/, 'P', 5], [2, qr/--reason must be/, 'P', 5, ''],
    [2, qr/--reason must be/, 'P', 5, " \n"],
    [2, qr/--reason must be/, 'P', 5, 'x' x 501],
    [2, qr/--reason must be/, 'P', 5, "\xff"],
    [2, qr/SEQ must be/, 'P', 'five', 'x'], [2, qr/SEQ must be/, 'P', 0, 'x'],
    [2, qr/no option/, 'P', -1, 'x'], [2, qr/SEQ must be/, 'P', '5.0', 'x'],
    [2, qr/PROPERTY must be/, 'a.b', 5, 'x'],
    [1, qr/no property "X"/, 'X', 5, 'x'],
    [1, qr/has no entry 31/, 'P', 31, 'x'],
    [1, qr/entry 1 is no message/, 'P', 1, 'x'],
    [1, qr/entry 20 is no message/, 'P', 20, 'x'])
{
    my ($want, $like, $property, $seq, $reason) = @$case;
    my ($got, $said) = $ll->cli('erase', $property, $seq,
                                defined $reason ? ('--reason', $reason) : ());

    is($got, $want, "erase $property $seq: the exit status is $want");
    like($said, $like, "erase $property $seq: it is said why");
    unlike($said, qr/erasing/, "erase $property $seq: nothing is logged");
}

is($ll->redis('HGET', 'll:{p:P}:meta', 'erasures'), undef, 'nothing is erased');


# --- one that is not sealed, in the windows of all but Ana ---

my %live = map { $_ => [ streams('P', $_) ] } @users;
my %tag = map { $_ => get($_, 'before=9&limit=5')->header('ETag') } @users;
my ($lena_inbox) = $ll->stream('/api/inbox/events', user => 'u-lena');
$lena_inbox->wait_event('hello');

is(get('u-tom', 'before=9&limit=5', $tag{'u-tom'})->status(), 304,
   'a page is confirmed by its ETag') for 1 .. 4;
isnt(where(text(5)), '', 'the text is in Redis');

my ($status, $said) = erase(5);
is($status, 0, 'a message is erased');
like($said, qr/^\S+ \[notice\] erasing entry 5 of property "P", reason: "Ticket 4711"$/m,
     'the log has the property, the entry and the reason');
like($said, qr/^entry 5 is erased, at $time$/m, 'the command says so');
like($said, qr/BGREWRITEAOF/, 'and what is left to do');
unlike($said, qr/zq|Tom|u-tom/, 'and neither text nor name');
is(where(text(5)), '', 'no key has the text');
is(where('4711'), '', 'no key has the reason');

my ($erased) = grep { $_->{seq} == 5 } @{ $ll->poll('P', 'u-tom')->{entries} };
my $erased_at = $erased->{erased_at};
like($erased_at, qr/^$time$/, 'it has the time of its erasure');
is_deeply([ sort keys %$erased ], [qw(at erased_at kind seq)],
          'the entry has four members');

for my $user (qw(u-lena u-tom u-karl)) {
    my $n = 0;
    for my $stream (@{ $live{$user} }) {
        my $event = $stream->wait_event('erased') or next;
        $n++ if $event->{data} eq qq({"seq":5,"erased_at":"$erased_at"})
                && !defined $event->{id};
    }
    is($n, 4, "all streams of $user are told");

    # each process has to be told; which one answers is chance
    my $told = 0;
    wait_for(sub {
        $told = get($user, 'before=9&limit=5', $tag{$user})->status() == 200
                ? $told + 1 : 0;
        return $told == 10;
    });
    isnt(get($user, 'before=9&limit=5')->header('ETag'), $tag{$user},
         "the page has another ETag for $user");
    is(get($user, 'before=9&limit=5', $tag{$user})->status(), 200,
       "and the old one is not confirmed to $user") for 1 .. 4;
    unlike(get($user, $_)->body(), qr/zq005qz/, "$_: no text for $user")
        for 'limit=200', 'before=9&limit=5', 'before=6&limit=1', 'after=0',
            'after=4&limit=1';
    like(kinds($user, 'before=9&limit=5'), qr/^4 -5 6 7 8$/,
         "the entry is in its place for $user") for 1 .. 2;
}

is(get('u-ana', 'before=9&limit=5')->header('ETag'), $tag{'u-ana'},
   'a window without it has the same ETag');
ok(!grep({ $_->{event} eq 'thread' } $lena_inbox->events()),
   'no inbox changes, as it is not the newest entry');

($status, $said) = erase(5);
is($status, 0, 'erasing it again succeeds');
like($said, qr/^entry 5 was erased before, at $erased_at$/m, 'and says so');
is($ll->redis('HGET', 'll:{p:P}:meta', 'erasures'), 1, 'and changes nothing');

($status, $said) = $ll->cli('erase', 'P', 5, '--reason', 'x', '--json');
is_deeply($json->decode($said), { property => 'P', seq => 5, before => JSON::PP::true,
                                  erased_at => $erased_at }, 'it prints JSON');


# --- a closed window does not change by what is after it ---

$tag{'u-karl'} = get('u-karl', 'limit=50')->header('ETag');
is((erase(25))[0], 0, 'a message after the window of Karl is erased');
$_->wait_event('erased') for @{ $live{'u-ana'} };
is(erased_of($live{'u-ana'}[0]), '25', 'who has it in the window is told');
$ll->mark('P', 'u-karl', 20);
$_->wait_event('read') for @{ $live{'u-karl'} };
is(erased_of($live{'u-karl'}[0]), '5', 'others are not');
$ll->cli('unread', 'rebuild');
is($ll->poll('P', 'u-karl')->{head} =~ s/\..*//r, 20, 'the window ends as before');


# --- the newest entry ---

my $before = $ll->get('/api/inbox', user => 'u-lena');
is((erase(30))[0], 0, 'the newest entry is erased');
my $thread = $lena_inbox->wait_event('thread');
is_deeply($thread->{json}{last},
          { seq => 30, kind => 'erased', event => undef, from => undef,
            preview => undef,
            at => $before->json()->{threads}[0]{last}{at} },
          'the inbox stream has it as erased');
my $after = $ll->get('/api/inbox', user => 'u-lena');
isnt($after->header('ETag'), $before->header('ETag'), 'the inbox has another ETag');
is($after->json()->{threads}[0]{last}{kind}, 'erased', 'and shows it as erased');
is($after->json()->{total_unread}, $before->json()->{total_unread},
   'and as many unread messages');
is(where(text(30)), '', 'its text is nowhere, nor is its preview');


# --- unread ---

is($ll->poll('P', $_)->{you}{unread},
   $unread{$_} - ($_ eq 'u-karl' ? $unread{$_} : 0),
   "$_ has as many unread messages as before") for @users;
my ($rebuilt, $report) = $ll->cli('unread', 'rebuild');
like($report, qr/ 0 inbox threads repaired, 0 removed, 0 damaged$/,
     'and a rebuild finds the same');


# --- the client_id stays taken ---

for my $other (text(5), 'something else') {
    my ($user, $id) = @{ $sent{5} };
    my $again = $ll->say('P', $user, $other, client_id => $id);
    is($again->status(), 200, 'its client_id is known, whatever the text');
    is($again->json()->{kind}, 'erased', 'and answered by the erased entry');
}
ok(wait_for(sub { where('something else') eq '' }),
   'and the other text is stored nowhere');


# --- those who come later: replay, resume, a lost connection ---

my $replay = $ll->events('P', 'u-tom', query => 'after=0');
ok($replay->wait_entry(30), 'a replay is complete');
is(join(' ', map { ($_->{kind} eq 'erased' ? '-' : '') . $_->{seq} }
             $replay->entries()),
   join(' ', map { $_ =~ /^(5|25|30)$/ ? "-$_" : $_ } 1 .. 30),
   'and has the erased entries in their places');
is(erased_of($replay), '', 'and is told of no erasure besides');
is($ll->poll('P', 'u-tom', 'after=25.' . unpack 'H8', $hash{25})->{reset}, undef,
   'the cursor of an erased entry is valid');
ok($ll->poll('P', 'u-tom', 'after=25.00000001')->{reset},
   'and another tag is not');
is(($replay->events())[5]{id}, '5.' . unpack('H8', $hash{5}),
   'their tags are as before');

for my $case (['u-tom', 30, '5 25 30'], ['u-tom', 29, '5 25'],
              ['u-tom', 4, ''], ['u-ana', 30, '25 30'], ['u-karl', 20, '5'])
{
    my ($user, $seq, $want) = @$case;
    my $stream = $ll->events('P', $user,
                             last_id => "$seq." . unpack 'H8', $hash{$seq});
    $stream->wait_event('hello');
    $ll->mark('P', $user, 30) if $user ne 'u-karl';
    $stream->wait_event(sub { $_[0]{event} eq 'ping' || $_[0]{event} eq 'erased'
                              || ($_[0]{id} // '') =~ /^30/ }, 3)
        if $want || $seq < 20;
    is(wait_for(sub { erased_of($stream) eq $want }, 3), 1,
       "$user, who resumes after $seq, is told of: $want");
}

my @nginx = $ll->nginx_children();
kill 'STOP', @nginx;
$ll->redis('CLIENT', 'KILL', 'TYPE', 'pubsub');
is((erase(8))[0], 0, 'a message is erased while nginx is stopped');
kill 'CONT', @nginx;
$_->wait_event(sub { $_[0]{event} eq 'erased' && $_[0]{json}{seq} == 8 }, 10)
    for @{ $live{'u-tom'} };
is(join(',', map { erased_of($_) } @{ $live{'u-tom'} }),
   join(',', ('5 25 30 8') x 4),
   'streams are told once they are connected again, once of each');


# --- sealing, before and after ---

$ll->stop('worker1');
$ll->spawn('worker1', "$LeaseLoft::worker --redis $ll->{url} --seal-after 5"
                      . " --seal-size $SIZE");
$q->connect();
is($ll->say('P', 'u-karl', 'too late')->status(), 409,
   'the worker reads the thread');
ok(wait_for(sub { ($ll->redis('HGET', 'll:{p:P}:meta', 'sealed') // '')
                  eq "24 $SIZE" }, 5), 'all but the newest are sealed');
is($q->broken('P'), '', 'the chain verifies');
is(kinds('u-tom', 'limit=200'),
   join(' ', map { $_ =~ /^(5|8|25|30)$/ ? "-$_" : $_ } 1 .. 30),
   'erased entries are sealed as such');
is($ll->redis('HEXISTS', 'll:{p:P}:segments', 'e5'), 0,
   'and are in their segment only');

like(where(text(24)), qr/:thread\b/,
     'Redis has a sealed text in memory for as long as its neighbours');

# the first and the last of a segment, and one between
my @erased = (5, 8, 25, 30);
for my $seq (9, 16, 18, 24, 2, 26) {
    my $segment = $ll->redis('HGET', 'll:{p:P}:segments', int(($seq - 1) / $SIZE));

    is((erase($seq))[0], 0, "message $seq is erased");
    push @erased, $seq;
    is(where(text($seq)), '', "no key has the text of $seq");
    isnt($ll->redis('HGET', 'll:{p:P}:segments', int(($seq - 1) / $SIZE)), $segment,
         "the segment of $seq is another one") if $seq <= 24;
    is($q->broken('P'), '', 'the chain verifies');

    my %erased = map { $_ => 1 } @erased;
    is(kinds('u-tom', 'limit=200'),
       join(' ', map { $erased{$_} ? "-$_" : $_ } 1 .. 30),
       "$seq is erased and no other entry");
    ok($live{'u-tom'}[0]->wait_event(sub { $_[0]{event} eq 'erased'
                                           && $_[0]{json}{seq} == $seq }),
       "streams are told of $seq");
}

my %changed = map { $_->[0] => 1 } grep { $_->[3] ne $hash{$_->[0]} } $q->thread('P');
is(join(' ', sort keys %changed), '', 'each entry has the hash that it had');
is($ll->poll('P', $_)->{you}{unread}, $_ eq 'u-lena' ? $unread{$_} : 0,
   "$_ has as many unread messages") for qw(u-lena u-karl);
$ll->mark('P', 'u-lena', 11);
my %mine = map { $_ => 1 } grep { $sent{$_}[0] ne 'u-lena' } keys %sent;
is($ll->poll('P', 'u-lena')->{you}{unread}, (scalar grep { $_ > 11 } keys %mine),
   'a mark counts erased messages as those of their senders');
like(($ll->cli('unread', 'rebuild'))[1], qr/ 0 inbox threads repaired,/,
     'and so does a rebuild');
is($ll->say('P', $sent{9}[0], 'x', client_id => 'id9')->json()->{kind}, 'erased',
   'the client_id of a sealed one is known too');


# --- the record ---

my $file = "$ll->{dir}/record";
is(system("$LeaseLoft::cli record P --redis $ll->{url} > $file"), 0,
   'the record is printed');
is(($ll->cli('verify', $file))[0], 0, 'and verifies');
is(system("python3 t/verify.py $file > /dev/null"), 0,
   'and does so by another implementation');

my @lines = map { $json->decode($_) } split /\n/, $ll->slurp('record');
my ($line) = grep { ($_->{seq} // 0) == 5 } @lines;
is($line->{erased_at}, $erased_at, 'it has the time of the erasure');
is($line->{hash}, unpack('H*', $hash{5}), 'the hash is that of the message');
is(join(' ', sort { $a <=> $b } map { $_->{seq} } grep { $_->{digest} } @lines),
   join(' ', sort { $a <=> $b } @erased), 'and all erased entries');

$ll->write('forged', $ll->slurp('record') =~ s/("digest":")(.)/$1 . ($2 eq 'a' ? 'b' : 'a')/er);
like(join(' ', $ll->cli('verify', "$ll->{dir}/forged")), qr/^1 .*entry 2\b/s,
     'an invented digest is found');


for my $user (qw(u-tom u-ana u-karl)) {
    my $r = $ll->get('/api/properties/P/record', user => $user);
    my %window = map { $_->{seq} => 1 } @{ $ll->poll('P', $user,
                                                     'limit=200')->{entries} };

    $ll->write('record', $r->body());
    is(($ll->cli('verify', $file))[0], 0, "the record of $user verifies");
    is(join(' ', sort { $a <=> $b } map { $_->{seq} } grep { $_->{digest} }
                 map { $json->decode($_) } split /\n/, $r->body()),
       join(' ', sort { $a <=> $b } grep { $window{$_} } @erased),
       "and has the erased entries in the window of $user");
    is(join(' ', grep { $r->body() =~ text($_) } @erased), '',
       "and none of the texts, for $user");
}


# --- search ---

ok(wait_search($ll), 'there is a searcher');

for my $path ('/api/properties/P/search', '/api/search') {
    is(join(' ', map { hits_of($ll->get("$path?q=" . text($_),
                                        user => 'u-tom')->json()) } @erased),
       '', "$path finds no erased message");
    like(join(' ', hits_of($ll->get("$path?q=" . text(21),
                                    user => 'u-tom')->json())),
         qr/^(?:P:)?21$/, "$path finds another");
}


# --- files ---

sub in_files {
    my ($text) = @_;
    return `grep -rlaF '$text' $ll->{dir}/redis` =~ s/\n/ /gr;
}

isnt(in_files(text(5)), '', 'the append-only file has the text');
$ll->redis('BGREWRITEAOF');
ok(wait_for(sub { $ll->redis('INFO', 'persistence') =~
                  /aof_rewrite_in_progress:0.*aof_last_bgrewrite_status:ok/s
                  && in_files(text(30)) eq '' }, 10), 'it is written anew');
is(in_files(text($_)), '', "and does not have the text of $_") for @erased;

$ll->stop('redis');
$ll->start('redis');
$q->connect();
$ll->wait_healthy();
my %gone = map { $_ => 1 } @erased;
ok(wait_for(sub { kinds('u-tom', 'limit=200')
                  eq join ' ', map { $gone{$_} ? "-$_" : $_ } 1 .. 30 }),
   'after a restart of Redis all is as before');
ok(wait_for(sub { ($ll->say('P', 'u-tom', 'and on', client_id => 'on')->json()
                   // {})->{seq} }), 'and goes on');
is($ll->poll('P', 'u-tom', 'limit=1')->{entries}[0]{seq}, 31, 'at the next seq');
is($q->broken('P'), '', 'and the chain verifies');


# --- a thread that is not sealed and long: the copy has several steps ---

$ll->lease('L');
$q->put_all(map { ['send', 'L', 'u-tom', { client_id => "l$_",
                                           text => text($_) }] } 2 .. 700);
ok(wait_for(sub { $ll->redis('HGET', 'll:{p:L}:meta', 'seq') == 700 }, 20),
   'a long thread');
is(($ll->cli('erase', 'L', 650, '--reason', 'x'))[0], 0, 'a message is erased');
is($q->broken('L'), '', 'its chain verifies');
is($ll->redis('PTTL', 'll:{p:L}:thread'), -1, 'the stream does not expire');
is($ll->redis('EXISTS', 'll:{p:L}:copy:650'), 0, 'no copy is left');

my ($live_l) = streams('L', 'u-tom');
my @many = map { 3 * $_ } 1 .. 220;
is((erase_in('L', $_))[0], 0, "$_ is erased") for @many;
my $back = $ll->events('L', 'u-tom', query => 'after=700');
for my $case ([$live_l, 'an open stream'], [$back, 'one that resumes']) {
    my ($stream, $who) = @$case;
    $stream->wait_event(sub { $_[0]{event} eq 'erased'
                              && $_[0]{json}{seq} == $many[-1] }, 10);
    is(erased_of($stream), join(' ', $stream == $back ? 650 : (), @many),
       "$who is told of each of many, once");
}


# --- a client that reads slowly: what it was sent is followed by an event, what
# --- it was not sent comes erased

$ll->lease('S');
my ($slow) = streams('S', 'u-lena');
my ($fast) = streams('S', 'u-lena');
is($ll->say('S', 'u-tom', "$_ " . 'x' x 3900)->status(), 201, 'a long message')
    for 2 .. 150;
ok($fast->wait_entry(150), 'another client has read all');
is((erase_in('S', $_))[0], 0, "$_ is erased") for 2, 149;
ok($slow->wait_entry(150, 10), 'in the end it has all');
$slow->wait_event('erased', 1) if erased_of($slow) !~ /2/;
is(join(' ', map { $_->{seq} . ($_->{kind} eq 'erased' ? 'e' : '') }
             grep { $_->{seq} =~ /^(?:2|149)$/ } $slow->entries()),
   '2 149e', 'what was not sent yet comes erased');
like(erased_of($slow), qr/^2\b/, 'what was sent before is followed by the event');
$fast->wait_event(sub { $_[0]{event} eq 'erased' && $_[0]{json}{seq} == 149 });
is(erased_of($fast), '2 149', 'the other client is told of both');


# --- Redis is away ---

$ll->stop('redis');
($status, $said) = $ll->cli('erase', 'P', 7, '--reason', 'x');
is($status, 1, 'without Redis it fails');
like($said, qr/cannot connect to Redis/, 'and says why');
$ll->start('redis');
$ll->wait_healthy();

$ll->finish();
