
/*
 * Append-only files are copied on the machine where they are, so the primaries
 * of a cluster on other machines are backed up there.
 *
 * A key that moves to another primary between two copies would be in both, or
 * in none.  So each primary is asked for its slots before and after the copies.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <openssl/rand.h>

#include "cli_backup_nodes.h"


/* of an id of a node, in bytes */
#define NODES_ID      20

/* the fields of a line of CLUSTER NODES before the slots */
#define NODES_FIELDS  8


static int
cli_backup_nodes_moving(const cli_backup_node_t *node)
{
    return cli_fail("slots of %s are moving: repeat the backup after that",
                    node->address), -1;
}


/*
 * Takes the slots of the line that the server has about itself.  Returns 0, or
 * -1 after an error message.
 */
static int
cli_backup_nodes_line(const cli_backup_node_t *node, const char *p,
    buf_t *slots)
{
    int     i;
    size_t  len;

    for (i = 0; i < NODES_FIELDS; i++) {
        p += strcspn(p, " \n");
        p += *p == ' ';
    }

    len = strcspn(p, "\r\n");

    if (memchr(p, '[', len) != NULL) {
        return cli_backup_nodes_moving(node);
    }

    buf_reset(slots);
    buf_add(slots, p, len);

    return buf_failed(slots) ? (cli_fail("out of memory"), -1) : 0;
}


