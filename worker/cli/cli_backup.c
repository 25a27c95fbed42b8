
/*
 * leaseloft backup: copies Redis's append-only files while it runs, and
 * verifies the copy by loading it.
 *
 *     read the heads of all threads    what the copy must have at least
 *     disable rewrites, wait for one   cli_backup_rewrite.c
 *     copy, enable rewrites            cli_backup_files.c
 *     load the copy into a Redis       cli_backup_server.c
 *     compare                          cli_backup_check.c
 *     fsync, rename                    only now it is a backup
 *
 * Of a cluster, the primaries on this machine are one backup: each step is
 * done for all of them before the next one, so that the copies are of nearly
 * the same moment (cli_backup_nodes.c).
 *
 * A backup that fails or is interrupted leaves nothing.  One that is killed
 * leaves a hidden directory and a file with the setting to restore, which the
 * next one finds.
 */

#include <stdio.h>
#include <string.h>

#include "cli_backup.h"
#include "cli_backup_files.h"
#include "cli_backup_nodes.h"
#include "cli_backup_rewrite.h"
#include "cli_backup_server.h"
#include "cli_signal.h"
#include "clock.h"
#include "json.h"


/* options, in the order of cli_commands.c */

enum {
    BACKUP_REDIS_SERVER = 0,
    BACKUP_NODE
};


typedef struct {
    cli_t                *cli;
    cli_backup_nodes_t    nodes;
    cli_backup_files_t    files;
    cli_backup_server_t   server;
    int64_t               start;
} cli_backup_t;


/* copies with rewrites disabled: 0, or -1 after an error message */
static int
cli_backup_copy(cli_backup_t *backup, cli_backup_node_t *node)
{
    int  rc;

    if (node->name[0]) {
        (void) fprintf(stderr, "copying the files of %s\n", node->address);
    }

    rc = cli_backup_rewrite_stop(&node->cli, &node->source,
                                 backup->files.dirfd, node->name);

    if (rc == 0) {
        rc = cli_backup_files_copy(&backup->files, node->name, &node->source);
    }

    if (cli_backup_rewrite_restore(&node->cli, backup->files.dirfd, node->name)
        != 0)
    {
        rc = -1;
    }

    return rc == 0 ? cli_backup_check_after(&node->cli, &node->check) : -1;
}


/* loads the copy and compares it: 0, or -1 after an error message */
static int
cli_backup_compare(cli_backup_t *backup, cli_backup_node_t *node)
{
    char  path[PATH_MAX];

    if (snprintf(path, sizeof(path), "%s/%s/%s", backup->files.dir,
                 backup->files.name, node->name) >= (int) sizeof(path))
    {
        return cli_fail("the name of the directory is too long"), -1;
    }

    (void) fprintf(stderr, "loading the copy%s%s to verify it\n",
                   node->name[0] ? " of " : "", node->address);

    if (cli_backup_server_start(&backup->server, &node->cli, path,
                                &node->source) != 0)
    {
        return -1;
    }

    /* Redis may have closed a connection that was idle for long */

    if (conn_open(node->cli.conn) != 0) {
        return cli_fail("cannot connect to Redis: %s",
                        conn_error(node->cli.conn)), -1;
    }

    return cli_backup_check_compare(&node->cli, &backup->server.cli,
                                    &node->check);
}


/* the program that loads a copy */
static int
cli_backup_program(cli_backup_t *backup, const cli_backup_node_t *node)
{
    const char  *program = backup->cli->values[BACKUP_REDIS_SERVER];

    return cli_backup_server_init(&backup->server,
                                  program ? program : node->source.program);
}


static void
cli_backup_stop(cli_backup_t *backup)
{
    cli_backup_server_stop(&backup->server);
    memset(&backup->server, 0, sizeof(cli_backup_server_t));
}


