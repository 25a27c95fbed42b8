package LeaseLoft::Manual;

# The commands and the configuration of a section of docs/, as they stand there.
#
#     for my $block (LeaseLoft::Manual::blocks('docs/install.md', 'First start')) {
#         $block->{kind}      that of its fence; of an indented block "sh" if it is
#                             one of commands, else ""
#         $block->{text}      its lines
#     }

use strict;
use warnings;

use LeaseLoft::Files;


# the first words of lines that are commands
my $command = qr/^\$?[ ]?(?:LEASELOFT_\w+=\S+[ ])?(?:build\/)?
                 (?:leaseloft|apt|cat|cd|chmod|chown|cp|curl|export|find|for
                 |install|kill|make|mkdir|mv|nginx|openssl|printf|promtool
                 |redis-cli|rm|runuser|sed|systemctl|systemd-\w+|touch|umask)
                 [ \n]/x;


# the blocks of all sections of a page
sub page {
    my ($page) = @_;

    my ($section, $fence, $after, @blocks) = ('', undef, 1);

    for (split /\n/, slurp($page)) {
        if (defined $fence) {
            undef $fence, next if /^```/;
            $blocks[-1]{text} .= "$_\n";

        } elsif (/^```(\w*)/) {
            $fence = $1;
            push @blocks, { section => $section, kind => $fence, text => '' };

        } elsif (/^    (.*)/ && $after) {
            push @blocks, { section => $section, text => '' } if $after == 1;
            $blocks[-1]{text} .= "\n" x ($after == 3) . "$1\n";
            $after = 2;
            next;

        } elsif (/^#+ (.*)/) {
            $section = $1;
        }

        # indented lines are a block after an empty line, and go on after another

        $after = $_ ne '' ? 0 : $after == 2 ? 3 : 1;
    }

    for (@blocks) {
        $_->{kind} //= $_->{text} =~ $command ? 'sh' : '';
    }

    return @blocks;
}


sub blocks {
    my ($page, $title) = @_;

    my @blocks = grep { $_->{section} eq $title } page($page);
    die "$page has no blocks in a section \"$title\"\n" if !@blocks;

    return @blocks;
}


# a script that runs a block of commands after others, whose variables and umask
# it needs; it stops at the first failure.  Doctor may have advice, of what only
# the administrator can decide
sub script {
    my ($block, @before) = @_;

    my $state = join "\n", map { /^(export .*|umask .*)$/mg } @before;
    my $text = $block =~ s/^(leaseloft doctor.*)$/$1 || [ \$? = 1 ]/mgr;

    return "set -e\ncd\n$state\n$text";
}


# the number of lines to type
sub lines {
    return scalar map { $_->{text} =~ /^(?!#|\s*$)(.+)$/mg } @_;
}


1;
