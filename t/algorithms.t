#!/usr/bin/perl

# Tokens of each algorithm: "leaseloft token" signs with private keys, and nginx
# verifies with public ones, from PEM files and from a set, also while keys are
# replaced.

use strict;
use warnings;

use File::Temp qw(tempdir);
use JSON::PP;
use MIME::Base64 qw(encode_base64url decode_base64url decode_base64);
use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Token qw(token);

my $dir = tempdir('leaseloft-algorithms-XXXXXX', TMPDIR => 1, CLEANUP => 1);
my $json = JSON::PP->new->canonical->utf8;

my %types = (rs => 'RSA -pkeyopt rsa_keygen_bits:2048',
             es => 'EC -pkeyopt ec_paramgen_curve:P-256',
             ed => 'ED25519', ed2 => 'ED25519', ed448 => 'ED448',
             x25519 => 'X25519', short => 'RSA -pkeyopt rsa_keygen_bits:1024',
             p384 => 'EC -pkeyopt ec_paramgen_curve:P-384');
my %names = (rs => 'RS256', es => 'ES256', ed => 'EdDSA', hs => 'HS256');

sub openssl {
    system("openssl @_ >/dev/null 2>&1") == 0 or die "openssl @_";
}

sub file {
    my ($name, $text) = @_;
    open my $f, '>:raw', "$dir/$name" or die;
    print $f $text;
    close $f or die;
}

sub content { local (@ARGV, $/) = "$dir/$_[0]"; return scalar <> }

for my $name (keys %types) {
    openssl("genpkey -algorithm $types{$name} -out $dir/$name.key");
    openssl("pkey -in $dir/$name.key -pubout -out $dir/$name.pem");
}

openssl("pkey -in $dir/ed.key -aes128 -passout pass:x -out $dir/locked.key");
openssl("ecparam -name prime256v1 -genkey -out $dir/parameters.key");
openssl("pkey -in $dir/parameters.key -pubout -out $dir/parameters.pem");
file('hs.key', 's' x 40 . "\n");
file('set.key', '{"keys":[]}');
file('empty.key', "\n");

# the public key of Ed25519 in DER ends with its 32 bytes
sub okp {
    my ($name) = @_;
    my $der = decode_base64(join '', content("$name.pem") =~ /^([^-].*)$/mg);
    return (kty => 'OKP', crv => 'Ed25519',
            x => encode_base64url(substr $der, -32));
}

sub set { return $json->encode({ keys => [@_] }) }

# the exit status and the output of "leaseloft token"
sub command {
    my ($name, @args) = @_;
    my $said = qx($LeaseLoft::cli token --sub u-tom --ttl 600 \\
                  --key $dir/$name.key @args 2>&1);
    chomp $said;
    return ($? >> 8, $said);
}

# the token
sub sign { return (command(@_))[1] }

sub part { return decode_json(decode_base64url((split /\./, $_[0])[$_[1]])) }


# nginx with one kind of key in each location

file('one', set({ okp('ed'), kid => 'a' }));

my $who = 'default_type text/plain; return 200 "$leaseloft_user"; }';
my @files = (map({ [$_, "$_.pem"] } qw(rs es ed parameters)), ['hs', 'hs.key'],
             ['one', 'one']);
my $claimed = "location = /claimed { leaseloft_key $dir/es.pem;"
              . " leaseloft_issuer us; leaseloft_audience them; $who";

my $ll = LeaseLoft->new(server => join "\n", $claimed,
    map { "location = /$_->[0] { leaseloft_key $dir/$_->[1]; $who" } @files);

sub user { return $ll->get("/$_[1]", token => $_[0])->body() }

for my $name (qw(rs es ed hs)) {
    my ($status, $token) = command($name, '--name', 'Tom');

    is($status, 0, "$names{$name}: a token is made");
    is_deeply(part($token, 0), { alg => $names{$name}, typ => 'JWT' },
              "$names{$name}: the key determines the algorithm");
    is_deeply([map { part($token, 1)->{$_} } qw(sub name)], ['u-tom', 'Tom'],
              "$names{$name}: the claims are those that were asked for");
    is(part($token, 1)->{exp} - part($token, 1)->{iat}, 600,
       "$names{$name}: the token is valid for the given time");

    # the second time it is cached
    for my $path (map { $_->[0] } @files) {
        is(user($token, $path), $path eq $name ? 'u-tom' : '',
           "$names{$name}: the token is "
           . ($path eq $name ? 'valid' : 'refused') . " with the key of $path")
            for 1, 2;
    }

    my ($h, $c, $s) = split /\./, $token;
    my $claims = encode_base64url($json->encode({ %{ part($token, 1) },
                                                  sub => 'u-eve' }));

    # another first character is another signature; the last one has spare bits
    my $other = ($s =~ /^A/ ? 'B' : 'A') . substr $s, 1;

    is(user($_->[0], $name), '', "$names{$name}: a token with $_->[1] is refused")
        for ["$h.$claims.$s", 'other claims'],
            ["$h.$c." . encode_base64url("\0" x 64), 'a signature of zeros'],
            ["$h.$c." . substr($s, 0, -2), 'a short signature'],
            ["$h.$c.$s$s", 'a long signature'], ["$h.$c.$other", 'another signature'],
            [encode_base64url('{"alg":"none"}') . ".$c.$s", 'alg none'];
}

