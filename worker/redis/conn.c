
/* Connections to Redis, by hiredis.  A connection owns its redisContext. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"


#define CONN_CONNECT_MS  2000
#define CONN_NAME_MAX    128

/* of one array; replies to our commands are much smaller */
#define CONN_ELEMENTS    (1024 * 1024)


#if (HIREDIS_MAJOR > 0)
typedef size_t  conn_elements_t;
#else
typedef int     conn_elements_t;
#endif


struct conn_s {
    server_t                    server;
    char                        name[CONN_NAME_MAX];
    redisContext               *redis;     /* NULL if broken */
    redisReplyObjectFunctions   functions; /* hiredis's, except for arrays */
    void                     *(*create_array)(const redisReadTask *task,
                                              conn_elements_t elements);
    unsigned                    quiet;     /* replies to be dropped */
    char                        error[160];
};


/* errors while Redis cannot serve commands for now */

static const char  *conn_refusals[] = {
    "OOM ", "LOADING ", "MISCONF ", "MASTERDOWN ", "NOREPLICAS ", "BUSY ",
    "CLUSTERDOWN ", "TRYAGAIN ", "NOAUTH ", "NOPERM ", "UNBLOCKED ", NULL
};


conn_t *
conn_create(const server_t *server, const char *name)
{
    conn_t  *conn;

    conn = calloc(1, sizeof(conn_t));
    if (conn == NULL) {
        return NULL;
    }

    conn->server = *server;
    (void) snprintf(conn->name, sizeof(conn->name), "%s", name);

    return conn;
}


static void
conn_break(conn_t *conn, const char *why)
{
    (void) snprintf(conn->error, sizeof(conn->error), "%s", why);

    if (conn->redis != NULL) {
        redisFree(conn->redis);
        conn->redis = NULL;
    }

    conn->quiet = 0;
}


void
conn_close(conn_t *conn)
{
    if (conn->redis != NULL) {
        conn_break(conn, "closed");
    }
}


void
conn_free(conn_t *conn)
{
    if (conn != NULL) {
        conn_break(conn, "closed");
        free(conn);
    }
}


static struct timeval
conn_timeval(int ms)
{
    struct timeval  tv;

    tv.tv_sec = ms / 1000;
    tv.tv_usec = (ms % 1000) * 1000;

    return tv;
}


/* a command of the handshake; 0 or -1 */
static int
conn_handshake_call(conn_t *conn, args_t *args)
{
    int          rc;
    redisReply  *reply;

    reply = conn_call(conn, args);
    if (reply == NULL) {
        return -1;
    }

    rc = 0;

    if (reply->type == REDIS_REPLY_ERROR) {
        conn_break(conn, reply->str);
        rc = -1;
    }

    freeReplyObject(reply);
    args_reset(args);

    return rc;
}


/*
 * hiredis allocates the elements of an array when it has read their number,
 * which is limited here; NULL breaks the connection
 */
static void *
conn_create_array(const redisReadTask *task, conn_elements_t elements)
{
    conn_t  *conn;

    if ((size_t) elements > CONN_ELEMENTS) {
        return NULL;
    }

    conn = task->privdata;

    return conn->create_array(task, elements);
}


static int
conn_handshake(conn_t *conn)
{
    int              rc;
    char             user[LL_REDIS_URL_PART + 1];
    char             password[LL_REDIS_URL_PART + 1];
    args_t           args = ARGS_INIT;
    ll_redis_url_t  *url = &conn->server.url;

    rc = 0;

    if (url->password.len) {
        (void) ll_redis_url_decode(user, &url->user);
        (void) ll_redis_url_decode(password, &url->password);

        args_lit(&args, "AUTH");
        if (url->user.len) {
            args_adds(&args, user);
        }
        args_adds(&args, password);
        rc = conn_handshake_call(conn, &args);
    }

    if (rc == 0) {
        args_lit(&args, "CLIENT");
        args_lit(&args, "SETNAME");
        args_adds(&args, conn->name);
        rc = conn_handshake_call(conn, &args);
    }

    args_free(&args);

    return rc;
}


