
/*
 * All streams of a process share one timer.  They stand in a tree by the time
 * at which each wants to be looked at: for a ping, at the token's expiry, to
 * be judged slow, to be drained.  An event that is sent moves the ping, but
 * not the stream in the tree: it is looked at once in vain instead.
 *
 * Ending is put off to a posted event, so that no stream leaves a queue that
 * somebody walks.
 */


#include "ngx_leaseloft_stream_hibernate.h"
#include "ngx_leaseloft_stream_timer.h"
#include "ngx_leaseloft_wait.h"


#define NGX_LEASELOFT_WAKE_MAX       3600000
#define NGX_LEASELOFT_START_TIMEOUT  5000


struct ngx_leaseloft_streams_s {
    ngx_leaseloft_process_t    *process;
    ngx_rbtree_t                wakes;
    ngx_rbtree_node_t           sentinel;
    ngx_event_t                 timer;
    ngx_queue_t                 ending;
    ngx_event_t                 end;
    ngx_msec_t                  drained;       /* the last one ends then */
    void                       *empty;         /* from the first one on */
    unsigned                    draining:1;
};


static void ngx_leaseloft_streams_sleep(ngx_leaseloft_stream_t *stream);
static void ngx_leaseloft_streams_timer_handler(ngx_event_t *ev);
static void ngx_leaseloft_streams_arm(ngx_leaseloft_streams_t *streams);
static void ngx_leaseloft_streams_end_handler(ngx_event_t *ev);


ngx_leaseloft_streams_t *
ngx_leaseloft_streams_create(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool)
{
    ngx_leaseloft_streams_t  *streams;

    streams = ngx_pcalloc(pool, sizeof(ngx_leaseloft_streams_t));
    if (streams == NULL) {
        return NULL;
    }

    streams->process = process;

    ngx_rbtree_init(&streams->wakes, &streams->sentinel,
                    ngx_rbtree_insert_timer_value);
    ngx_queue_init(&streams->ending);

    streams->timer.handler = ngx_leaseloft_streams_timer_handler;
    streams->timer.data = streams;
    streams->timer.log = process->log;
    streams->timer.cancelable = 1;

    streams->end.handler = ngx_leaseloft_streams_end_handler;
    streams->end.data = streams;
    streams->end.log = process->log;

    return streams;
}


void
ngx_leaseloft_streams_free(ngx_leaseloft_streams_t *streams)
{
    if (streams->timer.timer_set) {
        ngx_del_timer(&streams->timer);
    }
}


void
ngx_leaseloft_streams_drain(ngx_leaseloft_streams_t *streams)
{
    ngx_msec_t               drain;
    ngx_queue_t              all, *q;
    ngx_rbtree_node_t       *node;
    ngx_leaseloft_stream_t  *stream;

    if (streams->draining) {
        return;
    }

    drain = streams->process->conf->drain;

    streams->draining = 1;
    streams->drained = ngx_current_msec + drain;

    /* none can be put into the tree anew while it is walked */

    ngx_queue_init(&all);

    while (streams->wakes.root != streams->wakes.sentinel) {
        node = ngx_rbtree_min(streams->wakes.root, streams->wakes.sentinel);
        stream = ngx_rbtree_data(node, ngx_leaseloft_stream_t, wake);

        ngx_rbtree_delete(&streams->wakes, node);
        stream->waking = 0;
        ngx_queue_insert_tail(&all, &stream->ending);
    }

    while (!ngx_queue_empty(&all)) {
        q = ngx_queue_head(&all);
        ngx_queue_remove(q);

        stream = ngx_queue_data(q, ngx_leaseloft_stream_t, ending);
        stream->draining = 1;
        stream->drain = ngx_current_msec
                        + ngx_leaseloft_streams_between(0, drain);

        ngx_leaseloft_streams_schedule(stream);
    }

    ngx_leaseloft_streams_arm(streams);
}


void
ngx_leaseloft_streams_join(ngx_leaseloft_stream_t *stream)
{
    ngx_msec_int_t            rest;
    ngx_leaseloft_streams_t  *streams;

    streams = stream->ctx->process->streams;

    if (!streams->draining) {
        return;
    }

    rest = (ngx_msec_int_t) (streams->drained - ngx_current_msec);

    stream->draining = 1;
    stream->drain = ngx_current_msec
                    + ngx_leaseloft_streams_between(0, ngx_max(rest, 0));
}


/* out of the tree */

static void
ngx_leaseloft_streams_sleep(ngx_leaseloft_stream_t *stream)
{
    if (stream->waking) {
        ngx_rbtree_delete(&stream->ctx->process->streams->wakes,
                          &stream->wake);
        stream->waking = 0;
    }
}


void
ngx_leaseloft_streams_forget(ngx_leaseloft_stream_t *stream)
{
    ngx_leaseloft_streams_sleep(stream);

    if (stream->ended) {
        ngx_queue_remove(&stream->ending);
    }
}


