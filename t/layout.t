#!/usr/bin/perl

# How the code is laid out: who may include whom, that common/ needs nothing
# but the C library, and what a formatter can check.

use strict;
use warnings;

use File::Temp;
use Test::More;


sub includes {
    my (@files) = @_;

    my @found;

    for my $file (@files) {
        open my $f, '<', $file or die "$file: $!";
        while (<$f>) {
            push @found, [ $file, $1 ] if /^\s*#\s*include\s+[<"]([^>"]+)/;
        }
    }

    return @found;
}


sub none {
    my ($what, $forbidden, @files) = @_;

    my @bad = map { "$_->[0] includes $_->[1]" }
              grep { $_->[1] =~ $forbidden } includes(@files);

    is(join("\n", @bad), '', $what);
}


my @common = glob 'common/*.[ch]';
my @module = glob 'ngx_leaseloft_module/{,*/}*.[ch]';
my @worker = glob 'worker/{,*/}*.[ch]';

my %standard = map { $_ => 1 } qw(stddef.h stdint.h string.h limits.h
                                  stdio.h);
my %own = map { s{.*/}{}r => 1 } @common;

is(join(' ', map { "$_->[0]: $_->[1]" }
             grep { !$standard{$_->[1]} && !$own{$_->[1]} }
             includes(@common)),
   '', 'common includes itself and plain headers only');

none('module does not include worker', qr{worker/}, @module);
none('worker does not include module or nginx', qr{ngx_}, @worker);

# but for a token's claims, the client_id that a 202 gives back, and bodies of
# one member
none('JSON is read and written in the worker only', qr{cJSON}, @common,
     grep { !/_(?:jwt|write|member)\.c$/ } @module);

none('hiredis\'s own sockets stay out of nginx', qr{async\.h|adapters/},
     @module);

# each file of common compiles on its own, and what it reads is its own or the
# C library's
for my $file (grep { /\.c$/ } @common) {
    my $read = qx(gcc -std=c11 -pedantic -Wall -Wextra -Werror -Icommon -M \\
                  $file 2>&1);
    is($?, 0, "$file compiles alone");
    unlike($read, qr{hiredis|nginx|ngx_|cjson|jwt|openssl},
           "$file reads no library's header");

    my $object = File::Temp->new(SUFFIX => '.o');
    my $symbols = qx(gcc -std=c11 -O2 -Icommon -c -o $object $file \\
                     && nm -u -f posix $object);
    is($?, 0, "$file has symbols");
    unlike($symbols, qr/^(malloc|calloc|realloc|free|strdup) /m,
           "$file allocates nothing");
}

my $said = qx(make -s lint 2>&1);
is($said, '', 'make lint');

done_testing();
