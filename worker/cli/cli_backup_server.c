
/*
 * Starts a redis-server on a copy, reachable through a socket in a temporary
 * directory only.
 *
 * It is a replica of an address at which nobody listens: a replica neither
 * expires keys nor takes writes, so that it appends nothing to the copy.  It
 * has a low priority, is the first that the kernel kills if memory is short,
 * and ends with this process (PR_SET_PDEATHSIG).  As soon as there is a
 * connection, which is before it loads, the temporary directory is deleted: so
 * nothing is left if this process is killed later.
 */

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli_backup_server.h"
#include "cli_signal.h"
#include "clock.h"
#include "descriptors.h"


#define SERVER_NICE      10
#define SERVER_POLL_MS   20

/* until it has a socket, and for a reply while it loads */
#define SERVER_START_MS  20000
#define SERVER_REPLY_MS  120000

#define SERVER_NO_PROGRAM  127


/* runs the program in the child, which does not return */
static void
cli_backup_server_exec(const cli_backup_server_t *server, char *const argv[],
    pid_t parent)
{
    int  fd;

    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != parent) {
        _exit(1);
    }

    (void) setsid();
    (void) setpriority(PRIO_PROCESS, 0, SERVER_NICE);

    fd = open("/proc/self/oom_score_adj", O_WRONLY);

    if (fd != -1) {
        (void) !write(fd, "1000", 4);
        (void) close(fd);
    }

    (void) signal(SIGINT, SIG_DFL);
    (void) signal(SIGTERM, SIG_DFL);
    (void) signal(SIGHUP, SIG_DFL);
    (void) signal(SIGPIPE, SIG_DFL);

    fd = open("/dev/null", O_RDONLY);

    if (fd == -1 || dup2(fd, STDIN_FILENO) == -1
        || dup2(server->log, STDOUT_FILENO) == -1
        || dup2(server->log, STDERR_FILENO) == -1)
    {
        _exit(1);
    }

    descriptors_close();

    (void) execvp(argv[0], argv);
    _exit(SERVER_NO_PROGRAM);
}


/* starts it: 0, or -1 after an error message */
static int
cli_backup_server_fork(cli_backup_server_t *server, char *const argv[])
{
    pid_t  pid, parent;

    parent = getpid();
    pid = fork();

    if (pid == 0) {
        cli_backup_server_exec(server, argv, parent);
    }

    if (pid == -1) {
        return cli_fail("cannot start \"%s\": %s", server->program,
                        strerror(errno)), -1;
    }

    server->pid = pid;

    return 0;
}


int
cli_backup_server_init(cli_backup_server_t *server, const char *program)
{
    int    status;
    char  *argv[] = { (char *) program, (char *) "--version", NULL };

    memset(server, 0, sizeof(cli_backup_server_t));

    server->program = program;
    server->log = memfd_create("redis-server", MFD_CLOEXEC);

    if (server->log == -1) {
        return cli_fail("cannot make a log: %s", strerror(errno)), -1;
    }

    if (cli_backup_server_fork(server, argv) != 0) {
        return -1;
    }

    while (waitpid(server->pid, &status, 0) == -1 && errno == EINTR) {
        /* void */
    }

    server->pid = 0;

    if (status != 0 || ftruncate(server->log, 0) == -1) {
        return cli_fail("cannot run \"%s\", which is needed to verify the "
                        "copy: install it, or set --redis-server", program),
               -1;
    }

    (void) lseek(server->log, 0, SEEK_SET);

    return 0;
}


/* prints why it ended: its last warning */
static int
cli_backup_server_ended(cli_backup_server_t *server, int status)
{
    char     log[8192];
    char    *line, *next, *last;
    off_t    size;
    ssize_t  n;

    server->pid = 0;
    size = lseek(server->log, 0, SEEK_END);
    size = size > (off_t) sizeof(log) - 1 ? size - (off_t) sizeof(log) + 1 : 0;
    n = pread(server->log, log, sizeof(log) - 1, size);
    log[n > 0 ? n : 0] = '\0';

    last = NULL;

    for (line = strtok_r(log, "\n", &next); line;
         line = strtok_r(NULL, "\n", &next))
    {
        line = strstr(line, " # ");
        last = line ? line + 3 : last;
    }

    if (WIFSIGNALED(status)) {
        (void) cli_fail("the copy cannot be loaded: \"%s\" was ended by signal "
                        "%d%s", server->program, WTERMSIG(status),
                        WTERMSIG(status) == SIGKILL
                        ? ": is there enough memory?" : "");
    } else {
        (void) cli_fail("the copy cannot be loaded: %s",
                        last ? last : "it gives no reason");
    }

    return -1;
}


/* 0 while it runs, or -1 after an error message */
static int
cli_backup_server_runs(cli_backup_server_t *server)
{
    int  status;

    if (cli_signal_caught()) {
        return cli_fail("interrupted"), -1;
    }

    return waitpid(server->pid, &status, WNOHANG) == server->pid
           ? cli_backup_server_ended(server, status) : 0;
}


