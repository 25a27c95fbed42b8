
/*
 * The life of a channel:
 *
 *   DOWN -> SUBSCRIBING -> SYNCING -> LIVE
 *
 * It is read (SYNCING) only after Redis confirmed the subscription, so that
 * nothing falls between; whatever is heard meanwhile is only noted, and when
 * the reply turns out older than that, it is read once more.  A version that
 * is not the next one sends a live channel back to SYNCING.  A lost link sends
 * all of them back to DOWN.
 *
 * Frames of recent changes are kept while a listener is behind, up to a bound;
 * a listener that wants an older one reads it from Redis for itself.
 */


#include "ngx_leaseloft_channel_watch.h"


/* to begin with; a power of two */
#define NGX_LEASELOFT_CHANNEL_BUCKETS  1024


static void ngx_leaseloft_channel_idle(ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channel_busy(ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channels_trim(ngx_leaseloft_channels_t *channels);
static void ngx_leaseloft_channel_free(ngx_leaseloft_channel_t *channel);


static const ngx_leaseloft_link_events_t  ngx_leaseloft_channels_events = {
    ngx_leaseloft_channels_ready,
    ngx_leaseloft_channels_subscribe,
    ngx_leaseloft_channels_subscribed,
    ngx_leaseloft_channels_message,
    ngx_leaseloft_channels_lost,
    ngx_leaseloft_channels_live,
    ngx_leaseloft_channels_tick
};


ngx_leaseloft_channels_t *
ngx_leaseloft_channels_create(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool)
{
    ngx_leaseloft_channels_t  *channels;

    channels = ngx_pcalloc(pool, sizeof(ngx_leaseloft_channels_t));
    if (channels == NULL) {
        return NULL;
    }

    channels->process = process;
    ngx_queue_init(&channels->idle);
    ngx_queue_init(&channels->all);

    channels->buckets = ngx_calloc(NGX_LEASELOFT_CHANNEL_BUCKETS
                                   * sizeof(ngx_leaseloft_channel_t *),
                                   process->log);
    if (channels->buckets == NULL) {
        return NULL;
    }

    channels->mask = NGX_LEASELOFT_CHANNEL_BUCKETS - 1;

    ngx_leaseloft_channels_subscribe_init(channels);
    ngx_leaseloft_link_on_events(process->link, &ngx_leaseloft_channels_events,
                                 channels);

    return channels;
}


static uint32_t
ngx_leaseloft_channel_hash(ngx_leaseloft_channel_kind_e kind, ngx_str_t *id)
{
    return ngx_crc32_short(id->data, id->len) + kind;
}


ngx_leaseloft_channel_t *
ngx_leaseloft_channel_find(ngx_leaseloft_process_t *process,
    ngx_leaseloft_channel_kind_e kind, ngx_str_t *id)
{
    uint32_t                   hash;
    ngx_leaseloft_channel_t   *channel;
    ngx_leaseloft_channels_t  *channels;

    channels = process->channels;
    hash = ngx_leaseloft_channel_hash(kind, id);

    for (channel = channels->buckets[hash & channels->mask];
         channel;
         channel = channel->next)
    {
        if (channel->hash == hash
            && channel->kind == kind
            && channel->id.len == id->len
            && ngx_memcmp(channel->id.data, id->data, id->len) == 0)
        {
            return channel;
        }
    }

    return NULL;
}


/*
 * Twice as many buckets once there are more channels: each message looks a
 * channel up twice, which in a tree of 5,000 took 3.5 us, as each step down
 * waits for memory.  Without memory for more, chains get longer.
 */

static void
ngx_leaseloft_channels_grow(ngx_leaseloft_channels_t *channels)
{
    ngx_uint_t                 mask;
    ngx_queue_t               *q;
    ngx_leaseloft_channel_t   *channel, **buckets, **bucket;

    mask = channels->mask * 2 + 1;

    buckets = ngx_calloc((mask + 1) * sizeof(ngx_leaseloft_channel_t *),
                         channels->process->log);
    if (buckets == NULL) {
        return;
    }

    for (q = ngx_queue_head(&channels->all);
         q != ngx_queue_sentinel(&channels->all);
         q = ngx_queue_next(q))
    {
        channel = ngx_queue_data(q, ngx_leaseloft_channel_t, all);
        bucket = &buckets[channel->hash & mask];
        channel->next = *bucket;
        *bucket = channel;
    }

    ngx_free(channels->buckets);
    channels->buckets = buckets;
    channels->mask = mask;
}


static void
ngx_leaseloft_channels_insert(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channel_t  **bucket;

    if (channels->n > channels->mask) {
        ngx_leaseloft_channels_grow(channels);
    }

    channel->hash = ngx_leaseloft_channel_hash(channel->kind, &channel->id);
    bucket = &channels->buckets[channel->hash & channels->mask];
    channel->next = *bucket;
    *bucket = channel;

    ngx_queue_insert_tail(&channels->all, &channel->all);
    channels->n++;
}


static void
ngx_leaseloft_channels_remove(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channel_t  **p;

    p = &channels->buckets[channel->hash & channels->mask];

    while (*p != channel) {
        p = &(*p)->next;
    }

    *p = channel->next;

    ngx_queue_remove(&channel->all);
    channels->n--;
}


ngx_leaseloft_channel_t *
ngx_leaseloft_channel_watch(ngx_leaseloft_process_t *process,
    ngx_leaseloft_channel_kind_e kind, ngx_str_t *id, ngx_msec_t linger)
{
    ngx_leaseloft_channel_t  *channel;

    channel = ngx_leaseloft_channel_find(process, kind, id);

    if (channel == NULL) {

        channel = ngx_calloc(sizeof(ngx_leaseloft_channel_t) + id->len,
                             process->log);
        if (channel == NULL) {
            return NULL;
        }

        channel->id.data = (u_char *) (channel + 1);
        channel->id.len = id->len;
        ngx_memcpy(channel->id.data, id->data, id->len);

        channel->process = process;
        channel->kind = kind;

        ngx_queue_init(&channel->listeners);
        ngx_queue_init(&channel->frames);
        ngx_queue_init(&channel->memos);
        ngx_leaseloft_channel_idle(channel);

        ngx_leaseloft_channels_insert(process->channels, channel);
        ngx_leaseloft_channels_trim(process->channels);

        ngx_leaseloft_channel_subscribe(channel);

    } else if (ngx_queue_empty(&channel->listeners)) {
        ngx_leaseloft_channel_busy(channel);
        ngx_leaseloft_channel_idle(channel);
    }

    channel->expires = ngx_current_msec + linger;

    return channel;
}


/* nobody listens from now on */

static void
ngx_leaseloft_channel_idle(ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    ngx_queue_insert_tail(&channels->idle, &channel->idle);
    channels->nidle++;
}


static void
ngx_leaseloft_channel_busy(ngx_leaseloft_channel_t *channel)
{
    ngx_queue_remove(&channel->idle);
    channel->process->channels->nidle--;
}


/* the newest of them, which is in use, is never one too many */

static void
ngx_leaseloft_channels_trim(ngx_leaseloft_channels_t *channels)
{
    ngx_queue_t  *q;

    while (channels->nidle > channels->process->conf->max_lingering) {
        q = ngx_queue_head(&channels->idle);
        ngx_leaseloft_channel_free(ngx_queue_data(q, ngx_leaseloft_channel_t,
                                                  idle));
    }
}


void
ngx_leaseloft_channel_attach(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_listener_t *listener)
{
    if (ngx_queue_empty(&channel->listeners)) {
        ngx_leaseloft_channel_busy(channel);
    }

    ngx_queue_insert_tail(&channel->listeners, &listener->queue);
    listener->channel = channel;
}


void
ngx_leaseloft_channel_detach(ngx_leaseloft_listener_t *listener)
{
    ngx_leaseloft_channel_t  *channel;

    channel = listener->channel;
    listener->channel = NULL;

    ngx_queue_remove(&listener->queue);

    if (ngx_queue_empty(&channel->listeners)) {
        ngx_leaseloft_channel_drop_frames(channel, 0);
        ngx_leaseloft_channel_idle(channel);
    }
}


void
ngx_leaseloft_channels_tick(void *data)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_channels_expire(channels);
    ngx_leaseloft_channels_retry(channels);
}


/*
 * The queue is in the order in which channels became idle, not quite that of
 * their expiry where locations linger differently: those wait a little longer.
 */

void
ngx_leaseloft_channels_expire(ngx_leaseloft_channels_t *channels)
{
    ngx_queue_t              *q;
    ngx_leaseloft_channel_t  *channel;

    while (!ngx_queue_empty(&channels->idle)) {
        q = ngx_queue_head(&channels->idle);
        channel = ngx_queue_data(q, ngx_leaseloft_channel_t, idle);

        if ((ngx_msec_int_t) (channel->expires - ngx_current_msec) > 0) {
            return;
        }

        ngx_leaseloft_channel_free(channel);
    }
}


ngx_leaseloft_channel_t *
ngx_leaseloft_channels_next(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel)
{
    ngx_queue_t  *q;

    q = channel ? ngx_queue_next(&channel->all)
                : ngx_queue_head(&channels->all);

    return q == ngx_queue_sentinel(&channels->all)
           ? NULL : ngx_queue_data(q, ngx_leaseloft_channel_t, all);
}


size_t
ngx_leaseloft_channel_name(ngx_leaseloft_channel_t *channel, char *name)
{
    if (channel->kind == NGX_LEASELOFT_CHANNEL_PROPERTY) {
        return ll_keys_property_channel(name, (char *) channel->id.data,
                                        channel->id.len);
    }

    return ll_keys_user_channel(name, (char *) channel->id.data,
                                channel->id.len);
}


/* "ll:{p:ID}:ch" or "ll:{u:ID}:ch" */

ngx_leaseloft_channel_t *
ngx_leaseloft_channels_by_name(ngx_leaseloft_channels_t *channels,
    ngx_str_t *name)
{
    ngx_str_t                     id;
    ngx_leaseloft_channel_kind_e  kind;

    if (name->len <= sizeof("ll:{p:}:ch") - 1) {
        return NULL;
    }

    kind = name->data[sizeof("ll:{") - 1] == 'p'
           ? NGX_LEASELOFT_CHANNEL_PROPERTY : NGX_LEASELOFT_CHANNEL_USER;

    id.data = name->data + sizeof("ll:{p:") - 1;
    id.len = name->len - (sizeof("ll:{p:}:ch") - 1);

    return ngx_leaseloft_channel_find(channels->process, kind, &id);
}


static void
ngx_leaseloft_channel_free(ngx_leaseloft_channel_t *channel)
{
    char                       data[LL_KEY_MAX];
    ngx_str_t                  name;
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    /* it may be waiting there */

    ngx_leaseloft_channels_flush(channels);

    name.data = (u_char *) data;
    name.len = ngx_leaseloft_channel_name(channel, data);

    if (channel->state != NGX_LEASELOFT_CHANNEL_DOWN) {
        (void) ngx_leaseloft_link_unsubscribe(channel->process->link, &name);
    }

    if (channel->command) {
        ngx_leaseloft_link_cancel(channel->command);
    }

    ngx_leaseloft_channel_drop_frames(channel, 0);

    ngx_leaseloft_channel_drop_memos(channel);

    ngx_leaseloft_channel_busy(channel);
    ngx_leaseloft_channels_remove(channels, channel);
    ngx_free(channel);
}


ngx_uint_t
ngx_leaseloft_channel_live(ngx_leaseloft_channel_t *channel)
{
    return channel->state == NGX_LEASELOFT_CHANNEL_LIVE
           && ngx_leaseloft_link_up(channel->process->link);
}


ngx_leaseloft_frame_t *
ngx_leaseloft_channel_frame(ngx_leaseloft_channel_t *channel, uint64_t seq)
{
    ngx_queue_t            *q;
    ngx_leaseloft_frame_t  *frame;

    /* nearly always it is the last one */

    for (q = ngx_queue_last(&channel->frames);
         q != ngx_queue_sentinel(&channel->frames);
         q = ngx_queue_prev(q))
    {
        frame = ngx_queue_data(q, ngx_leaseloft_frame_t, queue);

        if (frame->seq <= seq) {
            return frame->seq == seq ? frame : NULL;
        }
    }

    return NULL;
}


/* frames and listeners */

void
ngx_leaseloft_channel_keep(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_frame_t *frame)
{
    ngx_queue_insert_tail(&channel->frames, &frame->queue);
    channel->frames_size += frame->chunk_len;

    if (channel->frames_size > NGX_LEASELOFT_CHANNEL_FRAMES) {
        ngx_leaseloft_channel_drop_frames(channel,
                                          NGX_LEASELOFT_CHANNEL_FRAMES / 2);
    }
}


void
ngx_leaseloft_channel_drop_frames(ngx_leaseloft_channel_t *channel,
    size_t most)
{
    ngx_queue_t            *q;
    ngx_leaseloft_frame_t  *frame;

    while (channel->frames_size > most) {
        q = ngx_queue_head(&channel->frames);
        ngx_queue_remove(q);

        frame = ngx_queue_data(q, ngx_leaseloft_frame_t, queue);
        channel->frames_size -= frame->chunk_len;
        ngx_leaseloft_frame_free(frame);
    }
}


/*
 * Listeners only note that they have to end, so none leaves the queue while
 * it is walked.  Once all are up to date nothing needs the frames.
 */

void
ngx_leaseloft_channel_tell(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_news_e news)
{
    ngx_uint_t                 behind;
    ngx_queue_t               *q;
    ngx_leaseloft_listener_t  *listener;

    behind = 0;

    for (q = ngx_queue_head(&channel->listeners);
         q != ngx_queue_sentinel(&channel->listeners);
         q = ngx_queue_next(q))
    {
        listener = ngx_queue_data(q, ngx_leaseloft_listener_t, queue);
        behind |= listener->kind->news(listener, news);
    }

    if (!behind) {
        ngx_leaseloft_channel_drop_frames(channel, 0);
    }
}
