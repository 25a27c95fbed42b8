#!/usr/bin/perl

# Key files: which algorithm a key fixes, and what is said of one that cannot
# be used; tokens by their finer points.

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
file('broken.pem', $pem =~ s/MII/XXX/r);
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
    ['none', 'put the secret or the PEM public key there'],
    ['empty', 'is empty'], ['newline', 'is empty'],
    ['huge', 'too long'], ['rsa.key', 'pkey -pubout'],
    ['ec.key', 'pkey -pubout'], ['cert.pem', 'x509 -noout -pubkey'],
    ['broken.pem', 'no valid PEM'],
    ['cut.pem', 'no valid PEM'], ['short.pem', '2048 bits'],
    ['p384.pem', 'P-256'], ['k256.pem', 'P-256'], ['ed.pem', 'EdDSA'],
    ['pss.pem', 'RSA or P-256'], ['.', 'cannot be read'])
{
    my ($status, $said) = key_test($case->[0]);

    is($status, 1, "a key that is $case->[0]");
    like($said, qr/\[emerg\] "leaseloft_key": "\Q$dir\E.*\Q$case->[1]\E/,
         'and why');
}

for my $file ('rsa.pem', 'pkcs1.pem', 'ec.pem', 'comment.pem', 'long', 'bytes') {
    my ($status, $said) = key_test($file);
    is($status, 0, "a key that is $file") or diag($said);
    unlike($said, qr/guessed/, 'without a warning');
}

my ($status, $said) = key_test('brief');
is($status, 0, 'a brief secret');
like($said, qr/\[warn\].*may be guessed/, 'is warned of');

$ll->nginx_conf(server => "leaseloft_key $dir/long; leaseloft_key $dir/long;");
($status, $said) = $ll->nginx_test();
is($status, 1, 'two keys');
like($said, qr/"leaseloft_key" directive is duplicate/, 'are one too many');

$ll->expect_log(qr/leaseloft_key/);
$ll->finish(more => 1);


# the secret is the file's bytes less one line feed

my $who = 'default_type text/plain; return 200 "$leaseloft_user"; }';

$ll = LeaseLoft->new(server => join "\n",
    map { "location = /$_->[0] { leaseloft_key $dir/$_->[1]; $who" }
    ['long', 'long'], ['bytes', 'bytes'], ['rs', 'rsa.pem'], ['es', 'ec.pem']);

my $now = int time();
my $claims = { sub => 'u-tom', exp => $now + 600 };

# by header and by cookie
sub user {
    my ($token, $path) = @_;

    my @users = map { $ll->get("/$path", $_ => $token)->body() }
                    qw(token cookie);

    return $users[0] eq $users[1] ? $users[0]
           : "header '$users[0]', cookie '$users[1]'";
}

is(user(token('k' x 40, $claims), 'long'), 'u-tom', 'less its line feed');
is(user(token('k' x 40 . "\n", $claims), 'long'), '', 'and not with it');
is(user(token("\0\x01\xff\n" x 10 . "\n", $claims), 'bytes'), 'u-tom',
   'any bytes, and only one line feed');
is(user(token("\0", $claims), 'bytes'), '', 'not cut at NUL');


# headers and claims, signed with the right key

my $key = $ll->{key};
$ll->nginx_conf(server => "large_client_header_buffers 4 32k;\nlocation = /hs { $who\n"
    . "location = /rs { leaseloft_key $dir/pkcs1.pem; $who\n"
    . "location = /es { leaseloft_key $dir/ec.pem; $who\n"
    . "location = /a { leaseloft_audience A; $who\n"
    . "location = /b { leaseloft_audience B; $who\n");

my ($old) = $ll->nginx_children();
$ll->signal('nginx', 'HUP');
ok(wait_for(sub { !kill 0, $old }), 'reloaded');

is(user(token($key, { %$claims, aud => 'A' }), 'a'), 'u-tom', 'an audience');
is(user(token($key, { %$claims, aud => 'A' }), 'b'), '',
   'what is good in one location is not in another');

my $good = encode_json($claims);
my $head = '{"alg":"HS256"}';
my $x = $now + 600;

