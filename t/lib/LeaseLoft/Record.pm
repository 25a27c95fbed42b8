package LeaseLoft::Record;

# Makes records (docs/record.md), good ones and forged ones: the hashes by
# Digest::SHA, the signatures by openssl.

use strict;
use warnings;

use Digest::SHA qw(sha256 sha256_hex);
use Exporter qw(import);
use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64 decode_base64);

our @EXPORT = qw(record_key record_note record_text entry_of lease_of
                 rechain);

my $json = JSON::PP->new->utf8->canonical;
my $at = '2026-11-22T12:00:00.123Z';


# a new Ed25519 key: { file, name, key (NAME+ID+KEY) }
sub record_key {
    my ($name) = @_;

    my $dir = tempdir(CLEANUP => 1);

    system(qw(openssl genpkey -algorithm ed25519 -out), "$dir/key.pem") == 0
        or die "openssl genpkey failed\n";

    my $der = qx(openssl pkey -in $dir/key.pem -pubout -outform DER);
    my $public = "\x01" . substr $der, -32;
    my $id = substr sha256("$name\n$public"), 0, 4;

    return { dir => $dir, file => "$dir/key.pem", name => $name, id => $id,
             key => join '+', $name, unpack('H*', $id),
                         encode_base64($public, '') };
}


# a signed checkpoint
sub record_note {
    my ($key, $property, $seq, $hash, %o) = @_;

    my $text = join "\n", ($o{origin} // $key->{name}) . "/$property", $seq,
                    encode_base64($hash, ''), $o{time} // $at, '';

    open my $f, '>', "$key->{dir}/text" or die $!;
    print $f $text;
    close $f;

    my $sig = qx(openssl pkeyutl -sign -inkey $key->{file} -rawin \\
                 -in $key->{dir}/text);

    return "$text\n\xe2\x80\x94 $key->{name} "
           . encode_base64($key->{id} . $sig, '') . "\n";
}


# the bytes of entries
sub entry_of {
    my ($seq, $text, %o) = @_;

    return sprintf '{"seq":%d,"kind":"message","from":{"user":"%s","role":'
                   . '"tenant","name":"Tom"},"text":%s,"at":"%s","client_id":'
                   . '"c-%d"}', $seq, $o{user} // 'u-tom',
                   JSON::PP->new->utf8->allow_nonref->encode($text), $at, $seq;
}

sub lease_of {
    my ($seq, $event, $user) = @_;

    return sprintf '{"seq":%d,"kind":"lease","event":"%s","lease_id":"L-1"%s,'
                   . '"at":"%s"}', $seq, $event, $user ? ',"party":{"user":"'
                   . "$user\",\"role\":\"tenant\",\"name\":\"Tom\"}" : '', $at;
}


# Makes the hashes of the lines anew, from $hash on: each line is a hash with
# entry and salt, or digest.  Returns the last hash.
sub rechain {
    my ($hash, @lines) = @_;

    for my $line (@lines) {
        my $digest = defined $line->{entry}
                     ? sha256(pack('H*', $line->{salt}) . $line->{entry})
                     : pack 'H*', $line->{digest};
        $hash = sha256($hash . $digest);
        $line->{hash} = unpack 'H*', $hash;
    }

    return $hash;
}


# { head, lines, reads, last } as text
sub record_text {
    my ($record) = @_;

    return join '', map { "$_\n" } map { ref $_ ? json($_) : $_ }
           $record->{head}, @{ $record->{lines} }, @{ $record->{reads} // [] },
           $record->{last};
}


# entries are bytes, all else is text
sub json {
    my ($tree) = @_;

    my %copy = %$tree;

    for my $name (grep { defined $copy{$_} && !ref $copy{$_} }
                  qw(entry checkpoint label))
    {
        utf8::decode($copy{$name});
    }

    return $json->encode(\%copy);
}


1;
