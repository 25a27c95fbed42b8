package LeaseLoft::Site;

# A site on a machine of its own (LeaseLoft::Machine), to which LeaseLoft was
# added as the manual says, with the packages of a bare Debian:
#
#     my $site = LeaseLoft::Site->new(root => $root);
#
#     $site->install();       docs/install.md: packages, first start and message
#     $site->users();         docs/redis.md: Redis's users
#     $site->section('docs/backup.md', 'With users of Redis');     the commands of a section
#     $site->broken('no worker', sub { $site->run('systemctl stop …') });
#     $site->told('health', qr/heartbeat/);
#     $site->mended(sub { $site->run('systemctl start …') });
#     diag($site->table());
#
# The site is https://rent.example.com, with the user u-tom.

use strict;
use warnings;

use Test::More;
use Time::HiRes qw(time sleep);

use LeaseLoft ();
use LeaseLoft::Alerts qw(fires);
use LeaseLoft::Files;
use LeaseLoft::Machine;
use LeaseLoft::Manual;

# seconds in which a fault is told, and a mended service works
my $limit = 10;

my $api = 'https://rent.example.com/api';
my $conf = '/etc/nginx/conf.d/leaseloft.conf';

# the nginx that is there before: Debian's, with a site that has TLS
my $before = <<'END';
mkdir -p ~/build && ln -s /debs ~/build/deb
echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/90yes
apt-get -q install nginx
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
    -subj /CN=rent.example.com -addext subjectAltName=DNS:rent.example.com \
    -keyout /etc/nginx/site.key -out /etc/nginx/site.crt
cat >/etc/nginx/sites-available/rent <<'SITE'
server {
    listen 443 ssl http2;
    server_name rent.example.com;

    ssl_certificate     /etc/nginx/site.crt;
    ssl_certificate_key /etc/nginx/site.key;

    location / {
        return 200 "our rooms\n";
    }
}
SITE
ln -s ../sites-available/rent /etc/nginx/sites-enabled/rent
systemctl restart nginx
echo "127.0.0.1 rent.example.com" >>/etc/hosts
echo "cacert = /etc/nginx/site.crt" >~/.curlrc
END

my %who = (
    health => \&health,
    doctor => sub { $_[0]->operator('leaseloft doctor') },
    metrics => \&metrics,
    cron => \&cron,
    'systemctl status' => sub {
        $_[0]->run('systemctl --no-pager status leaseloft-worker@1'
                   . ' leaseloft-redis')
    },
    'journalctl -p err' => sub {
        $_[0]->run("journalctl -o cat -p err --since \@$_[0]{since_s}"
                   . " -u 'leaseloft-*'")
    },
    "Redis's journal" => sub {
        $_[0]->run("journalctl -o cat --since \@$_[0]{since_s} -u leaseloft-redis")
    },
    "nginx's log" => sub {
        substr $_[0]->run('cat /var/log/nginx/error.log'), $_[0]{log}
    },
    "nginx's access log" => sub {
        $_[0]->run('grep -E " (429|slow)( |$)" /var/log/nginx/leaseloft.log'
                  . ' | tail -5')
    },
    'nginx -t' => sub { $_[0]->run('nginx -t') },
    'doctor --url' => sub {
        $_[0]->operator('leaseloft doctor --url https://rent.example.com:8443'
                        . ' --token ~/tom --ca /etc/nginx/site.crt')
    },
);


sub new {
    my ($class, %options) = @_;

    return bless { machine => LeaseLoft::Machine->new(%options), sent => 0,
                   lines => 0, rows => [] }, $class;
}


sub run { my $self = shift; return $self->{machine}->run(@_) }
sub status { return $_[0]{machine}->status() }
sub stop { $_[0]{machine}->stop() }


# a command as the operator whom users() has made
sub operator {
    my ($self, $command) = @_;
    return $self->run("$self->{exports}; $command");
}


# --- as the manual says ---

# what stands in the manual, and what else is in the files that it names
sub section {
    my ($self, $page, $title, @nginx) = @_;

    my @blocks = LeaseLoft::Manual::blocks($page, $title);
    my (@done, $said);

    $self->{lines} += LeaseLoft::Manual::lines(@blocks);

    for my $block (@blocks) {
        if ($block->{kind} eq 'nginx') {
            (shift @nginx)->($block->{text});
            next;
        }

        my ($first) = $block->{text} =~ /^(.*)/;

        $said = $self->run(LeaseLoft::Manual::script($block->{text}, @done));
        is($self->status(), 0, "$title: $first") or diag($said);
        push @done, $block->{text};
    }

    my @exports = map { /^(export LEASELOFT_.*)$/mg } @done;
    $self->{exports} = join '; ', @exports if @exports;

    return $said;
}


# writes a file; in front, or into the one that is there after a line
sub write {
    my ($self, $file, $text, $after) = @_;

    my $old = $after ? $self->run("cat $file") . "\n" : '';

    $text = $old =~ s/^(.*\Q$after\E.*\n)/$1$text/mr if $after;
    $self->run("cat >$file <<'TEXT'\n${text}TEXT\n");
}