is(user(sign('parameters'), 'parameters'), 'u-tom',
   'a private key behind its parameters is used');

# lengths of R and S vary
my @tokens = map { sign('es', '--name', $_) } 1 .. 40;
is(join('', map { length((split /\./, $_)[2]) == 86 ? '' : $_ } @tokens), '',
   'each signature of ES256 has 64 bytes');
is(join('', map { user($_, 'es') eq 'u-tom' ? '' : $_ } @tokens), '',
   'and is valid');

is(user(sign('es', '--iss', 'us', '--aud', 'them'), 'claimed'), 'u-tom',
   'a token has the issuer and the audience that were asked for');
is(user(sign('es', @$_), 'claimed'), '', 'and one with others is refused')
    for [], ['--iss', 'us'], ['--aud', 'them'],
        ['--iss', 'us', '--aud', 'others'];


# kid

my $token = sign('ed', '--kid', 'a');
is(part($token, 0)->{kid}, 'a', 'a token has the kid that was asked for');
is(user($token, 'one'), 'u-tom', 'it is verified by the key with this kid');
is(user(sign('ed', '--kid', 'b'), 'one'), '', 'and by no key with another');
is(user($token, 'ed'), '', 'and by no key without one');
is(user(sign('ed2', '--kid', 'a'), 'one'), '',
   'a token of another key with this kid is refused');
is(user(sign('es', '--kid', 'a'), 'one'), '',
   'a token of another algorithm with this kid is refused');
is(part(sign('ed', '--kid', '"a\"b"'), 0)->{kid}, 'a"b',
   'a kid is encoded');


# tokens of EdDSA that are signed by openssl

