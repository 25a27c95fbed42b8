#!/usr/bin/perl

# Several keys, and JSON Web Key Sets: which key may verify which token, faults
# of sets, and a rotation that signs nobody out.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Token qw(token);

my $dir = tempdir('leaseloft-set-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $json = JSON::PP->new->canonical;

sub openssl {
    system("openssl @_ >/dev/null 2>&1") == 0 or die "openssl @_";
}

sub file {
    my ($name, $text) = @_;
    open my $f, '>', "$dir/$name" or die;
    binmode $f;
    print $f $text;
    close $f;
}

sub content { local (@ARGV, $/) = "$dir/$_[0]"; return <> }

my %types = (rsa => 'RSA -pkeyopt rsa_keygen_bits:2048',
             rsa2 => 'RSA -pkeyopt rsa_keygen_bits:2048',
             short => 'RSA -pkeyopt rsa_keygen_bits:1024',
             ec => 'EC -pkeyopt ec_paramgen_curve:P-256',
             ec2 => 'EC -pkeyopt ec_paramgen_curve:P-256');

for my $name (keys %types) {
    openssl("genpkey -algorithm $types{$name} -out $dir/$name.key");
    openssl("pkey -in $dir/$name.key -pubout -out $dir/$name.pem");
}

# public keys as JWK (RFC 7518, 6)
sub rsa_jwk {
    my ($name) = @_;
    my ($hex) = `openssl rsa -pubin -in $dir/$name.pem -modulus -noout`
                =~ /^Modulus=(\w+)/;
    return (kty => 'RSA', n => encode_base64url(pack 'H*', $hex), e => 'AQAB');
}

sub ec_jwk {
    my ($name) = @_;
    my $der = decode_base64(join '', content("$name.pem") =~ /^([^-].*)$/mg);
    return (kty => 'EC', crv => 'P-256',
            x => encode_base64url(substr $der, -64, 32),
            y => encode_base64url(substr $der, -32));
}

sub oct_jwk { return (kty => 'oct', k => encode_base64url($_[0])) }

sub set { return $json->encode({ keys => [@_] }) }

my ($one, $two, $three) = map { $_ x 40 } 'a' .. 'c';
my $now = int time();

sub claims { return { sub => $_[0] // 'u-tom', exp => $now + 600 } }

# a token signed by openssl with a private key
sub signed {
    my ($name, $header) = @_;

    my $alg = $name =~ /^rsa/ ? 'RS256' : 'ES256';
    my $text = join '.', map { encode_base64url(encode_json($_)) }
                         { alg => $alg, %$header }, claims();
    file('text', $text);

    my $signature = `openssl dgst -sha256 -sign $dir/$name.key $dir/text`;

    if ($alg eq 'ES256') {
        # two integers in DER become two numbers of 32 bytes
        file('der', $signature);
        my @numbers = map { substr "\0" x 32 . pack('H*', $_), -32 }
                      `openssl asn1parse -inform DER -in $dir/der`
                      =~ /INTEGER\s*:(\w+)/g;
        $signature = join '', @numbers;
    }

    return "$text." . encode_base64url($signature);
}


# faults of a set, with the number of the key

my $ll = LeaseLoft->new(start => 0);

sub said {
    my ($text) = @_;
    file('set', $text);
    $ll->nginx_conf(server => "leaseloft_key $dir/set;");
    return $ll->nginx_test();
}

for my $case (
    ['{', 'is no JWKS'], ['{}', 'is no JWKS'], ['{"keys":{}}', 'is no JWKS'],
    [" \n{\"keys\":[]} x", 'is no JWKS'],
    [set() . "\0", 'is no JWKS'],
    [set(), 'has no key that can verify tokens'],
    [set('x'), 'key 1 of .* is no object'],
    [set({ k => 'x' }), 'key 1 of .* has no member "kty"'],
    ['{"keys":[{"kty":"oct","kty":"RSA"}]}', 'has a member twice'],
    [set({ oct_jwk($one) }, { rsa_jwk('rsa'), d => 'x' }),
     'key 2 of .* is a private key'],
    [set({ oct_jwk($one), kid => '' }), 'has a "kid" that is not'],
    [set({ oct_jwk($one), kid => 7 }), 'has a "kid" that is not'],
    [set({ oct_jwk($one), kid => 'x' x 256 }), 'has a "kid" that is not'],
    [set({ oct_jwk($one), kid => 'x' }, { oct_jwk($two), kid => 'x' }),
     'has a key with the "kid" of another key'],
    [set({ kty => 'oct' }), 'has no valid member "k"'],
    [set({ kty => 'oct', k => '' }), 'has no valid member "k"'],
    [set({ kty => 'oct', k => 'a+/b' }), 'has no valid member "k"'],
    [set({ rsa_jwk('rsa'), n => '!' }), 'is no valid public key'],
    [set({ rsa_jwk('rsa'), e => undef }), 'is no valid public key'],
    [set({ rsa_jwk('short') }), 'use at least 2048 bits'],
    [set({ ec_jwk('ec'), x => encode_base64url("\1" x 32) }),
     'is no valid public key'],
    [set({ ec_jwk('ec'), y => encode_base64url("\1" x 31) }),
     'is no valid public key'],
    [set({ rsa_jwk('rsa'), use => 'enc' }), 'has no key that can verify'],
    [set(map { { oct_jwk($_ x 40) } } map { chr(40 + $_) } 0 .. 64),
     'exceeds the maximum of 64 keys'])
{
    my ($text, $fault) = @$case;
    my ($status, $said) = said($text);
    is($status, 1, "a set is refused: $fault");
    like($said, qr/\[emerg\] "leaseloft_key": .*$fault/,
         "the error says why: $fault");
}

for my $case (
    [{ rsa_jwk('rsa2'), use => 'enc' }, 'its "use" is not "sig"'],
    [{ rsa_jwk('rsa2'), key_ops => ['sign'] }, 'do not have "verify"'],
    [{ rsa_jwk('rsa2'), alg => 'RS512' }, 'its "alg" is not RS256'],
    [{ oct_jwk($one), alg => 'HS512' }, 'its "alg" is not HS256'],
    [{ ec_jwk('ec2'), alg => 'ES384' }, 'or its "alg" not ES256'],
    [{ ec_jwk('ec2'), crv => 'P-384' }, 'its curve is not P-256'],
    [{ kty => 'OKP', crv => 'X25519', x => 'x' }, 'its curve is not Ed25519'],
    [{ kty => 'AKP', pub => 'x' }, 'its "kty" is not supported'])
{
    my ($jwk, $why) = @$case;
    my ($status, $said) = said(set($jwk, { rsa_jwk('rsa') }));
    is($status, 0, "the other keys of a set are used: $why");
    like($said, qr/\[warn\] .*key 1 of .* is not used: .*\Q$why\E/,
         "a warning says which is not: $why");
}

$ll->expect_log(qr/leaseloft_key/);
$ll->finish(more => 1);


# which key verifies which token

file('set', set({ rsa_jwk('rsa'), kid => 'r', use => 'sig', alg => 'RS256' },
                { ec_jwk('ec'), kid => 'e', key_ops => ['verify'] },
                { oct_jwk($one), kid => 'o' },
                { oct_jwk($two) }));
file('three', $three);

my $who = 'default_type text/plain; return 200 "$leaseloft_user"; }';

$ll = LeaseLoft->new(server => join "\n",
    "location = /set { leaseloft_key $dir/set; $who",
    "location = /both { leaseloft_key $dir/set; leaseloft_key $dir/three; "
    . "leaseloft_key $dir/rsa2.pem; $who",
    "location = /plain { leaseloft_key $dir/three; $who");

sub user { return $ll->get("/$_[1]", token => $_[0])->body() }
sub hs { return token($_[0], claims(), { alg => 'HS256', %{ $_[1] || {} } }) }

for my $path ('set', 'both') {
    for my $case (
        [signed('rsa', { kid => 'r' }), 'an RSA key by its kid'],
        [signed('ec', { kid => 'e' }), 'an EC key by its kid'],
        [hs($one, { kid => 'o' }), 'a secret by its kid'],
        [hs($two), 'a secret without kid'])
    {
        is(user($case->[0], $path), 'u-tom', "$path: $case->[1] is used")
            for 1, 2;
    }

    for my $case (
        [signed('rsa', {}), 'a token without the kid of its key'],
        [signed('rsa', { kid => 'e' }), 'a token with the kid of another key'],
        [signed('rsa', { kid => 'x' }), 'a token with the kid of no key'],
        [signed('ec', { kid => 'r' }), 'an ES256 token with an RSA kid'],
        [signed('ec2', { kid => 'e' }), 'a token of another key with this kid'],
        [hs($one), 'a token of a secret without its kid'],
        [hs($two, { kid => 'o' }), 'a token of another secret with this kid'],
        [hs($two, { kid => 'two' }),
         'a token with a kid, of a secret without one'],
        [hs(content('rsa.pem'), { kid => 'r' }),
         'an HS256 token signed with the PEM of an RSA key'],
        [hs($one, { kid => 'o', alg => 'RS256' }),
         'a token whose algorithm is not that of its key'])
    {
        is(user($case->[0], $path), '', "$path: $case->[1] is refused")
            for 1, 2;
    }
}

is(user(hs($three), 'both'), 'u-tom', 'a second file is used too');
is(user(signed('rsa2', {}), 'both'), 'u-tom', 'and a third one');
is(user(hs($three), 'set'), '', 'not where it is not configured');
is(user(hs($two), 'plain'), '',
   'a token that is valid in one location is refused in another');
is(user(hs($three, { kid => 'x' }), 'plain'), '',
   'a token with a kid is refused where no key has one');


# a rotation: new and old key together, then the new one alone

sub reload {
    my ($conf) = @_;
    my ($old) = $ll->nginx_children();
    $ll->nginx_conf(server => "location = /set { $conf $who");
    $ll->signal('nginx', 'HUP');
    ok(wait_for(sub { !kill 0, $old }, 10), 'nginx has reloaded');
}

my ($before, $after) = (hs($two), hs($three));

reload("leaseloft_key $dir/set; leaseloft_key $dir/three;");
is(user($_, 'set'), 'u-tom', 'during a rotation both keys are valid')
    for $before, $after;
reload("leaseloft_key $dir/three;");
is(user($after, 'set'), 'u-tom', 'after it the new key is valid');
is(user($before, 'set'), '', 'and the old one is not, though it was cached');

unlike($ll->slurp('error.log'), qr/\Q$one\E|\Q$two\E|u-tom/,
       'the log has nothing of a token or key');

$ll->finish();
