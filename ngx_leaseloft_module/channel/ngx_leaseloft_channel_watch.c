
/*
 * Creates and frees channels.  A channel is created on first use.  It is freed
 * when it has had neither subscribers nor uses for its linger time, or when too
 * many channels are idle.
 */


#include "ngx_leaseloft_channel_cache.h"
#include "ngx_leaseloft_channel_changes.h"
#include "ngx_leaseloft_channel_message.h"
#include "ngx_leaseloft_channel_subscribe.h"
#include "ngx_leaseloft_channel_sync.h"
#include "ngx_leaseloft_channel_tell.h"
#include "ngx_leaseloft_channel_watch.h"


/* initial number; a power of two */
#define NGX_LEASELOFT_CHANNEL_BUCKETS  1024


static void ngx_leaseloft_channel_watch_idle(ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channel_watch_busy(ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channel_watch_trim(
    ngx_leaseloft_channels_t *channels);
static void ngx_leaseloft_channel_watch_tick(void *data);
static void ngx_leaseloft_channel_watch_free(ngx_leaseloft_channel_t *channel);


static const ngx_leaseloft_client_events_t
    ngx_leaseloft_channel_watch_events =
{
    ngx_leaseloft_channel_sync_ready,
    ngx_leaseloft_channel_subscribe_all,
    ngx_leaseloft_channel_subscribe_done,
    ngx_leaseloft_channel_subscribe_ended,
    ngx_leaseloft_channel_message,
    ngx_leaseloft_channel_subscribe_lost,
    ngx_leaseloft_channel_tell,
    ngx_leaseloft_channel_subscribe_moved,
    ngx_leaseloft_channel_watch_tick
};


ngx_leaseloft_channels_t *
ngx_leaseloft_channel_watch_create(ngx_leaseloft_process_t *process,
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

    ngx_leaseloft_channel_subscribe_init(channels);
    ngx_leaseloft_channel_tell_init(channels);
    ngx_leaseloft_cluster_on_events(process->cluster,
                                    &ngx_leaseloft_channel_watch_events,
                                    channels);

    return channels;
}


ngx_leaseloft_channel_t *
ngx_leaseloft_channel_watch(ngx_leaseloft_process_t *process,
    ngx_leaseloft_channel_kind_e kind, ngx_str_t *id, ngx_msec_t linger)
{
    char                      data[LL_KEY_MAX];
    ngx_str_t                 name;
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

        name.data = (u_char *) data;
        name.len = ngx_leaseloft_channel_name(channel, data);
        channel->slot = ngx_leaseloft_cluster_slot(process->cluster, &name);
        channel->client = ngx_leaseloft_cluster_client(process->cluster,
                                                       channel->slot);

        ngx_queue_init(&channel->subscribers);
        ngx_queue_init(&channel->frames);
        ngx_queue_init(&channel->cache);
        ngx_leaseloft_channel_watch_idle(channel);

        ngx_leaseloft_channel_insert(process->channels, channel);
        ngx_leaseloft_channel_watch_trim(process->channels);

        ngx_leaseloft_channel_subscribe(channel);

    } else if (ngx_queue_empty(&channel->subscribers)) {
        ngx_leaseloft_channel_watch_busy(channel);
        ngx_leaseloft_channel_watch_idle(channel);
    }

    channel->linger = linger;
    channel->expires = ngx_current_msec + linger;

    return channel;
}


/* the channel has no subscribers */
static void
ngx_leaseloft_channel_watch_idle(ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    ngx_queue_insert_tail(&channels->idle, &channel->idle);
    channels->nidle++;
}


static void
ngx_leaseloft_channel_watch_busy(ngx_leaseloft_channel_t *channel)
{
    ngx_queue_remove(&channel->idle);
    channel->process->channels->nidle--;
}


/* the newest channel, which is in use, is never freed */
static void
ngx_leaseloft_channel_watch_trim(ngx_leaseloft_channels_t *channels)
{
    ngx_queue_t  *q;

    while (channels->nidle > channels->process->conf->max_lingering) {
        q = ngx_queue_head(&channels->idle);
        ngx_leaseloft_channel_watch_free(
                            ngx_queue_data(q, ngx_leaseloft_channel_t, idle));
    }
}


void
ngx_leaseloft_channel_watch_attach(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_subscriber_t *subscriber)
{
    if (ngx_queue_empty(&channel->subscribers)) {
        ngx_leaseloft_channel_watch_busy(channel);
    }

    ngx_queue_insert_tail(&channel->subscribers, &subscriber->queue);
    subscriber->channel = channel;
}


void
ngx_leaseloft_channel_watch_detach(ngx_leaseloft_subscriber_t *subscriber)
{
    ngx_leaseloft_channel_t  *channel;

    channel = subscriber->channel;
    subscriber->channel = NULL;

    ngx_queue_remove(&subscriber->queue);

    if (ngx_queue_empty(&channel->subscribers)) {
        ngx_leaseloft_channel_drop_frames(channel, 0);
        ngx_leaseloft_channel_watch_idle(channel);

        /* it was in use until now, whenever it was watched last */

        channel->expires = ngx_current_msec + channel->linger;
    }
}


static void
ngx_leaseloft_channel_watch_tick(void *data)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_channel_watch_expire(channels);
    ngx_leaseloft_channel_sync_retry(channels);
}


/*
 * The queue is ordered by the time at which channels became idle.  If locations
 * differ in leaseloft_linger, some channels expire a little later.
 */
void
ngx_leaseloft_channel_watch_expire(ngx_leaseloft_channels_t *channels)
{
    ngx_queue_t              *q;
    ngx_leaseloft_channel_t  *channel;

    while (!ngx_queue_empty(&channels->idle)) {
        q = ngx_queue_head(&channels->idle);
        channel = ngx_queue_data(q, ngx_leaseloft_channel_t, idle);

        if ((ngx_msec_int_t) (channel->expires - ngx_current_msec) > 0) {
            return;
        }

        ngx_leaseloft_channel_watch_free(channel);
    }
}


static void
ngx_leaseloft_channel_watch_free(ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    /* it may be among the wanted channels */

    ngx_leaseloft_channel_subscribe_flush(channels);

    ngx_leaseloft_channel_subscribe_leave(channel);

    if (channel->command) {
        ngx_leaseloft_command_cancel(channel->command);
    }

    ngx_leaseloft_channel_changes_drop(channel);
    ngx_leaseloft_channel_drop_frames(channel, 0);

    ngx_leaseloft_channel_cache_clear(channel);

    ngx_leaseloft_channel_watch_busy(channel);
    ngx_leaseloft_channel_remove(channels, channel);
    ngx_free(channel);
}