for my $case (
    ['{"alg":"none","alg":"HS256"}', $good, 'alg twice'],
    ['{"alg":"HS256","alg":"none"}', $good, 'alg twice'],
    ['{"alg":"HS256","\u0061lg":"HS256"}', $good, 'twice by an escape'],
    ['{"alg":"HS256","kid":1,"kid":1}', $good, 'kid twice'],
    ['{"alg":"HS256","crit":[]}', $good, 'crit, empty'],
    ['{"alg":"HS256","crit":null}', $good, 'crit, null'],
    ['{"alg":"hs256"}', $good, 'alg in lower case'],
    ['{"alg":"HS256\u0000"}', $good, 'alg with NUL'],
    ["{\"alg\":\"HS256\"}\0", $good, 'NUL after the header'],
    ['{"alg":["HS256"]}', $good, 'a list'],
    ['{"ALG":"HS256"}', $good, 'ALG'],
    ['["HS256"]', $good, 'header a list'],
    ['{"alg":"HS256","x":"' . 'x' x 1100 . '"}', $good, 'a long header'],
    ["{\"alg\":\"HS256\",\"x\":\"\xff\"}", $good, 'header not UTF-8'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"exp\":$x}", 'exp twice'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"\\u0065xp\":1}",
     'twice by an escape'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"z\":1,\"z\":1}", 'any twice'],
    [$head, "{\"sub\":\"u-tom\\u0000x\",\"exp\":$x}", 'NUL in sub'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x}\0", 'NUL after the claims'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x} {}", 'more after the claims'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"y\":\"\xff\"}", 'not UTF-8'],
    [$head, '{"sub":"u-tom","exp":1e300}', 'exp 1e300'],
    [$head, '{"sub":"u-tom","exp":99999999999999999999}', 'exp of 67 bits'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":\"$x\"}", 'exp a string'],
    [$head, '{"sub":"u-tom","exp":true}', 'exp true'],
    [$head, '{"sub":"u-tom","exp":-9223372036854775808}', 'exp very long ago'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":null}", 'nbf null'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":9223372036854775807}",
     'nbf very late'],
    [$head, '[' x 5000, 'nested'], [$head, '', 'no claims'])
{
    for (1, 2) {
        is(user(token_raw($key, @$case[0, 1]), 'hs'), '', $case->[2]);
    }
}

for my $case (
    [$head, '{"sub":"u-tom","exp":9223372036854775807}', 'exp very late'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x.5}", 'exp a fraction'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":${x}e0}", 'exp with an exponent'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":1.5}", 'nbf a fraction'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":-9223372036854775808}",
     'nbf very early'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$x,\"nbf\":0}", 'nbf 0'],
    [$head, " {\"exp\" : $x ,\n\"sub\":\"u\\u002dtom\"} ", 'white space'],
    ['{"typ":"jwt","kid":"\"","alg":"HS256"}', $good, 'other members'])
{
    is(user(token_raw($key, @$case[0, 1]), 'hs'), 'u-tom', $case->[2]) for 1, 2;
}

# a token that begins to be valid is not remembered as a bad one
my $soon = token($key, { %$claims, nbf => int(time()) + 3 });
is(user($soon, 'hs'), '', 'not yet');
ok(wait_for(sub { user($soon, 'hs') eq 'u-tom' }, 6), 'but then');

# form
my $token = token($key, $claims);
my ($h, $c, $s) = split /\./, $token;

is(user("$h.$c.$s=", 'hs'), '', 'padding');
is(user("$h.$c.$s$s", 'hs'), '', 'a long signature');
is(user("$h=.$c.$s", 'hs'), '', 'padding within');
is(user("$token ", 'hs'), 'u-tom', 'blanks after it are the header\'s');
is(user("$token x", 'hs'), '', 'words are not');
is(user("$token,x", 'hs'), '', 'nor is a list');
is(user(token($key, { %$claims, x => 'x' x 4000 }), 'hs'), 'u-tom',
   'a token of 5 kB');
is(user(token($key, { %$claims, x => 'x' x 7000 }), 'hs'), '',
   'one over 8 kB');

# a public key in the older form of PKCS #1 serves, too
{
    my $text = encode_base64url('{"alg":"RS256"}') . ".$c";
    file('text', $text);
    my $signature = `openssl dgst -sha256 -sign $dir/rsa.key $dir/text`;

    is(user("$text." . encode_base64url($signature), 'rs'), 'u-tom', 'PKCS #1');
}

# public keys, against all that HS256 could be tricked with
for my $path ('rs', 'es') {
    my $file = $path eq 'rs' ? 'rsa' : 'ec';
    my $text = do { local (@ARGV, $/) = "$dir/$file.pem"; <> };

    for my $secret ($text, $text =~ s/\n$//r, '', "$dir/$file.pem") {
        for my $alg ('HS256', 'RS256', 'ES256', 'none') {
            is(user(token($secret, $claims, { alg => $alg }), $path), '',
               "$path: $alg by HMAC");
        }
    }
    is(user("$h.$c.", $path), '', 'no signature');
    is(user(encode_base64url('{"alg":"none"}') . ".$c.", $path), '', 'none');
    is(user(encode_base64url('{"alg":"ES256"}') . ".$c."
            . encode_base64url("\0" x 64), $path), '', 'a signature of zeros');
    is(user(encode_base64url('{"alg":"RS256"}') . ".$c."
            . encode_base64url("\0" x 256), $path), '', 'a signature of zeros');
}

# many tokens: more than are remembered, and bad ones between them
for my $round (1, 2) {
    my @wrong = grep { user(token($key, { %$claims, sub => "u-$_" }), 'hs')
                           ne "u-$_"
                       || user(token('wrong', { %$claims, n => $_ }), 'hs')
                           ne '' } 1 .. 300;
    is("@wrong", '', "hundreds of tokens, round $round");
}

unlike($ll->slurp('error.log'), qr/stale|\Q$c\E|\Q$s\E|u-tom/,
       'nothing of it in the log');

$ll->finish();
