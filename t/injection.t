#!/usr/bin/perl

# Hostile words: texts, names, labels and ids that would like to be an event, a
# header or a member of their own.  What is legal arrives as it was, and
# nothing else does: every line of every stream, every header's name and every
# member's name is one of the contract's, and the events are as many as were
# brought about.

use strict;
use warnings;
use utf8;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(directives => { leaseloft_wait => '300ms' });

my @hows = ([], [http => 2], [tls => 1, http => 2]);
my $ascii = JSON::PP->new->canonical->ascii;
my $utf8 = JSON::PP->new->canonical->utf8;
my $path = '/api/properties/P';

# no control characters: for names and labels as well
my @words = (
    'data: y', 'event: bye', '</script><script>alert(1)</script>', '%0d%0a',
    '%0d%0aSet-Cookie: x=y', '%00', "x\x{2028}data: y\x{2029}event: bye",
    "\x{feff}data: y", '"', '\\', '\\"', '\\n\\ndata: y', '\\u000adata: y',
    '","seq":99,"x":"', '"}]},"z":[{"', q(' " ` < > & ; =), "\x{1f600}",
    "\x{10ffff}\x{fffd}", '$leaseloft_user', '%s%n', '*1', '{{x}}');

my @texts = (@words, map { ("x${_}y", "${_}z$_") }
    "\ndata: y", "\n\ndata: y\n\n", "\nevent: bye\ndata: {}\n\n",
    "\r\nX-Evil: y\r\n\r\n", "\nid: 99.00000000", "\nretry: 1\n", "\n: y\n",
    "\t", 'x' x 139 . "\x{1f600}\"" . 'y' x 1500);

my @controls = map { ("x${_}y", "x${_}data: y", "\\${_}y") }
               "\r", "\0", "\x{85}", "\x1b", "\x7f", "\x{9f}", "\b", "\f";


# --- what is looked at ---

my @names = qw(server date content-type content-length connection);
my $usual = join ' ', @names, qw(cache-control x-content-type-options);
my $created = $usual =~ s/ cache/ location cache/r;

# the names of the headers, line by line
sub names {
    my ($r) = @_;
    my (undef, @lines) = split /\r\n/, $r->{head}, -1;

    return join ' ', map { /^([\w-]+): [\x20-\x7e]*\z/ ? lc $1 : "odd: '$_'" }
                     @lines[0 .. $#lines - 1];
}

# members of an object and of those within it, as NAME, NAME.NAME …
sub members {
    my ($data, $prefix) = @_;

    return ref $data eq 'ARRAY' ? map { members($_, $prefix) } @$data
         : ref $data eq 'HASH'
           ? map { ("$prefix$_", members($data->{$_}, "$prefix$_.")) }
             sort keys %$data
         : ();
}

my $message = 'at client_id from from.name from.role from.user kind seq text';
my $problem = 'detail errors errors.detail errors.field status title type';

# the lines of a stream that are none of the contract's
sub odd {
    my ($s) = @_;

    return join "\n", grep {
        !/^(?:|retry:\ \d+|event:\ (?:hello|read|lease|thread|reset)
           |id:\ \d+(?:\.[0-9a-f]{8})?|data:\ \{[^\x00-\x1f\x7f]*\})\z/x
    } split /\n/, $s->text(), -1;
}

# a text as it is kept
sub kept { return $_[0] =~ s/\r\n/\n/gr
                        =~ s/^\p{White_Space}+|\p{White_Space}+\z//gr }


$ll->lease('P');

my (@streams, @inboxes, %n);

for my $how (@hows) {
    push @streams, $ll->events('P', 'u-lena', @$how);
    push @inboxes, $ll->stream('/api/inbox/events', user => 'u-lena', @$how);
}

ok($_->wait_event('hello'), 'a stream') for @streams, @inboxes;

# each stream tells of it, by this many events with that name
sub told { $n{$_[0]} += $_[1] }


# --- texts, as UTF-8 and with all that is not ASCII escaped ---

my ($seq, @kept) = (1);

for my $text (@texts) {
    for my $json ($ascii, $utf8) {
        my $body = $json->encode({ client_id => 'c-' . ++$seq,
                                   text => $text });
        my ($r, $again) = map {
            $ll->post("$path/messages", $body, user => 'u-tom') } 1, 2;

        is($r->status() . $again->status(), '201200', "text $seq");
        is($r->json()->{text}, kept($text), 'is kept as it is');
        is($again->body(), $r->body(), 'and told again');
        is(join(' ', members($r->json(), '')), $message, 'no other member');
        is($r->header('Location'),
           "$path/messages?before=" . ($seq + 1) . '&limit=1', 'Location');
        is(names($r), $created, 'headers');
        is(names($again), $usual, 'headers');
        push @kept, $r->body();
        told('', 1);
        told('thread', 1);

        is($_->wait_event('thread')->{json}{last}{preview},
           substr(kept($text), 0, 140), 'its preview') for @inboxes;
    }
}

for my $text (@controls) {
    my $r = $ll->say('P', 'u-tom', $text);
    is($r->status() . ' ' . fields($r), '422 text', 'a control character');
    is(names($r), $usual, 'headers');
}


# --- ids of messages, and names of fields ---

for my $word (@texts, @controls) {
    my $r = $ll->say('P', 'u-tom', 'x', client_id => $word);
    is($r->status() . ' ' . fields($r), '422 client_id', 'no id');
    is(names($r), $usual, 'headers');

    $r = $ll->post("$path/read", { upto => 1, $word => 1 }, user => 'u-tom');
    is($r->status(), 422, 'no field');
    is(names($r), $usual, 'headers');
    is(join(' ', members($r->json(), '')), $problem, 'members');
}


# --- labels and names: of who is there, who joins and who leaves ---

for my $word (@words) {
    my %lease = (label => $word, tenants => [
        map { { user => $_, name => $word } } 'u-tom', 'u-ana' ]);
    my $r = $ll->lease('P', %lease);

    is($r->status() . names($r), "200$usual", 'a lease');

    $r = $ll->say('P', 'u-tom', 'x');
    is($r->json()->{from}{name}, $word, 'a sender\'s name');
    is(join(' ', members($r->json(), '')), $message, 'no other member');

    my $poll = $ll->poll('P', 'u-lena', 'limit=2');
    is($poll->{label}, $word, 'the label of a poll');
    is($poll->{entries}[0]{party}{name}, $word, 'who joined');
    is($poll->{parties}[$_]{name}, $word, 'a party') for 1, 2;

    pop @{ $lease{tenants} };
    $ll->lease('P', %lease);

    for my $s (@streams) {
        my $event = $s->wait_event('lease');
        is($event->{json}{parties}[2]{name}, $word, 'a party, live');
        ok($s->wait_event('lease'), 'and gone');
    }
    for my $s (map { ($_) x 3 } @inboxes) {
        is($s->wait_event('thread')->{json}{label}, $word, 'a label, live');
    }

    told('', 3);
    told('lease', 2);
    told('thread', 3);
}

for my $text (@controls, "x\ny", "x\ty") {
    my $r = $ll->lease('P', label => $text,
                       tenants => [{ user => 'u-tom', name => $text }]);
    is($r->status() . ' ' . fields($r), '422 label tenants[0].name',
       'a control character');
    is(names($r), $usual, 'headers');
}


# --- ids of properties, and places ---

for my $part ('%0d%0aX-Evil:%20y', '%0a%0adata:%20y', '%01', '%E2%80%A8',
              '%22%7D', '%C2%85')
{
    my $r = $ll->get("${path}$part/messages", user => 'u-tom');
    is($r->status() . names($r), "404$usual", "property P$part");

    $r = $ll->get("$path/messages?after=1$part", user => 'u-tom');
    is($r->status() . names($r), "400$usual", "after 1$part");

    my $s = $ll->events('P', 'u-tom', query => "after=1$part");
    ok($s->wait_event('reset'), 'a stream from there');
    is(odd($s) . join(' ', map { $_->{event} } $s->events()), 'hello reset',
       'begins anew');
}


# --- what came of all this, by streams from the start and by one replay ---

$ll->mark('P', 'u-tom', 9);
told('read', 1);
told('hello', 1);

my $last = $ll->say('P', 'u-tom', 'last');
told('', 1);
told('thread', 1);

push @streams, $ll->events('P', 'u-lena', query => 'after=0');

for my $s (@streams) {
    ok($s->wait_entry($last->json()->{seq}), 'the last entry');
    is(odd($s), '', 'no line that is odd');

    my %count;
    $count{$_->{event}}++ for $s->events();
    my %wanted = $s == $streams[-1] ? (hello => 1, '' => $n{''} + 1)
               : map { $_ => $n{$_} } '', qw(hello lease read);
    is_deeply(\%count, \%wanted, 'as many events as there should be');

    my @bytes = map { $_->{data} } grep { $_->{event} eq '' } $s->events();
    shift @bytes if $s == $streams[-1];
    is_deeply([ @bytes[0 .. $#kept] ], \@kept, 'entries as they were told');
}

for my $s (@inboxes) {
    ok($s->wait_event(sub { ($_[0]{json}{last}{preview} // '') eq 'last' }),
       'the last change');
    is(odd($s), '', 'no line that is odd');

    my %count;
    $count{$_->{event}}++ for $s->events();
    is_deeply(\%count, { map { $_ => $n{$_} } qw(hello thread) },
              'as many events as there should be');
}


# --- 202: what no worker has looked at ---

$ll->stop('worker1');

for my $id ('c-good', $texts[0], $texts[-1], "x\r\nX-Evil: y", '","z":"', '\\')
{
    my $r = $ll->say('P', 'u-tom', "x\r\n\r\ndata: y", client_id => $id);
    is($r->status() . names($r), "202$usual", 'accepted');
    is($r->body(), $id eq 'c-good'
       ? '{"state":"accepted","client_id":"c-good"}' : '{"state":"accepted"}',
       'and no more than that');
}

$_->close() for @streams, @inboxes;
$ll->finish();
