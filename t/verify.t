#!/usr/bin/perl

# leaseloft verify, and a second verifier, t/verify.py, written from
# docs/record.md: both accept valid records and refuse forged ones, and the
# first names the entry at fault.  Without Redis and network.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft::Record;
use LeaseLoft::RecordCases;

my $build = $ENV{BUILD} // 'build';
my $under = $ENV{LEASELOFT_UNDER} // '';
my $dir = tempdir(CLEANUP => 1);

# verify does not connect to the Redis that the environment names
$ENV{LEASELOFT_REDIS} = 'unix:/nowhere';

my $runs = 0;

# both verifiers accept the record of a case, or refuse it if the case has
# "like", which the error of the first one matches
sub verdict {
    my ($case) = @_;

    my ($name, $like, $k, $note) = @$case{qw(name like key note)};
    my $file = $dir . '/record' . ++$runs;

    open my $f, '>:raw', $file or die $!;
    print $f $case->{text};
    close $f;

    my @first = ("$build/leaseloft", 'verify', $file);
    my @second = ('t/verify.py', $file);

    if (defined $k) {
        push @first, '--key', $k;
        push @second, $k;
    }

    if ($note) {
        open $f, '>:raw', "$dir/note" or die $!;
        print $f $note;
        close $f;

        push @first, '--checkpoint', "$dir/note";
        push @second, '' if !defined $k;
        push @second, "$dir/note";
    }

    my ($status, $out) = run(split(' ', $under), @first);
    my ($other, $said) = run(@second);

    is("$status $other", $like ? '1 1' : '0 0', ($like ? "$name: both verifiers refuse it"
              : "$name: both verifiers accept it"))
        or diag($out, $said);
    like($out, $like // qr/^verified: property \w+, entries/,
         "$name: the output says what was found");
    unlike($said, qr/Traceback/, "$name: verify.py raises no exception");

    unlink $file;
    return $out;
}

sub run {
    my (@command) = @_;

    my $pid = open my $out, '-|' // die;
    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        exec @command;
        exit 127;
    }

    local $/;
    my $said = <$out>;
    close $out;

    return ($? >> 8, $said);
}


my %said = map { $_->{name} => verdict($_) } record_cases();

like($said{'a whole record'},
     qr/signed that it held exactly these entries, in this order, at/,
     'the output says what a record proves');
like($said{'a whole record'}, qr/does not prove who sat at the keyboard/,
     'the output says what a record does not prove');
like($said{'a tenant from the start of a lease'},
     qr/nothing about what was written before entry 7/,
     'the output says that earlier entries are not proven');

my $text = record_text($good);
my @lines = map { "$_\n" } split /\n/, $text;

# any byte of any entry's line; when one was erased is not hashed
{
    my $from = length $lines[0];
    my $size = length join '', @lines[1 .. 3];
    my @accepted;

    for (1 .. 150) {
        my $i = $from + int rand $size;
        my $changed = $text;

        substr($changed, $i, 1) ^= chr(1 << int rand 8);

        open my $f, '>:raw', "$dir/byte" or die $!;
        print $f $changed;
        close $f;

        my ($status) = run("$build/leaseloft", 'verify', "$dir/byte");
        push @accepted, $i if $status != 1;
    }

    is("@accepted", '', 'a record with any changed bit is refused');
}

# a line of 100 MB is not read into memory
{
    my $begin = time();
    my $limit = $under || ($ENV{BUILD} // '') =~ /san|palloc/ ? ''
                                                              : 'ulimit -v 60000;';

    my $command = "$limit (printf '\%s' '$lines[0]'; head -c 100000000"
                  . " /dev/zero | tr '\\0' x) | $build/leaseloft verify -";
    my ($status, $said) = run('sh', '-c', $command);

    is($status, 1, 'a line of 100 MB is refused');
    like($said, qr/entry 1 .*longer than 262144 bytes/,
         'the error names the line of 100 MB');
    cmp_ok(time() - $begin, '<', 10, 'a line of 100 MB is refused within 10 s');
}


# usage

for my $case ([['verify'], qr/takes FILE/],
              [['verify', '/nowhere/x'], qr/cannot open/],
              [['verify', $0, '--key', '/nowhere/x'], qr/cannot open/],
              [['verify', $0, '--key', 'a+b+c'], qr/--key must be/],
              [['verify', $0, '--checkpoint', "a\nb\n"], qr/--checkpoint must be/],
              [['verify', $0, '--key', $key->{key} =~ s/\+[0-9a-f]{8}/+00000000/r],
               qr/--key must be/])
{
    my ($args, $like) = @$case;
    my ($status, $said) = run(split(' ', $under), "$build/leaseloft", @$args);

    my $name = "@$args" =~ s/\n/ /gr;

    is($status, 2, "leaseloft $name: the exit status is 2");
    like($said, $like, "leaseloft $name: the error says why");
}

{
    open my $f, '>:raw', "$dir/r" or die $!;
    print $f record_text(changed(sub { $_->{lines}[1]{entry} =~ s/out/on/ }));
    close $f;

    my ($status, $said) = run("$build/leaseloft", 'verify', "$dir/r",
                              '--json');
    my $result = JSON::PP->new->decode($said);

    is($status, 1, 'verify --json exits with 1 for a forged record');
    is("$result->{seq} $result->{line}", '2 3', 'verify --json names the entry');
}

done_testing();
