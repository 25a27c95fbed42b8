
/*
 * The changes of a channel are in two sets: those whose threads are being read,
 * and those that wait.  Several changes of a thread in one set are one event,
 * that of the last one.  A set has a pool of its own, which its changes and
 * threads are in.
 */


#include "ngx_leaseloft_channel_changes.h"
#include "ngx_leaseloft_threads.h"


/* as many as are listed after a gap */
#define NGX_LEASELOFT_CHANNEL_CHANGES_MAX  100


typedef struct {
    uint64_t                    rev;
    uint64_t                    total;
    ngx_str_t                   property;  /* empty: no event */
} ngx_leaseloft_change_t;


struct ngx_leaseloft_changes_s {
    ngx_pool_t                 *pool;
    ngx_leaseloft_channel_t    *channel;
    ngx_leaseloft_threads_t    *threads;
    ngx_leaseloft_change_t     *changes;   /* in the order of their revs */
    ngx_uint_t                  n;
};


static void ngx_leaseloft_channel_changes_done(void *data, ngx_int_t rc);


static ngx_leaseloft_changes_t *
ngx_leaseloft_channel_changes_create(ngx_leaseloft_channel_t *channel)
{
    ngx_pool_t               *pool;
    ngx_leaseloft_changes_t  *set;

    pool = ngx_create_pool(1024, channel->process->log);
    if (pool == NULL) {
        return NULL;
    }

    set = ngx_pcalloc(pool, sizeof(ngx_leaseloft_changes_t));

    if (set) {
        set->changes = ngx_palloc(pool, NGX_LEASELOFT_CHANNEL_CHANGES_MAX
                                        * sizeof(ngx_leaseloft_change_t));
    }

    if (set == NULL || set->changes == NULL) {
        ngx_destroy_pool(pool);
        return NULL;
    }

    set->pool = pool;
    set->channel = channel;

    return set;
}


ngx_int_t
ngx_leaseloft_channel_changes_add(ngx_leaseloft_channel_t *channel,
    uint64_t rev, uint64_t total, ngx_str_t *property)
{
    ngx_uint_t                i;
    ngx_leaseloft_change_t   *change;
    ngx_leaseloft_changes_t  *set;

    if (channel->waiting == NULL) {
        channel->waiting = ngx_leaseloft_channel_changes_create(channel);
    }

    set = channel->waiting;

    if (set == NULL || set->n == NGX_LEASELOFT_CHANNEL_CHANGES_MAX) {
        return NGX_DECLINED;
    }

    for (i = 0; i < set->n; i++) {
        change = &set->changes[i];

        if (change->property.len == property->len
            && ngx_memcmp(change->property.data, property->data, property->len)
               == 0)
        {
            change->property.len = 0;
        }
    }

    change = &set->changes[set->n];
    change->rev = rev;
    change->total = total;
    ngx_str_null(&change->property);

    if (property->len) {
        change->property.data = ngx_pstrdup(set->pool, property);
        if (change->property.data == NULL) {
            return NGX_DECLINED;
        }

        change->property.len = property->len;
    }

    set->n++;
    channel->pending = rev;

    return NGX_OK;
}


/* asks for the threads of the set: their number, or NGX_ERROR */
static ngx_int_t
ngx_leaseloft_channel_changes_ask(ngx_leaseloft_changes_t *set)
{
    ngx_str_t   properties[NGX_LEASELOFT_CHANNEL_CHANGES_MAX];
    ngx_uint_t  i, n;

    n = 0;

    for (i = 0; i < set->n; i++) {
        if (set->changes[i].property.len) {
            properties[n++] = set->changes[i].property;
        }
    }

    if (n == 0 || ngx_queue_empty(&set->channel->subscribers)) {
        return 0;
    }

    set->threads = ngx_leaseloft_threads_ask(set->channel->process->cluster,
                                        set->pool, &set->channel->id,
                                        properties, n,
                                        ngx_leaseloft_channel_changes_done,
                                        set);

    return set->threads ? (ngx_int_t) n : NGX_ERROR;
}


void
ngx_leaseloft_channel_changes_read(ngx_leaseloft_channel_t *channel)
{
    ngx_int_t                 rc;
    ngx_leaseloft_changes_t  *set;

    while (channel->reading == NULL && channel->waiting) {
        set = channel->waiting;
        channel->reading = set;
        channel->waiting = NULL;

        rc = ngx_leaseloft_channel_changes_ask(set);

        if (rc <= 0) {
            ngx_leaseloft_channel_changes_done(set, rc);
        }
    }
}


/* keeps the frames of the set's threads */
static void
ngx_leaseloft_channel_changes_keep(ngx_leaseloft_changes_t *set)
{
    u_char                   end[sizeof(",\"total_unread\":}") + NGX_INT64_LEN];
    ngx_str_t                pieces[2];
    ngx_uint_t               i, n;
    ngx_leaseloft_frame_t   *frame;
    ngx_leaseloft_change_t  *change;

    if (ngx_queue_empty(&set->channel->subscribers)) {
        set->channel->complete = set->changes[set->n - 1].rev;
        return;
    }

    n = 0;

    for (i = 0; i < set->n; i++) {
        change = &set->changes[i];

        if (change->property.len == 0) {
            continue;
        }

        pieces[0] = *ngx_leaseloft_threads_get(set->threads, n++);

        if (pieces[0].len == 0) {
            continue;
        }

        pieces[1].data = end;
        pieces[1].len = ngx_sprintf(end, ",\"total_unread\":%uL}",
                                    change->total)
                        - end;

        frame = ngx_leaseloft_frame_thread(change->rev, pieces, 2,
                                           set->channel->process->log);
        if (frame == NULL) {
            set->channel->complete = change->rev;
            continue;
        }

        ngx_leaseloft_channel_keep(set->channel, frame);
    }
}


static void
ngx_leaseloft_channel_changes_done(void *data, ngx_int_t rc)
{
    ngx_leaseloft_changes_t *set = data;

    ngx_leaseloft_change_t   *last;
    ngx_leaseloft_channel_t  *channel;

    channel = set->channel;

    if (rc == NGX_ERROR) {
        ngx_leaseloft_channel_changes_drop(channel);

        if (channel->state == NGX_LEASELOFT_CHANNEL_LIVE) {
            ngx_leaseloft_channel_retry(channel);
            ngx_leaseloft_channel_notify(channel, NGX_LEASELOFT_EVENT_LIVE);
        }

        return;
    }

    ngx_leaseloft_channel_changes_keep(set);

    last = &set->changes[set->n - 1];
    channel->ver = last->rev;
    channel->total = last->total;
    channel->reading = NULL;

    if (channel->waiting == NULL) {
        channel->pending = 0;
    }

    ngx_destroy_pool(set->pool);

    ngx_leaseloft_channel_notify(channel, NGX_LEASELOFT_EVENT_FRAMES);
    ngx_leaseloft_channel_changes_read(channel);
}


static void
ngx_leaseloft_channel_changes_free(ngx_leaseloft_changes_t *set)
{
    if (set == NULL) {
        return;
    }

    if (set->threads) {
        ngx_leaseloft_threads_cancel(set->threads);
    }

    ngx_destroy_pool(set->pool);
}


void
ngx_leaseloft_channel_changes_drop(ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channel_changes_free(channel->reading);
    ngx_leaseloft_channel_changes_free(channel->waiting);

    channel->reading = NULL;
    channel->waiting = NULL;
    channel->pending = 0;
}
