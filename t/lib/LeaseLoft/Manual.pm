package LeaseLoft::Manual;

# The commands and the configuration of a section of docs/, as they stand there.
#
#     for my $block (LeaseLoft::Manual::blocks('docs/install.md', 'First start')) {
#         $block->{kind}      "sh" for an indented block, else that of its fence
#         $block->{text}      its lines
#     }

use strict;
use warnings;

use LeaseLoft::Files;


sub blocks {
    my ($page, $title) = @_;

    my ($section) = slurp($page) =~ /^## \Q$title\E\n(.*?)(?=^## |\z)/ms
        or die "$page has no section \"$title\"\n";
    my @blocks;

    while ($section =~ /^```(\w+)\n(.*?)^```$
                        |((?:^[ ]{4}[^\n]*\n|^\n(?=[ ]{4}))+)/gmsx)
    {
        my ($kind, $text) = defined $3 ? ('sh', $3 =~ s/^    //mgr) : ($1, $2);

        push @blocks, { kind => $kind, text => $text =~ s/^\n+//r };
    }

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
