#!/usr/bin/perl

# What "make install" installs: the files and their modes, configuration that is
# kept, the manual pages and the completion, which have what --help has, the
# AppArmor profiles, and that the packages have all of it.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

use lib 't/lib';
use LeaseLoft::Files;

my $build = $ENV{BUILD} // 'build';
my $root = tempdir(CLEANUP => 1);
my $share = "$root/opt/ll/share";

is(install(), '', 'make install-files succeeds');

is(qx(cd $root && find . -type f -not -path '*/html/*' -printf '%m %P\\n' \\
      | sort -k 2), <<'END', 'the files and their modes');
644 etc/apparmor.d/leaseloft-redis
644 etc/apparmor.d/leaseloft-worker
644 etc/leaseloft/pages.json
600 etc/leaseloft/redis.conf
600 etc/leaseloft/worker.env
644 etc/nginx/leaseloft/api.conf
644 etc/nginx/leaseloft/http.conf
644 etc/nginx/leaseloft/internal.conf
644 etc/nginx/leaseloft/pages.conf
755 opt/ll/bin/leaseloft
755 opt/ll/bin/leaseloft-worker
644 opt/ll/lib/nginx/modules/ngx_leaseloft_module.so
644 opt/ll/lib/systemd/system/leaseloft-backup.service
644 opt/ll/lib/systemd/system/leaseloft-backup.timer
644 opt/ll/lib/systemd/system/leaseloft-redis.service
644 opt/ll/lib/systemd/system/leaseloft-worker@.service
644 opt/ll/lib/sysusers.d/leaseloft.conf
644 opt/ll/lib/tmpfiles.d/leaseloft.conf
644 opt/ll/share/bash-completion/completions/leaseloft
644 opt/ll/share/leaseloft/leaseloft.acl
644 opt/ll/share/leaseloft/leaseloft.conf
644 opt/ll/share/leaseloft/redis.conf
644 opt/ll/share/man/man1/leaseloft.1
644 opt/ll/share/man/man8/leaseloft-worker.8
END

is(qx(diff -r html $share/leaseloft/html 2>&1 | grep -v config.json), '',
   'all pages are installed');
is(readlink "$share/leaseloft/html/config.json", '/etc/leaseloft/pages.json',
   'the configuration of the pages is with the others');
is(qx(grep -rl '/usr/\\(bin\\|share\\)/leaseloft' $root/opt/ll/lib $root/etc), '',
   'installed files name the prefix');

# each is in a Debian package, or known not to be (t/deb/ has the packages)

my @packaged = map { m{^(?:debian/tmp/)?(\S+)$} ? $1 : () }
               map { split /\n/, slurp($_) }
               glob 'conf/debian/{*.install,*.manpages,not-installed}';

is(join("\n", grep { my $path = s{^opt/ll/}{usr/}r;
                     !grep { $path =~ m{^\Q$_\E(?:/|$)} } @packaged }
              qx(cd $root && find . -type f -printf '%P\n') =~ /(.+)/g),
   '', 'the packages have all files');

# configuration

append("$root/etc/leaseloft/worker.env", "LEASELOFT_PREFIX=mine\n");
is(install(), "kept /etc/leaseloft/worker.env; the new one is"
              . " /etc/leaseloft/worker.env.new\n",
   'a changed configuration is kept, which is said');
like(slurp("$root/etc/leaseloft/worker.env"), qr/^LEASELOFT_PREFIX=mine$/m,
     'it has the change');
ok(!-e "$root/etc/leaseloft/redis.conf.new",
   'an unchanged configuration has no new one beside it');

# manual pages

my @commands = qx($build/leaseloft help) =~ /^  ([a-z]+(?: [a-z]+)?)  /mg;

cmp_ok(scalar @commands, '>', 10, 'the help has commands');

my %pages = (
    "$share/man/man1/leaseloft.1" => join('', map { qx($build/leaseloft help $_) }
                                               '', @commands),
    "$share/man/man8/leaseloft-worker.8"
        => scalar qx($build/leaseloft-worker --help)
);

for my $page (sort keys %pages) {
    my ($name) = $page =~ m{([^/]+)$};
    my $text = qx(MANWIDTH=2000 man --warnings -E ascii -l $page 2>&1);

    unlike($text, qr/warning/, "$name: the formatter finds nothing");
    is(join(' ', options($text)), join(' ', options($pages{$page})),
       "$name has the options of --help, and no others");

    # the words of the help, in its order
    my @missing = grep { index(words($text), words($_)) == -1 }
                  grep { !/^(?:[Uu]sage:|Run|Options|Exit) / && /\S.*\S/ }
                  map { s/^  (?=[a-z]).*//r =~ s/^  --.*?  +//r }
                  split /\n/, $pages{$page};

    is(join("\n", @missing), '', "$name has the text of --help");
}

my $page = qx(MANWIDTH=2000 man -E ascii -l $share/man/man1/leaseloft.1);

is(join("\n", grep { $page !~ /^\s+leaseloft \Q$_\E\b/m } @commands), '',
   'leaseloft.1 has every command');

# completion

is(completed('leaseloft', 'unr'), 'unread', 'a command is completed');
is(completed('leaseloft', 'dead', ''), 'drop list retry',
   'the second word of a command is completed');
is(completed('leaseloft', 'backup', '--redis-s'), '--redis-server',
   'an option of a command is completed');
is(completed('leaseloft', 'doctor', '--redis-s'), '',
   'other commands do not have it');
is(join(' ', sort grep { $_ ne 'help' } split ' ', completed('leaseloft', '')),
   join(' ', sort keys %{{ map { (split / /)[0] => 1 } @commands }}),
   'all commands are completed');

# AppArmor

for my $profile (glob "$root/etc/apparmor.d/*") {
    my ($name) = $profile =~ m{([^/]+)$};

    is(qx(apparmor_parser --skip-kernel-load --skip-cache $profile 2>&1 \\
          | grep -v '^Cache'), '', "the AppArmor profile $name is valid");
    like(slurp($profile), qr/^profile \Q$name\E .*flags=\(complain\) \{$/m,
         "$name only logs");
}

done_testing();


sub install {
    return scalar qx(make -s install-files prefix=/opt/ll DESTDIR=$root 2>&1);
}


sub append {
    open my $f, '>>', $_[0] or die "$_[0]: $!";
    print $f $_[1];
    close $f;
}


sub options {
    my %found = map { $_ => 1 } $_[0] =~ /(?<![\w-])--([a-z][a-z-]*)/g;
    return sort keys %found;
}


# all words, in one line
sub words {
    return join ' ', split ' ', $_[0];
}


# what bash completes the last word to, sorted
sub completed {
    my (@words) = @_;

    my $script = "$share/bash-completion/completions/leaseloft";
    my $list = join ' ', map { "'$_'" } @words;

    return join ' ', sort split ' ',
           qx(bash -c 'source $script; COMP_WORDS=($list);
              COMP_CWORD=$#words; _leaseloft; echo \${COMPREPLY[*]}');
}
