
/*
 * Redis, as commands use it: the connection, and calls of our functions.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_redis.h"
#include "clock.h"
#include "fcall.h"
#include "mode.h"


#define CLI_REDIS_SCAN    1000   /* keys in a step */
#define CLI_REDIS_SAMPLE  8      /* steps */
#define CLI_REDIS_CURSOR  32

#define CLI_REDIS_POLL_MS 200


/* settings of another connection, to the primary of a key: 0, or -1 */
static int
cli_redis_server(cli_t *cli, const char *key, server_t *server)
{
    int                     node;
    const ll_slots_t       *slots;
    const ll_slots_node_t  *at;

    *server = cli->redis;

    if (cli->cluster == NULL) {
        return 0;
    }

    slots = cluster_slots(cli->cluster);
    node = ll_slots_node(slots, ll_slots_of(key, strlen(key)));

    if (node == -1) {
        (void) snprintf(cli->why, sizeof(cli->why),
                        "no primary of the cluster has the slot of \"%.100s\"",
                        key);
        return -1;
    }

    at = &slots->nodes[node];
    (void) snprintf(cli->host, sizeof(cli->host), "%s", at->host);
    server_at(server, &cli->redis, cli->host, at->port);

    return 0;
}


conn_t *
cli_redis_open(cli_t *cli, const char *key)
{
    conn_t    *conn;
    server_t   server;

    if (cli_redis_server(cli, key, &server) != 0) {
        return NULL;
    }

    conn = conn_create(&server, "leaseloft");

    if (conn == NULL) {
        (void) snprintf(cli->why, sizeof(cli->why), "out of memory");
        return NULL;
    }

    if (conn_open(conn) != 0) {
        (void) snprintf(cli->why, sizeof(cli->why),
                        "cannot connect to Redis: %s", conn_error(conn));
        conn_free(conn);
        return NULL;
    }

    return conn;
}


conn_t *
cli_redis_property(cli_t *cli, const char *property)
{
    char    key[LL_KEY_MAX];
    size_t  len;
    conn_t  *conn;

    if (cli->cluster != NULL) {
        len = ll_keys_property(key, LL_KEY_META, property, strlen(property));
        conn = cluster_conn_of(cli->cluster, key, len);
        cli->conn = conn != NULL ? conn : cli->conn;
    }

    return cli->conn;
}


int
cli_redis_queue(cli_t *cli, const char *property)
{
    int     k;
    size_t  len = strlen(property);

    if (cli->cluster == NULL) {
        return (int) ll_keys_queue_of(property, len, cli->queues);
    }

    k = ll_slots_queue(cluster_slots(cli->cluster), property, len);

    if (k == -1) {
        (void) snprintf(cli->why, sizeof(cli->why),
                        "no primary of the cluster has property \"%.64s\"",
                        property);
    }

    return k;
}


/* the reply to a command, which is kept: NULL if there is none */
static redisReply *
cli_redis_send(cli_t *cli, args_t *args)
{
    const char  *key;

    if (args_finish(args) != 0) {
        return NULL;
    }

    /* TIME and CONFIG have no key */

    if (cli->cluster == NULL || args->n < 2
        || strcmp(args->argv[0], "CONFIG") == 0)
    {
        return conn_call(cli->conn, args);
    }

    /* FCALL FUNCTION NUMBER KEY, or COMMAND KEY */

    key = strncmp(args->argv[0], "FCALL", 5) == 0 ? args->argv[3]
                                                  : args->argv[1];

    return cluster_call(cli->cluster, key, strlen(key), args,
                        CLUSTER_RETRY_MS);
}


/* why there is no reply */
static const char *
cli_redis_error(const cli_t *cli)
{
    return cli->cluster != NULL ? cluster_error(cli->cluster)
                                : conn_error(cli->conn);
}


int
cli_redis_layout(cli_t *cli, unsigned k)
{
    int          rc;
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "GET");
    args_copy(&args, key, ll_keys_layout(key, k));

    reply = cli_redis_send(cli, &args);
    args_free(&args);

    rc = 0;

    if (reply && reply->type == REDIS_REPLY_STRING
        && strcmp(reply->str, LL_LAYOUT) != 0)
    {
        (void) snprintf(cli->why, sizeof(cli->why),
                        "Redis has data of layout \"%.32s\", this version "
                        "needs layout " LL_LAYOUT ": use the version that "
                        "wrote the data, or another --prefix", reply->str);
        rc = -1;
    }

    freeReplyObject(reply);

    return rc;
}


