#!/usr/bin/perl

# Sending: the entry, its text, its client_id, and invalid bodies.

use strict;
use warnings;
use utf8;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

binmode Test::More->builder->$_(), ':utf8'
    for qw(output failure_output todo_output);

my $ll = LeaseLoft->new();
my $messages = '/api/properties/P/messages';

$ll->lease('P', landlords => ['u-lena'], tenants => ['u-tom', 'u-ana']);

sub post { return $ll->post($messages, $_[0], user => $_[1] // 'u-tom') }


# 201, and the entry

my $r = $ll->say('P', 'u-tom', 'The heating is out', client_id => 'c-1');
my $entry = $r->json();

is($r->status(), 201, 'a send gets 201');
is($r->header('Location'), "$messages?before=3&limit=1",
   'the 201 has Location');
is($r->header('Content-Type'), 'application/json', 'the 201 is JSON');
like(delete $entry->{at}, qr/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
     'the entry has its time');
is_deeply($entry, {
    seq => 2, kind => 'message', text => 'The heating is out',
    client_id => 'c-1',
    from => { user => 'u-tom', role => 'tenant', name => 'Tom' },
}, 'the other members of the entry are as sent');

my $location = $ll->get($r->header('Location'), user => 'u-tom')->json();

is($location->{entries}[0]{seq}, 2, 'Location leads to the entry');

my @raw = ($ll->thread('P'))[1];
my %fields = @{ $raw[0][1] };

is($fields{e}, $r->body(), 'the bytes of the 201 are stored');
like($ll->get("$messages?limit=1", user => 'u-lena')->body(),
     qr/\[\Q$fields{e}\E\]/, 'a poll has the stored bytes');

is($ll->say('P', 'u-lena', 'Coming')->json()->{from}{role}, 'landlord',
   'the role of a landlord is landlord');


# client_id

my $again = $ll->say('P', 'u-tom', 'The heating is out', client_id => 'c-1');

is($again->status(), 200, 'the same send again gets 200');
is($again->body(), $r->body(), 'the same send again gets the original entry');
is_problem($ll->say('P', 'u-tom', 'Other', client_id => 'c-1'), 409,
           'client-id-reused', 'a client_id with another text gets 409');
is($ll->say('P', 'u-ana', 'Mine', client_id => 'c-1')->status(), 201,
   'a client_id of another sender is separate');

$ll->lease('Q', landlords => ['u-lena'], tenants => ['u-tom']);
is($ll->say('Q', 'u-tom', 'The heating is out', client_id => 'c-1')->status(),
   201, 'a client_id in another property is separate');

is($ll->say('P', 'u-tom', "  The heating is out\r\n", client_id => 'c-1')
      ->status(), 200, 'texts are compared as stored, after trimming');


# the text

for my $case (
    ["  both ends \n", 'both ends'],
    ["a\r\nb\rc" =~ s/\rc//r, "a\nb"],
    ["tab\tand\nline", "tab\tand\nline"],
    ["\x{2003}\x{3000}wide\x{00a0}\x{2028}", 'wide'],
    ["\x{200b}kept\x{feff}", "\x{200b}kept\x{feff}"],
    ["quote \" backslash \\ slash /", "quote \" backslash \\ slash /"],
    ["<script>alert(1)</script>", "<script>alert(1)</script>"],
    ["Grüße 👋 \x{10ffff}", "Grüße 👋 \x{10ffff}"],
    ["event: bye\ndata: x\n\nid: 1", "event: bye\ndata: x\n\nid: 1"],
    ['x' x 4000, 'x' x 4000],
    ['👋' x 4000, '👋' x 4000],
    [' ' x 100 . 'x' x 4000 . "\r\n" x 100, 'x' x 4000])
{
    my $r = $ll->say('P', 'u-tom', $case->[0]);
    my $name = length $case->[1] > 50 ? length($case->[1]) . ' code points'
                                      : $case->[1] =~ s/\s/ /gr;
    is($r->status(), 201, "valid text gets 201: $name");
    is(($r->json() // {})->{text}, $case->[1], "text is stored trimmed: $name");
}

for my $case (
    ['', 'empty'], [" \r\n\t\x{2003} ", 'only white space'],
    ['x' x 4001, '4001'], ['👋' x 4001, '4001 of four bytes'],
    ["a\x{00}b", 'NUL'], ["a\x{1b}[0m", 'escape'], ["a\x{7f}", 'DEL'],
    ["a\x{0085}b", 'a C1 control'], ["a\rb", 'a lone CR'])
{
    my $r = $ll->say('P', 'u-tom', $case->[0]);
    is_problem($r, 422, '', "invalid text gets 422: $case->[1]");
    is(fields($r), 'text', "the 422 names text: $case->[1]");
}

for my $case (
    ['"\ud800"', 'a lone surrogate'], ["\"\xff\"", 'not UTF-8'],
    ["\"\xc0\x80\"", 'overlong'], ["\"\xed\xa0\x80\"", 'a coded surrogate'])
{
    my $r = post("{\"client_id\":\"c-x\",\"text\":$case->[0]}");
    is($r->status(), 422, "text that is not UTF-8 gets 422: $case->[1]");
}


# invalid bodies: every fault is listed at once

for my $case (
    ['', '""'], ['{', '""'], ['[]', '""'], ['null', '""'], ['"x"', '""'],
    ['{}x', '""'], ['{"client_id":"c","text":"x"} {}', '""'],
    ['{"client_id":"c","text":"x",}', '""'], ["{'client_id':'c'}", '""'],
    ['{}', 'client_id text'],
    ['{"text":"x"}', 'client_id'], ['{"client_id":"c"}', 'text'],
    ['{"client_id":1,"text":null}', 'client_id text'],
    ['{"client_id":"","text":""}', 'client_id text'],
    ['{"client_id":"a b","text":["x"]}', 'client_id text'],
    ['{"client_id":"' . 'x' x 65 . '","text":"x"}', 'client_id'],
    ['{"client_id":"c","text":"x","to":"y"}', 'to'],
    ['{"client_id":"c","text":"x","Text":"y"}', 'Text'],
    ['{"client_id":"c","client_id":"c","text":"x"}', 'client_id'],
    ['{"a":1,"b":2}', 'client_id text a b'],
    ['[' x 30000, '""'])
{
    my $r = post($case->[0]);
    my @got = sort split / /, fields($r);
    my @want = sort split / /, $case->[1];

    is_problem($r, 422, '',
               'invalid body gets 422: ' . substr $case->[0], 0, 60);
    is("@got", "@want", "the 422 names $case->[1]");
}

is(post('{"client_id":"a_Z-9","text":"fine"}')->status(), 201,
   'every kind of character is valid in a client_id');
is(post("\n {\"text\" : \"fine\" ,\"client_id\":\"c-ws\"}\t\n")->status(), 201,
   'white space around JSON tokens is valid');


# order

my @seqs = map { $ll->say('P', 'u-tom', "n $_")->json()->{seq} } 1 .. 5;
is("@seqs", join(' ', map { $seqs[0] + $_ } 0 .. 4),
   'entries are numbered without a hole');

my @at = map { $_->{at} } @{ $ll->poll('P', 'u-tom', 'after=0&limit=200')
                               ->{entries} };
is("@at", join(' ', sort @at), 'times never go back');


# HTTP/2 and TLS

is($ll->say('P', 'u-tom', "over $_->[0]", @{ $_->[1] })->status(), 201,
   "a send over $_->[0] gets 201")
    for ['HTTP/2', [http => 2]], ['TLS', [tls => 1]],
        ['TLS and HTTP/2', [tls => 1, http => 2]];

# a client_id is kept for at least 30 days: in the bucket of these 30 days or
# the one before; each bucket is kept for 60 days from its beginning

my $bucket = int(time() / (30 * 86400));
my @old = ('/api/properties/P30/messages',
           { client_id => 'old', text => 'a month ago' }, user => 'u-tom');

$ll->lease('P30');
my $sent = $ll->post(@old);
is($sent->status(), 201, 'the first send gets 201');

cmp_ok($ll->redis('PTTL', "ll:{p:P30}:sent:$bucket"), '>',
       (30 * 86400 - 60) * 1000, 'the client_id is kept for 30 days from now');
$ll->redis('RENAME', "ll:{p:P30}:sent:$bucket",
           'll:{p:P30}:sent:' . ($bucket - 1));
$ll->redis('HSET', 'll:{p:P30}:meta', 'bucket', $bucket - 1);

my $later = $ll->post(@old);
is($later->status(), 200, 'the same send gets 200 from the bucket before');
is($later->body(), $sent->body(),
   'it gets the original entry from the bucket before');

$ll->finish();