/* verifies a copy and writes it to disk: 0, or -1 after an error message */
static int
cli_backup_verify(cli_backup_t *backup, cli_backup_node_t *node)
{
    int  rc;

    rc = cli_backup_program(backup, node);
    rc = rc == 0 ? cli_backup_compare(backup, node) : -1;

    cli_backup_stop(backup);

    return rc == 0 ? cli_backup_files_sync(&backup->files, node->name,
                                           &node->source)
                   : -1;
}


/*
 * Writes what is needed to start servers of a cluster on the copies: which
 * slots they had.  0, or -1 after an error message.
 */
static int
cli_backup_slots(cli_backup_t *backup)
{
    int                       rc;
    buf_t                     list = BUF_INIT, conf = BUF_INIT;
    size_t                    i;
    const cli_backup_node_t  *node;

    rc = 0;

    for (i = 0; i < backup->nodes.n && rc == 0; i++) {
        node = &backup->nodes.nodes[i];

        buf_adds(&list, node->name);
        buf_lit(&list, " ");
        buf_add(&list, node->slots.data, node->slots.len);
        buf_lit(&list, "\n");

        buf_reset(&conf);
        rc = cli_backup_nodes_conf(node, &conf);

        if (rc == 0) {
            rc = cli_backup_files_text(&backup->files, node->name, "nodes.conf",
                                       &conf);
        }
    }

    if (rc == 0) {
        rc = buf_failed(&list) ? (cli_fail("out of memory"), -1)
             : cli_backup_files_text(&backup->files, "", "slots", &list);
    }

    buf_free(&conf);
    buf_free(&list);

    return rc;
}


/* finds the servers and their files: 0, or -1 after an error message */
static int
cli_backup_find(cli_backup_t *backup)
{
    cli_t              *cli = backup->cli;
    size_t              i;
    const char         *only = cli->values[BACKUP_NODE];
    cli_backup_node_t  *node;

    if (cli_redis_connect(cli) != 0
        || cli_backup_nodes_find(cli, only, &backup->nodes) != 0)
    {
        return -1;
    }

    for (i = 0; i < backup->nodes.n; i++) {
        node = &backup->nodes.nodes[i];

        /* of a backup that was killed; the source is read after that */

        if (cli_backup_rewrite_restore(&node->cli, backup->files.dirfd,
                                       node->name) != 0
            || cli_backup_source_find(&node->cli, &node->source) != 0
            || cli_backup_program(backup, node) != 0)
        {
            return -1;
        }

        cli_backup_stop(backup);
    }

    return 0;
}


/* all steps: 0, or -1 after an error message */
static int
cli_backup_run(cli_backup_t *backup)
{
    int                  rc;
    size_t               i;
    cli_backup_nodes_t  *all = &backup->nodes;

    if (cli_backup_files_open(&backup->files, backup->cli->args[0]) != 0
        || cli_backup_find(backup) != 0)
    {
        return -1;
    }

    rc = 0;

    for (i = 0; i < all->n && rc == 0; i++) {
        rc = cli_backup_check_before(&all->nodes[i].cli, &all->nodes[i].check);
    }

    for (i = 0; i < all->n && rc == 0; i++) {
        rc = cli_backup_copy(backup, &all->nodes[i]);
    }

    rc = rc == 0 ? cli_backup_nodes_check(all) : -1;

    for (i = 0; i < all->n && rc == 0; i++) {
        rc = cli_backup_verify(backup, &all->nodes[i]);
    }

    if (rc == 0 && backup->cli->cluster != NULL) {
        rc = cli_backup_slots(backup);
    }

    return rc == 0 ? cli_backup_files_finish(&backup->files) : -1;
}


/* the sums of all servers */

typedef struct {
    int64_t   keys;
    int64_t   properties;
    int64_t   messages;
    unsigned  slots;
} cli_backup_sums_t;