/* asks a primary for its slots: 0, or -1 after an error message */
static int
cli_backup_nodes_slots(cli_backup_node_t *node, buf_t *slots)
{
    int          rc;
    args_t       args = ARGS_INIT;
    redisReply  *reply;
    const char  *p, *end, *myself;

    args_lit(&args, "CLUSTER");
    args_lit(&args, "NODES");

    reply = cli_redis_call(&node->cli, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    rc = 1;

    for (p = reply->str ? reply->str : ""; rc == 1 && *p; p = end) {
        end = strchrnul(p, '\n');
        end += *end == '\n';
        myself = strstr(p, "myself");

        if (myself != NULL && myself < end) {
            rc = cli_backup_nodes_line(node, p, slots);
        }
    }

    freeReplyObject(reply);

    return rc == 1 ? (cli_fail("%s does not tell its slots", node->address),
                      -1)
                   : rc;
}


/* the name of a directory, without colons, which mean hosts to rsync */
static void
cli_backup_nodes_name(cli_backup_node_t *node)
{
    char  *p;

    (void) snprintf(node->name, sizeof(node->name), "%s", node->address);

    for (p = node->name; *p; p++) {
        if (*p == ':' || *p == '/') {
            *p = '_';
        }
    }
}


/*
 * Connects to a primary.  Returns 1, 0 if it is on another machine, or -1 after
 * an error message.
 */
static int
cli_backup_nodes_connect(cli_t *cli, cli_backup_node_t *node,
    const ll_slots_node_t *at)
{
    node->cli = *cli;
    node->cli.cluster = NULL;

    (void) snprintf(node->cli.host, sizeof(node->cli.host), "%s", at->host);
    server_at(&node->cli.redis, &cli->redis, node->cli.host, at->port);

    node->cli.conn = conn_create(&node->cli.redis, "leaseloft");

    if (node->cli.conn == NULL) {
        return cli_fail("out of memory"), -1;
    }

    if (conn_open(node->cli.conn) != 0) {
        return cli_fail("cannot connect to %s: %s; --node backs up another "
                        "one alone", node->address,
                        conn_error(node->cli.conn)), -1;
    }

    return cli_backup_source_is_local(&node->cli);
}


/*
 * The primary i of the map.  Returns 1, 0 if it is not to be backed up here, or
 * -1 after an error message.
 */
static int
cli_backup_nodes_primary(cli_t *cli, const char *only,
    cli_backup_node_t *node, const ll_slots_t *slots, unsigned i)
{
    int                     rc;
    const ll_slots_node_t  *at = &slots->nodes[i];

    (void) snprintf(node->address, sizeof(node->address), "%s:%u", at->host,
                    at->port);

    if (at->slots == 0 || (only != NULL && strcmp(only, node->address) != 0)) {
        return 0;
    }

    rc = cli_backup_nodes_connect(cli, node, at);

    if (rc == 0 && only == NULL) {
        (void) fprintf(stderr, "%s is on another machine: run the command "
                               "there, too\n", node->address);
    }

    if (rc != 1) {
        conn_free(node->cli.conn);
        node->cli.conn = NULL;

        return rc == 0 && only != NULL
               ? (cli_fail("%s is on another machine: run the command there",
                           node->address), -1)
               : rc;
    }

    cli_backup_nodes_name(node);
    node->nslots = at->slots;
    node->epoch = i + 1;
    node->check.home = ll_slots_home(slots, i);

    return cli_backup_nodes_slots(node, &node->slots) == 0 ? 1 : -1;
}


/* those of a cluster: 0, or -1 after an error message */
static int
cli_backup_nodes_cluster(cli_t *cli, const char *only,
    cli_backup_nodes_t *nodes)
{
    int                 rc;
    unsigned            i;
    cli_backup_node_t  *node;
    const ll_slots_t   *slots;

    slots = cluster_slots(cli->cluster);

    for (i = 0; i < slots->nnodes; i++) {
        node = &nodes->nodes[nodes->n];
        rc = cli_backup_nodes_primary(cli, only, node, slots, i);

        if (rc == -1) {
            nodes->n++;
            return -1;
        }

        nodes->n += (size_t) rc;
    }

    if (nodes->n == 0) {
        return cli_fail(only ? "\"%s\" is no primary of the cluster"
                             : "no primary of the cluster is on this machine",
                        only), -1;
    }

    return 0;
}


int
cli_backup_nodes_find(cli_t *cli, const char *only, cli_backup_nodes_t *nodes)
{
    nodes->n = 0;
    nodes->nodes = calloc(LL_SLOTS_NODES, sizeof(cli_backup_node_t));

    if (nodes->nodes == NULL) {
        return cli_fail("out of memory"), -1;
    }

    if (cli->cluster != NULL) {
        return cli_backup_nodes_cluster(cli, only, nodes);
    }

    nodes->nodes[0].cli = *cli;
    nodes->n = 1;

    return 0;
}


int
cli_backup_nodes_check(cli_backup_nodes_t *nodes)
{
    int                 rc;
    buf_t               now = BUF_INIT;
    size_t              i;
    cli_backup_node_t  *node;

    rc = 0;

    for (i = 0; i < nodes->n && rc == 0; i++) {
        node = &nodes->nodes[i];

        if (node->name[0] == '\0') {
            continue;
        }

        rc = cli_backup_nodes_slots(node, &now);

        if (rc == 0 && (now.len != node->slots.len
                        || memcmp(now.data, node->slots.data, now.len) != 0))
        {
            rc = cli_backup_nodes_moving(node);
        }
    }

    buf_free(&now);

    return rc;
}


/* appends a random id: 0, or -1 after an error message */
static int
cli_backup_nodes_id(buf_t *text)
{
    int            i;
    char           hex[3];
    unsigned char  id[NODES_ID];

    if (RAND_bytes(id, NODES_ID) != 1) {
        return cli_fail("cannot make an id"), -1;
    }

    for (i = 0; i < NODES_ID; i++) {
        (void) snprintf(hex, sizeof(hex), "%02x", id[i]);
        buf_adds(text, hex);
    }

    return 0;
}


/* Redis 7.0 ignores the shard-id, which Redis 8 needs */
int
cli_backup_nodes_conf(const cli_backup_node_t *node, buf_t *text)
{
    if (cli_backup_nodes_id(text) != 0) {
        return -1;
    }

    buf_lit(text, " :0@0,,shard-id=");

    if (cli_backup_nodes_id(text) != 0) {
        return -1;
    }

    buf_lit(text, " myself,master - 0 0 ");
    buf_number(text, node->epoch);
    buf_lit(text, " connected ");
    buf_add(text, node->slots.data, node->slots.len);
    buf_lit(text, "\nvars currentEpoch ");
    buf_number(text, node->epoch);
    buf_lit(text, " lastVoteEpoch 0\n");

    return buf_failed(text) ? (cli_fail("out of memory"), -1) : 0;
}


void
cli_backup_nodes_free(cli_backup_nodes_t *nodes)
{
    size_t              i;
    cli_backup_node_t  *node;

    for (i = 0; i < nodes->n; i++) {
        node = &nodes->nodes[i];

        cli_backup_check_free(&node->check);
        buf_free(&node->slots);

        /* the connection to a single server is the command's */

        if (node->address[0]) {
            conn_free(node->cli.conn);
        }
    }

    free(nodes->nodes);
}
