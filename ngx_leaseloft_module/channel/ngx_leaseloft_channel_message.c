
/*
 * What channels hear: the frames of docs/data.md.
 */


#include "ngx_leaseloft_channel_message.h"
#include "ngx_leaseloft_channel_sync.h"
#include "ngx_leaseloft_zone.h"


static ngx_int_t
ngx_leaseloft_channel_property_frame(ngx_leaseloft_channel_t *channel,
    ll_frame_t *heard)
{
    ngx_str_t                  payload, tag;
    ngx_queue_t               *q, *next;
    ngx_leaseloft_event_t      event;
    ngx_leaseloft_frame_t     *frame;
    ngx_leaseloft_listener_t  *listener;

    payload.data = (u_char *) heard->payload.data;
    payload.len = heard->payload.len;

    switch (heard->type) {

    case LL_FRAME_ENTRY:

        if (heard->seq != channel->head.seq + 1) {
            return NGX_DECLINED;
        }

        channel->head.seq = heard->seq;
        ngx_memcpy(channel->head.tag, heard->tag, LL_TAG_LEN);

        if (!ngx_queue_empty(&channel->listeners)) {
            tag.data = (u_char *) heard->tag;
            tag.len = LL_TAG_LEN;

            frame = ngx_leaseloft_frame_entry(heard->seq, &tag, &payload,
                                              channel->process->log);
            if (frame) {
                ngx_leaseloft_channel_keep(channel, frame);
            }
        }

        break;

    case LL_FRAME_READ:

        if (ngx_queue_empty(&channel->listeners)) {
            break;
        }

        ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));
        ngx_str_set(&event.name, "read");
        event.data = &payload;
        event.pieces = 1;

        frame = ngx_leaseloft_frame_create(&event, channel->process->log);
        if (frame == NULL) {
            return NGX_DECLINED;
        }

        for (q = ngx_queue_head(&channel->listeners);
             q != ngx_queue_sentinel(&channel->listeners);
             q = next)
        {
            next = ngx_queue_next(q);
            listener = ngx_queue_data(q, ngx_leaseloft_listener_t, queue);

            listener->kind->read(listener, heard, frame);
        }

        ngx_leaseloft_frame_free(frame);

        break;

    default: /* LL_FRAME_LEASE */

        channel->rev = heard->rev;
        break;
    }

    if (heard->rev > channel->rev) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_channel_user_frame(ngx_leaseloft_channel_t *channel,
    ll_frame_t *heard)
{
    ngx_str_t               payload;
    ngx_leaseloft_frame_t  *frame;

    channel->total = heard->total;

    if (heard->payload.len && !ngx_queue_empty(&channel->listeners)) {
        payload.data = (u_char *) heard->payload.data;
        payload.len = heard->payload.len;

        frame = ngx_leaseloft_frame_thread(heard->rev, &payload,
                                           channel->process->log);
        if (frame == NULL) {
            return NGX_DECLINED;
        }

        ngx_leaseloft_channel_keep(channel, frame);
    }

    return NGX_OK;
}


void
ngx_leaseloft_channels_message(void *data,
    ngx_str_t *name, ngx_str_t *payload)
{
    ngx_leaseloft_channels_t *channels = data;

    uint64_t                  ver;
    ngx_int_t                 rc;
    ll_frame_t                heard;
    ngx_leaseloft_channel_t  *channel;

    channel = ngx_leaseloft_channels_by_name(channels, name);
    if (channel == NULL) {
        return;
    }

    if (ll_frame_decode((char *) payload->data, payload->len, &heard) != 0
        || (heard.type == LL_FRAME_INBOX)
           != (channel->kind == NGX_LEASELOFT_CHANNEL_USER))
    {
        ngx_log_error(NGX_LOG_ERR, channels->process->log, 0,
                      "malformed frame of %uz bytes on a channel of redis",
                      payload->len);
        ngx_leaseloft_zone_count(channels->process->zone,
                                 NGX_LEASELOFT_FRAMES_MALFORMED, 1);
        ngx_leaseloft_link_distrust(channels->process->link);
        return;
    }

    ver = channel->kind == NGX_LEASELOFT_CHANNEL_USER ? heard.rev : heard.ver;

    if (channel->state != NGX_LEASELOFT_CHANNEL_LIVE) {
        channel->heard = ngx_max(channel->heard, ver);
        return;
    }

    if (ver <= channel->ver) {
        return;
    }

    if (ver != channel->ver + 1) {
        rc = NGX_DECLINED;

    } else if (channel->kind == NGX_LEASELOFT_CHANNEL_USER) {
        rc = ngx_leaseloft_channel_user_frame(channel, &heard);

    } else {
        rc = ngx_leaseloft_channel_property_frame(channel, &heard);
    }

    if (rc != NGX_OK) {
        ngx_leaseloft_zone_count(channels->process->zone,
                                 NGX_LEASELOFT_HOLES_FILLED, 1);
        ngx_leaseloft_channel_sync(channel);
        return;
    }

    channel->ver = ver;

    ngx_leaseloft_channel_tell(channel, NGX_LEASELOFT_NEWS_FRAMES);
}
