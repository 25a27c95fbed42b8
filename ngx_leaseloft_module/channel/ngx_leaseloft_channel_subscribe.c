
/*
 * Subscribes to channels.
 *
 * Channels that are wanted in one iteration of the event loop are subscribed to
 * by one command at its end, and all channels by as few commands as possible
 * after a reconnect, since a command costs Redis more than a name in it.  In a
 * cluster a command is for channels of one slot.
 */


#include "ngx_leaseloft_channel_cache.h"
#include "ngx_leaseloft_channel_changes.h"
#include "ngx_leaseloft_channel_subscribe.h"
#include "ngx_leaseloft_channel_sync.h"


static void ngx_leaseloft_channel_subscribe_queue(
    ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channel_subscribe_handler(ngx_event_t *ev);


void
ngx_leaseloft_channel_subscribe_init(ngx_leaseloft_channels_t *channels)
{
    channels->want.handler = ngx_leaseloft_channel_subscribe_handler;
    channels->want.data = channels;
    channels->want.log = channels->process->log;
}


void
ngx_leaseloft_channel_subscribe(ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    ngx_leaseloft_channel_subscribe_queue(channel);

    if (channels->nwanted && !channels->want.posted) {
        ngx_post_event(&channels->want, &ngx_posted_events);
    }
}


static void
ngx_leaseloft_channel_subscribe_queue(ngx_leaseloft_channel_t *channel)
{
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    channel->state = NGX_LEASELOFT_CHANNEL_SUBSCRIBING;
    channels->wanted[channels->nwanted++] = channel;

    if (channels->nwanted == NGX_LEASELOFT_SUBSCRIPTION_BATCH) {
        ngx_leaseloft_channel_subscribe_flush(channels);
    }
}


static void
ngx_leaseloft_channel_subscribe_handler(ngx_event_t *ev)
{
    ngx_leaseloft_channel_subscribe_flush(ev->data);
}


/* subscribes to n wanted channels of one slot by one command */
static void
ngx_leaseloft_channel_subscribe_send(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t **wanted, ngx_uint_t n)
{
    char        *data;
    ngx_str_t   *names;
    ngx_int_t    rc;
    ngx_uint_t   i;

    rc = NGX_ERROR;

    names = ngx_alloc(n * (sizeof(ngx_str_t) + LL_KEY_MAX),
                      channels->process->log);

    if (names) {
        data = (char *) &names[n];

        for (i = 0; i < n; i++, data += LL_KEY_MAX) {
            names[i].data = (u_char *) data;
            names[i].len = ngx_leaseloft_channel_name(wanted[i], data);
        }

        rc = wanted[0]->client
             ? ngx_leaseloft_client_subscribe(wanted[0]->client, n, names)
             : NGX_DECLINED;

        ngx_free(names);
    }

    if (rc == NGX_OK) {
        return;
    }

    /* ngx_leaseloft_channel_subscribe_all() retries after a reconnect */

    for (i = 0; i < n; i++) {
        wanted[i]->state = NGX_LEASELOFT_CHANNEL_DOWN;
    }
}


static int
ngx_leaseloft_channel_subscribe_compare(const void *one, const void *two)
{
    ngx_leaseloft_channel_t  *a, *b;

    a = *(ngx_leaseloft_channel_t **) one;
    b = *(ngx_leaseloft_channel_t **) two;

    return (int) a->slot - (int) b->slot;
}


void
ngx_leaseloft_channel_subscribe_flush(ngx_leaseloft_channels_t *channels)
{
    ngx_uint_t                 i, n;
    ngx_leaseloft_channel_t  **wanted;

    n = channels->nwanted;
    wanted = channels->wanted;
    channels->nwanted = 0;

    if (channels->process->conf->redis.cluster) {
        ngx_qsort(wanted, n, sizeof(ngx_leaseloft_channel_t *),
                  ngx_leaseloft_channel_subscribe_compare);
    }

    for ( /* void */ ; n; n -= i, wanted += i) {

        for (i = 1; i < n && wanted[i]->slot == wanted[0]->slot; i++) {
            /* void */
        }

        ngx_leaseloft_channel_subscribe_send(channels, wanted, i);
    }
}


void
ngx_leaseloft_channel_subscribe_all(void *data, ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_channel_t  *channel;

    ngx_leaseloft_channel_subscribe_flush(channels);

    /* in any state: a read may have been repeated while it was not connected */

    for (channel = ngx_leaseloft_channel_next_of(channels, client, NULL);
         channel;
         channel = ngx_leaseloft_channel_next_of(channels, client, channel))
    {
        ngx_leaseloft_channel_subscribe_queue(channel);
    }

    ngx_leaseloft_channel_subscribe_flush(channels);
}


void
ngx_leaseloft_channel_subscribe_done(void *data,
    ngx_leaseloft_client_t *client, ngx_str_t *name)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_channel_t  *channel;

    channel = ngx_leaseloft_channel_by_name(channels, name);

    /* it may have been freed, or freed and created: then it is read twice */

    if (channel && channel->client == client
        && channel->state == NGX_LEASELOFT_CHANNEL_SUBSCRIBING)
    {
        ngx_leaseloft_channel_sync(channel);
    }
}


