#!/usr/bin/perl

# Key files and tokens: the error for a key file that cannot be used, the
# algorithm that each key implies, and details of JWT that must be refused or
# accepted.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;
use Time::HiRes qw(time);

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Token qw(token token_raw);

my $dir = tempdir('leaseloft-keys-XXXXXX', TMPDIR => 1, CLEANUP => 1);

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

my %keys = (
    rsa => 'RSA -pkeyopt rsa_keygen_bits:2048',
    short => 'RSA -pkeyopt rsa_keygen_bits:1024',
    ec => 'EC -pkeyopt ec_paramgen_curve:P-256',
    p384 => 'EC -pkeyopt ec_paramgen_curve:P-384',
    k256 => 'EC -pkeyopt ec_paramgen_curve:secp256k1',
    ed => 'ED25519', pss => 'RSA-PSS -pkeyopt rsa_keygen_bits:2048');

for my $name (keys %keys) {
    openssl("genpkey -algorithm $keys{$name} -out $dir/$name.key");
    openssl("pkey -in $dir/$name.key -pubout -out $dir/$name.pem");
}

openssl("rsa -in $dir/rsa.key -RSAPublicKey_out -out $dir/pkcs1.pem");
openssl("req -x509 -key $dir/rsa.key -subj /CN=x -days 1 -out $dir/cert.pem");

my $pem = do { local (@ARGV, $/) = "$dir/rsa.pem"; <> };

file('empty', '');
file('newline', "\n");
file('broken.pem', $pem =~ s/MII/AAA/r);
file('cut.pem', substr $pem, 0, 100);
file('huge', 'x' x 70000);
file('brief', 'secret');
file('bytes', "\0\x01\xff\n" x 10 . "\n\n");
file('comment.pem', "# a comment\n$pem");
file('long', 'k' x 40 . "\n");

my $ll = LeaseLoft->new(start => 0);

sub key_test {
    my ($file) = @_;
    $ll->nginx_conf(server => "leaseloft_key $dir/$file;");
    return $ll->nginx_test();
}

for my $case (
    ['none', 'put the secret, the PEM public key'],
    ['empty', 'is empty'], ['newline', 'is empty'],
    ['huge', 'too long'], ['rsa.key', 'pkey -pubout'],
    ['ec.key', 'pkey -pubout'], ['cert.pem', 'x509 -noout -pubkey'],
    ['broken.pem', 'no valid PEM'],
    ['cut.pem', 'no valid PEM'], ['short.pem', '2048 bits'],
    ['p384.pem', 'P-256'], ['k256.pem', 'P-256'],
    ['pss.pem', 'RSA, P-256 or Ed25519'], ['.', 'cannot be read'])
{
    my ($status, $said) = key_test($case->[0]);

    is($status, 1, "key file $case->[0] is refused");
    like($said, qr/\[emerg\] "leaseloft_key": "\Q$dir\E.*\Q$case->[1]\E/,
         "key file $case->[0]: the error says why");
}

for my $file ('rsa.pem', 'pkcs1.pem', 'ec.pem', 'ed.pem', 'comment.pem', 'long',
              'bytes')
{
    my ($status, $said) = key_test($file);
    is($status, 0, "key file $file is valid") or diag($said);
    unlike($said, qr/guessed/, "key file $file causes no warning");
}

my ($status, $said) = key_test('brief');
is($status, 0, 'a short secret is valid');
like($said, qr/\[warn\].*may be guessed/, 'a short secret causes a warning');

$ll->nginx_conf(server => "leaseloft_key $dir/long; leaseloft_key $dir/long;");
($status, $said) = $ll->nginx_test();
is($status, 1, 'a key given twice is refused');
like($said, qr/\[emerg\] "leaseloft_key": ".*long" has a key that is configured/,
     'the error names the file of the second one');

file('two.pem', $pem . $pem);
($status, $said) = key_test('two.pem');
is($status, 1, 'a file with two PEM blocks is refused');
like($said, qr/several PEM blocks; put each key into a file of its own/,
     'the error says what to do');

$ll->expect_log(qr/leaseloft_key/);
$ll->finish(more => 1);


# the secret is the content of the file without one final line feed

my $who = 'default_type text/plain; return 200 "$leaseloft_user"; }';

