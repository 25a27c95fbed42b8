package LeaseLoft::Token;

# JSON Web Tokens, built by hand so that tests can build invalid ones too.

use strict;
use warnings;

use Digest::SHA qw(hmac_sha256);
use Exporter qw(import);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);

our @EXPORT_OK = qw(token token_raw);

my $json = JSON::PP->new->canonical->utf8;


# token($key, \%claims, \%header): a token signed with HS256, whatever its
# header says
sub token {
    my ($key, $claims, $header) = @_;

    $header ||= { alg => 'HS256', typ => 'JWT' };

    return token_raw($key, $json->encode($header), $json->encode($claims));
}


# the same, from the bytes of header and claims
sub token_raw {
    my ($key, $header, $claims) = @_;

    my $signed = encode_base64url($header) . '.' . encode_base64url($claims);

    return $signed . '.' . encode_base64url(hmac_sha256($signed, $key));
}


1;
