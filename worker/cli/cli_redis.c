
/*
 * Redis, as commands use it: the connection, and calls of our functions.
 */

#include <stdio.h>
#include <string.h>

#include "cli_redis.h"
#include "fcall.h"


#define CLI_REDIS_SCAN  1000


conn_t *
cli_redis_open(const cli_t *cli)
{
    conn_t  *conn;

    conn = conn_create(&cli->redis, "leaseloft");

    if (conn == NULL) {
        (void) cli_fail("out of memory");
        return NULL;
    }

    if (conn_open(conn) != 0) {
        (void) cli_fail("cannot connect to Redis: %s", conn_error(conn));
        conn_free(conn);
        return NULL;
    }

    return conn;
}


int
cli_redis_layout(cli_t *cli)
{
    int          rc;
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "GET");
    args_copy(&args, key, ll_keys_layout(key));

    reply = conn_call(cli->conn, &args);
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


int
cli_redis_connect(cli_t *cli)
{
    cli->conn = cli_redis_open(cli);

    if (cli->conn == NULL) {
        return -1;
    }

    if (cli_redis_layout(cli) != 0) {
        (void) cli_fail("%s", cli->why);
        return -1;
    }

    return 0;
}


redisReply *
cli_redis_try(cli_t *cli, args_t *args)
{
    int          rc;
    redisReply  *reply;

    rc = conn_send(cli->conn, args);
    args_reset(args);

    reply = rc == 0 ? conn_recv(cli->conn) : NULL;
    cli->result = conn_result(reply);

    switch (cli->result) {

    case CONN_OK:
        return reply;

    case CONN_LOST:
        (void) snprintf(cli->why, sizeof(cli->why),
                        "Redis does not answer: %s", conn_error(cli->conn));
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


int
cli_redis_each(cli_t *cli, char kind, const char *suffix,
    cli_redis_each_pt each, void *data)
{
    int          rc;
    char         cursor[32] = "0", pattern[LL_KEY_MAX], name[LL_ID_MAX + 1];
    size_t       i;
    args_t       args = ARGS_INIT;
    redisReply  *reply, *keys;
    const char  *id;

    (void) ll_keys_pattern(pattern, kind, suffix);

    rc = 0;

    do {
        args_lit(&args, "SCAN");
        args_adds(&args, cursor);
        args_lit(&args, "MATCH");
        args_adds(&args, pattern);
        args_lit(&args, "COUNT");
        args_number(&args, CLI_REDIS_SCAN);

        reply = cli_redis_call(cli, &args);
        if (reply == NULL) {
            rc = -1;
            break;
        }

        (void) snprintf(cursor, sizeof(cursor), "%s", cli_redis_text(reply, 0));
        keys = (redisReply *) conn_element(reply, 1);

        for (i = 0; rc == 0 && keys && i < keys->elements; i++) {
            id = cli_redis_key_id(keys->element[i], name);
            rc = id ? each(data, id) : 0;
        }

        freeReplyObject(reply);

    } while (rc == 0 && strcmp(cursor, "0") != 0);

    args_free(&args);

    return rc;
}


const char *
cli_redis_text(const redisReply *reply, size_t i)
{
    const redisReply  *element;

    element = conn_element(reply, i);

    return element && element->str ? element->str : "";
}
