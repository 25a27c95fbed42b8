
/*
 * Notifies channels that the connection state has changed.
 *
 * Each turn of the event loop takes some of them, as each of their streams
 * sends an event, and requests and frames should not wait for all of these.
 * Channels that were notified are moved to the end of the list, where new ones
 * are added too.  If others are freed meanwhile, some are notified twice, which
 * is harmless.
 */


#include "ngx_leaseloft_channel_cache.h"
#include "ngx_leaseloft_channel_tell.h"


/* channels that are notified in one turn of the event loop */
#define NGX_LEASELOFT_CHANNEL_TELL_TURN  64


static void ngx_leaseloft_channel_tell_next(
    ngx_leaseloft_channels_t *channels);
static void ngx_leaseloft_channel_tell_handler(ngx_event_t *ev);


void
ngx_leaseloft_channel_tell(void *data, ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_channel_t  *channel;

    if (!ngx_leaseloft_client_up(client)) {

        /* see ngx_leaseloft_channel_subscribe_lost() */

        for (channel = ngx_leaseloft_channel_next_of(channels, client, NULL);
             channel;
             channel = ngx_leaseloft_channel_next_of(channels, client,
                                                     channel))
        {
            ngx_leaseloft_channel_cache_clear(channel);
        }
    }

    channels->untold = channels->n;
    ngx_leaseloft_channel_tell_next(channels);
}


static void
ngx_leaseloft_channel_tell_next(ngx_leaseloft_channels_t *channels)
{
    ngx_uint_t                i;
    ngx_queue_t              *q;
    ngx_leaseloft_channel_t  *channel;

    for (i = 0; i < NGX_LEASELOFT_CHANNEL_TELL_TURN && channels->untold; i++) {

        if (ngx_queue_empty(&channels->all)) {
            channels->untold = 0;
            return;
        }

        q = ngx_queue_head(&channels->all);
        ngx_queue_remove(q);
        ngx_queue_insert_tail(&channels->all, q);
        channels->untold--;

        channel = ngx_queue_data(q, ngx_leaseloft_channel_t, all);
        ngx_leaseloft_channel_notify(channel, NGX_LEASELOFT_EVENT_LIVE);
    }

    if (channels->untold && !channels->tell.posted) {
        ngx_post_event(&channels->tell, &ngx_posted_next_events);
    }
}


static void
ngx_leaseloft_channel_tell_handler(ngx_event_t *ev)
{
    ngx_leaseloft_channel_tell_next(ev->data);
}


void
ngx_leaseloft_channel_tell_init(ngx_leaseloft_channels_t *channels)
{
    channels->tell.handler = ngx_leaseloft_channel_tell_handler;
    channels->tell.data = channels;
    channels->tell.log = channels->process->log;
}
