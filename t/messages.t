#!/usr/bin/perl

# docs/errors.md has each message of health, and each that nginx and the worker
# log at the levels warn and above, as it stands in the code, and no other.

use strict;
use warnings;

use File::Find qw(find);
use Test::More;

use lib 't/lib';
use LeaseLoft::Files;

my $literal = qr/"(?:[^"\\]|\\.)*"/;
my $macro = qr/\b(?:LL_|PRI|LEASELOFT_)\w+|\bngx_\w+_n\b/;
my %files;

find(sub { push @{ $files{$File::Find::name =~ s{/.*}{}r} }, $File::Find::name
               if /\.c$/ && $File::Find::name !~ m{/cli/} },
     'worker', 'ngx_leaseloft_module');

# the first text among the arguments of each call, with "…" for its values
sub messages {
    my ($folder, $call) = @_;

    my %found;

    for my $file (@{ $files{$folder} }) {
        my $text = slurp($file);

        while ($text =~ /\b(?:$call)\s*(?:[^";]*?,\s*)?
                         ((?:(?:$literal|$macro)\s*)+)/gx)
        {
            my $parts = $1;
            my $message = '';

            $message .= defined $1 ? $1 : '%s'
                while $parts =~ /\G\s*(?:"((?:[^"\\]|\\.)*)"|\w+)/gc;

            $message =~ s/\\"/"/g;
            $message =~ s/%(?:\.\d+s|\*s|ll[ud]|l[ud]|zu|u[izALlX]|O|Mms|[sudVMP])
                         /\0/gx;
            $message =~ s/%\0/\0/g;
            $message =~ s/\0+/…/g;
            $found{$message} = 1;
        }
    }

    return sort keys %found;
}

my %section = map { /\A(.*)\n/ ? ($1 => $_) : () }
              split /^## /m, slurp('docs/errors.md');

for my $case (['Health', 'ngx_leaseloft_module', 'ngx_leaseloft_report_say\('],
              ['The log of nginx', 'ngx_leaseloft_module',
               'ngx_log_error\(NGX_LOG_(?:ALERT|CRIT|ERR|WARN),'],
              ['The log of a worker', 'worker', 'log_(?:alert|error|warn)\('])
{
    my ($title, $folder, $call) = @$case;
    my @code = messages($folder, $call);
    my @page = sort $section{$title} =~ /^\| `(.*?)` \| .+ \| .+ \|$/mg;

    cmp_ok(scalar @code, '>', 10, "$title: the code has messages");
    is(join("\n", @page), join("\n", @code),
       "$title: docs/errors.md has them, and no other");
}

done_testing();
