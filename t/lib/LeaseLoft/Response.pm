package LeaseLoft::Response;

# An HTTP response: status, headers, body.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP;
use Test::More;

our @EXPORT_OK = qw(is_problem fields);


# parse($bytes): the first response in these bytes, whose body ends with them;
# a chunked body is decoded
sub parse {
    my ($class, $raw) = @_;

    my $self = bless { raw => $raw, status => 0, headers => [], body => '' },
                     $class;

    # "100 Continue" may precede it
    $raw =~ s/^HTTP\/[\d.]+ 1\d\d.*?\r\n\r\n//s;

    my ($head, $body) = $raw =~ /^(.*?\r\n)\r\n(.*)$/s or return $self;

    ($self->{status}) = $head =~ /^HTTP\/[\d.]+ (\d+)/;
    $self->{head} = $head;

    while ($head =~ /^([^:\s]+):[ \t]*(.*?)\r$/mg) {
        push @{ $self->{headers} }, [ lc $1, $2 ];
    }

    if (($self->header('transfer-encoding') // '') eq 'chunked') {
        my $whole = '';
        while ($body =~ s/^([0-9a-fA-F]+)\r\n//) {
            my $size = hex $1;
            last if $size == 0;
            $whole .= substr($body, 0, $size, '');
            $body =~ s/^\r\n//;
        }
        $body = $whole;
    }

    $self->{body} = $body;

    return $self;
}


sub status { $_[0]{status} }
sub body { $_[0]{body} }
sub raw { $_[0]{raw} }


# the value of a header, several joined with ", "; undef if there is none
sub header {
    my ($self, $name) = @_;

    my @values = map { $_->[1] } grep { $_->[0] eq lc $name }
                     @{ $self->{headers} };

    return @values ? join(', ', @values) : undef;
}


# the response without its date, for comparing two
sub comparable {
    my ($self) = @_;

    my $raw = $self->{raw};
    $raw =~ s/^Date: .*?\r\n//mi;

    return $raw;
}


# the body decoded as JSON; undef if it is not
sub json {
    my ($self) = @_;

    return $self->{json} //= eval {
        JSON::PP->new->utf8->decode($self->{body})
    };
}


# is_problem($response, $status, $type, $name): the response is a complete
# problem document, whose type ends in $type ('' for any)
sub is_problem {
    my ($response, $status, $type, $name) = @_;

    my $body = $response->json() // {};
    my $content = $response->header('Content-Type') // '';

    my $ok = $response->status() == $status
        && $content =~ m{^application/problem\+json}
        && ($body->{status} // 0) == $status
        && !(grep { !length($body->{$_} // '') } qw(type title detail))
        && ($type eq '' || $body->{type} =~ m{/\Q$type\E$})
        && ($response->header('Cache-Control') // '') eq 'no-store'
        && ($response->header('X-Content-Type-Options') // '') eq 'nosniff';

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($ok, $name) or diag($response->raw());

    return $ok;
}


# the fields that a problem document names, in its order
sub fields {
    my ($response) = @_;

    return join ' ', map { $_->{field} eq '' ? '""' : $_->{field} }
                     @{ ($response->json() // {})->{errors} || [] };
}


1;
