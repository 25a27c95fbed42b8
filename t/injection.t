#!/usr/bin/perl

# Injection: texts, names, labels and ids that look like an event, a header or a
# JSON member.  Valid ones arrive unchanged, and nothing is added: each line of
# each stream, each header and each member is one of the contract's, and streams
# get exactly the expected number of events.

use strict;
use warnings;
use utf8;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

# long enough for each send on a busy machine; /short is for those that get 202
my $ll = LeaseLoft->new(directives => { leaseloft_wait => '30s' },
                        server => <<'END');
    location ~ "^/short/(?<short>[^/]*)\z" {
        leaseloft_send $short;
        leaseloft_wait 300ms;
    }
END

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


# --- what is checked ---

my @names = qw(server date content-type content-length connection);
my $usual = join ' ', @names, qw(cache-control x-content-type-options);
my $created = $usual =~ s/ cache/ location cache/r;

# the names of the headers, "odd: ..." for a line that is not a valid header
sub names {
    my ($r) = @_;
    my (undef, @lines) = split /\r\n/, $r->{head}, -1;

    return join ' ', map { /^([\w-]+): [\x20-\x7e]*\z/ ? lc $1 : "odd: '$_'" }
                     @lines[0 .. $#lines - 1];
}

# the members of an object and of the objects in it, as NAME, NAME.NAME ...
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

# the lines of a stream that the contract does not have
sub odd {
    my ($s) = @_;

    return join "\n", grep {
        !/^(?:|retry:\ \d+|event:\ (?:hello|read|lease|thread|reset)
           |id:\ \d+(?:\.[0-9a-f]{8})?|data:\ \{[^\x00-\x1f\x7f]*\})\z/x
    } split /\n/, $s->text(), -1;
}

# a text as it is stored
sub kept { return $_[0] =~ s/\r\n/\n/gr
                        =~ s/^\p{White_Space}+|\p{White_Space}+\z//gr }


$ll->lease('P');

my (@streams, @inboxes, %n);

for my $how (@hows) {
    push @streams, $ll->events('P', 'u-lena', @$how);
    push @inboxes, $ll->stream('/api/inbox/events', user => 'u-lena', @$how);
}

ok($_->wait_event('hello'), 'a stream begins') for @streams, @inboxes;

# counts the events with this name that each stream should get
sub told { $n{$_[0]} += $_[1] }


# --- texts, in UTF-8 and with escapes for all that is not ASCII ---

my ($seq, @kept) = (1);

for my $text (@texts) {
    for my $json ($ascii, $utf8) {
        my $body = $json->encode({ client_id => 'c-' . ++$seq,
                                   text => $text });
        my ($r, $again) = map {
            $ll->post("$path/messages", $body, user => 'u-tom') } 1, 2;

        is($r->status() . $again->status(), '201200',
           "text $seq is sent, and gets 200 when sent again");
        is($r->json()->{text}, kept($text), "text $seq is unchanged");
        is($again->body(), $r->body(),
           "text $seq is unchanged when sent again");
        is(join(' ', members($r->json(), '')), $message,
           "text $seq adds no member");
        is($r->header('Location'),
           "$path/messages?before=" . ($seq + 1) . '&limit=1',
           "text $seq has the right Location");
        is(names($r), $created, "text $seq adds no header");
        is(names($again), $usual, "text $seq adds no header when sent again");
        push @kept, $r->body();
        told('', 1);
        told('thread', 1);

        is($_->wait_event('thread')->{json}{last}{preview},
           substr(kept($text), 0, 140),
           "text $seq is unchanged in a preview") for @inboxes;
    }
}

for my $text (@controls) {
    my $r = $ll->say('P', 'u-tom', $text);
    is($r->status() . ' ' . fields($r), '422 text',
       'a text with a control character is refused');
    is(names($r), $usual, 'a refused text adds no header');
}


# --- client_ids, and names of members ---

for my $word (@texts, @controls) {
    my $r = $ll->say('P', 'u-tom', 'x', client_id => $word);
    is($r->status() . ' ' . fields($r), '422 client_id',
       'an invalid client_id is refused');
    is(names($r), $usual, 'an invalid client_id adds no header');

    $r = $ll->post("$path/read", { upto => 1, $word => 1 }, user => 'u-tom');
    is($r->status(), 422, 'an unknown member is refused');
    is(names($r), $usual, 'an unknown member adds no header');
    is(join(' ', members($r->json(), '')), $problem,
       'an unknown member adds no member to the problem');
}


# --- labels, and names of parties who are there, join and leave ---

for my $word (@words) {
    my %lease = (label => $word, tenants => [
        map { { user => $_, name => $word } } 'u-tom', 'u-ana' ]);
    my $r = $ll->lease('P', %lease);

    is($r->status() . names($r), "200$usual",
       'a lease with a hostile label and names is declared');

    $r = $ll->say('P', 'u-tom', 'x');
    is($r->json()->{from}{name}, $word, 'the name of a sender is unchanged');
    is(join(' ', members($r->json(), '')), $message,
       'the name of a sender adds no member');

    my $poll = $ll->poll('P', 'u-lena', 'limit=2');
    is($poll->{label}, $word, 'the label in a poll is unchanged');
    is($poll->{entries}[0]{party}{name}, $word,
       'the name of a party who joined is unchanged');
    is($poll->{parties}[$_]{name}, $word,
       'the name of a party in a poll is unchanged') for 1, 2;

    pop @{ $lease{tenants} };
    $ll->lease('P', %lease);

    for my $s (@streams) {
        my $event = $s->wait_event('lease');
        is($event->{json}{parties}[2]{name}, $word,
           'the name of a party in a stream is unchanged');
        ok($s->wait_event('lease'),
           'a stream gets the lease without the party');
    }
    for my $s (map { ($_) x 3 } @inboxes) {
        is($s->wait_event('thread')->{json}{label}, $word,
           'the label in an inbox stream is unchanged');
    }

    told('', 3);
    told('lease', 2);
    told('thread', 3);
}

for my $text (@controls, "x\ny", "x\ty") {
    my $r = $ll->lease('P', label => $text,
                       tenants => [{ user => 'u-tom', name => $text }]);
    is($r->status() . ' ' . fields($r), '422 label tenants[0].name',
       'a label and a name with a control character are refused');
    is(names($r), $usual, 'a refused label adds no header');
}


# --- ids of properties, and cursors ---

for my $part ('%0d%0aX-Evil:%20y', '%0a%0adata:%20y', '%01', '%E2%80%A8',
              '%22%7D', '%C2%85')
{
    my $r = $ll->get("${path}$part/messages", user => 'u-tom');
    is($r->status() . names($r), "404$usual", "property P$part gets 404");

    $r = $ll->get("$path/messages?after=1$part", user => 'u-tom');
    is($r->status() . names($r), "400$usual", "a poll after 1$part gets 400");

    my $s = $ll->events('P', 'u-tom', query => "after=1$part");
    ok($s->wait_event('reset'), "a stream after 1$part gets reset");
    is(odd($s) . join(' ', map { $_->{event} } $s->events()), 'hello reset',
       "a stream after 1$part gets no other line");
}


# --- the events of the streams that were open all the time, and of a replay ---

$ll->mark('P', 'u-tom', 9);
told('read', 1);
told('hello', 1);

my $last = $ll->say('P', 'u-tom', 'last');
told('', 1);
told('thread', 1);

push @streams, $ll->events('P', 'u-lena', query => 'after=0');

for my $s (@streams) {
    ok($s->wait_entry($last->json()->{seq}), 'a stream gets the last entry');
    is(odd($s), '', 'a stream has no line beyond the contract');

    my %count;
    $count{$_->{event}}++ for $s->events();
    my %wanted = $s == $streams[-1] ? (hello => 1, '' => $n{''} + 1)
               : map { $_ => $n{$_} } '', qw(hello lease read);
    is_deeply(\%count, \%wanted, 'a stream has the right number of events');

    my @bytes = map { $_->{data} } grep { $_->{event} eq '' } $s->events();
    shift @bytes if $s == $streams[-1];
    is_deeply([ @bytes[0 .. $#kept] ], \@kept,
              'a stream has the entries of the replies, byte by byte');
}

for my $s (@inboxes) {
    ok($s->wait_event(sub { ($_[0]{json}{last}{preview} // '') eq 'last' }),
       'an inbox stream gets the last change');
    is(odd($s), '', 'an inbox stream has no line beyond the contract');

    my %count;
    $count{$_->{event}}++ for $s->events();
    is_deeply(\%count, { map { $_ => $n{$_} } qw(hello thread) },
              'an inbox stream has the right number of events');
}


# --- 202: bodies that no worker has checked ---

$ll->stop('worker1');

for my $id ('c-good', $texts[0], $texts[-1], "x\r\nX-Evil: y", '","z":"', '\\')
{
    my $r = $ll->post('/short/P', { client_id => $id,
                                    text => "x\r\n\r\ndata: y" },
                      user => 'u-tom');
    is($r->status() . names($r), "202$usual",
       'a send without a worker gets 202 with the usual headers');
    is($r->body(), $id eq 'c-good'
       ? '{"state":"accepted","client_id":"c-good"}' : '{"state":"accepted"}',
       'a 202 repeats a valid client_id only');
}

$_->close() for @streams, @inboxes;
$ll->finish();
