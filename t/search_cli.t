#!/usr/bin/perl

# leaseloft search: the whole thread, sealed or not, as lines and as JSON; its
# arguments; and what doctor says of searches.

use strict;
use warnings;
use utf8;

use Encode qw(decode_utf8 encode_utf8);
use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Search;

my $ll = LeaseLoft->new(worker_options => '--seal-after 4 --seal-size 2');

$ll->lease('P');
is($ll->say('P', 'u-tom', "The boiler $_\nis\tout")->status(), 201,
   "message $_") for 1 .. 20;
is($ll->say('P', 'u-lena', 'Café "hot water"')->status(), 201, 'message 21');
ok(wait_for(sub { ($ll->redis('HGET', 'll:{p:P}:meta', 'sealed') // '')
                  =~ /^18 / }, 10), 'old entries are sealed');

sub lines {
    my ($status, $out) = $ll->cli('search', @_);
    is($status, 0, "search @{[map { encode_utf8($_) } @_]}");
    return split /\n/, decode_utf8($out);
}

my @lines = lines('P', 'BOILER');
is(@lines, 20, 'all messages are found');
like($lines[0], qr/^21\t\d{4}-\d\d-\d\dT[\d:.]+Z\tu-tom\tThe boiler 20 is out$/,
     'a line has number, time, sender and text, newest first');
like($lines[-1], qr/^2\t/, 'down to the first');
is(scalar lines('P', 'boiler', '17', 'out'), 1, 'several words');
is(scalar lines('P', '"hot water"'), 1, 'a phrase');
is(scalar lines('P', encode_utf8('CAFÉ')), 1, 'without regard to case');
is(scalar lines('P', 'cafe'), 1, 'and accents');
is(scalar lines('P', 'zebra'), 0, 'nothing is no failure');
is(scalar lines('P', 'a', '--from', 'u-lena'), 1, '--from');

my $at = (split /\t/, $lines[10])[1];
is(scalar lines('P', 'boiler', '--since', $at), 11, '--since is inclusive');
is(scalar lines('P', 'boiler', '--until', $at), 10, '--until is inclusive');

my ($status, $out) = $ll->cli('search', 'P', 'hot', '--json');
my ($entry) = $ll->get('/api/properties/P/messages?limit=1', user => 'u-tom')
                 ->body() =~ /"entries":\[(.*)\]/;
is($out, "{\"property\":\"P\",\"hits\":[$entry]}\n",
   '--json prints the bytes of the entry');
is(scalar @{ decode_json(($ll->cli('search', 'P', 'boiler', '--json'))[1])
                 ->{hits} }, 20, 'and all hits');

for my $case ([2, qr/takes PROPERTY WORD/, 'P'],
              [2, qr/PROPERTY must be/, 'a.b', 'x'],
              [2, qr/"q" must have at least one word$/m, 'P', ' '],
              [2, qr/"q" has a quote that is not closed$/m, 'P', '"a'],
              [2, qr/"q" must not be longer/, 'P', 'a' x 201],
              [2, qr/"q" must be UTF-8/, 'P', "\xff"],
              [2, qr/"from" must be/, 'P', 'a', '--from', 'a.b'],
              [2, qr/"since" must be a time/, 'P', 'a', '--since', 'today'],
              [1, qr/no property "none"/, 'none', 'a'])
{
    my ($expected, $message, @arguments) = @$case;
    ($status, $out) = $ll->cli('search', @arguments);
    is($status, $expected, "exit $expected for <" . substr("@arguments", 0, 30)
       . '>');
    like($out, $message, 'with the reason');
}


# doctor

ok(wait_search($ll), 'a searcher takes searches');
like(($ll->cli('doctor'))[1], qr/^ok\s+search\s+0 wait$/m,
     'doctor tells how many searches wait');
my ($searcher) = searchers($ll);
kill 'STOP', $searcher;
$ll->redis('XADD', 'll:{search}:requests', '*', 'x', 'y') for 1 .. 40;
like(($ll->cli('doctor'))[1],
     qr/^advice\s+search\s+40 wait: start workers with more --searchers$/m,
     'it advises to start more');
ok(wait_for(sub { !$ll->redis('EXISTS', 'll:{search}:requests') }, 10),
   'the lane expires');
($status, $out) = $ll->cli('doctor');
like($out, qr/^advice\s+search\s+no worker takes searches/m,
     'it tells that nobody takes searches');
kill 'CONT', $searcher;

$ll->finish();
