#!/usr/bin/perl

# Read marks and unread counts.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();

$ll->lease('P', landlords => ['u-lena', 'u-karl'], tenants => ['u-tom']);

sub you { return $ll->poll('P', $_[0])->{you} }

sub reads {
    return { map { $_->{user} => $_->{read} }
             @{ $ll->poll('P', 'u-tom')->{parties} } };
}

sub unread {
    return join ' ', map { you($_)->{unread} } qw(u-lena u-karl u-tom);
}

$ll->say('P', 'u-tom', "text $_") for 2 .. 4;
$ll->say('P', 'u-lena', "text $_") for 5 .. 6;

is(unread(), '3 5 2', 'unread counts the messages of others only');
is_deeply(reads(), { 'u-lena' => 0, 'u-karl' => 0, 'u-tom' => 0 },
          'sending moves no read mark');

my $r = $ll->mark('P', 'u-karl', 3);
is($r->status(), 204, 'a mark gets 204');
is($r->body(), '', 'the 204 has no body');
is($r->header('Cache-Control'), 'no-store', 'the 204 is not cached');
is(unread(), '3 3 2', 'unread counts from the mark');
is(reads()->{'u-karl'}, 3, 'other parties see the mark');
is(you('u-karl')->{read}, 3, 'the reader sees the mark');

is($ll->mark('P', 'u-karl', 2)->status(), 204, 'an older mark gets 204');
is($ll->mark('P', 'u-karl', 3)->status(), 204, 'the same mark gets 204');
is($ll->mark('P', 'u-karl', 0)->status(), 204, 'a mark of 0 gets 204');
is(you('u-karl')->{read}, 3, 'a mark never moves back');
is(unread(), '3 3 2', 'older marks leave unread as it is');

is($ll->mark('P', 'u-karl', 6)->status(), 204, 'a mark at the head gets 204');
is(unread(), '3 0 2', 'unread is 0 with the mark at the head');
is_problem($ll->mark('P', 'u-karl', 7), 422, '',
           'a mark past the head gets 422');
is(fields($ll->mark('P', 'u-karl', 7)), 'upto', 'the 422 names the field upto');

$ll->say('P', 'u-tom', 'one more');
is(unread(), '4 1 2', 'a later message is unread');

is($ll->mark('P', 'u-lena', 5)->status(), 204,
   'a mark over the own messages gets 204');
is(unread(), '1 1 2', 'unread counts what follows the mark');

for my $case (
    ['{}', 'upto'], ['{"upto":"1"}', 'upto'], ['{"upto":-1}', 'upto'],
    ['{"upto":1.5}', 'upto'], ['{"upto":null}', 'upto'],
    ['{"upto":1e30}', 'upto'], ['{"upto":1,"x":2}', 'x'],
    ['{"upto":1,"upto":2}', 'upto'], ['[1]', '""'], ['', '""'],
    ['{"upto":99999999999999999999}', 'upto'])
{
    my $r = $ll->post('/api/properties/P/read', $case->[0], user => 'u-tom');
    is_problem($r, 422, '', "invalid body gets 422: $case->[0]");
    is(fields($r), $case->[1], "the 422 names the field: $case->[0]");
}

# streams get read events
my $stream = $ll->events('P', 'u-lena');
my $own = $ll->events('P', 'u-tom');
$stream->wait_event('hello');
$own->wait_event('hello');
$ll->mark('P', 'u-tom', 6);

for my $s ($stream, $own) {
    my $event = $s->wait_event('read');
    is_deeply([@{ $event->{json} }{'user', 'upto'}], ['u-tom', 6],
              'the read event has user and upto');
    like($event->{json}{at}, qr/^20.*Z$/, 'the read event has the time');
    is($event->{id}, undef, 'the read event has no id');
}

# the history of marks keeps when each party first read each entry
my $history = $ll->redis('XRANGE', 'll:{p:P}:reads', '-', '+');
is(join(' ', map { my %f = @{ $_->[1] }; "$f{u}:$f{n}" } @$history),
   'u-karl:3 u-karl:6 u-lena:5 u-tom:6',
   'the history has every mark that moved');

# unread is rebuilt from the threads alone
$ll->redis('HSET', 'll:{p:P}:meta', 'c:u-tom', 99, 'c:u-lena', 99, 'n', 100);
my ($status, $out) = $ll->cli('unread', 'rebuild');
is($status, 0, 'unread rebuild exits with 0') or diag($out);
is(unread(), '1 1 0', 'unread rebuild repairs the counts');

$ll->finish();