sub install {
    my ($self) = @_;

    $self->run($before);
    is($self->run('curl -s https://rent.example.com/'), 'our rooms',
       'a site is there before');

    my $since = time();

    my ($packages) = LeaseLoft::Manual::blocks('docs/install.md',
                                               'Debian packages');
    my $said = $self->run(LeaseLoft::Manual::script($packages->{text}));
    is($self->status(), 0, 'apt installs the packages') or diag($said);
    $self->{lines} += LeaseLoft::Manual::lines($packages);

    $said = $self->section('docs/install.md', 'First start',
        sub { $self->write($conf, $_[0]) },
        sub { $self->write('/etc/nginx/sites-available/rent', $_[0],
                           'server_name') });
    like($said, qr{^HTTP/2 201}m, 'the first message is sent over TLS');

    $self->{seconds} = time() - $since;
    is($self->run('curl -s https://rent.example.com/'), 'our rooms',
       'the site is still there');
}


sub users {
    my ($self) = @_;

    # nginx is reloaded before doctor looks at it
    $self->section('docs/redis.md', 'Users of Redis', sub {
        $self->run("sed -i '/^leaseloft_redis /d' $conf");
        $self->write($conf, $_[0] . $self->run("cat $conf") . "\n");
        $self->run('systemctl reload nginx');
    });

    $self->{typed} = $self->{lines};
    $self->run('leaseloft token --sub u-tom --ttl 86400 --key ~/login.key'
               . ' --iss https://login.example.com --aud leaseloft >~/tom;'
               . ' echo "Authorization: Bearer $(cat ~/tom)" >~/header');
}


# --- who may tell ---

# the status and the body
sub health {
    return $_[0]->run("curl -sm 5 -w '\\n%{http_code}'"
                      . ' http://127.0.0.1:8081/internal/health')
           =~ s/(.*)\n(\d+)\z/$2 $1/sr;
}

# what cron would send, by the file that the manual makes
sub cron {
    return $_[0]->run('set -a; . /dev/stdin <<END
$(grep = /etc/cron.d/leaseloft | grep -v "^[*]")
END
eval "$(sed -n "s/^[* ]* root //p" /etc/cron.d/leaseloft)"');
}

sub metrics {
    return $_[0]->run('curl -sm 5 http://127.0.0.1:8081/internal/metrics');
}


sub url { return "'$api/$_[1]'" }

# the status of a request of u-tom
sub request {
    my ($self, $path, @options) = @_;
    return $self->run("curl -sm 8 -o /tmp/body -w '%{http_code}' -H \@\$HOME/header"
                      . " @options '$api/$path'");
}


sub send_message {
    my ($self, $id, $text) = @_;

    $text //= $id;
    utf8::encode($text);

    return $self->request('properties/elm-12/messages',
                          "-H 'Content-Type: application/json'",
                          qq(-d '{"client_id":"$id","text":"$text"}'));
}


# --- faults ---

sub broken {
    my ($self, $name, $do) = @_;

    $self->{fault} = $name;
    $self->{told} = [];

    # not from before a restart
    $self->until_says(sub { $self->{before} = $self->metrics() },
                      qr/^leaseloft_redis_up[ ]1$
                         .*^leaseloft_redis_links[ ](\d+)$
                         .*^leaseloft_redis_links_wanted[ ]\1$/msx, time(), $limit);
    $self->{log} = length $self->run('cat /var/log/nginx/error.log');
    $self->{since} = time();
    $self->{since_s} = int $self->{since};
    $do->();
}


# waits until a command's output matches; the seconds, or undef
sub until_says {
    my ($self, $do, $text, $since, $limit) = @_;

    my ($said, $took);

    do {
        $said = $do->();
        $took = time() - $since;
        return $took if $took <= $limit && $said =~ $text;
        sleep 0.2;
    } while ($took < $limit);

    diag("$self->{fault}: ", substr $said, -3000);

    return undef;
}


# somebody says it within ten seconds; the time is that since the fault began
sub told {
    my ($self, $by, $text, $seconds) = @_;

    $seconds //= $limit;

    my $took = $self->until_says(sub { $who{$by}->($self) }, $text,
                                 $self->{since}, $seconds);

    ok(defined $took, "$self->{fault}: $by tells it within $seconds s");
    push @{ $self->{told} }, sprintf '%s %s', $by,
         defined $took ? sprintf '%.1f', $took : 'never';
}


# the metrics raise an alert, and those from before the fault do not
sub alerts {
    my ($self, $alert, @more) = @_;

    my $after = $self->metrics();
    my $fires = fires($alert, $self->{before}, $after, @more);

    ok($fires, "$self->{fault}: $alert fires");
    ok(!fires($alert, $self->{before}, $self->{before}, @more),
       "$self->{fault}: it did not before");
    push @{ $self->{told} }, $alert if $fires;
}


# a time is that of the last told()
sub mended {
    my ($self, $how, $do) = @_;

    my $since = time();
    my $id = 'm-' . ++$self->{sent};

    $do->();

    my $took = $self->until_says(sub { $self->health() }, qr/^200/, $since,
                                 $limit);
    ok(defined $took, "$self->{fault}, mended: health is 200");

    $took = $self->until_says(sub { $self->send_message($id) }, qr/^20[01]/,
                              $since, $limit) if defined $took;
    ok(defined $took, "$self->{fault}, mended: a message is sent");

    push @{ $self->{rows} }, [$self->{fault}, join('; ', @{ $self->{told} }),
                              $how, defined $took ? sprintf '%.1f', $took : 'never'];
}


# what was told by whom after how many seconds, and when it worked again
sub table {
    my ($self) = @_;

    return sprintf("%d lines to type, %.0f s until the first message\n\n",
                   $self->{typed}, $self->{seconds})
           . join '', map { '| ' . join(' | ', @$_) . " |\n" }
                      ['broken', 'told by, seconds', 'mended by', 'seconds'],
                      [('---') x 4], @{ $self->{rows} };
}


1;