/* deletes the socket and its directory */
static void
cli_backup_server_remove(cli_backup_server_t *server)
{
    if (server->dir[0]) {
        (void) unlink(server->url + strlen("unix:"));
        (void) rmdir(server->dir);
        server->dir[0] = '\0';
    }
}


/* connects as soon as there is a socket: 0, or -1 after an error message */
static int
cli_backup_server_connect(cli_backup_server_t *server)
{
    int64_t  end;
    conn_t  *conn;

    conn = conn_create(&server->cli.redis, "leaseloft");

    if (conn == NULL) {
        return cli_fail("out of memory"), -1;
    }

    server->cli.conn = conn;
    end = clock_monotonic() + SERVER_START_MS;

    while (conn_open(conn) != 0) {

        if (cli_backup_server_runs(server) != 0) {
            return -1;
        }

        if (clock_monotonic() > end) {
            return cli_fail("cannot connect to \"%s\": %s", server->program,
                            conn_error(conn)), -1;
        }

        clock_sleep(SERVER_POLL_MS);
    }

    cli_backup_server_remove(server);

    return conn_set_timeout(conn, SERVER_REPLY_MS);
}


/* 1 while it loads the copy, 0, or -1 after an error message */
static int
cli_backup_server_loads(cli_backup_server_t *server)
{
    int          loads;
    args_t       args = ARGS_INIT;
    redisReply  *info;

    args_lit(&args, "INFO");
    args_lit(&args, "persistence");

    info = cli_redis_try(&server->cli, &args);
    args_free(&args);

    if (info == NULL) {

        /* it may have ended: that says more */

        clock_sleep(SERVER_POLL_MS * 10);

        return cli_backup_server_runs(server) != 0
               ? -1 : (cli_fail("%s", server->cli.why), -1);
    }

    loads = info->str == NULL || cli_backup_source_number(info, "loading") != 0;
    freeReplyObject(info);

    return loads;
}


/* waits until it has loaded the copy: 0, or -1 after an error message */
static int
cli_backup_server_load(cli_backup_server_t *server)
{
    int  loads;

    while ((loads = cli_backup_server_loads(server)) == 1) {

        if (cli_backup_server_runs(server) != 0) {
            return -1;
        }

        clock_sleep(SERVER_POLL_MS);
    }

    return loads;
}


/* the temporary directory and the URL of a socket in it: 0 or -1 */
static int
cli_backup_server_socket(cli_backup_server_t *server)
{
    const char  *tmp;
    server_t    *redis = &server->cli.redis;

    tmp = getenv("TMPDIR");

    if (tmp == NULL || tmp[0] != '/' || strlen(tmp) > 30) {
        tmp = "/tmp";
    }

    (void) snprintf(server->dir, sizeof(server->dir), "%s/leaseloft-XXXXXX",
                    tmp);

    if (mkdtemp(server->dir) == NULL) {
        server->dir[0] = '\0';
        return cli_fail("cannot make a directory in \"%s\": %s", tmp,
                        strerror(errno)), -1;
    }

    (void) snprintf(server->url, sizeof(server->url), "unix:%s/redis.sock",
                    server->dir);

    memset(redis, 0, sizeof(server_t));
    redis->settings[SERVER_URL] = server->url;

    return ll_redis_url_parse(&redis->url, server->url, strlen(server->url));
}


int
cli_backup_server_start(cli_backup_server_t *server, const cli_t *cli,
    const char *dir, const cli_backup_source_t *source)
{
    server->cli = *cli;
    server->cli.conn = NULL;

    if (cli_backup_server_socket(server) != 0) {
        return -1;
    }

    char *argv[] = {
        (char *) server->program,
        (char *) "--port", (char *) "0",
        (char *) "--unixsocket", server->url + strlen("unix:"),
        (char *) "--unixsocketperm", (char *) "700",
        (char *) "--dir", (char *) dir,
        (char *) "--appendonly", (char *) "yes",
        (char *) "--appenddirname", (char *) source->directory,
        (char *) "--appendfilename", (char *) source->file,
        (char *) "--aof-load-truncated", (char *) "yes",
        (char *) "--auto-aof-rewrite-percentage", (char *) "0",
        (char *) "--save", (char *) "",
        (char *) "--replicaof", (char *) "127.0.0.1", (char *) "1",
        (char *) "--slowlog-log-slower-than", (char *) "-1",
        NULL
    };

    if (cli_backup_server_fork(server, argv) != 0
        || cli_backup_server_connect(server) != 0)
    {
        return -1;
    }

    return cli_backup_server_load(server);
}


void
cli_backup_server_stop(cli_backup_server_t *server)
{
    if (server->pid) {
        (void) kill(server->pid, SIGKILL);

        while (waitpid(server->pid, NULL, 0) == -1 && errno == EINTR) {
            /* void */
        }
    }

    cli_backup_server_remove(server);
    conn_free(server->cli.conn);

    if (server->log > 0) {
        (void) close(server->log);
    }
}