/* what is known of a channel is no longer current */
static void
ngx_leaseloft_channel_subscribe_reset(ngx_leaseloft_channel_t *channel)
{
    channel->state = NGX_LEASELOFT_CHANNEL_DOWN;
    ngx_leaseloft_channel_changes_drop(channel);

    /* another primary may reach the same versions by another history */

    ngx_leaseloft_channel_cache_clear(channel);

    if (channel->command) {
        ngx_leaseloft_command_cancel(channel->command);
        channel->command = NULL;
    }
}


void
ngx_leaseloft_channel_subscribe_lost(void *data,
    ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_channel_t  *channel;

    ngx_leaseloft_channel_subscribe_flush(channels);

    for (channel = ngx_leaseloft_channel_next_of(channels, client, NULL);
         channel;
         channel = ngx_leaseloft_channel_next_of(channels, client, channel))
    {
        ngx_leaseloft_channel_subscribe_reset(channel);
    }
}


/* which the server tells of a slot that it no longer has */
void
ngx_leaseloft_channel_subscribe_ended(void *data,
    ngx_leaseloft_client_t *client, ngx_str_t *name)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_channel_t  *channel;

    channel = ngx_leaseloft_channel_by_name(channels, name);

    /* one that was freed and created is subscribed to after this */

    if (channel == NULL || channel->client != client
        || channel->state == NGX_LEASELOFT_CHANNEL_DOWN
        || channel->state == NGX_LEASELOFT_CHANNEL_SUBSCRIBING)
    {
        return;
    }

    ngx_leaseloft_channel_subscribe_reset(channel);
    ngx_leaseloft_channel_notify(channel, NGX_LEASELOFT_EVENT_LIVE);

    /* the answer, MOVED, says where its slot is */

    ngx_leaseloft_channel_subscribe(channel);
}


void
ngx_leaseloft_channel_subscribe_moved(void *data)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_client_t   *client;
    ngx_leaseloft_channel_t  *channel;

    ngx_leaseloft_channel_subscribe_flush(channels);

    for (channel = ngx_leaseloft_channel_next(channels, NULL);
         channel;
         channel = ngx_leaseloft_channel_next(channels, channel))
    {
        client = ngx_leaseloft_cluster_client(channels->process->cluster,
                                              channel->slot);

        if (client == channel->client) {
            continue;
        }

        ngx_leaseloft_channel_subscribe_leave(channel);
        ngx_leaseloft_channel_subscribe_reset(channel);
        channel->client = client;

        ngx_leaseloft_channel_notify(channel, NGX_LEASELOFT_EVENT_LIVE);
        ngx_leaseloft_channel_subscribe(channel);
    }

    ngx_leaseloft_channel_subscribe_flush(channels);
}


void
ngx_leaseloft_channel_subscribe_leave(ngx_leaseloft_channel_t *channel)
{
    char       data[LL_KEY_MAX];
    ngx_str_t  name;

    if (channel->client == NULL
        || channel->state == NGX_LEASELOFT_CHANNEL_DOWN)
    {
        return;
    }

    name.data = (u_char *) data;
    name.len = ngx_leaseloft_channel_name(channel, data);

    (void) ngx_leaseloft_client_unsubscribe(channel->client, &name);
}
