
/*
 * The subscription connection of a client.  It first subscribes to the reply
 * channel of this process, on a single server also to the channel of all
 * processes; then its owner subscribes to others.
 */


#ifndef NGX_LEASELOFT_SUBSCRIPTION_H
#define NGX_LEASELOFT_SUBSCRIPTION_H


#include "ngx_leaseloft_backoff.h"
#include "ngx_leaseloft_probe.h"


/* most channels of one command */
#define NGX_LEASELOFT_SUBSCRIPTION_BATCH  256


/* callbacks; their arguments are valid during the call */
typedef struct {
    /* the reply channel is subscribed to: others can be */
    void                      (*ready)(void *data);
    /* the connection was closed: all subscriptions ended */
    void                      (*closed)(void *data);
    /* Redis confirmed a subscription that the owner asked for */
    void                      (*subscribed)(void *data, ngx_str_t *channel);
    /* a subscription ended: the owner asked for that, or its slot has moved */
    void                      (*unsubscribed)(void *data, ngx_str_t *channel);
    /* Redis refused a subscription; NGX_DECLINED: closes the connection */
    ngx_int_t                 (*refused)(void *data, char *error);
    /* something was published, or may have been, to all processes */
    void                      (*service)(void *data);
    /* a message on the reply channel, probes excepted */
    void                      (*reply)(void *data, ngx_str_t *payload);
    /* a message on another channel */
    void                      (*message)(void *data, ngx_str_t *channel,
                                         ngx_str_t *payload);
} ngx_leaseloft_subscription_handlers_t;


/* zeroed by its owner before ngx_leaseloft_subscription_init() */
typedef struct {
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_conn_t       *conn;
    ngx_leaseloft_backoff_t     backoff;
    ngx_leaseloft_probe_t      *probe;

    const ngx_leaseloft_subscription_handlers_t  *handlers;
    void                                         *data;

    ngx_str_t                   name;          /* that of the reply channel */
    u_char                      name_data[LL_KEY_ID_MAX];
    ngx_str_t                   channel;       /* the reply channel */
    u_char                      channel_data[LL_KEY_MAX];
    ngx_str_t                   all;           /* that of all processes */
    u_char                      all_data[LL_KEY_MAX];

    unsigned                    sharded:1;     /* in a cluster */
} ngx_leaseloft_subscription_t;


/*
 * Initializes a subscription, whose process, probe, handlers, data and sharded
 * are set; conn is its connection, which ngx_leaseloft_subscription_conn()
 * creates.  name is that of the reply channel.
 */
ngx_leaseloft_conn_t *ngx_leaseloft_subscription_conn(
    ngx_leaseloft_subscription_t *sub, ngx_pool_t *pool);
void ngx_leaseloft_subscription_init(ngx_leaseloft_subscription_t *sub,
    ngx_leaseloft_conn_t *conn, ngx_str_t *name);

/* closes the connection; no handler is called */
void ngx_leaseloft_subscription_free(ngx_leaseloft_subscription_t *sub);

/* in a cluster: takes another name, of a slot that the server has */
void ngx_leaseloft_subscription_rename(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *name);

/* in a cluster: subscribes to the channel of all processes */
void ngx_leaseloft_subscription_serve(ngx_leaseloft_subscription_t *sub);

/*
 * Send SUBSCRIBE for n channels, at most NGX_LEASELOFT_SUBSCRIPTION_BATCH, and
 * UNSUBSCRIBE for one; in a cluster SSUBSCRIBE, for channels of one slot, and
 * SUNSUBSCRIBE.  NGX_OK, or NGX_DECLINED when not connected.
 */
ngx_int_t ngx_leaseloft_subscription_add(ngx_leaseloft_subscription_t *sub,
    ngx_uint_t n, ngx_str_t *channels);
ngx_int_t ngx_leaseloft_subscription_remove(ngx_leaseloft_subscription_t *sub,
    ngx_str_t *channel);


#endif /* NGX_LEASELOFT_SUBSCRIPTION_H */
