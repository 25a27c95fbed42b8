#!/usr/bin/perl

# The AppArmor profiles allow what the worker and Redis do: whatever they open,
# as strace sees it, matches a rule of their profile.  The kernel need not have
# AppArmor.  Paths are those of this test, in place of the installed ones.

use strict;
use warnings;

use Test::More;

use lib 't/lib';
use LeaseLoft;
use LeaseLoft::Search;

plan skip_all => "$_ is not installed"
    for grep { system("command -v $_ >/dev/null") != 0 } qw(strace apparmor_parser);
plan skip_all => 'a sanitizer or another tool opens files of its own'
    if $LeaseLoft::sanitized || $ENV{LEASELOFT_UNDER};

my $ll = LeaseLoft->new(start => 0);
my $dir = $ll->dir();

# from where it is here to where it is installed
my @installed = (
    ["$LeaseLoft::build/leaseloft-worker" => '/usr/bin/leaseloft-worker'],
    ["$dir/redis.sock" => '/run/leaseloft/redis.sock'],
    ["$dir/redis.conf" => '/etc/leaseloft/redis.conf'],
    ["$LeaseLoft::root/conf/redis.conf" => '/usr/share/leaseloft/redis.conf'],
    ["$dir/redis" => '/var/lib/leaseloft'],
);


# runs a program with its files in a trace
sub traced {
    my ($part, $command) = @_;
    $ll->spawn($part, "strace -f -qq -e trace=%file,connect,execve"
                      . " -o $dir/$part.trace $command");
}

traced('redis', "$LeaseLoft::redis_server $dir/redis.conf");
ok(wait_for(sub { -S "$dir/redis.sock" }, 20), 'Redis runs');
traced('worker1', "$LeaseLoft::build/leaseloft-worker --name w1"
                  . " --redis unix:$dir/redis.sock");
$ll->start('nginx');
$ll->started();
$ll->lease('P', tenants => ['u-tom']);
is($ll->say('P', 'u-tom', 'hello')->status(), 201, 'a message is sent');
ok(wait_search($ll), 'a searcher runs');
is($ll->get('/api/properties/P/search?q=hello', user => 'u-tom')->status(), 200,
   'a search is made');
$ll->redis('BGREWRITEAOF');
ok(wait_for(sub { $ll->redis('INFO', 'persistence')
                      =~ /aof_rewrite_in_progress:0.*aof_last_bgrewrite_status:ok/s },
            20), 'Redis writes its file anew');
$ll->stop($_) for qw(nginx worker1 redis);

for my $case (['leaseloft-worker', 'worker1', 10], ['leaseloft-redis', 'redis', 10]) {
    my ($profile, $part, $least) = @$case;
    my @rules = rules("conf/apparmor/$profile");
    my @opened = opened("$dir/$part.trace");
    my @refused = grep { !allowed($_, @rules) } @opened;

    cmp_ok(scalar @opened, '>', $least, "$profile: files were seen");
    is(join("\n", map { "$_->{access} $_->{path}" } @refused), '',
       "$profile: a rule allows each of them");
}

$ll->finish();


# by one rule; the letters of both are in the same order
sub allowed {
    my ($use, @rules) = @_;

    my $letters = join '.*', split //, $use->{access};

    return scalar grep { $use->{path} =~ $_->{path} && $_->{access} =~ $letters }
                       @rules;
}


# path and access of each successful call
sub opened {
    my ($trace) = @_;

    my %opened;

    for (split /\n/, $ll->slurp($trace =~ s{.*/}{}r)) {
        next if / = -1 /;

        my ($call, $path) = /^\d+\s+(\w+)\([^"]*"(\/[^"]*)"/ or next;
        my $access = $call =~ /^open/ ? (/O_WRONLY/ ? 'w' : /O_RDWR/ ? 'rw' : 'r')
                   : $call =~ /^(?:connect|unlink|rename|mkdir|creat)/ ? 'w'
                   : next;

        $path =~ s{^/proc/self/}{/proc/1/};

        for my $pair (@installed) {
            last if $path =~ s/^\Q$pair->[0]\E(?=\/|\z)/$pair->[1]/;
        }

        $opened{"$access $path"} = { access => $access, path => $path };
    }

    return map { $opened{$_} } sort keys %opened;
}


# the rules of a profile for files
sub rules {
    my ($file) = @_;

    my (%variables, @rules);

    for (split /\n/, qx(apparmor_parser --preprocess $file 2>/dev/null)) {
        if (/^(\@\{\w+\}) *\+?= *(.*)/) {
            push @{ $variables{$1} }, split ' ', $2;
            next;
        }

        my ($path, $access) = /^ *(?:owner +)?((?:\/|\@\{)\S*) +([a-zA-Z]+),/ or next;

        push @rules, { path => qr/^@{[ pattern($path, \%variables) ]}\z/,
                       access => join '', sort split //, $access };
    }

    return @rules;
}


# a regular expression for a path of a rule
sub pattern {
    my ($path, $variables) = @_;

    # values may end with a slash, which rules repeat
    $path =~ s{(\@\{\w+\})}
              {'{' . join(',', map { s/\/\z//r } @{ $variables->{$1} // [] }) . '}'}e
        while $path =~ /\@\{\w+\}/;

    my %meta = ('**' => '.*', '*' => '[^/]*', '?' => '[^/]', '{' => '(?:',
                ',' => '|', '}' => ')');

    return $path =~ s{(\*\*|[*?\{,\}])|(\[[^\]]*\])|(.)}
              {$1 ? $meta{$1} : $2 // quotemeta $3}ger;
}
