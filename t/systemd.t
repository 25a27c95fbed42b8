#!/usr/bin/perl

# The units under systemd itself, as "make install" installs them: workers are
# ready once they take requests, a hung one is restarted, failures are retried
# for ever, passwords come as credentials, the journal has priorities, and the
# data are private.

use strict;
use warnings;

use File::Temp qw(tempdir);
use Test::More;

use lib 't/lib';
use LeaseLoft::Files;
use LeaseLoft::Machine;
use LeaseLoft::Manual;

my $missing = LeaseLoft::Machine->missing();
plan skip_all => $missing if $missing;
plan skip_all => 'the programs need the libraries of the sanitizers here'
    if ($ENV{BUILD} // '') =~ /-(?:san|palloc)$/;

# the commands of docs/install.md, of which the first has been run

my ($sources) = LeaseLoft::Manual::blocks('docs/install.md', 'From the sources');
my ($make, $install, @then) = split /\n/, $sources->{text};
my $installed = tempdir(CLEANUP => 1);

is($make, 'make', 'docs/install.md begins with make');
$install =~ s/^make install /make -s install-files DESTDIR=$installed / or die;
my $said = qx($install 2>&1);
is($?, 0, $install) or BAIL_OUT($said);

my $machine = LeaseLoft::Machine->new(add => $installed);

for my $command (@then) {
    # Debian 13 warns of files of its own
    is(join("\n", grep { !m{^/usr/lib/tmpfiles\.d/(?!leaseloft)} }
                   split /\n/, runs($command)), '', $command);
    is($machine->status(), 0, "$command succeeds");
}

my $worker = 'leaseloft-worker@1';
my $state = "systemctl show $worker -P StatusText";

like(runs('id www-data'), qr/\bleaseloft\b/, 'nginx may use the socket');
runs('touch /etc/leaseloft/leaseloft.acl; systemd-tmpfiles --create');
is(runs('cd /etc/leaseloft; stat -c "%n %a %U:%G" redis.conf leaseloft.acl'
        . ' worker.env'),
   "redis.conf 600 leaseloft:leaseloft\nleaseloft.acl 600 leaseloft:leaseloft\n"
   . 'worker.env 600 root:root', 'files with passwords are private');
is(runs('su www-data -s /bin/sh -c "cat /etc/leaseloft/*.conf'
        . ' /etc/leaseloft/*.acl /etc/leaseloft/*.env" 2>/dev/null'), '',
   'nginx cannot read them');

# without Redis

is(runs("systemctl start $worker"), '', 'a worker starts without Redis');
like(runs($state), qr/^can't connect to redis: /, 'its status says so');

is(runs('systemctl start leaseloft-redis'), '', 'Redis starts');
is($machine->wait_for($state, qr/^takes/), 'takes requests',
   'the worker takes requests');
is(runs("systemctl restart $worker; $state"), 'takes requests',
   'a restart ends when the worker takes requests');
is(runs('stat -c %a /var/lib/leaseloft /var/lib/leaseloft/appendonlydir'),
   "700\n700", 'the data are private');
is(runs('su www-data -s /bin/sh -c'
        . ' "redis-cli -s /run/leaseloft/redis.sock PING"'), 'PONG',
   'nginx reaches Redis');
like(runs('redis-cli -s /run/leaseloft/redis.sock CLIENT LIST'),
     qr/name=[\w-]+-1 /, 'a worker is called after its unit');

# options

runs('printf "WORKER_OPTIONS=--searchers 3 --queues 2\n"'
     . ' >>/etc/leaseloft/worker.env');
runs("systemctl restart $worker");
like(runs("tr '\\0' ' ' </proc/\$(systemctl show -P MainPID $worker)/cmdline"),
     qr/^\S+leaseloft-worker --name \S+-1 --searchers 3 --queues 2 $/,
     'worker.env has options of the worker');
runs("sed -i /WORKER_OPTIONS/d /etc/leaseloft/worker.env; systemctl restart $worker");

# a hang

drop_in('WatchdogSec=2');
runs("systemctl restart $worker");
runs("systemctl kill -s STOP $worker");
is($machine->wait_for("systemctl show $worker -P NRestarts", qr/^[1-9]/, 20),
   1, 'a worker that hangs is restarted');
is($machine->wait_for($state, qr/^takes/), 'takes requests',
   'the new one takes requests');
like(runs("journalctl -u $worker"), qr/Watchdog timeout/,
     'the journal says why');

# the journal

runs('systemctl kill -s KILL leaseloft-redis');
$machine->wait_for("journalctl -p err -u $worker", qr/lost redis/);
my $errors = runs("journalctl -p err -o cat -u $worker");
like($errors, qr/^\S+ \[error\] lost redis/m,
     'the journal has errors by priority, without the prefix');
unlike($errors, qr/\[notice\]/, 'it has no other lines by that priority');
is($machine->wait_for($state, qr/^takes/, 20), 'takes requests',
   'Redis is restarted, and the worker goes on');

drop_in('Environment=LEASELOFT_REDIS=http://x');
runs("systemctl restart --no-block $worker");
like($machine->wait_for("journalctl -p err -o cat -u $worker", qr/neither/),
     qr/the URL of Redis is neither/, 'an invalid setting is an error too');
drop_in('');

# failures, more of them than systemd allows by default

runs('echo no-such-directive yes >>/etc/leaseloft/redis.conf');
runs('systemctl restart --no-block leaseloft-redis');
like($machine->wait_for('systemctl show leaseloft-redis -P NRestarts',
                        qr/^(?:[7-9]|\d\d)$/, 60),
     qr/^(?:[7-9]|\d\d)$/, 'Redis is started again and again');
runs('sed -i /no-such/d /etc/leaseloft/redis.conf');
is($machine->wait_for('systemctl is-active leaseloft-redis', qr/^active/, 20),
   'active', 'Redis starts once it can');

# a password, as the head of the unit says

runs('echo requirepass geheim >>/etc/leaseloft/redis.conf');
runs('umask 077; echo geheim >/etc/leaseloft/redis-password');
runs('systemctl restart leaseloft-redis');
drop_in('');
runs("systemctl restart $worker");
like(runs($state), qr/NOAUTH/, 'without the password the status says so');

my ($lines) = slurp('conf/systemd/leaseloft-worker@.service')
    =~ /^#     (LoadCredential=.*\n#     Environment=.*)$/m;

drop_in($lines =~ s/^# +//mgr);
runs("systemctl restart $worker");
is(runs($state), 'takes requests', 'the password is read from the credential');
unlike(runs("cat /proc/\$(systemctl show $worker -P MainPID)/environ"
            . " /proc/\$(systemctl show $worker -P MainPID)/cmdline"),
       qr/geheim/, 'neither arguments nor environment have the password');

is(runs("systemctl stop $worker leaseloft-redis"), '', 'both stop');
is(runs('systemctl list-units --failed --plain --no-legend "leaseloft*"'), '',
   'neither has failed');

$machine->stop();
done_testing();


sub runs { return $machine->run($_[0]) }


# replaces the drop-in of the workers
sub drop_in {
    my ($lines) = @_;

    my $dir = '/etc/systemd/system/leaseloft-worker@.service.d';

    runs("mkdir -p $dir; printf '%s\\n' '[Service]' '$lines' >$dir/test.conf;"
         . ' systemctl daemon-reload');
}
