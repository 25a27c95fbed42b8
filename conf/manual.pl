#!/usr/bin/perl

# manual.pl leaseloft PROGRAM | leaseloft-worker PROGRAM | completion PROGRAM
#
# Prints the manual page of a program, or the completion of the command line for
# bash, made from the program's own help: there is no other text to keep up.

use strict;
use warnings;

my ($kind, $program) = @ARGV;

my %kinds = (leaseloft => \&command_page, 'leaseloft-worker' => \&worker_page,
             completion => \&completion);

die "usage: manual.pl " . join('|', sort keys %kinds) . " PROGRAM\n"
    if @ARGV != 2 || !$kinds{$kind};

$kinds{$kind}->();


# --- the help, taken apart ---

# the output of the program
sub help {
    my (@arguments) = @_;

    open my $pipe, '-|', $program, @arguments or die "$program: $!\n";
    my $text = do { local $/; <$pipe> };
    close $pipe or die "$program @arguments failed\n";

    return $text;
}


# [option with its value, text] of each option of a help
sub options {
    my ($text) = @_;

    my @found;

    for (split /\n/, $text) {
        if (/^  (--\S.*?)(?:  +(.*)| (?=[a-z])(.*))?$/) {
            push @found, [ $1, $2 // $3 // '' ];

        } elsif (/^ {10,}(\S.*)$/ && @found) {
            $found[-1][1] .= ($found[-1][1] eq '' ? '' : ' ') . $1;
        }
    }

    return @found;
}


# the commands, each with summary, usage, text and options of its own
sub commands {
    my $all = help('help');
    my ($list) = $all =~ /\A.*?\n\n(.*?)\n\n/s;
    my %common = map { $_->[0] => 1 } options($all);

    return map {
        my ($name, $summary) = /^  (\S+(?: \S+)?) {2,}(.*)$/
            or die "what is \"$_\"?\n";
        my $text = help('help', split / /, $name);
        my ($usage, $about) = $text =~ /\AUsage: (.*?)\n\n(.*?)\n\n/s
            or die "what is the help of \"$name\"?\n";

        { name => $name, summary => $summary, usage => $usage,
          about => $about,
          options => [ grep { !$common{$_->[0]} } options($text) ] };
    } split /\n/, $list;
}


# --- manual pages ---

sub roff {
    my ($text) = @_;

    $text =~ s/\\/\\e/g;
    $text =~ s/-/\\-/g;
    $text =~ s/^(['.])/\\&$1/mg;

    return $text;
}


# the lines, as they are broken in the help
sub paragraph {
    return roff($_[0]) =~ s/\n\n/\n.PP\n/gr;
}


sub list {
    return join '', map { ".TP\n.B " . roff($_->[0]) . "\n"
                          . roff($_->[1] eq '' ? '\&' : $_->[1]) . "\n" } @_;
}


sub head {
    my ($name, $section, $what) = @_;

    my ($version) = help('--version') =~ /(\d\S+)/;

    return qq(.TH \U$name\E $section "" "LeaseLoft $version" "LeaseLoft"\n)
           . ".SH NAME\n" . roff($name) . " \\- " . roff($what) . "\n";
}


sub command_page {
    my $all = help('help');
    my @commands = commands();

    print head('leaseloft', 1, 'operate LeaseLoft messaging'),
          ".SH SYNOPSIS\n.B leaseloft\n",
          ".I COMMAND\n[\\fIARGUMENT\\fR ...] [\\fIOPTION\\fR ...]\n",
          ".SH DESCRIPTION\n",
          "Commands for operators of LeaseLoft. They connect to Redis only.\n",
          ".SH COMMANDS\n";

    for my $command (@commands) {
        print ".SS ", roff($command->{usage}), "\n",
              paragraph($command->{about}), "\n",
              list(@{ $command->{options} });
    }

    print ".SH OPTIONS\nAll commands take these, before or after the command.\n",
          list(options($all)),
          ".SH EXIT STATUS\n", roff($all =~ /^Exit status: (.*)$/m), "\n",
          ".SH SEE ALSO\n.BR leaseloft\\-worker (8)\n";
}


sub worker_page {
    my $all = help('--help');
    my ($usage, $about) = $all =~ /\Ausage: (.*?)\n\n(.*?)\n\n/s
        or die "what is the help of the worker?\n";

    print head('leaseloft-worker', 8, 'process the requests of LeaseLoft'),
          ".SH SYNOPSIS\n.B ", roff($usage), "\n",
          ".SH DESCRIPTION\n", paragraph($about), "\n",
          ".SH OPTIONS\n", list(options($all)),
          ".SH SIGNALS\n.TP\n.B TERM, INT\nfinish the batch, then exit\n",
          ".SH SEE ALSO\n.BR leaseloft (1)\n";
}


# --- completion ---

sub completion {
    my @commands = commands();
    my (%second, @cases);

    push @{ $second{(split / /, $_->{name})[0]} }, $_ for @commands;

    for my $first (sort keys %second) {
        my @words = map { (split / /, $_->{name})[1] // () } @{ $second{$first} };

        push @cases, "    '$first') words='@words' ;;" if @words;
    }

    for my $command (@commands) {
        my @words = map { $_->[0] =~ /^(\S+)/ } @{ $command->{options} };

        push @cases, "    '$command->{name}'*) options=\"\$options @words\" ;;"
            if @words;
    }

    my @firsts = ('help', sort keys %second);
    my @common = map { $_->[0] =~ /^(\S+)/ } options(help('help'));
    my @firsts_only = grep { / words=/ } @cases;
    my @options_only = grep { / options=/ } @cases;
    my $words = join "\n", @firsts_only;
    my $options = join "\n", sort { length $b <=> length $a } @options_only;

    print <<"END";
# completion of leaseloft for bash

_leaseloft() {
    local cur=\${COMP_WORDS[COMP_CWORD]} typed= words= i
    local options='@common'

    for ((i = 1; i < COMP_CWORD; i++)); do
        case \${COMP_WORDS[i]} in
        -*) ;;
        *) typed="\${typed:+\$typed }\${COMP_WORDS[i]}" ;;
        esac
    done

    case \$typed in
    ''|help) words='@firsts' ;;
$words
    esac

    case \$typed in
$options
    esac

    case \$cur in
    -*) COMPREPLY=(\$(compgen -W "\$options" -- "\$cur")) ;;
    *)  COMPREPLY=(\$(compgen -W "\$words" -- "\$cur")) ;;
    esac

    if [ \${#COMPREPLY[@]} -eq 0 ]; then
        compopt -o default 2>/dev/null
    fi
}

complete -F _leaseloft leaseloft
END
}