void
ngx_leaseloft_stream_end(ngx_leaseloft_stream_t *stream, ngx_int_t rc)
{
    ngx_leaseloft_streams_t  *streams;

    if (stream->ended) {
        return;
    }

    streams = stream->ctx->process->streams;

    stream->ended = 1;
    stream->rc = rc;

    if (stream->command) {
        ngx_leaseloft_link_cancel(stream->command);
        stream->command = NULL;
    }

    ngx_leaseloft_streams_sleep(stream);
    ngx_queue_insert_tail(&streams->ending, &stream->ending);

    if (!streams->end.posted) {
        ngx_post_event(&streams->end, &ngx_posted_events);
    }
}


static void
ngx_leaseloft_streams_end_handler(ngx_event_t *ev)
{
    ngx_int_t                 rc;
    ngx_queue_t              *q;
    ngx_http_request_t       *r;
    ngx_leaseloft_stream_t   *stream;
    ngx_leaseloft_streams_t  *streams;

    streams = ev->data;

    while (!ngx_queue_empty(&streams->ending)) {
        q = ngx_queue_head(&streams->ending);
        ngx_queue_remove(q);
        ngx_queue_init(q);

        stream = ngx_queue_data(q, ngx_leaseloft_stream_t, ending);
        r = stream->request;
        rc = stream->rc;

        /* the request may go on for as long as its client takes the rest */

        if (stream->listener.channel) {
            ngx_leaseloft_channel_detach(&stream->listener);
        }

        ngx_leaseloft_unfold(r);
        ngx_leaseloft_finalize(r, rc);
    }

    ngx_leaseloft_streams_arm(streams);
}


void *
ngx_leaseloft_streams_empty(ngx_leaseloft_streams_t *streams,
    ngx_http_request_t *r)
{
    if (streams->empty == NULL) {
        streams->empty = ngx_leaseloft_fold_create(r);
    }

    return streams->empty;
}


void
ngx_leaseloft_streams_schedule(ngx_leaseloft_stream_t *stream)
{
    int64_t                   expiry;
    ngx_msec_t                at, other;
    ngx_time_t               *now;
    ngx_leaseloft_streams_t  *streams;

#define sooner(a, b)  (((ngx_msec_int_t) ((a) - (b)) < 0) ? (a) : (b))

    if (stream->ended) {
        return;
    }

    streams = stream->ctx->process->streams;
    now = ngx_timeofday();

    /* a ping would only wait behind what a blocked client does not take */

    if (!stream->started) {
        at = stream->spoke + NGX_LEASELOFT_START_TIMEOUT;

    } else if (stream->is_blocked) {
        at = stream->blocked + stream->conf->slow_timeout;

    } else {
        at = stream->spoke + stream->conf->ping;
    }

    expiry = ((int64_t) stream->ctx->exp - now->sec) * 1000 - now->msec;
    expiry = ngx_max(expiry, 0);
    expiry = ngx_min(expiry, NGX_LEASELOFT_WAKE_MAX);
    other = ngx_current_msec + (ngx_msec_t) expiry;
    at = sooner(other, at);

    if (stream->draining) {
        at = sooner(stream->drain, at);
    }

    if (stream->waking) {

        if ((ngx_msec_int_t) (at - stream->wake.key) >= 0) {
            return;
        }

        ngx_rbtree_delete(&streams->wakes, &stream->wake);
    }

    stream->wake.key = at;
    stream->waking = 1;
    ngx_rbtree_insert(&streams->wakes, &stream->wake);

    if (ngx_rbtree_min(streams->wakes.root, streams->wakes.sentinel)
        == &stream->wake)
    {
        ngx_leaseloft_streams_arm(streams);
    }
}


static void
ngx_leaseloft_streams_timer_handler(ngx_event_t *ev)
{
    ngx_rbtree_node_t        *node;
    ngx_leaseloft_stream_t   *stream;
    ngx_leaseloft_streams_t  *streams;

    streams = ev->data;

    while (streams->wakes.root != streams->wakes.sentinel) {

        node = ngx_rbtree_min(streams->wakes.root, streams->wakes.sentinel);

        if ((ngx_msec_int_t) (node->key - ngx_current_msec) > 0) {
            break;
        }

        stream = ngx_rbtree_data(node, ngx_leaseloft_stream_t, wake);

        ngx_rbtree_delete(&streams->wakes, node);
        stream->waking = 0;

        ngx_leaseloft_stream_look(stream);
    }

    ngx_leaseloft_streams_arm(streams);
}


/* a process that is to quit stays for its streams, not for an empty tree */

static void
ngx_leaseloft_streams_arm(ngx_leaseloft_streams_t *streams)
{
    ngx_msec_int_t      delay;
    ngx_rbtree_node_t  *node;

    if (streams->timer.timer_set) {
        ngx_del_timer(&streams->timer);
    }

    if (streams->wakes.root == streams->wakes.sentinel) {
        return;
    }

    node = ngx_rbtree_min(streams->wakes.root, streams->wakes.sentinel);
    delay = (ngx_msec_int_t) (node->key - ngx_current_msec);

    streams->timer.cancelable = !streams->draining;
    ngx_add_timer(&streams->timer, (ngx_msec_t) ngx_max(delay, 0));
}
