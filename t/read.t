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

is(unread(), '3 5 2', 'others\' messages are unread, one\'s own never');
is_deeply(reads(), { 'u-lena' => 0, 'u-karl' => 0, 'u-tom' => 0 },
          'sending moves no mark');

my $r = $ll->mark('P', 'u-karl', 3);
is($r->status(), 204, 'marked');
is($r->body(), '', 'no body');
is($r->header('Cache-Control'), 'no-store', 'Cache-Control');
is(unread(), '3 3 2', 'fewer are unread');
is(reads()->{'u-karl'}, 3, 'all can see it');
is(you('u-karl')->{read}, 3, 'the reader too');

is($ll->mark('P', 'u-karl', 2)->status(), 204, 'an older mark');
is($ll->mark('P', 'u-karl', 3)->status(), 204, 'the same mark');
is($ll->mark('P', 'u-karl', 0)->status(), 204, 'none');
is(you('u-karl')->{read}, 3, 'never moves back');
is(unread(), '3 3 2', 'and counts stay');

is($ll->mark('P', 'u-karl', 6)->status(), 204, 'all');
is(unread(), '3 0 2', 'nothing is unread');
is_problem($ll->mark('P', 'u-karl', 7), 422, '', 'past the head');
is(fields($ll->mark('P', 'u-karl', 7)), 'upto', 'its field');

$ll->say('P', 'u-tom', 'one more');
is(unread(), '4 1 2', 'counting goes on');

is($ll->mark('P', 'u-lena', 5)->status(), 204, 'over one\'s own');
is(unread(), '1 1 2', 'one after the mark');

for my $case (
    ['{}', 'upto'], ['{"upto":"1"}', 'upto'], ['{"upto":-1}', 'upto'],
    ['{"upto":1.5}', 'upto'], ['{"upto":null}', 'upto'],
    ['{"upto":1e30}', 'upto'], ['{"upto":1,"x":2}', 'x'],
    ['{"upto":1,"upto":2}', 'upto'], ['[1]', '""'], ['', '""'],
    ['{"upto":99999999999999999999}', 'upto'])
{
    my $r = $ll->post('/api/properties/P/read', $case->[0], user => 'u-tom');
    is_problem($r, 422, '', "body: $case->[0]");
    is(fields($r), $case->[1], 'its fields');
}

# streams hear of it
my $stream = $ll->events('P', 'u-lena');
my $own = $ll->events('P', 'u-tom');
$stream->wait_event('hello');
$own->wait_event('hello');
$ll->mark('P', 'u-tom', 6);

for my $s ($stream, $own) {
    my $event = $s->wait_event('read');
    is_deeply([@{ $event->{json} }{'user', 'upto'}], ['u-tom', 6], 'read');
    like($event->{json}{at}, qr/^20.*Z$/, 'at');
    is($event->{id}, undef, 'no id');
}

# when each party first saw what is kept
my $history = $ll->redis('XRANGE', 'll:{p:P}:reads', '-', '+');
is(join(' ', map { my %f = @{ $_->[1] }; "$f{u}:$f{n}" } @$history),
   'u-karl:3 u-karl:6 u-lena:5 u-tom:6', 'the history of marks');

# rebuilt from the threads alone
$ll->redis('HSET', 'll:{p:P}:meta', 'u:u-tom', 99, 'u:u-lena', 99);
my ($status, $out) = $ll->cli('unread', 'rebuild');
is($status, 0, 'unread rebuild') or diag($out);
is(unread(), '1 1 0', 'the same result');

$ll->finish();
