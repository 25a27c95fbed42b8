#!/usr/bin/perl

# The password of Redis from a file, for the worker and the command line: it is
# read again for each connection, and shown nowhere.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Requests;

my $port = LeaseLoft::free_port();
my $ll = LeaseLoft->new(start => 0, redis_conf => <<"END");
port $port
bind 127.0.0.1
user op on >Erstkennwort ~* &* +\@all
END

my $file = $ll->dir() . '/password';
my @options = ('--redis', "redis://op\@127.0.0.1:$port",
               '--redis-password-file', $file);

$ll->start('redis');
$ll->start('worker2');     # loads the functions, for the command line
wait_for(sub { $ll->slurp('worker2.log') =~ /connected to redis/ }, 10);

sub cli_says {
    my ($name, $expected_status, $expected, @more) = @_;

    my ($status, $said) = $ll->cli('unread', 'u-tom', @more ? @more : @options);
    is($status, $expected_status, "$name: the exit status");
    like($said, $expected, "$name: the output");
    unlike($said, qr/kennwort/i, "$name: the output has no password");
}

# what is wrong with the file

for my $case (['a missing file', undef, 'No such file or directory'],
              ['an empty file', '', 'it is empty'],
              ['a newline alone', "\n", 'it is empty'],
              ['a file of 513 bytes', 'x' x 513, 'it has more than 511 bytes'],
              ['a file of 1 MB', 'x' x 1e6, 'it has more than 511 bytes'],
              ['a file with a null byte', "Erst\0kennwort",
               'it has a null byte'])
{
    my ($name, $text, $why) = @$case;

    unlink $file;
    $ll->write('password', $text) if defined $text;

    my $expected = qr/no password in "\Q$file\E": $why$/m;

    cli_says($name, 1, $expected);

    my $said = qx($LeaseLoft::worker @options 2>&1);
    is($? >> 8, 1, "$name: the worker does not start");
    like($said, qr/^leaseloft-worker: $expected/,
         "$name: the worker gives the reason");
}

unlink $file;
mkdir $file or die "mkdir: $!";
cli_says('a directory', 1, qr/: Is a directory$/m);
rmdir $file;

SKIP: {
    skip 'root may read every file', 3 if $> == 0;

    $ll->write('password', 'Erstkennwort');
    chmod 0, $file;
    cli_says('a file that is not readable', 1, qr/: Permission denied$/m);
    chmod 0600, $file;
}

# the options

$ll->write('password', "Erstkennwort\n\n");
cli_says('two newlines', 1, qr/cannot connect to Redis: WRONGPASS /);
$ll->write('password', 'Zweitkennwort');
cli_says('a wrong password', 1, qr/cannot connect to Redis: WRONGPASS /);
$ll->write('password', 'x' x 511 . "\n");
cli_says('a password of 511 bytes', 1, qr/cannot connect to Redis: WRONGPASS /);
$ll->write('password', 'Erstkennwort');
cli_says('without a newline', 0, qr/^0\ttotal$/m);
$ll->write('password', "Erstkennwort\n");
cli_says('with a newline', 0, qr/^0\ttotal$/m);

my @both = ('--redis', "redis://op:Erstkennwort\@127.0.0.1:$port",
            '--redis-password-file', $file);
cli_says('a password in the URL too', 2, qr/has a password, and a file/, @both);
cli_says('a user without a password', 2, qr/has a user without a password/,
         @options[0, 1]);

{
    local $ENV{LEASELOFT_REDIS_PASSWORD_FILE} = $file;
    cli_says('the file in the environment', 0, qr/^0\ttotal$/m, @options[0, 1]);

    $ENV{LEASELOFT_REDIS_PASSWORD_FILE} = '/none';
    cli_says('an option replaces the environment', 0, qr/^0\ttotal$/m);
    cli_says('so does a password in the URL', 0, qr/^0\ttotal$/m, @both[0, 1]);
}

# the worker reads the file again for each connection

$ll->stop('worker2');
$ll->spawn('worker1', "$LeaseLoft::worker @options");

my $q = LeaseLoft::Requests->new($ll);
is($q->lease('P')->{status}, 200, 'the worker logs in');

my $command = do { local (@ARGV, $/) = '/proc/' . $ll->pid('worker1')
                                       . '/cmdline'; <> };
unlike($command, qr/kennwort/i, 'the list of processes has no password');

$q->redis('ACL', 'SETUSER', 'op', 'resetpass', '>Zweitkennwort');
$q->redis('CLIENT', 'KILL', 'USER', 'op');
ok(wait_for(sub { $ll->slurp('worker1.log') =~ /WRONGPASS/ }, 5),
   'the worker is refused with the old password');

$ll->write('password.new', "Zweitkennwort\n");
rename "$file.new", $file or die "rename: $!";
is($q->await($q->put('send', 'P', 'u-tom', { client_id => 'c', text => 'x' }),
             10)->{status}, 201,
   'the worker logs in with the new password, without a restart');

unlike($ll->slurp($_), qr/kennwort/i, "$_ has no password")
    for qw(worker1.log redis.log);

$ll->finish();
