
/*
 * Connections to Redis: which server, login, and results.  wire.c sends and
 * receives.
 *
 * With Sentinel, conn_open() asks one sentinel after the other until one names
 * a server that accepts a write, and conn_moved() goes on to ask that one.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "notify.h"
#include "sentinel.h"
#include "tls.h"
#include "wire.h"


#define CONN_CONNECT_MS  2000
#define CONN_NAME_MAX    128

/* how often another sentinel is asked, if the present one is lost; that may
   take a second */
#define CONN_ASK_MS      5000


struct conn_s {
    server_t   server;
    char       name[CONN_NAME_MAX];
    wire_t     wire;
    unsigned   quiet;              /* replies to be dropped */
    sentinel_t sentinel;
    unsigned   known;              /* index of the sentinel that knew last */
    int64_t    ask_at;             /* when to ask the next, if it is lost */
    int        limit_ms;           /* of all that takes time; 0: the defaults */
    char       error[256];
};


/* errors while Redis cannot serve commands for now */

static const char  *conn_refusals[] = {
    "OOM ", "LOADING ", "MISCONF ", "MASTERDOWN ", "NOREPLICAS ", "BUSY ",
    "CLUSTERDOWN ", "TRYAGAIN ", "MOVED ", "ASK ", "NOAUTH ", "NOPERM ",
    "UNBLOCKED ", NULL
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
    conn->wire.sock.fd = -1;
    conn->sentinel.wire.sock.fd = -1;
    (void) snprintf(conn->name, sizeof(conn->name), "%s", name);

    return conn;
}


/* closes the connection; why may be its own error */
static void
conn_break(conn_t *conn, const char *why)
{
    wire_close(&conn->wire, why);
    (void) snprintf(conn->error, sizeof(conn->error), "%s", conn->wire.error);

    conn->quiet = 0;
}


void
conn_close(conn_t *conn)
{
    if (conn_alive(conn)) {
        conn_break(conn, "closed");
    }
}


