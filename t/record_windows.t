#!/usr/bin/perl

# Records of windows of all kinds, over HTTP and by "leaseloft record --as":
# both are the same but for the time, verify, and have the entries and the read
# marks of the reader's window, no others.

use strict;
use warnings;

use Encode ();
use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Record;

my $json = JSON::PP->new->utf8;
my $key = record_key('messages.example.com');
my $ll = LeaseLoft->new(
    worker_options => '--seal-after 2 --seal-size 4',
    directives => {
        leaseloft_record_key => "$key->{file} $key->{name}" });


sub lease {
    my ($property, $id, $tenants, $from, $to, @landlords) = @_;

    my $r = $ll->lease($property, lease_id => $id, tenants => $tenants,
                       landlords => @landlords ? \@landlords : ['u-lena'],
                       starts_at => $from, ends_at => $to);
    is($r->status(), 200, "lease $id of $property") or diag($r->body());
}

sub say_all { $ll->say($_[0], $_, "from $_ \"\x{fc}\"") for @_[1 .. $#_] }

sub mark {
    my ($property, $user, $upto) = @_;
    is($ll->mark($property, $user, $upto)->status(), 204,
       "$user reads up to $upto");
}

# a record by HTTP, the same as by the command line, verified by both verifiers
sub record_of {
    my ($property, $user) = @_;

    my $name = "the record of $property for $user";
    my $r = $ll->get("/api/properties/$property/record", user => $user);
    is($r->status(), 200, $name);

    my $file = "$ll->{dir}/$property-$user.ndjson";
    $ll->write("$property-$user.ndjson", $r->body());

    my ($status, $said) = $ll->cli('verify', $file, '--key', $key->{key});
    is($status, 0, "$name verifies") or diag($said);
    is(system('t/verify.py', $file, $key->{key}), 0,
       "$name verifies by the second verifier");

    my $other = qx($LeaseLoft::cli record $property --as $user --redis \\
                   $ll->{url} --record-key $key->{file} --origin $key->{name});
    is(without_time($r->body()), without_time($other),
       "$name is the same by the command line");

    my @lines = map { $json->decode($_) } split /\n/, $r->body();
    return @lines;
}

# what is of the moment: made_at, and in the checkpoint time and signature
sub without_time {
    return $_[0] =~ s/"made_at":"[^"]+"//r =~ s/=\\n2\d.*\z//sr;
}

# "FIRST-LAST: USER:UPTO …" of a record, less those whose name is not given
sub summary {
    my ($head, @lines) = @_;

    my $last = pop @lines;
    my @seqs = map { $_->{seq} } grep { exists $_->{seq} } @lines;
    my @marks = map { $_->{read}{user} =~ s/^u-//r . ":$_->{read}{upto}" }
                grep { $_->{read} } @lines;
    my $window = $head->{window};

    is("@seqs", join(' ', $window->{first} .. $window->{last}),
       'the entries are those of the window');

    return join ' ', "$window->{first}-$window->{last}", @marks;
}

sub reader {
    my ($head) = @_;
    return join ' ', map { $_ // 'null' } @{ $head->{reader} }{qw(user role name)};
}


# --- a lease with a tenant who leaves and one who joins later ---

lease('P', 'L-1', ['u-tom', 'u-ana'], '2026-01-01T00:00:00Z', undef);
say_all('P', qw(u-tom u-lena u-ana));                       # 2 to 4
mark('P', 'u-lena', 2);
mark('P', 'u-tom', 3);
lease('P', 'L-1', ['u-tom', 'u-mia'], '2026-01-01T00:00:00Z', undef); # 5, 6
mark('P', 'u-ana', 4);                                      # in a closed window
mark('P', 'u-lena', 4);
mark('P', 'u-mia', 6);
say_all('P', qw(u-mia u-lena));                             # 7, 8
mark('P', 'u-tom', 8);

my @record = record_of('P', 'u-lena');
is(summary(@record), '1-8 lena:2 tom:3 lena:4 mia:6 tom:8',
   'a landlord sees the marks of all open windows');
is(reader(@record), 'u-lena landlord Lena', 'the reader is named');
is($record[0]{label}, 'Label of P', 'the label is in it');
is($record[0]{time_zone}, 'America/New_York', 'so is the time zone');
like($record[-1]{checkpoint}, qr{\Amessages\.example\.com/P\n8\n},
     'the checkpoint is of the last entry');
is(summary(record_of('P', 'u-tom')), '1-8 lena:2 tom:3 lena:4 mia:6 tom:8',
   'so does a tenant who was there all the time');

my ($joined) = map { $_->{seq} } grep {
        my $entry = $json->decode(Encode::encode('UTF-8', $_->{entry} // '{}'));
        ($entry->{event} // '') eq 'joined' } @record;
my ($left) = $joined == 5 ? 6 : 5;

@record = record_of('P', 'u-ana');
is(summary(@record), "1-$left lena:2 tom:3 ana:4",
   'one who left sees what they saw then, and their own later mark');
is(reader(@record), 'u-ana tenant Ana', 'one who left is named');
is(summary(record_of('P', 'u-mia')), "$joined-8 lena:4 mia:6 tom:8",
   'one who joined sees marks from then on');

# --- a renewal, with other tenants, another landlord and a pending lease ---

lease('P', 'L-1', ['u-tom', 'u-mia'], '2026-01-01T00:00:00Z', at(-1)); # 9
mark('P', 'u-lena', 9);                                     # in a closed window
mark('P', 'u-mia', 9);
my ($renewed, $ends) = (at(-1), at(43200));
lease('P', 'L-2', ['u-tom', 'u-ida'], $renewed, $ends, 'u-omar');    # 10
say_all('P', qw(u-ida u-omar u-tom));                       # 11 to 13
mark('P', 'u-omar', 12);
mark('P', 'u-tom', 13);
lease('P', 'L-3', ['u-kim'], at(86400), undef, 'u-omar');

is(summary(record_of('P', 'u-lena')),
   '1-9 lena:2 tom:3 lena:4 mia:6 tom:8 lena:9',
   'a landlord who is not on the next lease keeps the window up to its end');
is(summary(record_of('P', 'u-tom')),
   '1-13 lena:2 tom:3 lena:4 mia:6 tom:8 omar:12 tom:13',
   'a renewal is one window; marks in closed windows are not shown');
is(summary(record_of('P', 'u-mia')), "$joined-9 lena:4 mia:6 tom:8 mia:9",
   'a window that ended with the lease has no later mark but the own one');
is(summary(record_of('P', 'u-ida')), '10-13 omar:12 tom:13',
   'a new tenant sees nothing from before');
is(summary(record_of('P', 'u-omar')),
   '1-13 lena:2 tom:3 lena:4 mia:6 tom:8 omar:12 tom:13',
   'a new landlord sees the thread from entry 1');

@record = record_of('P', 'u-kim');
is(summary(@record), '1-0', 'a party of a pending lease sees an empty thread');
is(reader(@record), 'u-kim tenant Kim', 'and is named');
is(scalar @record, 2, 'an empty record has two lines');

# one who returns has the new window only
lease('P', 'L-2', ['u-tom', 'u-ida', 'u-ana'], $renewed, $ends,
      'u-omar');                                            # 14
say_all('P', 'u-ana');                                      # 15
mark('P', 'u-ana', 15);
is(summary(record_of('P', 'u-ana')), '14-15 ana:15',
   'a tenant who returns has the new window only');

# all of it, for an operator
my @whole = map { $json->decode($_) } split /\n/,
            qx($LeaseLoft::cli record P --redis $ll->{url});
is(summary(@whole), '1-15 lena:2 tom:3 ana:4 lena:4 mia:6 tom:8 lena:9 mia:9'
   . ' omar:12 tom:13 ana:15', 'the whole thread has all marks');
like($ll->redis('HGET', 'll:{p:P}:meta', 'sealed'), qr/^(?:8|12) 4$/,
     'most of it was read from segments');

# erased entries, one of them sealed, the other not
is(($ll->cli('erase', 'P', $_, '--reason', 'test'))[0], 0, "entry $_ is erased")
    for 2, 15;

for my $user (qw(u-tom u-omar)) {
    my @erased = grep { $_->{erased_at} } record_of('P', $user);
    is(join(' ', map { join ' ', sort keys %$_ } @erased),
       join(' ', ('digest erased_at hash seq') x 2),
       "$user: of an erased entry its digest is left");
    is("$erased[0]{seq} $erased[1]{seq}", '2 15', 'at its place');
}

# marks from before they said where the thread ended are shown to their own user
$ll->redis('XADD', 'll:{p:P}:reads', '*', 'u', 'u-tom', 'n', 15,
           't', 1893456000000);
like(summary(record_of('P', 'u-tom')), qr/ tom:15$/, 'an old mark of one\'s own');
unlike(summary(record_of('P', 'u-omar')), qr/tom:15/,
       'another\'s old mark is not shown');


# --- who sees nothing ---

for my $case (['P', 'u-nobody'], ['X', 'u-lena'], ['a.b', 'u-lena'],
              ['', 'u-lena'])
{
    my ($property, $user) = @$case;
    my $r = $ll->get("/api/properties/$property/record", user => $user);
    my $x = $ll->get('/api/properties/X/record', user => 'u-nobody');

    is_problem($r, 404, '', "\"$property\" for $user: 404");
    is($r->comparable(), $x->comparable(), 'the same to the byte');
}

my ($status, $said) = $ll->cli('record', 'P', '--as', 'u-nobody');
is($status, 1, 'record --as a stranger fails');
like($said, qr/"u-nobody" sees nothing of it/, 'it is said why');
is(($ll->cli('record', 'P', '--as', 'a b'))[0], 2, '--as must be an id');

is_problem($ll->get('/api/properties/P/record'), 401, '', 'no token: 401');
is_problem($ll->post('/api/properties/P/record', '{}', user => 'u-lena'), 405, '',
           'POST: 405');

$ll->finish();
