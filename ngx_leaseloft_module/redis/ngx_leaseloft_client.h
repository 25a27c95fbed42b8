
/*
 * The link to Redis: a command connection and a subscription connection.
 *
 * Both are kept up by themselves, with full-jitter backoff.  Commands are
 * pipelined and answered in order.  A silent pair is found by a probe that is
 * published to the process's own reply channel.
 */


#ifndef NGX_LEASELOFT_CLIENT_H
#define NGX_LEASELOFT_CLIENT_H


#include "ngx_leaseloft_command.h"


/*
 * What is called when the connections change, and for what is published.  The
 * client knows nobody above it: who subscribes registers these.
 */
typedef struct {
    /* commands can be sent */
    void                      (*ready)(void *data);
    /* channels can be subscribed to; none is yet */
    void                      (*subscriber_ready)(void *data);
    /* Redis confirmed the subscription to a channel */
    void                      (*subscribed)(void *data, ngx_str_t *channel);
    /* published on a channel; need not outlive the call */
    void                      (*message)(void *data, ngx_str_t *channel,
                                         ngx_str_t *payload);
    /* the subscription connection closed, and with it all subscriptions */
    void                      (*subscriber_lost)(void *data);
    /* ngx_leaseloft_client_up() has changed */
    void                      (*state)(void *data);
    /* four times a second, unless the process itself stood still */
    void                      (*tick)(void *data);
} ngx_leaseloft_client_events_t;

/* a message on the reply channel of this process, but for our own probes */
typedef void (*ngx_leaseloft_client_reply_pt)(void *data, ngx_str_t *payload);


ngx_leaseloft_client_t *ngx_leaseloft_client_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/* both are to be registered before the event loop begins */
void ngx_leaseloft_client_on_events(ngx_leaseloft_client_t *client,
    const ngx_leaseloft_client_events_t *events, void *data);
void ngx_leaseloft_client_on_reply(ngx_leaseloft_client_t *client,
    ngx_leaseloft_client_reply_pt handler, void *data);

/* closes both connections; commands in flight are dropped, not called back */
void ngx_leaseloft_client_free(ngx_leaseloft_client_t *client);

/*
 * Queues a command; its bytes are copied.  Returns it, or NULL when the link
 * is down or too much is waiting, in which case handler is not called.
 */
ngx_leaseloft_command_t *ngx_leaseloft_client_command(
    ngx_leaseloft_client_t *client, ngx_uint_t argc, ngx_str_t *argv,
    ngx_leaseloft_reply_pt handler, void *data);

/*
 * Who registered the events keeps the list of subscriptions and makes them
 * again when subscriber_ready is called; here they are only sent, in batches.
 */
#define NGX_LEASELOFT_CLIENT_BATCH  256

/* n is at most NGX_LEASELOFT_CLIENT_BATCH; NGX_DECLINED: not connected */
ngx_int_t ngx_leaseloft_client_subscribe(ngx_leaseloft_client_t *client,
    ngx_uint_t n, ngx_str_t *channels);
ngx_int_t ngx_leaseloft_client_unsubscribe(ngx_leaseloft_client_t *client,
    ngx_str_t *channel);

/* closes the subscription connection, which said what it never should */
void ngx_leaseloft_client_reset(ngx_leaseloft_client_t *client);

/* 1 while commands can be sent and what is published is heard */
ngx_uint_t ngx_leaseloft_client_up(ngx_leaseloft_client_t *client);

/* 1 while the first connections of this process are being made */
ngx_uint_t ngx_leaseloft_client_starting(ngx_leaseloft_client_t *client);

/* 1 while the command connection alone is ready */
ngx_uint_t ngx_leaseloft_client_ready(ngx_leaseloft_client_t *client);

/* why the link is not up: the last failure of the connection that is missing */
char *ngx_leaseloft_client_why(ngx_leaseloft_client_t *client);

/*
 * what Redis last said against a write that changes nothing, which is tried
 * each second: no memory, say.  Empty when it went well; rights are not meant
 */
char *ngx_leaseloft_client_refusal(ngx_leaseloft_client_t *client);


#endif /* NGX_LEASELOFT_CLIENT_H */