void
conn_free(conn_t *conn)
{
    if (conn != NULL) {
        wire_free(&conn->wire);
        sentinel_close(&conn->sentinel);
        free(conn);
    }
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


/* AUTH and CLIENT SETNAME: 0 or -1 */
static int
conn_handshake(conn_t *conn, const server_login_t *login)
{
    int     rc;
    args_t  args = ARGS_INIT;

    if (login_auth(&conn->wire, login) == -1) {
        conn_break(conn, conn->wire.error);
        return -1;
    }

    args_lit(&args, "CLIENT");
    args_lit(&args, "SETNAME");
    args_adds(&args, conn->name);
    rc = conn_handshake_call(conn, &args);

    args_free(&args);

    return rc;
}


/* copies the host of an address, and the name that its certificate must have */
static void
conn_addr(const conn_t *conn, unsigned i, SSL_CTX *tls, sock_addr_t *addr,
    char host[LL_REDIS_URL_HOST + 1])
{
    const ll_redis_url_t  *url = &conn->server.url;

    memset(addr, 0, sizeof(sock_addr_t));

    if (url->kind == LL_REDIS_URL_UNIX) {
        addr->path = url->path.data;
        return;
    }

    (void) snprintf(host, LL_REDIS_URL_HOST + 1, "%.*s",
                    (int) url->addrs[i].host.len, url->addrs[i].host.data);

    addr->host = host;
    addr->port = url->addrs[i].port;
    addr->tls = tls;
    addr->name = conn->server.settings[SERVER_NAME]
                 ? conn->server.settings[SERVER_NAME] : host;
}


/* connects to the server at addr, and logs in: 0 or -1 */
static int
conn_open_at(conn_t *conn, const sock_addr_t *addr, const server_login_t *login,
    int timeout_ms)
{
    if (wire_open(&conn->wire, addr,
                  conn->limit_ms ? conn->limit_ms : CONN_CONNECT_MS,
                  conn->limit_ms ? conn->limit_ms : timeout_ms)
        == -1)
    {
        conn_break(conn, conn->wire.error);
        return -1;
    }

    return conn_handshake(conn, login);
}


/* connects to the primary that a sentinel names: 0 or -1 */
static int
conn_open_primary(conn_t *conn, unsigned i, SSL_CTX *tls,
    const server_login_t *login)
{
    char                 host[LL_REDIS_URL_HOST + 1];
    char                 why[sizeof(conn->wire.error)];
    sock_addr_t          addr;
    sentinel_primary_t  *primary = &conn->sentinel.primary;

    conn_addr(conn, i, tls, &addr, host);

    if (sentinel_ask(&conn->sentinel, &addr, login, &conn->server.url.name, why,
                     sizeof(why)) == -1)
    {
        conn_break(conn, why);
        return -1;
    }

    addr.host = primary->host;
    addr.port = primary->port;

    if (conn->server.settings[SERVER_NAME] == NULL) {
        addr.name = primary->host;
    }

    /* until Sentinel has promoted another one, it names one that is silent:
       do not wait for that longer than to connect */

    if (conn_open_at(conn, &addr, login, CONN_CONNECT_MS) == -1
        || login_verify(&conn->wire, conn->name) == -1)
    {
        (void) snprintf(conn->error, sizeof(conn->error), "%.80s:%u: %s",
                        primary->host, primary->port, conn->wire.error);
        return -1;
    }

    return conn_set_timeout(conn, CONN_TIMEOUT_MS);
}


/* asks the sentinels, beginning with the one that was right last: 0 or -1 */
static int
conn_open_sentinel(conn_t *conn, SSL_CTX *tls, const server_login_t *login)
{
    unsigned  i, k, n;

    n = conn->server.url.naddrs;

    for (i = 0; i < n; i++) {
        k = (conn->known + i) % n;

        /* each may take seconds */

        notify_alive();

        if (conn_open_primary(conn, k, tls, login) == 0) {
            conn->known = k;
            return 0;
        }
    }

    return -1;
}


/* connects, with login and context: 0 or -1 */
static int
conn_open_with(conn_t *conn, SSL_CTX *tls, const server_login_t *login)
{
    char         host[LL_REDIS_URL_HOST + 1];
    sock_addr_t  addr;

    if (conn->server.url.kind == LL_REDIS_URL_SENTINEL) {
        return conn_open_sentinel(conn, tls, login);
    }

    conn_addr(conn, 0, tls, &addr, host);

    return conn_open_at(conn, &addr, login, CONN_TIMEOUT_MS);
}


/*
 * Reads the files, as they may have changed: 0, or -1 with a sentence in why.
 * The caller calls conn_forget() in both cases.
 */
static int
conn_prepare(const server_t *server, SSL_CTX **tls, server_login_t *login,
    char *why, size_t size)
{
    *tls = NULL;

    if (server_login(server, login, why, size) == -1) {
        return -1;
    }

    if (server->url.tls) {
        *tls = tls_create(server, why, size);
    }

    return server->url.tls && *tls == NULL ? -1 : 0;
}


static void
conn_forget(SSL_CTX *tls, server_login_t *login)
{
    SSL_CTX_free(tls);
    server_forget(login);
}


int
conn_open(conn_t *conn)
{
    int              rc;
    char             why[sizeof(conn->wire.error)];
    SSL_CTX         *tls;
    server_login_t   login;

    conn_break(conn, "not connected");

    rc = conn_prepare(&conn->server, &tls, &login, why, sizeof(why));

    if (rc == 0) {
        rc = conn_open_with(conn, tls, &login);

    } else {
        conn_break(conn, why);
    }

    conn_forget(tls, &login);

    return rc;
}


int
conn_check(const server_t *server, char *why, size_t size)
{
    int              rc;
    SSL_CTX         *tls;
    server_login_t   login;

    rc = conn_prepare(server, &tls, &login, why, size);
    conn_forget(tls, &login);

    return rc;
}


/* asks the next sentinel, not too often: 1 if it names another primary */
static int
conn_ask_next(conn_t *conn)
{
    int                  rc;
    char                 host[LL_REDIS_URL_HOST + 1];
    char                 why[sizeof(conn->wire.error)];
    SSL_CTX             *tls;
    sock_addr_t          addr;
    server_login_t       login;
    sentinel_primary_t   old;

    if (clock_monotonic() < conn->ask_at) {
        return 0;
    }

    conn->ask_at = clock_monotonic() + CONN_ASK_MS;
    conn->known = (conn->known + 1) % conn->server.url.naddrs;

    old = conn->sentinel.primary;
    rc = conn_prepare(&conn->server, &tls, &login, why, sizeof(why));

    if (rc == 0) {
        conn_addr(conn, conn->known, tls, &addr, host);
        rc = sentinel_ask(&conn->sentinel, &addr, &login,
                          &conn->server.url.name, why, sizeof(why));
    }

    conn_forget(tls, &login);

    return rc == 0 && (old.port != conn->sentinel.primary.port
                       || strcmp(old.host, conn->sentinel.primary.host) != 0);
}


int
conn_moved(conn_t *conn)
{
    int  rc;

    if (conn->server.url.kind != LL_REDIS_URL_SENTINEL || !conn_alive(conn)) {
        return 0;
    }

    rc = sentinel_poll(&conn->sentinel, &conn->server.url.name);

    if (rc == 1 || (rc == -1 && conn_ask_next(conn))) {
        conn_break(conn, "another server is the primary");
        return 1;
    }

    return 0;
}


void
conn_set_limit(conn_t *conn, int ms)
{
    conn->limit_ms = ms;
}


int
conn_set_timeout(conn_t *conn, int ms)
{
    return wire_set_timeout(&conn->wire, ms);
}


int
conn_alive(const conn_t *conn)
{
    return wire_alive(&conn->wire);
}


const char *
conn_error(const conn_t *conn)
{
    return conn->error;
}


int
conn_send(conn_t *conn, args_t *args)
{
    if (!conn_alive(conn)) {
        return -1;
    }

    if (wire_send(&conn->wire, args) == -1) {
        conn_break(conn, conn->wire.error);
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
    if (!conn_alive(conn)) {
        return -1;
    }

    if (wire_flush(&conn->wire) == -1) {
        conn_break(conn, conn->wire.error);
        return -1;
    }

    return 0;
}


static redisReply *
conn_next(conn_t *conn)
{
    redisReply  *reply;

    if (!conn_alive(conn)) {
        return NULL;
    }

    reply = wire_recv(&conn->wire);
    if (reply == NULL) {
        conn_break(conn, conn->wire.error);
        return NULL;
    }

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