static void
cli_backup_print_json(const cli_backup_t *backup, const buf_t *path,
    const cli_backup_sums_t *sums, const char *seconds, buf_t *buf)
{
    size_t                    i;
    const cli_backup_node_t  *node;

    buf_lit(buf, "{\"path\":");
    json_strings(buf, path->data);
    buf_lit(buf, ",\"bytes\":");
    buf_number(buf, (int64_t) backup->files.size);
    buf_lit(buf, ",\"keys\":");
    buf_number(buf, sums->keys);
    buf_lit(buf, ",\"properties\":");
    buf_number(buf, sums->properties);
    buf_lit(buf, ",\"messages\":");
    buf_number(buf, sums->messages);
    buf_lit(buf, ",\"seconds\":");
    buf_adds(buf, seconds);

    for (i = 0; i < backup->nodes.n && backup->cli->cluster != NULL; i++) {
        node = &backup->nodes.nodes[i];

        buf_adds(buf, i ? ",{\"address\":" : ",\"nodes\":[{\"address\":");
        json_strings(buf, node->address);
        buf_lit(buf, ",\"directory\":");
        json_strings(buf, node->name);
        buf_lit(buf, ",\"slots\":");
        json_strings(buf, node->slots.data);
        buf_lit(buf, "}");
    }

    buf_adds(buf, backup->cli->cluster != NULL ? "]}" : "}");
}


static void
cli_backup_print_text(const cli_backup_t *backup, const buf_t *path,
    const cli_backup_sums_t *sums, const char *seconds, buf_t *buf)
{
    buf_adds(buf, path->data);
    buf_lit(buf, ": verified, ");
    buf_number(buf, (int64_t) backup->files.size);
    buf_lit(buf, " bytes, ");
    buf_number(buf, sums->keys);
    buf_lit(buf, " keys, ");
    buf_number(buf, sums->properties);
    buf_lit(buf, " properties, ");
    buf_number(buf, sums->messages);
    buf_lit(buf, " messages, ");

    if (backup->cli->cluster != NULL) {
        buf_number(buf, sums->slots);
        buf_lit(buf, " of 16384 slots, ");
    }

    buf_adds(buf, seconds);
    buf_lit(buf, " seconds");
}


static int
cli_backup_print(const cli_backup_t *backup)
{
    int                       rc;
    char                      seconds[32];
    buf_t                     buf = BUF_INIT, path = BUF_INIT;
    size_t                    i;
    cli_backup_sums_t         sums;
    const cli_backup_node_t  *node;

    memset(&sums, 0, sizeof(cli_backup_sums_t));

    for (i = 0; i < backup->nodes.n; i++) {
        node = &backup->nodes.nodes[i];

        sums.keys += node->check.keys;
        sums.properties += (int64_t) node->check.copied.n;
        sums.messages += node->check.messages;
        sums.slots += node->nslots;
    }

    (void) snprintf(seconds, sizeof(seconds), "%.1f",
                    (double) (clock_monotonic() - backup->start) / 1000);

    buf_adds(&path, backup->files.dir);
    buf_lit(&path, "/");
    buf_adds(&path, backup->files.time);

    if (buf_failed(&path)) {
        buf.failed = 1;

    } else if (backup->cli->json) {
        cli_backup_print_json(backup, &path, &sums, seconds, &buf);

    } else {
        cli_backup_print_text(backup, &path, &sums, seconds, &buf);
    }

    rc = cli_print(&buf);
    buf_free(&buf);
    buf_free(&path);

    return rc;
}


int
cli_backup(cli_t *cli)
{
    int           rc;
    cli_backup_t  backup;

    if (cli->values[BACKUP_NODE] != NULL
        && cli->redis.url.kind != LL_REDIS_URL_CLUSTER)
    {
        return cli_usage(cli, "--node is for a Redis Cluster");
    }

    memset(&backup, 0, sizeof(cli_backup_t));

    backup.cli = cli;
    backup.start = clock_monotonic();
    backup.files.dirfd = -1;
    backup.files.partial = -1;
    backup.files.copy = -1;

    cli_signal_catch();

    rc = cli_backup_run(&backup) == 0 ? cli_backup_print(&backup) : CLI_FAILED;

    cli_backup_server_stop(&backup.server);
    cli_backup_files_close(&backup.files);
    cli_backup_nodes_free(&backup.nodes);

    return rc;
}
