
/*
 * Messages of channels: the frames of docs/data.md.  Frames for subscribers
 * belong to their channel.
 */


#include "ngx_leaseloft_channel_changes.h"
#include "ngx_leaseloft_channel_message.h"
#include "ngx_leaseloft_channel_sync.h"
#include "ngx_leaseloft_zone.h"


/* a read mark has moved: passes the frame to each subscriber */
static ngx_int_t
ngx_leaseloft_channel_message_read(ngx_leaseloft_channel_t *channel,
    ll_frame_t *received, ngx_str_t *payload)
{
    ngx_queue_t                 *q, *next;
    ngx_leaseloft_event_t        event;
    ngx_leaseloft_frame_t       *frame;
    ngx_leaseloft_subscriber_t  *subscriber;

    if (ngx_queue_empty(&channel->subscribers)) {
        return NGX_OK;
    }

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));
    ngx_str_set(&event.name, "read");
    event.data = payload;
    event.pieces = 1;

    frame = ngx_leaseloft_frame_create(&event, channel->process->log);
    if (frame == NULL) {
        return NGX_DECLINED;
    }

    for (q = ngx_queue_head(&channel->subscribers);
         q != ngx_queue_sentinel(&channel->subscribers);
         q = next)
    {
        next = ngx_queue_next(q);
        subscriber = ngx_queue_data(q, ngx_leaseloft_subscriber_t, queue);

        subscriber->kind->read(subscriber, received, frame);
    }

    ngx_leaseloft_frame_free(frame);

    return NGX_OK;
}


/*
 * The milliseconds since "2026-11-22T12:00:00.123Z", which was just now: what
 * follows the date suffices.  0 if that is later, by a clock that is ahead.
 */
static ngx_msec_t
ngx_leaseloft_channel_message_age(u_char *at)
{
    ngx_int_t    msecs;
    ngx_time_t  *now;

    static ngx_int_t  day = 24 * 3600 * 1000;

    now = ngx_timeofday();
    msecs = (ngx_int_t) (now->sec % (24 * 3600)) * 1000 + (ngx_int_t) now->msec
            - ((ngx_atoi(at + 11, 2) * 60 + ngx_atoi(at + 14, 2)) * 60
               + ngx_atoi(at + 17, 2)) * 1000
            - ngx_atoi(at + 20, 3);

    if (msecs < 0) {
        msecs += day;
    }

    return msecs < day / 2 ? (ngx_msec_t) msecs : 0;
}


/*
 * Counts the time since a message was stored: its last members are "at" and
 * "client_id", whose value needs no escape.  Other entries do not end so.
 */
static void
ngx_leaseloft_channel_message_observe(ngx_leaseloft_channel_t *channel,
    ngx_str_t *entry)
{
    u_char  *p;

    static u_char  at[] = "\"at\":\"", id[] = "\",\"client_id\":\"";
    static size_t  time = sizeof("2026-11-22T12:00:00.123Z") - 1;
    static size_t  head = sizeof(at) - 1 + sizeof("2026-11-22T12:00:00.123Z")
                          - 1 + sizeof(id) - 1;

    if (entry->len < head + sizeof("\"}") - 1) {
        return;
    }

    /* back to the quote before the value of client_id */

    p = entry->data + entry->len - sizeof("\"}");

    while (*p != '"') {
        if (p == entry->data) {
            return;
        }

        p--;
    }

    p = p + 1 - head;

    if (p < entry->data || ngx_memcmp(p, at, sizeof(at) - 1) != 0
        || ngx_memcmp(p + sizeof(at) - 1 + time, id, sizeof(id) - 1) != 0)
    {
        return;
    }

    ngx_leaseloft_counters_observe(channel->process->zone,
                   NGX_LEASELOFT_DELIVERY_SECONDS,
                   ngx_leaseloft_channel_message_age(p + sizeof(at) - 1));
}