$ll = LeaseLoft->new(server => join "\n",
    map { "location = /$_->[0] { leaseloft_key $dir/$_->[1]; $who" }
    ['long', 'long'], ['bytes', 'bytes'], ['rs', 'rsa.pem'], ['es', 'ec.pem']);

my $now = int time();
my $claims = { sub => 'u-tom', exp => $now + 600 };

# the user by Authorization header and by cookie, which must be the same
sub user {
    my ($token, $path) = @_;

    my @users = map { $ll->get("/$path", $_ => $token)->body() }
                    qw(token cookie);

    return $users[0] eq $users[1] ? $users[0]
           : "header '$users[0]', cookie '$users[1]'";
}

is(user(token('k' x 40, $claims), 'long'), 'u-tom',
   'the final line feed of a key file is not part of the secret');
is(user(token('k' x 40 . "\n", $claims), 'long'), '',
   'a token signed with the final line feed is refused');
is(user(token("\0\x01\xff\n" x 10 . "\n", $claims), 'bytes'), 'u-tom',
   'a secret can have any bytes, and loses one line feed only');
is(user(token("\0", $claims), 'bytes'), '', 'a secret is not cut at NUL');


# headers and claims, signed with the right key

my $key = $ll->{key};
$ll->nginx_conf(server => "large_client_header_buffers 4 32k;\nlocation = /hs { $who\n"
    . "location = /rs { leaseloft_key $dir/pkcs1.pem; $who\n"
    . "location = /es { leaseloft_key $dir/ec.pem; $who\n"
    . "location = /a { leaseloft_audience A; $who\n"
    . "location = /b { leaseloft_audience B; $who\n");

my ($old) = $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { !kill 0, $old }), 'nginx has reloaded');

is(user(token($key, { %$claims, aud => 'A' }), 'a'), 'u-tom',
   'a token for the audience of a location is valid there');
is(user(token($key, { %$claims, aud => 'A' }), 'b'), '',
   'a token that is valid in one location is refused in another');

my $good = encode_json($claims);
my $head = '{"alg":"HS256"}';
my $x = $now + 600;

for my $case (
    ['{"alg":"none","alg":"HS256"}', $good, 'alg twice'],
    ['{"alg":"HS256","alg":"none"}', $good, 'alg twice'],
    ['{"alg":"HS256","\u0061lg":"HS256"}', $good, 'alg twice by an escape'],
    ['{"alg":"HS256","kid":1,"kid":1}', $good, 'kid twice'],
    ['{"alg":"HS256","kid":1}', $good, 'a kid that is a number'],
    ['{"alg":"HS256","kid":null}', $good, 'kid null'],
    ['{"alg":"HS256","kid":""}', $good, 'an empty kid'],
    ['{"typ":"jwt","kid":"\"","alg":"HS256"}', $good, 'a kid of no key'],
    ['{"typ":"at+jwt","alg":"HS256"}', $good, 'another typ'],
    ['{"alg":"HS256","crit":[]}', $good, 'an empty crit'],
    ['{"alg":"HS256","crit":null}', $good, 'crit null'],
    ['{"alg":"hs256"}', $good, 'alg in lower case'],
    ['{"alg":"HS256\u0000"}', $good, 'alg with NUL'],
    ["{\"alg\":\"HS256\"}\0", $good, 'NUL after the header'],
    ['{"alg":["HS256"]}', $good, 'alg as an array'],
    ['{"ALG":"HS256"}', $good, 'ALG in upper case'],
    ['["HS256"]', $good, 'a header that is an array'],
    ['{"alg":"HS256","x":"' . 'x' x 1100 . '"}', $good, 'a long header'],
    ["{\"alg\":\"HS256\",\"x\":\"\xff\"}", $good, 'a header not in UTF-8'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"exp\":$x}", 'exp twice'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"\\u0065xp\":1}",
     'exp twice by an escape'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"z\":1,\"z\":1}",
     'another member twice'],
    [$head, "{\"sub\":\"u-tom\\u0000x\",\"exp\":$x}", 'NUL in sub'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x}\0", 'NUL after the claims'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x} {}", 'an object after the claims'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"y\":\"\xff\"}",
     'claims not in UTF-8'],
    [$head, '{"sub":"u-tom","exp":1e300}', 'exp 1e300'],
    [$head, '{"sub":"u-tom","exp":99999999999999999999}', 'exp of 67 bits'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":\"$x\"}", 'exp as a string'],
    [$head, '{"sub":"u-tom","exp":true}', 'exp true'],
    [$head, '{"sub":"u-tom","exp":-9223372036854775808}', 'exp very long ago'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":null}", 'nbf null'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":9223372036854775807}",
     'nbf very late'],
    [$head, '[' x 5000, 'deeply nested claims'], [$head, '', 'empty claims'])
{
    for (1, 2) {
        is(user(token_raw($key, @$case[0, 1]), 'hs'), '',
           "$case->[2] is refused");
    }
}

