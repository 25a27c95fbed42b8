#!/usr/bin/perl

# leaseloft record: the record of a real thread is complete and signed, and
# leaseloft verify accepts it.

use strict;
use warnings;

use Encode ();
use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Record;

my $json = JSON::PP->new->utf8;
my $ll = LeaseLoft->new();
my $key = record_key('messages.example.com');

# the lines of a record, and whether it verifies
sub record {
    my ($property, @args) = @_;

    my $file = "$ll->{dir}/$property.ndjson";
    my $status = system("$LeaseLoft::cli record $property @args --redis"
                        . " $ll->{url} > $file");

    is($status, 0, "record $property: the exit status is 0");

    my ($verdict, $out) = $ll->cli('verify', $file, @args
                                   ? ('--key', $key->{key}) : ());
    is($verdict, 0, "record $property: verify accepts it") or diag($out);

    open my $f, '<', $file or die $!;
    return map { $json->decode($_) } <$f>;
}

my @sign = ('--record-key', $key->{file}, '--origin', $key->{name});

$ll->lease('P');
$ll->say('P', 'u-tom', "message $_ \"quoted\" \\ \t\n<b>") for 1 .. 30;
$ll->mark('P', 'u-lena', $_) for 5, 12;

my ($head, @lines) = record('P', @sign);
my $last = pop @lines;
my @reads = grep { $_->{read} } @lines;
my @entries = grep { $_->{entry} } @lines;

is($head->{reader}, undef, 'the record of a whole thread has no reader');
is($head->{label}, 'Label of P', 'a record has the label');
is("$head->{window}{first} $head->{window}{last}", '1 31',
   'a record has the window');
is(join(' ', map { $_->{seq} } @entries), join(' ', 1 .. 31),
   'entries are in order');
is($json->decode(Encode::encode('UTF-8', $entries[30]{entry}))->{text},
   "message 30 \"quoted\" \\ \t\n<b>", 'entries have the bytes of the thread');
is(join(' ', map { "$_->{read}{user}:$_->{read}{upto}" } @reads),
   'u-lena:5 u-lena:12', 'read marks are in the order of their times');
is($last->{entries}, 31, 'the last line counts the entries');
like($last->{checkpoint}, qr{\Amessages\.example\.com/P\n31\n},
     'the checkpoint is of the last entry');

(undef, @lines) = record('P');
is($lines[-1]{checkpoint}, undef, 'without a key there is no checkpoint');

# a later record goes through the entry that an older checkpoint signs
$ll->write('old.note', Encode::encode('UTF-8', $last->{checkpoint}));
$ll->say('P', 'u-tom', 'later');
record('P', @sign);
is(($ll->cli('verify', "$ll->{dir}/P.ndjson", '--key', $key->{key},
             '--checkpoint', "$ll->{dir}/old.note"))[0], 0,
   'a later record contains the older checkpoint');

$ll->lease('Q', starts_at => at(3600));
($head, @lines) = record('Q', @sign);
is($head->{window}{last} . @lines, '01', 'a pending lease has no entries');

# a thread whose last lease has ended
$ll->lease('E', label => 'Ended');
$ll->say('E', 'u-tom', 'before the end');
is($ll->lease('E', label => 'Ended', ends_at => '2021-01-01T00:00:00Z')
      ->status(), 200, 'a lease ends');
($head, @lines) = record('E', @sign);
is("$head->{label} $head->{window}{last}", 'Ended 3',
   'the record of an ended lease has its label and all entries');

# an entry that Redis has lost
$ll->redis('XDEL', 'll:{p:P}:thread', '7-0');
system("$LeaseLoft::cli record P --redis $ll->{url} > $ll->{dir}/lost");
my ($status, $out) = $ll->cli('verify', "$ll->{dir}/lost");
like("$status $out", qr/^1 .*entry 7 .*the service has lost it/s,
     'verify names an entry that Redis has lost');

for my $case ([1, qr/no property "X"/, 'X'],
              [2, qr/PROPERTY must be/, 'a.b'],
              [2, qr/belong together/, 'P', '--origin', 'x'],
              [2, qr/--origin must be/, 'P', '--record-key', 'x',
               '--origin', 'a+b'],
              [1, qr/has no Ed25519 private key/, 'P', '--record-key',
               "$ll->{dir}/token.key", '--origin', 'x'],
              [1, qr/cannot open/, 'P', '--record-key', '/nowhere/x',
               '--origin', 'x'])
{
    my ($want, $like, @args) = @$case;
    my ($got, $said) = $ll->cli('record', @args);

    is($got, $want, "record @args: the exit status is $want");
    like($said, $like, "record @args: the error says why");
}

$ll->finish();