/* NGX_DECLINED: the channel has to be read */
static ngx_int_t
ngx_leaseloft_channel_message_property(ngx_leaseloft_channel_t *channel,
    ll_frame_t *received)
{
    ngx_str_t               payload, tag;
    ngx_leaseloft_frame_t  *frame;

    payload.data = (u_char *) received->payload.data;
    payload.len = received->payload.len;

    switch (received->type) {

    case LL_FRAME_ENTRY:

        if (received->seq != channel->head.seq + 1) {
            return NGX_DECLINED;
        }

        channel->head.seq = received->seq;
        ngx_memcpy(channel->head.tag, received->tag, LL_TAG_LEN);

        if (!ngx_queue_empty(&channel->subscribers)) {
            tag.data = (u_char *) received->tag;
            tag.len = LL_TAG_LEN;

            frame = ngx_leaseloft_frame_entry(received->seq, &tag, &payload,
                                              channel->process->log);
            if (frame) {
                ngx_leaseloft_channel_keep(channel, frame);
                ngx_leaseloft_channel_message_observe(channel, &payload);
            }
        }

        break;

    case LL_FRAME_READ:

        if (ngx_leaseloft_channel_message_read(channel, received, &payload)
            != NGX_OK)
        {
            return NGX_DECLINED;
        }

        break;

    case LL_FRAME_ERASED:

        if (received->erasures != channel->erasures + 1) {
            return NGX_DECLINED;
        }

        /* subscribers read from Redis which entry it is; a frame may have it */

        channel->erasures = received->erasures;
        ngx_leaseloft_channel_drop_frames(channel, 0);

        break;

    default: /* LL_FRAME_LEASE */

        channel->rev = received->rev;
        break;
    }

    if (received->rev > channel->rev) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


/* the same for an inbox */
static ngx_int_t
ngx_leaseloft_channel_message_user(ngx_leaseloft_channel_t *channel,
    ll_frame_t *received)
{
    ngx_str_t  property;

    property.data = (u_char *) received->payload.data;
    property.len = received->payload.len;

    if (property.len && !ll_id_valid(received->payload.data, property.len)) {
        return NGX_DECLINED;
    }

    return ngx_leaseloft_channel_changes_add(channel, received->rev,
                                             received->total, &property);
}


void
ngx_leaseloft_channel_message(void *data, ngx_leaseloft_client_t *client,
    ngx_str_t *name, ngx_str_t *payload)
{
    ngx_leaseloft_channels_t *channels = data;

    uint64_t                  ver, newest;
    ngx_int_t                 rc;
    ll_frame_t                received;
    ngx_leaseloft_channel_t  *channel;

    channel = ngx_leaseloft_channel_by_name(channels, name);
    if (channel == NULL) {
        return;
    }

    if (ll_frame_decode((char *) payload->data, payload->len, &received) != 0
        || (received.type == LL_FRAME_INBOX)
           != (channel->kind == NGX_LEASELOFT_CHANNEL_USER))
    {
        ngx_log_error(NGX_LOG_ERR, channels->process->log, 0,
                      "malformed frame of %uz bytes on a channel of redis",
                      payload->len);
        ngx_leaseloft_counters_add(channels->process->zone,
                                   NGX_LEASELOFT_FRAMES_MALFORMED, 1);
        ngx_leaseloft_client_reset(client);
        return;
    }

    ver = channel->kind == NGX_LEASELOFT_CHANNEL_USER ? received.rev
                                                      : received.ver;

    if (channel->state != NGX_LEASELOFT_CHANNEL_LIVE) {
        channel->received = ngx_max(channel->received, ver);
        return;
    }

    newest = ngx_leaseloft_channel_newest(channel);

    if (ver <= newest) {
        return;
    }

    if (ver != newest + 1) {
        rc = NGX_DECLINED;

    } else if (channel->kind == NGX_LEASELOFT_CHANNEL_USER) {
        rc = ngx_leaseloft_channel_message_user(channel, &received);

    } else {
        rc = ngx_leaseloft_channel_message_property(channel, &received);
    }

    if (rc != NGX_OK) {
        ngx_leaseloft_counters_add(channels->process->zone,
                                   NGX_LEASELOFT_HOLES_FILLED, 1);
        ngx_leaseloft_channel_sync(channel);
        return;
    }

    if (channel->kind == NGX_LEASELOFT_CHANNEL_USER) {
        ngx_leaseloft_channel_changes_read(channel);
        return;
    }

    channel->ver = ver;

    ngx_leaseloft_channel_notify(channel, NGX_LEASELOFT_EVENT_FRAMES);
}
