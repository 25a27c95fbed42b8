
/*
 * A query goes to the Sentinel that answered last, over the connection that is
 * kept to it, and from there on to each of the others once.  Queries are made
 * when a connection to Redis asks, and otherwise by a timer; whoever asks
 * during a query gets its answer.
 *
 * A Sentinel with a password of its own replies NOAUTH: it is given the user
 * and the password of Redis.
 */


#include "ngx_leaseloft_sentinel.h"


#define NGX_LEASELOFT_SENTINEL_TIMEOUT  1000
#define NGX_LEASELOFT_SENTINEL_PERIOD   250
#define NGX_LEASELOFT_SENTINEL_PAUSE    5000   /* after none answered */


struct ngx_leaseloft_sentinel_s {
    ngx_leaseloft_peer_t         peer;
    ngx_leaseloft_redis_conf_t  *conf;
    ngx_queue_t                  waiting;  /* ngx_leaseloft_sentinel_ask_t */
    ngx_event_t                  timer;
    void                       (*moved)(void *data,
                                        ngx_leaseloft_server_t *server);
    void                        *data;

    ngx_uint_t                   current;  /* the Sentinel to ask */
    ngx_uint_t                   tried;    /* Sentinels, in this query */
    ngx_leaseloft_server_t       primary;  /* the last answer, if known */

    unsigned                     known:1;
    unsigned                     asking:1;     /* a query is under way */
    unsigned                     auth:1;       /* AUTH was sent */
    unsigned                     auth_reply:1; /* and is not replied to */
};


static void ngx_leaseloft_sentinel_timer_handler(ngx_event_t *ev);
static void ngx_leaseloft_sentinel_query(ngx_leaseloft_sentinel_t *sentinel);
static void ngx_leaseloft_sentinel_try(ngx_leaseloft_sentinel_t *sentinel);
static void ngx_leaseloft_sentinel_reply(void *data, redisReply *reply);
static void ngx_leaseloft_sentinel_closed(void *data);


static ngx_leaseloft_peer_handlers_t  ngx_leaseloft_sentinel_handlers = {
    ngx_leaseloft_sentinel_reply,
    ngx_leaseloft_sentinel_closed
};


ngx_leaseloft_sentinel_t *
ngx_leaseloft_sentinel_create(ngx_leaseloft_main_conf_t *mcf,
    void (*moved)(void *data, ngx_leaseloft_server_t *server), void *data,
    ngx_pool_t *pool, ngx_log_t *log)
{
    ngx_leaseloft_sentinel_t  *sentinel;

    sentinel = ngx_pcalloc(pool, sizeof(ngx_leaseloft_sentinel_t));

    if (sentinel == NULL
        || ngx_leaseloft_peer_init(&sentinel->peer, mcf, "sentinel",
                                   &ngx_leaseloft_sentinel_handlers, sentinel,
                                   pool, log)
           != NGX_OK)
    {
        return NULL;
    }

    sentinel->conf = &mcf->redis;
    sentinel->moved = moved;
    sentinel->data = data;

    ngx_queue_init(&sentinel->waiting);

    sentinel->timer.handler = ngx_leaseloft_sentinel_timer_handler;
    sentinel->timer.data = sentinel;
    sentinel->timer.log = log;
    sentinel->timer.cancelable = 1;

    /* processes begin with different ones */

    sentinel->current = ngx_random() % sentinel->conf->nservers;

    return sentinel;
}


void
ngx_leaseloft_sentinel_free(ngx_leaseloft_sentinel_t *sentinel)
{
    ngx_leaseloft_peer_close(&sentinel->peer);

    if (sentinel->timer.timer_set) {
        ngx_del_timer(&sentinel->timer);
    }
}


void
ngx_leaseloft_sentinel_ask(ngx_leaseloft_sentinel_t *sentinel,
    ngx_leaseloft_sentinel_ask_t *ask)
{
    ask->waiting = 1;
    ngx_queue_insert_tail(&sentinel->waiting, &ask->queue);

    ngx_leaseloft_sentinel_query(sentinel);
}


void
ngx_leaseloft_sentinel_cancel(ngx_leaseloft_sentinel_ask_t *ask)
{
    if (ask->waiting) {
        ngx_queue_remove(&ask->queue);
        ask->waiting = 0;
    }
}


void
ngx_leaseloft_sentinel_doubt(ngx_leaseloft_sentinel_t *sentinel)
{
    if (sentinel->asking) {
        return;
    }

    ngx_leaseloft_peer_close(&sentinel->peer);
    sentinel->auth = 0;
    sentinel->current = (sentinel->current + 1) % sentinel->conf->nservers;
}


static void
ngx_leaseloft_sentinel_timer_handler(ngx_event_t *ev)
{
    ngx_leaseloft_sentinel_query(ev->data);
}


static void
ngx_leaseloft_sentinel_query(ngx_leaseloft_sentinel_t *sentinel)
{
    if (sentinel->asking) {
        return;
    }

    sentinel->asking = 1;
    sentinel->tried = 0;

    if (sentinel->timer.timer_set) {
        ngx_del_timer(&sentinel->timer);
    }

    ngx_leaseloft_sentinel_try(sentinel);
}


static void
ngx_leaseloft_sentinel_send(ngx_leaseloft_sentinel_t *sentinel)
{
    ngx_str_t  argv[3];

    ngx_str_set(&argv[0], "SENTINEL");
    ngx_str_set(&argv[1], "GET-MASTER-ADDR-BY-NAME");
    argv[2] = sentinel->conf->primary;

    (void) ngx_leaseloft_peer_command(&sentinel->peer, 3, argv);
}