int
conn_open(conn_t *conn)
{
    char             host[LL_REDIS_URL_HOST + 1];
    redisContext    *redis;
    ll_redis_url_t  *url = &conn->server.url;
    struct timeval   tv;

    conn_break(conn, "not connected");

    tv = conn_timeval(CONN_CONNECT_MS);

    if (url->kind == LL_REDIS_URL_UNIX) {
        redis = redisConnectUnixWithTimeout(url->path.data, tv);

    } else {
        (void) snprintf(host, sizeof(host), "%.*s",
                        (int) url->addrs[0].host.len, url->addrs[0].host.data);
        redis = redisConnectWithTimeout(host, (int) url->addrs[0].port, tv);
    }

    if (redis == NULL) {
        conn_break(conn, "no memory");
        return -1;
    }

    conn->redis = redis;

    if (redis->err) {
        conn_break(conn, redis->errstr);
        return -1;
    }

    conn->functions = *redis->reader->fn;
    conn->create_array = conn->functions.createArray;
    conn->functions.createArray = conn_create_array;
    redis->reader->fn = &conn->functions;
    redis->reader->privdata = conn;

    if (redisSetTimeout(redis, conn_timeval(CONN_TIMEOUT_MS)) != REDIS_OK) {
        conn_break(conn, "cannot set a timeout");
        return -1;
    }

    return conn_handshake(conn);
}


int
conn_set_timeout(conn_t *conn, int ms)
{
    if (conn->redis == NULL
        || redisSetTimeout(conn->redis, conn_timeval(ms)) != REDIS_OK)
    {
        return -1;
    }

    return 0;
}


int
conn_alive(const conn_t *conn)
{
    return conn->redis != NULL;
}


const char *
conn_error(const conn_t *conn)
{
    return conn->error;
}


int
conn_send(conn_t *conn, args_t *args)
{
    if (conn->redis == NULL) {
        return -1;
    }

    if (args_finish(args) == -1
        || redisAppendCommandArgv(conn->redis, args->n, args->argv,
                                  args->argvlen) != REDIS_OK)
    {
        conn_break(conn, "no memory for a command");
        return -1;
    }

    return 0;
}


int
conn_send_quiet(conn_t *conn, args_t *args)
{
    if (conn_send(conn, args) == -1) {
        return -1;
    }

    conn->quiet++;

    return 0;
}


int
conn_flush(conn_t *conn)
{
    int  done;

    if (conn->redis == NULL) {
        return -1;
    }

    do {
        if (redisBufferWrite(conn->redis, &done) != REDIS_OK) {
            conn_break(conn, conn->redis->errstr);
            return -1;
        }
    } while (!done);

    return 0;
}


static redisReply *
conn_next(conn_t *conn)
{
    void        *data;
    redisReply  *reply;

    if (conn->redis == NULL) {
        return NULL;
    }

    data = NULL;

    if (redisGetReply(conn->redis, &data) != REDIS_OK || data == NULL) {
        conn_break(conn, conn->redis->errstr);
        return NULL;
    }

    reply = data;

    /* another Redis is the primary now, perhaps at the same address */

    if (reply->type == REDIS_REPLY_ERROR
        && strncmp(reply->str, "READONLY ", 9) == 0)
    {
        conn_break(conn, "it is a read-only replica");
        freeReplyObject(reply);
        return NULL;
    }

    return reply;
}


redisReply *
conn_recv(conn_t *conn)
{
    redisReply  *reply;

    while (conn->quiet > 0) {
        reply = conn_next(conn);

        if (reply == NULL) {
            return NULL;
        }

        freeReplyObject(reply);
        conn->quiet--;
    }

    return conn_next(conn);
}


redisReply *
conn_call(conn_t *conn, args_t *args)
{
    if (conn_send(conn, args) == -1) {
        return NULL;
    }

    return conn_recv(conn);
}


conn_result_e
conn_result(const redisReply *reply)
{
    int  i;

    if (reply == NULL) {
        return CONN_LOST;
    }

    if (reply->type != REDIS_REPLY_ERROR) {
        return CONN_OK;
    }

    for (i = 0; conn_refusals[i] != NULL; i++) {
        if (strncmp(reply->str, conn_refusals[i], strlen(conn_refusals[i]))
            == 0)
        {
            return CONN_REFUSED;
        }
    }

    if (strncmp(reply->str, "NOGROUP ", 8) == 0
        || strncmp(reply->str, "ERR Function not found", 22) == 0)
    {
        return CONN_NO_LIBRARY;
    }

    return CONN_FAILED;
}


const redisReply *
conn_element(const redisReply *reply, size_t i)
{
    if (reply == NULL || reply->type != REDIS_REPLY_ARRAY
        || i >= reply->elements)
    {
        return NULL;
    }

    return reply->element[i];
}


int
conn_number(const redisReply *reply, long long *n)
{
    char  *end;

    if (reply == NULL) {
        return -1;
    }

    if (reply->type == REDIS_REPLY_INTEGER) {
        *n = reply->integer;
        return 0;
    }

    if (reply->type != REDIS_REPLY_STRING || reply->len == 0) {
        return -1;
    }

    *n = strtoll(reply->str, &end, 10);

    return *end == '\0' ? 0 : -1;
}
