
/*
 * An event stream: the common part of thread and inbox streams.
 *
 * A stream is allocated in a pool of its own, which is destroyed with the
 * request's pool and may replace it (ngx_leaseloft_stream_hibernate.h).  The
 * request is kept open from the stream's creation on.  The stream starts once
 * the data of "hello" is known, and ends with "bye".
 */


#ifndef NGX_LEASELOFT_STREAM_H
#define NGX_LEASELOFT_STREAM_H


#include "ngx_leaseloft_channel.h"
#include "ngx_leaseloft_stream_output.h"


typedef struct ngx_leaseloft_stream_s  ngx_leaseloft_stream_t;


typedef enum {
    NGX_LEASELOFT_BYE_EXPIRED = 0,
    NGX_LEASELOFT_BYE_REMOVED,
    NGX_LEASELOFT_BYE_DRAIN,
    NGX_LEASELOFT_BYE_SLOW,
    NGX_LEASELOFT_BYE_OVERLOAD
} ngx_leaseloft_bye_e;


typedef struct {
    ngx_leaseloft_subscriber_kind_t   subscriber;  /* first */
    /* queues the frames that can be sent now; NGX_OK or NGX_ERROR */
    ngx_int_t                 (*pump)(ngx_leaseloft_stream_t *stream);
    /* queues a ping */
    ngx_int_t                 (*ping)(ngx_leaseloft_stream_t *stream);
    /* returns 1 while there is more to send than has been queued */
    ngx_uint_t                (*behind)(ngx_leaseloft_stream_t *stream);
    /* records an event of the channel, before the pump runs */
    void                      (*note)(ngx_leaseloft_stream_t *stream,
                                      ngx_leaseloft_channel_event_e event);
} ngx_leaseloft_stream_kind_t;


struct ngx_leaseloft_stream_s {
    ngx_leaseloft_subscriber_t          subscriber;    /* first */
    ngx_http_request_t                 *request;
    ngx_leaseloft_ctx_t                *ctx;       /* in pool, as this is */
    ngx_pool_t                         *pool;
    ngx_leaseloft_loc_conf_t           *conf;
    ngx_leaseloft_command_t            *command;   /* a read in progress */
    ngx_leaseloft_stream_output_t       output;

    union {
        ngx_rbtree_node_t               wake;      /* the next check */
        ngx_queue_t                     ending;    /* not both */
    };

    ngx_msec_t                          last_sent; /* time of the last event */
    ngx_msec_t                          blocked;   /* nothing sent since */
    ngx_msec_t                          drain;     /* time to close */
    off_t                               sent;      /* c->sent at blocked */
    size_t                              lag;       /* live bytes not queued */

    u_char                             *head;      /* headers to be sent */
    int                                 rc;        /* to finalize with */

    unsigned                            started:1;
    unsigned                            counted:1; /* in the zone */
    unsigned                            is_blocked:1;
    unsigned                            draining:1;
    unsigned                            caught_up:1;    /* was up to date */
    unsigned                            live:1;    /* as last sent */
    unsigned                            live_pending:1;    /* not sent yet */
    unsigned                            shrunk:1;  /* memory has been freed */
    unsigned                            ended:1;
};


/* the kind of a stream: of a thread or an inbox */
static ngx_inline const ngx_leaseloft_stream_kind_t *
ngx_leaseloft_stream_kind(ngx_leaseloft_stream_t *stream)
{
    return (const ngx_leaseloft_stream_kind_t *) stream->subscriber.kind;
}


#endif /* NGX_LEASELOFT_STREAM_H */
