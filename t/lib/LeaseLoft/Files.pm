package LeaseLoft::Files;

# Files of the source tree, or of what a test makes.
#
#     use LeaseLoft::Files;                  exports slurp()
#
#     my $text = slurp($path);               its bytes; dies if there is none

use strict;
use warnings;

use Exporter qw(import);

our @EXPORT = qw(slurp);


sub slurp {
    my ($path) = @_;

    open my $f, '<:raw', $path or die "$path: $!\n";
    local $/;

    return scalar <$f> // '';
}


1;