static void
ngx_leaseloft_sentinel_auth(ngx_leaseloft_sentinel_t *sentinel)
{
    sentinel->auth = 1;
    sentinel->auth_reply = 1;

    (void) ngx_leaseloft_writer_auth(&sentinel->peer.writer, sentinel->conf);
}


/* a command that finds no memory is found by the time limit */
static void
ngx_leaseloft_sentinel_try(ngx_leaseloft_sentinel_t *sentinel)
{
    ngx_leaseloft_sentinel_send(sentinel);

    if (sentinel->peer.open) {
        ngx_leaseloft_peer_timeout(&sentinel->peer,
                                   NGX_LEASELOFT_SENTINEL_TIMEOUT);
        return;
    }

    ngx_leaseloft_peer_connect(&sentinel->peer,
                               &sentinel->conf->servers[sentinel->current],
                               NGX_LEASELOFT_SENTINEL_TIMEOUT);
}


/* ends the query */
static void
ngx_leaseloft_sentinel_answer(ngx_leaseloft_sentinel_t *sentinel,
    ngx_leaseloft_server_t *server, char *reason)
{
    ngx_queue_t                   *q, asked;
    ngx_leaseloft_sentinel_ask_t  *ask;

    sentinel->asking = 0;
    ngx_add_timer(&sentinel->timer, server ? NGX_LEASELOFT_SENTINEL_PERIOD
                                           : NGX_LEASELOFT_SENTINEL_PAUSE);

    /* handlers may ask again, which begins a new query */

    ngx_queue_init(&asked);

    if (!ngx_queue_empty(&sentinel->waiting)) {
        ngx_queue_add(&asked, &sentinel->waiting);
        ngx_queue_init(&sentinel->waiting);
    }

    while (!ngx_queue_empty(&asked)) {
        q = ngx_queue_head(&asked);
        ask = ngx_queue_data(q, ngx_leaseloft_sentinel_ask_t, queue);

        ngx_leaseloft_sentinel_cancel(ask);
        ask->handler(ask->data, server, reason);
    }
}


/* the address in a reply; NGX_OK or NGX_ERROR: it is malformed */
static ngx_int_t
ngx_leaseloft_sentinel_parse(ngx_leaseloft_server_t *server, redisReply *reply)
{
    redisReply  **element;

    element = reply->element;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2
        || element[0]->type != REDIS_REPLY_STRING
        || element[1]->type != REDIS_REPLY_STRING)
    {
        return NGX_ERROR;
    }

    return ngx_leaseloft_server_set(server, (u_char *) element[0]->str,
                                    element[0]->len,
                                    ngx_atoi((u_char *) element[1]->str,
                                             element[1]->len));
}


static void
ngx_leaseloft_sentinel_reply(void *data, redisReply *reply)
{
    ngx_leaseloft_sentinel_t *sentinel = data;

    ngx_uint_t              moved;
    ngx_leaseloft_peer_t   *peer;
    ngx_leaseloft_server_t  server;

    peer = &sentinel->peer;

    if (!sentinel->asking) {
        ngx_leaseloft_peer_fail(peer, "unexpected reply");
        return;
    }

    if (sentinel->auth_reply && reply->type != REDIS_REPLY_ERROR) {
        sentinel->auth_reply = 0;
        return;
    }

    if (reply->type == REDIS_REPLY_ERROR) {

        if (ngx_strncmp(reply->str, "NOAUTH ", 7) == 0 && !sentinel->auth
            && sentinel->conf->password.len)
        {
            ngx_leaseloft_sentinel_auth(sentinel);
            ngx_leaseloft_sentinel_send(sentinel);
            return;
        }

        ngx_leaseloft_peer_refuse(peer, reply->str);
        return;
    }

    if (reply->type == REDIS_REPLY_NIL) {
        ngx_leaseloft_peer_fail(peer, "it knows no primary of this name");
        return;
    }

    if (ngx_leaseloft_sentinel_parse(&server, reply) != NGX_OK) {
        ngx_leaseloft_peer_fail(peer, "malformed address of the primary");
        return;
    }

    ngx_leaseloft_peer_timeout(peer, 0);

    moved = sentinel->known
            && !ngx_leaseloft_server_same(&sentinel->primary, &server);

    sentinel->known = 1;
    sentinel->primary = server;

    if (moved) {
        ngx_log_error(NGX_LOG_NOTICE, peer->log, 0,
                      "the primary of redis is now %s:%ui", server.host,
                      (ngx_uint_t) server.port);
        sentinel->moved(sentinel->data, &server);
    }

    ngx_leaseloft_sentinel_answer(sentinel, &server, NULL);
}


static void
ngx_leaseloft_sentinel_closed(void *data)
{
    ngx_leaseloft_sentinel_t *sentinel = data;

    char                     reason[NGX_LEASELOFT_PEER_WHY];
    ngx_leaseloft_server_t  *server;

    sentinel->auth = 0;
    sentinel->auth_reply = 0;

    /* an idle connection is opened again by the next query */

    if (!sentinel->asking) {
        return;
    }

    server = &sentinel->conf->servers[sentinel->current];
    sentinel->current = (sentinel->current + 1) % sentinel->conf->nservers;

    if (++sentinel->tried < sentinel->conf->nservers) {
        ngx_leaseloft_sentinel_try(sentinel);
        return;
    }

    (void) ngx_snprintf((u_char *) reason, sizeof(reason),
                        "no Sentinel names the primary; the last one, %s:%ui: "
                        "%s%Z", server->host, (ngx_uint_t) server->port,
                        sentinel->peer.why);
    reason[sizeof(reason) - 1] = '\0';

    ngx_leaseloft_sentinel_answer(sentinel, NULL, reason);
}