/* reads the map of a cluster, and checks the layout on each primary: 0 or -1 */
static int
cli_redis_join(cli_t *cli)
{
    int                home;
    unsigned           i;
    const ll_slots_t  *slots;

    cli->cluster = cluster_create(&cli->redis, "leaseloft");

    if (cli->cluster == NULL) {
        return cli_fail("out of memory"), -1;
    }

    if (cluster_refresh(cli->cluster) != 0) {
        return cli_fail("cannot read the slots of the cluster: %s",
                        cluster_error(cli->cluster)), -1;
    }

    slots = cluster_slots(cli->cluster);

    for (i = 0; i < slots->nnodes; i++) {
        home = ll_slots_home(slots, i);

        if (home != -1 && cli_redis_layout(cli, (unsigned) home) != 0) {
            return cli_fail("%s", cli->why), -1;
        }
    }

    /* so that there always is one, be it closed */

    cli->conn = cluster_conn(cli->cluster, 0);

    if (cli->conn == NULL) {
        return cli_fail("cannot connect to Redis: %s",
                        cluster_error(cli->cluster)), -1;
    }

    return 0;
}


int
cli_redis_connect(cli_t *cli)
{
    if (cli->redis.url.kind == LL_REDIS_URL_CLUSTER) {
        return cli_redis_join(cli);
    }

    cli->conn = cli_redis_open(cli, "");

    if (cli->conn == NULL || cli_redis_layout(cli, 0) != 0) {
        return cli_fail("%s", cli->why), -1;
    }

    if (mode_is_cluster(cli->conn)) {
        return cli_fail("cannot use this Redis: " MODE_CLUSTER), -1;
    }

    return 0;
}


/* the reply, unless it is an error: then it is freed, and cli->why set */
static redisReply *
cli_redis_taken(cli_t *cli, redisReply *reply, const char *error)
{
    cli->result = conn_result(reply);

    switch (cli->result) {

    case CONN_OK:
        return reply;

    case CONN_LOST:
        (void) snprintf(cli->why, sizeof(cli->why),
                        "Redis does not answer: %s", error);
        break;

    case CONN_NO_LIBRARY:
        (void) snprintf(cli->why, sizeof(cli->why),
                        "Redis does not have this version of the functions "
                        "\"%s\": start a worker, which loads them",
                        LL_LIBRARY);
        break;

    default:
        (void) snprintf(cli->why, sizeof(cli->why), "Redis refuses: %s",
                        reply->str);
        break;
    }

    freeReplyObject(reply);

    return NULL;
}


redisReply *
cli_redis_try(cli_t *cli, args_t *args)
{
    redisReply  *reply;

    reply = cli_redis_send(cli, args);
    args_reset(args);

    return cli_redis_taken(cli, reply, cli_redis_error(cli));
}


redisReply *
cli_redis_call(cli_t *cli, args_t *args)
{
    redisReply  *reply;

    reply = cli_redis_try(cli, args);

    if (reply == NULL) {
        (void) cli_fail("%s", cli->why);
    }

    return reply;
}


int
cli_redis_can_continue(const cli_t *cli)
{
    return cli->result == CONN_OK || cli->result == CONN_FAILED;
}


void
cli_redis_value(const char *text, char sep, const char *name, char *dst,
    size_t size)
{
    size_t       len;
    const char  *p, *value;

    const char  ends[] = { sep, '\r', '\0' };

    len = strlen(name);
    dst[0] = '\0';

    for (p = text; p; p = strchr(p, sep)) {
        p += *p == sep;

        if (strncmp(p, name, len) == 0 && p[len] == ':') {
            value = p + len + 1;
            (void) snprintf(dst, size, "%.*s", (int) strcspn(value, ends),
                            value);
            return;
        }
    }
}


long long
cli_redis_number(const char *info, const char *name)
{
    char  value[64];

    cli_redis_value(info, '\n', name, value, sizeof(value));

    return strtoll(value, NULL, 10);
}


void
cli_redis_queue_call(args_t *args, const char *function, unsigned k)
{
    char  key[LL_KEY_MAX];

    fcall_begin(args, function, 2);
    args_copy(args, key, ll_keys_queue(key, k));
    args_copy(args, key, ll_keys_dead(key, k));
}


/* copies the id in a key; NULL if it has none */
static const char *
cli_redis_key_id(const redisReply *key, char id[LL_ID_MAX + 1])
{
    char         kind;
    size_t       len;
    const char  *p;

    if (key->type != REDIS_REPLY_STRING
        || ll_keys_id(key->str, (size_t) key->len, &kind, &p, &len) != 0
        || !ll_id_valid(p, len))
    {
        return NULL;
    }

    memcpy(id, p, len);
    id[len] = '\0';

    return id;
}


/*
 * A step of SCAN on a connection, which sets the cursor to the next one; NULL
 * with cli->why.
 */
