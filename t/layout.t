#!/usr/bin/perl

# The layout of the code: which part may include which, that common/ needs only
# the C library, and make lint.

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
   '', 'common includes its own and standard headers only');

none('the module does not include the worker', qr{worker/}, @module);
none('the worker does not include the module or nginx', qr{ngx_}, @worker);

# except for claims of a token, the client_id in a 202, and bodies of one member
none('JSON is parsed and written in the worker only', qr{cJSON}, @common,
     grep { !/_(?:jwt|write|member)\.c$/ } @module);

none('the module does not use the sockets of hiredis', qr{async\.h|adapters/},
     @module);

# each file of common/ compiles alone, with its own headers and the C library's
for my $file (grep { /\.c$/ } @common) {
    my $read = qx(gcc -std=c11 -pedantic -Wall -Wextra -Werror -Icommon -M \\
                  $file 2>&1);
    is($?, 0, "$file compiles alone");
    unlike($read, qr{hiredis|nginx|ngx_|cjson|jwt|openssl},
           "$file includes no header of a library");

    my $object = File::Temp->new(SUFFIX => '.o');
    my $symbols = qx(gcc -std=c11 -O2 -Icommon -c -o $object $file \\
                     && nm -u -f posix $object);
    is($?, 0, "$file compiles to an object");
    unlike($symbols, qr/^(malloc|calloc|realloc|free|strdup) /m,
           "$file allocates nothing");
}

my $said = qx(make -s lint 2>&1);
is($said, '', 'make lint finds nothing');

done_testing();
