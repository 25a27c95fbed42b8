#!/usr/bin/perl

# ETags of polls and inboxes: two users whose responses differ never share an
# ETag, whatever their windows, roles and read marks.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;

my $ll = LeaseLoft->new();

sub get {
    my ($path, $user, $etag) = @_;

    return $ll->get($path, user => $user,
                    headers => $etag ? { 'If-None-Match' => $etag } : {});
}

# For each path and each two users: they share an ETag only if their bodies are
# the same, and the ETag of one gets the other a 304 only then.
sub check {
    my ($name, $paths, @users) = @_;
    my @faults;

    for my $path (@$paths) {

        # the first time from Redis, then from nginx's cache
        for my $how ('from Redis', 'cached') {
            my %answer = map { $_ => get($path, $_) } @users;

            for my $a (@users) {
                for my $b (grep { $_ ne $a } @users) {
                    my ($one, $other) = @answer{$a, $b};
                    my $same = $one->body() eq $other->body();
                    my $etag = $one->header('ETag');

                    push @faults, "$how $path: $a and $b share $etag"
                        if !$same && $etag eq $other->header('ETag');

                    my $with = get($path, $b, $etag);
                    push @faults, "$how $path: $b got a 304 for ${a}'s"
                        if !$same && $with->status() != 200;
                    push @faults, "$how $path: $b got another body"
                        if $with->status() == 200
                           && $with->body() ne $other->body();
                }

                push @faults, "$how $path: $a got no 304"
                    if get($path, $a, $answer{$a}->header('ETag'))->status()
                       != 304;
            }
        }
    }

    is(join("\n", @faults), '', $name);
}

sub polls {
    my ($property) = @_;

    return [ map { "/api/properties/$property/messages$_" }
                 '', '?limit=2', '?after=0', '?after=0&limit=1', '?before=4',
                 '?before=4&limit=1', '?after=99' ];
}


# two tenants with different windows and all else alike: the messages before the
# second one's window are the first one's

$ll->lease('P');
$ll->say('P', 'u-tom', $_) for 'one', 'two';
$ll->lease('P', tenants => ['u-tom', 'u-ana']);
$ll->say('P', 'u-lena', 'three');

is_deeply($ll->poll('P', 'u-tom')->{you}, $ll->poll('P', 'u-ana')->{you},
          'two tenants with different windows have the same state');
isnt(scalar @{ $ll->poll('P', 'u-tom')->{entries} },
     scalar @{ $ll->poll('P', 'u-ana')->{entries} },
     'two tenants with different windows see different entries');
check('two tenants with different windows have different ETags', polls('P'),
      'u-tom', 'u-ana');
check('two tenants and their landlord have different ETags', polls('P'),
      'u-tom', 'u-ana', 'u-lena');


# read marks

$ll->mark('P', 'u-tom', 5);
check('ETags differ with the read mark of one', polls('P'),
      'u-tom', 'u-ana', 'u-lena');
$ll->mark('P', 'u-ana', 5);
check('ETags differ with the read marks of both', polls('P'),
      'u-tom', 'u-ana', 'u-lena');


# can_write, and closed windows that begin at different entries and end together

$ll->lease('P', tenants => ['u-new', 'u-newer']);
check('ETags differ for closed windows', polls('P'),
      qw(u-tom u-ana u-lena u-new u-newer));
$ll->lease('P', tenants => ['u-new', 'u-newer'], ends_at => at(-1));
check('ETags differ for an ended lease', polls('P'),
      qw(u-tom u-ana u-lena u-new u-newer));
$ll->lease('P', lease_id => 'L-2', starts_at => at(7200),
           tenants => ['u-next', 'u-nigh'], landlords => ['u-lena', 'u-liz']);
check('ETags differ for a pending lease', polls('P'),
      qw(u-tom u-ana u-lena u-new u-newer u-next u-nigh u-liz));


# inboxes

my @inboxes = map { "/api/inbox$_" } '', '?limit=1', '?limit=2';

$ll->lease($_, tenants => ['u-tom', 'u-ana']) for qw(A B);
check('ETags of inboxes differ', \@inboxes,
      qw(u-tom u-ana u-lena u-new u-next u-nobody));

# one user's inbox, lost and written again until it has the same rev
my $other = get('/api/inbox', 'u-tom');
$ll->redis('DEL', 'll:{u:u-tom}:inbox', 'll:{u:u-tom}:order');
$ll->lease('A', label => 'another', tenants => ['u-tom', 'u-ana']);

for (1 .. $other->json()->{rev}) {
    last if get('/api/inbox', 'u-tom')->json()->{rev}
            == $other->json()->{rev};
    $ll->say('A', 'u-lena', 'again');
    $ll->mark('A', 'u-tom', 0);
}

my $now = get('/api/inbox', 'u-tom');
is($now->json()->{rev}, $other->json()->{rev},
   'a lost inbox comes to the same rev again');
isnt($now->header('ETag'), $other->header('ETag'),
     'an inbox with the same rev and other contents has another ETag');

$ll->finish();