for my $case (
    [$head, '{"sub":"u-tom","exp":9223372036854775807}', 'exp very late'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x.5}", 'exp with a fraction'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":${x}e0}", 'exp with an exponent'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":1.5}",
     'nbf with a fraction'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":-9223372036854775808}",
     'nbf very early'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":0}", 'nbf 0'],
    [$head, " {\"exp\" : $x ,\n\"sub\":\"u\\u002dtom\"} ", 'white space'])
{
    is(user(token_raw($key, @$case[0, 1]), 'hs'), 'u-tom',
       "$case->[2] is accepted") for 1, 2;
}

# the refusal of a token before its nbf is not cached
my $soon = token($key, { %$claims, nbf => int(time()) + 3 });
is(user($soon, 'hs'), '', 'a token is refused before its nbf');
ok(wait_for(sub { user($soon, 'hs') eq 'u-tom' }, 6),
   'a token is accepted from its nbf on');

# the form of a token
my $token = token($key, $claims);
my ($h, $c, $s) = split /\./, $token;

is(user("$h.$c.$s=", 'hs'), '', 'a signature with padding is refused');
is(user("$h.$c.$s$s", 'hs'), '', 'a signature that is too long is refused');
is(user("$h=.$c.$s", 'hs'), '', 'a header with padding is refused');
is(user("$token ", 'hs'), 'u-tom', 'white space after a token is ignored');
is(user("$token x", 'hs'), '', 'a token with a word after it is refused');
is(user("$token,x", 'hs'), '', 'a list of tokens is refused');
is(user(token($key, { %$claims, x => 'x' x 4000 }), 'hs'), 'u-tom',
   'a token of 5 kB is accepted');
is(user(token($key, { %$claims, x => 'x' x 7000 }), 'hs'), '',
   'a token of more than 8 kB is refused');

# a public key in the older form of PKCS #1
{
    my $text = encode_base64url('{"alg":"RS256"}') . ".$c";
    file('text', $text);
    my $signature = `openssl dgst -sha256 -sign $dir/rsa.key $dir/text`;

    is(user("$text." . encode_base64url($signature), 'rs'), 'u-tom',
       'a token signed for a PKCS #1 public key is accepted');
}

# public keys must never be used as secrets of HS256
for my $path ('rs', 'es') {
    my $file = $path eq 'rs' ? 'rsa' : 'ec';
    my $text = do { local (@ARGV, $/) = "$dir/$file.pem"; <> };

    for my $secret ($text, $text =~ s/\n$//r, '', "$dir/$file.pem") {
        for my $alg ('HS256', 'RS256', 'ES256', 'none') {
            is(user(token($secret, $claims, { alg => $alg }), $path), '',
               "$path: a token with $alg signed by HMAC is refused");
        }
    }
    is(user("$h.$c.", $path), '',
       "$path: a token without a signature is refused");
    is(user(encode_base64url('{"alg":"none"}') . ".$c.", $path), '',
       "$path: a token with alg none is refused");
    is(user(encode_base64url('{"alg":"ES256"}') . ".$c."
            . encode_base64url("\0" x 64), $path), '',
       "$path: an ES256 signature of zeros is refused");
    is(user(encode_base64url('{"alg":"RS256"}') . ".$c."
            . encode_base64url("\0" x 256), $path), '',
       "$path: an RS256 signature of zeros is refused");
}

# more tokens than the cache holds, mixed with invalid ones
for my $round (1, 2) {
    my @wrong = grep { user(token($key, { %$claims, sub => "u-$_" }), 'hs')
                           ne "u-$_"
                       || user(token('wrong', { %$claims, n => $_ }), 'hs')
                           ne '' } 1 .. 300;
    is("@wrong", '', "hundreds of tokens get the right users, round $round");
}

unlike($ll->slurp('error.log'), qr/stale|\Q$c\E|\Q$s\E|u-tom/,
       'the log has nothing of a token');

$ll->finish();
