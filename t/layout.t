#!/usr/bin/perl

# How the code is laid out (docs/code.md): which folder may use which, by
# includes and by the symbols of the objects; that no file uses one that uses
# it; that functions are named after their file and described in its header;
# how long files and functions may be, and what a formatter can check.

use strict;
use warnings;

use File::Basename;
use File::Temp;
use Test::More;

use lib 't/lib';
use LeaseLoft::Files;


my $build = $ENV{BUILD} // 'build';

# lowest first; what is in none of these folders is above all of them
my %floors = (
    ngx_leaseloft_module =>
        [qw(core redis auth http thread channel stream endpoint)],
    worker => [qw(base redis body thread store job queue search cli)],
    common => []
);

my $lines_max = 600;
my $function_max = 70;

# of each object: [symbol, its kind], ...
my %symbols;

for my $root (sort keys %floors) {
    my @files = sort glob "$root/{,*/}*.[ch]";

    is(join("\n", upward($root, @files)), '',
       "$root: no file includes one of a higher folder");
    is(join("\n", circles(map { [ user($_), named($_) ] } @files)), '',
       "$root: no two files include each other");

    my @objects = objects($root);
    my @calls = calls($root, @objects);

    ok(@objects >= 4, "$root: objects are there");
    is(join("\n", map { "@$_" } grep { floor_of($root, $_->[1]) > floor_of($root, $_->[0]) }
                  @calls), '',
       "$root: no file uses a symbol of a higher folder");
    is(join("\n", circles(by_user(@calls))), '',
       "$root: no two files use each other's symbols");

    is(join("\n", map { misnamed($_) } grep { /\.c$/ } @files), '',
       "$root: functions are named after their file");
    is(join("\n", map { undescribed($_) } grep { /\.h$/ } @files), '',
       "$root: headers describe each function");
    is(join("\n", map { undeclared($root, $_) } @objects), '',
       "$root: what a file exports is in its own header");
    is(join("\n", grep { !headed($_) } @files), '',
       "$root: files begin with what they are for");
    is(join("\n", map { too_long($_) } @files), '',
       "$root: files and functions have a bounded length");
}

is(join("\n", map { too_long($_) }
             grep { -f && !m{/node_modules/} }
             glob '{t,t/*,t/*/*,t/*/*/*,fuzz,fuzz/*,bench,bench/*,bench/*/*,'
                  . 'html/js,html/js/*,html/js/*/*}'), '',
   'tests, fuzz targets, benchmarks and pages have a bounded length');

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

