
/*
 * Redis, as commands use it: the connection, and calls of our functions.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_redis.h"
#include "clock.h"
#include "fcall.h"


#define CLI_REDIS_SCAN    1000   /* keys in a step */
#define CLI_REDIS_SAMPLE  8      /* steps */
#define CLI_REDIS_CURSOR  32


conn_t *
cli_redis_open(cli_t *cli)
{
    conn_t  *conn;

    conn = conn_create(&cli->redis, "leaseloft");

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


int
cli_redis_layout(cli_t *cli)
{
    int          rc;
    char         key[LL_KEY_MAX];
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "GET");
    args_copy(&args, key, ll_keys_layout(key, 0));

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

    if (cli->conn == NULL || cli_redis_layout(cli) != 0) {
        return cli_fail("%s", cli->why), -1;
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


/* a step of SCAN, which sets the cursor to the next one; NULL with cli->why */
static redisReply *
cli_redis_scan(cli_t *cli, const char *pattern, char cursor[CLI_REDIS_CURSOR])
{
    args_t       args = ARGS_INIT;
    redisReply  *reply;

    args_lit(&args, "SCAN");
    args_adds(&args, cursor);
    args_lit(&args, "MATCH");
    args_adds(&args, pattern);
    args_lit(&args, "COUNT");
    args_number(&args, CLI_REDIS_SCAN);

    reply = cli_redis_try(cli, &args);
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


int
cli_redis_each(cli_t *cli, char kind, const char *suffix,
    cli_redis_each_pt each, void *data)
{
    int          rc;
    char         cursor[CLI_REDIS_CURSOR] = "0", pattern[LL_KEY_MAX];
    redisReply  *reply;

    (void) ll_keys_pattern(pattern, kind, suffix);

    do {
        reply = cli_redis_scan(cli, pattern, cursor);

        if (reply == NULL) {
            return cli_fail("%s", cli->why), -1;
        }

        rc = cli_redis_scanned(reply, each, data);

    } while (rc == 0 && strcmp(cursor, "0") != 0);

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
        reply = cli_redis_scan(cli, pattern, cursor);
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
