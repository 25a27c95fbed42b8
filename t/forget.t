#!/usr/bin/perl

# "leaseloft forget": the name of a person is gone from all that others see,
# their texts too if asked; chains verify, counts of others are exact; it can be
# repeated.

use strict;
use warnings;
use utf8;

use JSON::PP;
use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new(main => 'worker_processes 2;',
                        worker_options => '--seal-after 3 --seal-size 4');

# a name with all that is escaped in JSON, and one with the other's in it
my $name = "T\"o\\m {\"user\":\"u-tom\",\"name\":\"x\"} \x{fc}";
my $own = 'u-tom';

sub party { return { user => $_[0], name => $_[1] // $_[0] } }

sub declare {
    my ($property, $lease, $tenants, $from, $to) = @_;
    my $r = $ll->put("/internal/properties/$property/lease", {
        lease_id => $lease, label => 'A', time_zone => 'Europe/Berlin',
        landlords => [party('u-lena', 'Lena')], tenants => $tenants,
        starts_at => $from, ends_at => $to });
    return $r->status();
}

my ($past, $ended) = ('2020-01-01T00:00:00Z', '2020-06-01T00:00:00Z');

# P: Tom's lease has ended, Ana's is active; Q: Tom has left; R: not Tom's
sub live {
    for my $property (qw(P Q R)) {
        my @tom = $property eq 'R' ? () : party('u-tom', $name);
        is(declare($property, 'L-1', [@tom, party('u-ida', 'Ida')], $past,
                   undef), 200, "$property has a lease");
        for my $n (1 .. 6) {
            $ll->say($property, $_, "text of $_ $n")
                for @tom ? 'u-tom' : (), 'u-ida';
        }
    }
    is(declare('P', 'L-1', [party('u-tom', $name), party('u-ida', 'Ida')],
               $past, $ended), 200, 'the lease of P ends');
    is(declare('P', 'L-2', [party('u-ana', 'Ana')], $past, undef), 200,
       'P has another');
    is(declare('Q', 'L-1', [party('u-ida', 'Ida')], $past, undef), 200,
       'Tom leaves Q');
}

# the keys of Redis that have the name
sub named {
    my @found;
    my $escaped = JSON::PP->new->utf8->encode([$name]) =~ s/^\["|"\]$//gr;
    for my $key (sort @{ $ll->redis('KEYS', 'll:{[pu]:*') }) {
        my $type = $ll->redis('TYPE', $key);
        my $all = $type eq 'hash' ? $ll->redis('HGETALL', $key) : [];
        push @found, $key if grep { /\Q$escaped\E/ } @$all;
    }
    return join ' ', map { s/^ll:\{p:|\}//gr } @found;
}

sub forget {
    my ($status, $said) = $ll->cli('forget', @_);
    return wantarray ? ($status, $said) : $status;
}

sub names {
    my ($property, $user) = @_;
    return join ' ', map { "$_->{user}=$_->{name}" }
                     @{ $ll->poll($property, $user)->{parties} };
}

sub unread {
    return join ' ', map {
        my $user = $_;
        map { "$user:$_->{property}:$_->{unread}" }
            sort { $a->{property} cmp $b->{property} }
            @{ $ll->get('/api/inbox', user => $user)->json()->{threads} };
    } qw(u-lena u-ida u-ana);
}

live();
like(names('P', 'u-ida'), qr/^u-lena=Lena u-tom=\Q$name\E u-ida=Ida$/,
     'a closed window shows the name');
is($ll->poll('Q', 'u-tom')->{you}{can_write} ? 1 : 0, 0,
   'one who has left can read');
my $before = unread();
my $etag = $ll->get('/api/properties/P/messages', user => 'u-ida')
              ->header('ETag');


# refused while there is a lease

my ($status, $said) = forget('u-ana');
is($status, 1, 'a party of an active lease is not forgotten');
like($said, qr/^leaseloft: u-ana is on the active lease of property P: declare/,
     'the property is named');
is(declare('S', 'L-1', [party('u-tom', $name)], '2100-01-01T00:00:00Z', undef),
   200, 'Tom is on a pending lease');
like((forget('u-tom'))[1], qr/on the pending lease of property S/,
     'a party of a pending lease is not forgotten');
isnt(named(), '', 'nothing is changed then');
is(($ll->cli('purge', 'S'))[0], 0, 'the pending one is deleted');


# --dry-run

my $where = named();
($status, $said) = forget('--dry-run', '--texts', '--reason', 'x', 'u-tom');
is($status, 0, 'a dry run exits with 0');
like($said, qr/^u-tom: would be forgotten in 2 properties, 12 messages erased/,
     'it says what would be done');
is(named(), $where, 'it changes nothing');


# the name

my $stream = $ll->events('Q', 'u-tom');
$stream->wait_event('hello');
($status, $said) = forget('u-tom');
is($status, 0, 'a person can be forgotten');
like($said, qr/^u-tom: forgotten in 2 properties, 0 messages erased, 0 dead/,
     'it says what was done');
like($said, qr/^left: the id; the name in "joined"/m, 'and what is left');
is(named() =~ s/\w:segments ?//gr, '', 'the name is in entries only');
my $bye = $stream->wait_event('bye', 3);
ok($bye && $bye->{json}{reason} =~ /expired|removed/, 'their stream ends');
$stream->close();

is(names('P', 'u-ida'), 'u-lena=Lena u-tom=u-tom u-ida=Ida',
   'a closed window shows the id');
isnt($ll->get('/api/properties/P/messages', user => 'u-ida')->header('ETag'),
     $etag, 'with another ETag');
my $later = $ll->token('u-tom', iat => time() + 60);
is($ll->get("/api/properties/$_/messages", token => $later)->status(), 404,
   "they see nothing of $_") for qw(P Q);
is_deeply($ll->get('/api/inbox', token => $later)->json()->{threads}, [],
          'nor in the inbox');
is($ll->get('/api/inbox', user => 'u-tom')->status(), 401,
   'their tokens are refused');
is(unread(), $before, 'the unread counts of others are as before');
like(($ll->cli('unread', 'rebuild'))[1], qr/ 0 inbox threads repaired/,
     'unread rebuild finds nothing to repair');
is(unread(), $before, 'nor changes a count');


# the texts, and again

like($ll->poll('P', 'u-lena', 'before=8')->{entries}[1]{text} // '',
     qr/text of u-tom/, 'the texts are there');
($status, $said) = forget('--texts', '--reason', 'on request', 'u-tom');
is($status, 0, 'the texts can be erased afterwards');
like($said, qr/12 messages erased/, 'all of them are');
is(scalar(() = $said =~ /reason: "on request"/g), 12,
   'the log has the reason for each');

for my $property (qw(P Q)) {
    my ($rc, $record) = $ll->cli('record', $property);
    unlike($record, qr/text of u-tom/, "$property: no text is left");
    like($record, qr/text of u-ida 6/, "$property: those of others are");
    $ll->write('record', $record);
    is(($ll->cli('verify', $ll->dir() . '/record'))[0], 0,
       "$property: the record verifies");
}

is(unread(), $before, 'the unread counts of others are as before');
($status, $said) = forget('--texts', '--reason', 'x', '--json', 'u-tom');
is($status, 0, 'repeating it succeeds');
is(decode_json($said)->{erased}, 0, 'and does nothing');
is(forget('u-nobody'), 0, 'nobody is forgotten in no property');

for my $case ([['a b'], qr/USER must be/], [[], qr/takes USER/],
              [['--texts', 'u-tom'], qr/need each other/],
              [['--reason', 'x', 'u-tom'], qr/need each other/],
              [['--texts', '--reason', ' ', 'u-tom'], qr/--reason must be/])
{
    my ($args, $why) = @$case;
    my ($status, $said) = forget(@$args);
    is($status, 2, "forget @$args exits with 2");
    like($said, $why, 'and says why');
}

# they may come back
is(declare('Q', 'L-1', [party('u-tom', 'Tom'), party('u-ida', 'Ida')], $past,
           undef), 200, 'the user is declared again');
is($ll->get('/api/properties/Q/messages', token => $later)->json()
       ->{you}{role}, 'tenant', 'and has a new window');

$ll->finish();