static redisReply *
cli_redis_scan(cli_t *cli, conn_t *conn, const char *pattern,
    char cursor[CLI_REDIS_CURSOR])
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "SCAN");
    args_adds(&args, cursor);
    args_lit(&args, "MATCH");
    args_adds(&args, pattern);
    args_lit(&args, "COUNT");
    args_number(&args, CLI_REDIS_SCAN);

    reply = cli_redis_taken(cli, conn_call(conn, &args), conn_error(conn));
    args_free(&args);

    (void) snprintf(cursor, CLI_REDIS_CURSOR, "%s", cli_redis_text(reply, 0));

    return reply;
}


/* calls "each" for the keys in a reply of SCAN, and frees it */
static int
cli_redis_scanned(redisReply *reply, cli_redis_each_pt each, void *data)
{
    int                rc;
    char               name[LL_ID_MAX + 1];
    size_t             i;
    const char        *id;
    const redisReply  *keys;

    rc = 0;
    keys = conn_element(reply, 1);

    for (i = 0; rc == 0 && keys && i < keys->elements; i++) {
        id = cli_redis_key_id(keys->element[i], name);
        rc = id ? each(data, id) : 0;
    }

    freeReplyObject(reply);

    return rc;
}


/* calls "each" for the keys of one server; node is that of slots, or -1 */
static int
cli_redis_each_of(cli_t *cli, const ll_slots_t *slots, int node,
    const char *pattern, cli_redis_each_pt each, void *data)
{
    int          rc;
    char         cursor[CLI_REDIS_CURSOR] = "0";
    conn_t      *conn;
    redisReply  *reply;

    do {
        conn = node == -1 ? cli->conn
                          : cluster_conn_at(cli->cluster,
                                            slots->nodes[node].host,
                                            slots->nodes[node].port);
        if (conn == NULL) {
            return cli_fail("%s", cluster_error(cli->cluster)), -1;
        }

        reply = cli_redis_scan(cli, conn, pattern, cursor);

        if (reply == NULL) {
            return cli_fail("%s", cli->why), -1;
        }

        rc = cli_redis_scanned(reply, each, data);

    } while (rc == 0 && strcmp(cursor, "0") != 0);

    return rc;
}


/*
 * Waits for a map of all slots, as after servers have met: without some, a
 * command would leave out properties and users.  0, or -1 after an error
 * message.
 */
static int
cli_redis_complete(cli_t *cli)
{
    int64_t     end;
    unsigned    covered;

    end = clock_monotonic() + CLUSTER_RETRY_MS;

    while ((covered = cluster_slots(cli->cluster)->covered) < LL_SLOTS) {

        if (clock_monotonic() > end) {
            return cli_fail("no primary has %u of the %d slots",
                            LL_SLOTS - covered, LL_SLOTS), -1;
        }

        clock_sleep(CLI_REDIS_POLL_MS);
        (void) cluster_refresh(cli->cluster);
    }

    return 0;
}


int
cli_redis_each(cli_t *cli, char kind, const char *suffix,
    cli_redis_each_pt each, void *data)
{
    int         rc;
    char        pattern[LL_KEY_MAX];
    unsigned    i;
    ll_slots_t  slots;

    (void) ll_keys_pattern(pattern, kind, suffix);

    if (cli->cluster == NULL) {
        return cli_redis_each_of(cli, NULL, -1, pattern, each, data);
    }

    if (cli_redis_complete(cli) != 0) {
        return -1;
    }

    /* the map changes while commands follow a slot that moves */

    slots = *cluster_slots(cli->cluster);
    rc = 0;

    for (i = 0; i < slots.nnodes && rc == 0; i++) {
        if (slots.nodes[i].slots != 0) {
            rc = cli_redis_each_of(cli, &slots, (int) i, pattern, each, data);
        }
    }

    return rc;
}


int
cli_redis_sample(cli_t *cli, char kind, const char *suffix,
    cli_redis_each_pt each, void *data)
{
    int          i, rc;
    char         cursor[CLI_REDIS_CURSOR], pattern[LL_KEY_MAX];
    redisReply  *reply;

    (void) ll_keys_pattern(pattern, kind, suffix);

    /* any number is a cursor, and SCAN begins there */

    (void) snprintf(cursor, sizeof(cursor), "%llu",
                    (unsigned long long) clock_now() * 2654435761);
    rc = 0;

    for (i = 0; rc == 0 && i < CLI_REDIS_SAMPLE; i++) {
        reply = cli_redis_scan(cli, cli->conn, pattern, cursor);
        rc = reply ? cli_redis_scanned(reply, each, data) : -1;
    }

    return rc;
}


const char *
cli_redis_text(const redisReply *reply, size_t i)
{
    const redisReply  *element;

    element = conn_element(reply, i);

    return element && element->str ? element->str : "";
}
