
/*
 * The state of a channel, and the hash table of all channels of the process,
 * which owns them.
 *
 *   DOWN -> SUBSCRIBING -> SYNCING -> LIVE
 *
 * A channel is read (SYNCING) only after Redis confirms the subscription, so no
 * change is missed.  Only the version of a message that arrives meanwhile is
 * recorded; if the reply is older, the channel is read once more.  A version
 * that is not the next one moves a live channel back to SYNCING.  A lost
 * connection moves all channels of its server back to DOWN.
 *
 * Frames of recent changes are kept while a subscriber is behind, up to a
 * limit; a subscriber that needs an older one reads it from Redis.
 */


#include "ngx_leaseloft_channel.h"


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
 * Doubles the buckets once there are more channels than buckets.  Each message
 * looks up a channel twice, which took 3.5 us in a tree of 5,000, since each
 * level is a cache miss.  If memory is exhausted, chains get longer.
 */
static void
ngx_leaseloft_channel_grow(ngx_leaseloft_channels_t *channels)
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


void
ngx_leaseloft_channel_insert(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channel_t  **bucket;

    if (channels->n > channels->mask) {
        ngx_leaseloft_channel_grow(channels);
    }

    channel->hash = ngx_leaseloft_channel_hash(channel->kind, &channel->id);
    bucket = &channels->buckets[channel->hash & channels->mask];
    channel->next = *bucket;
    *bucket = channel;

    ngx_queue_insert_tail(&channels->all, &channel->all);
    channels->n++;
}


void
ngx_leaseloft_channel_remove(ngx_leaseloft_channels_t *channels,
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
ngx_leaseloft_channel_next(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel)
{
    ngx_queue_t  *q;

    q = channel ? ngx_queue_next(&channel->all)
                : ngx_queue_head(&channels->all);

    return q == ngx_queue_sentinel(&channels->all)
           ? NULL : ngx_queue_data(q, ngx_leaseloft_channel_t, all);
}


ngx_leaseloft_channel_t *
ngx_leaseloft_channel_next_of(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_client_t *client, ngx_leaseloft_channel_t *channel)
{
    do {
        channel = ngx_leaseloft_channel_next(channels, channel);
    } while (channel && channel->client != client);

    return channel;
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


ngx_leaseloft_channel_t *
ngx_leaseloft_channel_by_name(ngx_leaseloft_channels_t *channels,
    ngx_str_t *name)
{
    char         kind;
    ngx_str_t    id;
    const char  *p;

    if (ll_keys_id((char *) name->data, name->len, &kind, &p, &id.len) != 0) {
        return NULL;
    }

    id.data = (u_char *) p;

    return ngx_leaseloft_channel_find(channels->process,
                                      kind == 'p'
                                      ? NGX_LEASELOFT_CHANNEL_PROPERTY
                                      : NGX_LEASELOFT_CHANNEL_USER, &id);
}


ngx_uint_t
ngx_leaseloft_channel_live(ngx_leaseloft_channel_t *channel)
{
    return channel->state == NGX_LEASELOFT_CHANNEL_LIVE
           && ngx_leaseloft_channel_up(channel);
}


ngx_uint_t
ngx_leaseloft_channel_up(ngx_leaseloft_channel_t *channel)
{
    return channel->client ? ngx_leaseloft_client_up(channel->client) : 0;
}


ngx_uint_t
ngx_leaseloft_channel_starting(ngx_leaseloft_channel_t *channel)
{
    return channel->client
           ? ngx_leaseloft_client_starting(channel->client)
           : ngx_leaseloft_cluster_starting(channel->process->cluster);
}


ngx_leaseloft_frame_t *
ngx_leaseloft_channel_frame(ngx_leaseloft_channel_t *channel, uint64_t seq)
{
    ngx_queue_t            *q;
    ngx_leaseloft_frame_t  *frame;

    /* nearly always the last one */

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


ngx_leaseloft_frame_t *
ngx_leaseloft_channel_frame_after(ngx_leaseloft_channel_t *channel,
    uint64_t rev)
{
    ngx_queue_t            *q;
    ngx_leaseloft_frame_t  *frame, *next;

    next = NULL;

    for (q = ngx_queue_last(&channel->frames);
         q != ngx_queue_sentinel(&channel->frames);
         q = ngx_queue_prev(q))
    {
        frame = ngx_queue_data(q, ngx_leaseloft_frame_t, queue);

        if (frame->seq <= rev) {
            break;
        }

        next = frame;
    }

    return next;
}


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
        channel->complete = frame->seq;
        ngx_leaseloft_frame_free(frame);
    }
}


void
ngx_leaseloft_channel_retry(ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channels_t  *channels;

    channel->state = NGX_LEASELOFT_CHANNEL_SYNCING;
    channels = channel->process->channels;

    if (!channels->retry) {
        channels->retry = 1;
        channels->failed = ngx_current_msec;
    }
}


/*
 * Subscribers that end are detached by a posted event, so the queue does not
 * change during the loop.  Once all are up to date, no frames are needed.
 */
void
ngx_leaseloft_channel_notify(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_channel_event_e event)
{
    ngx_uint_t                   behind;
    ngx_queue_t                 *q;
    ngx_leaseloft_subscriber_t  *subscriber;

    behind = 0;

    for (q = ngx_queue_head(&channel->subscribers);
         q != ngx_queue_sentinel(&channel->subscribers);
         q = ngx_queue_next(q))
    {
        subscriber = ngx_queue_data(q, ngx_leaseloft_subscriber_t, queue);
        behind |= subscriber->kind->notify(subscriber, event);
    }

    if (!behind) {
        ngx_leaseloft_channel_drop_frames(channel, 0);
    }
}