sub signed {
    my ($header, $claims, $name) = @_;
    my $text = join '.', map { encode_base64url($_) } $header, $claims;
    file('text', $text);
    openssl("pkeyutl -sign -rawin -inkey $dir/" . ($name // 'ed')
            . ".key -in $dir/text -out $dir/signature");
    return "$text." . encode_base64url(content('signature'));
}

my $exp = time() + 600;
my ($head, $body) = ('{"alg":"EdDSA"}', "{\"sub\":\"u-tom\",\"exp\":$exp}");

is(user(signed($head, $body), 'ed'), 'u-tom', 'EdDSA of openssl is verified');
is(user(signed($head, "{\"sub\":\"u-tom\",\"exp\":$exp.5}"), 'ed'), 'u-tom',
   'EdDSA: exp may have a fraction');

for my $case (
    ['{"alg":"EdDSA","alg":"EdDSA"}', $body, 'alg twice'],
    ['{"alg":"HS256"}', $body, 'alg HS256'],
    ['{"alg":"eddsa"}', $body, 'alg in lower case'],
    ['{"typ":"JWT"}', $body, 'no alg'], ['{"alg":"none"}', $body, 'alg none'],
    ['{"alg":"EdDSA","crit":["exp"]}', $body, 'crit'],
    ['{"alg":"EdDSA","kid":"a"}', $body, 'a kid of no key'],
    ['{"alg":"EdDSA","typ":"at+jwt"}', $body, 'another typ'],
    ["{\"alg\":\"EdDSA\",\"x\":\"\xff\"}", $body, 'a header not in UTF-8'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$exp,\"x\":\"\xff\"}",
     'claims not in UTF-8'],
    [$head, "{\"sub\":\"u-tom\",\"exp\":$exp,\"exp\":$exp}", 'exp twice'],
    [$head, "{\"sub\":\"u-tom\\u0000\",\"exp\":$exp}", 'NUL in sub'],
    [$head, '{"sub":"u-tom"}', 'no exp'],
    [$head, '{"sub":"u-tom","exp":1}', 'a past exp'],
    [$head, '[]', 'claims that are a list'],
    [$head, "$body x", 'more after the claims'])
{
    is(user(signed(@$case[0, 1]), 'ed'), '', "EdDSA: $case->[2] is refused");
}

is(user(signed($head, $body, 'ed2'), 'ed'), '', 'EdDSA: another key is refused');

for my $secret (content('ed.pem'), substr(decode_base64(join '',
                    content('ed.pem') =~ /^([^-].*)$/mg), -32))
{
    for my $alg (qw(HS256 EdDSA none)) {
        is(user(token($secret, { sub => 'u-tom', exp => $exp },
                      { alg => $alg }), 'ed'), '',
           "EdDSA: the public key as a secret of $alg is refused");
    }
}


# a rotation: the set has the old key, then both, then the new one

my ($before, $after) = (sign('ed', '--kid', 'a'), sign('ed2', '--kid', 'b'));

sub reload {
    my ($set) = @_;
    my ($old) = $ll->nginx_children();
    file('one', $set);
    $ll->signal('nginx', 'HUP');
    ok(wait_for(sub { !kill 0, $old }, 10), 'nginx has reloaded');
    return join ' ', map { user($_, 'one') || 'refused' } $before, $after;
}

is(join(' ', map { user($_, 'one') || 'refused' } $before, $after),
   'u-tom refused', 'before a rotation the old key is used');
is(reload(set({ okp('ed'), kid => 'a' },
              { okp('ed2'), kid => 'b', alg => 'EdDSA', use => 'sig' })),
   'u-tom u-tom', 'during it both are');
is(reload(set({ okp('ed2'), kid => 'b' })), 'refused u-tom',
   'after it the new one alone is');

unlike($ll->slurp('error.log'), qr/stale|u-tom|\Q$before\E|\Q$after\E/,
       'the log has nothing of a token');


# keys that cannot be used: nginx's

sub said {
    my ($file) = @_;
    $ll->nginx_conf(server => "leaseloft_key $dir/$file;");
    return $ll->nginx_test();
}

my %okp = okp('ed');

for my $case (
    ['ed448.pem', undef, 'use an RSA, P-256 or Ed25519 key'],
    ['x25519.pem', undef, 'use an RSA, P-256 or Ed25519 key'],
    ['ed.key', undef, 'contains a private key'],
    ['short', { %okp, x => encode_base64url('x' x 31) }, 'no valid public key'],
    ['long', { %okp, x => encode_base64url('x' x 33) }, 'no valid public key'],
    ['none', { kty => 'OKP', crv => 'Ed25519' }, 'is no valid public key'],
    ['private', { %okp, d => $okp{x} }, 'is a private key'],
    ['x', { %okp, crv => 'X25519' }, 'its curve is not Ed25519'],
    ['448', { %okp, crv => 'Ed448' }, 'its curve is not Ed25519'],
    ['alg', { %okp, alg => 'ES256' }, 'or its "alg" not EdDSA'])
{
    my ($file, $jwk, $why) = @$case;
    file($file, set($jwk)) if $jwk;
    my ($status, $said) = said($file);
    is($status, 1, "nginx refuses the key $file");
    like($said, qr/\[\w+\] "leaseloft_key": .*\Q$file\E.*\Q$why\E/,
         "and says why: $why");
}

$ll->expect_log(qr/leaseloft_key/);


# and those of the command

for my $case (
    ['short', 'less than 2048 bits'], ['p384', 'other than P-256'],
    ['ed448', 'RSA, P-256 or Ed25519'], ['x25519', 'RSA, P-256 or Ed25519'],
    ['locked', 'encrypted'], ['set', 'JSON Web Key Set'],
    ['empty', 'contains no secret'], ['nowhere', 'cannot open'])
{
    my ($status, $said) = command($case->[0]);
    is($status, 1, "the command refuses the key $case->[0]");
    like($said, qr/\Aleaseloft: .*\Q$case->[1]\E/,
         "and says why: $case->[1]");
}

file('public.key', content('ed.pem'));
my ($status, $said) = command('public');
is($status, 1, 'the command refuses a public key');
like($said, qr/without a private key.*the public key is for nginx\z/,
     'and says which key it needs');

for my $kid ("''", 'x' x 256, "'\xff'") {
    my ($status, $said) = command('ed', '--kid', $kid);
    is($status, 2, 'the command refuses a kid that nginx could not have');
    like($said, qr/--kid must be UTF-8 of 1 to 255 bytes/, 'and says why');
}

$ll->finish();