# nginx's headers define what those of the C library declare
is(join(' ', grep { my $text = do { local (@ARGV, $/) = $_; <> };
                    /\.c$/ && $text =~ /#include (?!"ngx_leaseloft)/
                    && $` !~ /#include "ngx_leaseloft/ } @module),
   '', 'each file of the module includes nginx first');
none('the module does not include the worker', qr{worker/}, @module);
none('the worker does not include the module or nginx', qr{ngx_}, @worker);

# except for tokens and their keys, the client_id in a 202, and bodies of one member
none('JSON is parsed and written in the worker only', qr{cJSON}, @common,
     grep { !/_(?:jwt|key_set|write|member)\.c$/ } @module);

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

# what installs the linters prints as it likes, and is no finding
qx(make -s lint-deps 2>&1);
is(scalar qx(make -s lint-code 2>&1), '', 'make lint finds nothing');

done_testing();


# a file without its folder and ending
sub user {
    return basename($_[0]) =~ s/\.[cho]$//r;
}


sub named {
    my ($file) = @_;

    return [ map { s/\.h$//r } map { basename($_) }
             slurp($file) =~ /^#include "([^"]+)"/mg ];
}


sub floor_of {
    my ($root, $file) = @_;

    my ($folder) = $file =~ m{^\Q$root\E/([^/]+)/};
    my @folders = @{ $floors{$root} };

    return scalar @folders if !defined $folder;

    my ($floor) = grep { $folders[$_] eq $folder } 0 .. $#folders;
    return $floor // die "$file: $folder is no folder of docs/code.md\n";
}


sub upward {
    my ($root, @files) = @_;

    my %path = map { basename($_) => $_ } @files;
    my @found;

    for my $file (@files) {
        for my $name (map { "$_.h" } @{ named($file) }) {
            my $used = $path{$name} or next;

            push @found, "$file includes $used"
                if floor_of($root, $used) > floor_of($root, $file);
        }
    }

    return @found;
}


# pairs of names that lead to each other, of [name, [names it uses]]
sub circles {
    my %uses;

    for my $row (@_) {
        $uses{$row->[0]}{$_} = 1 for grep { $_ ne $row->[0] } @{ $row->[1] };
    }

    my %reach;

    for my $from (keys %uses) {
        my @todo = keys %{ $uses{$from} };

        while (defined(my $to = shift @todo)) {
            next if $reach{$from}{$to}++;
            push @todo, keys %{ $uses{$to} // {} };
        }
    }

    return map { my $from = $_;
                 map { "$from and $_" }
                 grep { $from lt $_ && $reach{$_}{$from} }
                 sort keys %{ $reach{$from} } }
           sort keys %reach;
}


sub objects {
    my ($root) = @_;

    my @sources = sort glob "$root/{,*/}*.c";

    my @pairs = map { [ $_, -e "$build/obj/$_" =~ s/\.c$/.o/r
                       ? "$build/obj/$_" =~ s/\.c$/.o/r
                       : glob "$build/nginx/addon/*/"
                              . basename($_) =~ s/\.c$/.o/r ] } @sources;

    for (split /\n/, qx(nm -A -P @{[ map { $_->[1] } @pairs ]})) {
        my ($object, $name, $kind) = /^(.+?): (\S+) (\w)/ or next;
        push @{ $symbols{$object} }, [ $name, $kind ];
    }

    return @pairs;
}


sub symbols {
    my ($object, $kinds) = @_;

    return map { $_->[0] } grep { $_->[1] =~ /[$kinds]/ } @{ $symbols{$object} };
}


# [file, file whose symbol it uses, symbol]
sub calls {
    my ($root, @objects) = @_;

    my %home;

    # nginx's handle to a module, by which each file finds its contexts
    my $handle = 'ngx_leaseloft_module';

    for (@objects) {
        my ($source, $object) = @$_;
        $home{$_} = $source for symbols($object, 'TDBRC');
    }

    return map { my ($source, $object) = @$_;
                 map { [ $source, $home{$_}, $_ ] }
                 grep { exists $home{$_} && $home{$_} ne $source
                        && $_ ne $handle }
                 symbols($object, 'U') } @objects;
}


sub by_user {
    my %uses;

    push @{ $uses{user($_->[0])} }, user($_->[1]) for @_;

    return map { [ $_, $uses{$_} ] } sort keys %uses;
}


# [name, first line, number of lines] of each function
sub functions {
    my ($file) = @_;

    my (@found, $name, $begin);
    my $n = 0;

    for (split /\n/, slurp($file)) {
        $n++;

        if (/^(\w+)\(/) {
            ($name, $begin) = ($1, $n);

        } elsif (/^\}/ && defined $name) {
            push @found, [ $name, $begin, $n - $begin + 1 ];
            undef $name;

        } elsif (/^\S.*;$/) {
            undef $name;
        }
    }

    return @found;
}


sub misnamed {
    my ($file) = @_;

    my $prefix = user($file);

    $prefix = 'ngx_leaseloft' if $prefix eq 'ngx_leaseloft_module';
    $prefix = "ll_$prefix" if $file =~ m{^common/};

    return map { "$file: $_->[0]()" }
           grep { $_->[0] !~ /^\Q$prefix\E(?:_|$)/ && $_->[0] ne 'main' }
           functions($file);
}


# a comment stands above a declaration, or above a group of them
sub undescribed {
    my ($file) = @_;

    my ($described, @found) = (0);
    my $depth = 0;

    for my $line (split /\n/, slurp($file)) {
        $described = 1 if $line =~ m{\*/\s*$} && !$depth;
        $described = 0 if $line eq '' && !$depth;

        push @found, "$file: $1()"
            if !$depth && !$described
               && $line =~ /^(?!typedef|static|#)\w[\w \*]*?\b(\w+)\((?!\*)/;

        $depth += () = $line =~ /\{/g;
        $depth -= () = $line =~ /\}/g;
    }

    return @found;
}


sub undeclared {
    my ($root, $pair) = @_;

    my ($source, $object) = @$pair;
    my $header = $source =~ s/\.c$/.h/r;
    my @exported = grep { $_ ne 'main' } symbols($object, 'T');

    return () if !@exported;
    return "$source: no header of its own" if !-e $header;

    my $text = slurp($header);

    return map { "$source: $_() is not in $header" }
           grep { $text !~ /\b\Q$_\E\(/ } @exported;
}


sub headed {
    my ($file) = @_;

    return slurp($file) =~ m{\A\n?/\*};
}


sub too_long {
    my ($file) = @_;

    my $lines = () = slurp($file) =~ /\n/g;
    my @found;

    push @found, "$file: $lines lines" if $lines > $lines_max;
    push @found, map { "$file:$_->[1]: $_->[0]() has $_->[2] lines" }
                 grep { $_->[2] > $function_max } functions($file)
        if $file =~ /\.c$/;

    return @found;
}


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
