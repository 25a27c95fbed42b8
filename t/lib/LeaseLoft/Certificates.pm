package LeaseLoft::Certificates;

# Certificate authorities and certificates of a test, made by openssl.
#
#     my $pki = LeaseLoft::Certificates->new($dir);
#     $pki->authority('ca');                         ca.crt, ca.key in $dir
#     $pki->issue('redis', 'DNS:redis.test,IP:127.0.0.1');   signed by ca
#     $pki->issue('old', 'DNS:redis.test', days => 0, by => 'other');

use strict;
use warnings;

use IPC::Open3;


my @key = qw(-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes);


sub new {
    my ($class, $dir) = @_;

    return bless { dir => $dir }, $class;
}


sub authority {
    my ($self, $name) = @_;

    _openssl('req', '-x509', @key, '-days', 2, '-subj', "/CN=$name",
             '-keyout', $self->path("$name.key"),
             '-out', $self->path("$name.crt"));
}


# a certificate NAME.crt for these names, and its key NAME.key
sub issue {
    my ($self, $name, $names, %options) = @_;

    my $by = $options{by} // 'ca';
    my $extensions = $self->path("$name.ext");

    open my $out, '>', $extensions or die "$extensions: $!";
    print $out "subjectAltName=$names\n";
    close $out;

    _openssl('req', @key, '-subj', "/CN=$name",
             '-keyout', $self->path("$name.key"),
             '-out', $self->path("$name.csr"));
    _openssl('x509', '-req', '-days', $options{days} // 2,
             '-in', $self->path("$name.csr"), '-CA', $self->path("$by.crt"),
             '-CAkey', $self->path("$by.key"), '-CAcreateserial',
             '-extfile', $extensions, '-out', $self->path("$name.crt"));
}


sub path { return "$_[0]{dir}/$_[1]" }


sub _openssl {
    my $pid = open3(my $in, my $out, undef, 'openssl', @_);
    my $said = do { local $/; <$out> };

    waitpid $pid, 0;
    die "openssl @_: $said" if $?;
}


1;
