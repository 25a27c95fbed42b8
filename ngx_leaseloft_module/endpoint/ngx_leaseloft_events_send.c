
/*
 * The events of a thread stream.  An entry that cannot be parsed is an error;
 * one that is missing in Redis is sent as lost.  The stream belongs to its
 * request.
 */


#include "ngx_leaseloft_channel.h"
#include "ngx_leaseloft_events_send.h"
#include "ngx_leaseloft_reply.h"
#include "ngx_leaseloft_stream_send.h"
#include "ngx_leaseloft_zone.h"


ngx_int_t
ngx_leaseloft_events_send_head(ngx_leaseloft_events_t *events, char *name,
    ll_cursor_t *head, char *more)
{
    char                   cursor[LL_CURSOR_MAX];
    u_char                 text[sizeof("{\"head\":\"\",\"live\":false}")
                                + LL_CURSOR_MAX];
    ngx_str_t              data;
    ngx_leaseloft_event_t  event;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    event.name.data = (u_char *) name;
    event.name.len = ngx_strlen(name);
    event.data = &data;
    event.pieces = 1;

    data.data = text;
    data.len = ngx_sprintf(text, "{\"head\":\"%*s\"%s}",
                           ll_cursor_encode(cursor, head->seq, head->tag),
                           cursor, more)
               - text;

    return ngx_leaseloft_stream_send_event(&events->stream, &event);
}


ngx_int_t
ngx_leaseloft_events_send_entries(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view)
{
    size_t                   i, n;
    uint64_t                 first;
    ngx_int_t                rc;
    ngx_str_t                tag, entry;
    ngx_log_t               *log;
    ngx_leaseloft_frame_t   *frame;

    log = events->stream.request->connection->log;
    n = view->entries.n;
    first = view->entries.first;

    if (n && first != events->cursor.seq + 1) {
        ngx_log_error(NGX_LOG_ERR, log, 0,
                      "redis sent entry %uL after entry %uL",
                      first, events->cursor.seq);
        return NGX_ERROR;
    }

    for (i = 0; i < n; i++) {

        if (ngx_leaseloft_entries_get(&view->entries, i, &tag, &entry)
            != NGX_OK)
        {
            return NGX_ERROR;
        }

        if (tag.len == 0) {
            ngx_leaseloft_view_lost(&events->stream.ctx->property, first + i,
                                    log);
        }

        frame = ngx_leaseloft_frame_entry(first + i, &tag, &entry, log);
        if (frame == NULL) {
            return NGX_ERROR;
        }

        rc = ngx_leaseloft_stream_send_frame(&events->stream, frame);
        ngx_leaseloft_frame_cursor(frame, &events->cursor);
        ngx_leaseloft_frame_free(frame);

        if (rc != NGX_OK) {
            return NGX_ERROR;
        }
    }

    ngx_leaseloft_counters_add(events->stream.ctx->process->zone,
                               NGX_LEASELOFT_EVENTS_SENT, n);

    if (events->cursor.seq == view->head.seq) {
        events->cursor = view->head;
    }

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_events_send_erased(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view)
{
    u_char                 text[sizeof("{\"seq\":,\"erased_at\":\"\"}")
                                + NGX_INT64_LEN + LL_DATE_LEN];
    uint64_t               seq;
    ngx_int_t              rc;
    ngx_str_t              data, at;
    ngx_uint_t             i;
    ngx_leaseloft_event_t  event;

    ngx_leaseloft_channel_t  *channel;

    /*
     * The channel may not have received the newest erasure yet, and then may
     * have a frame of an entry that the view left out: it is after the cursor.
     */

    channel = events->stream.subscriber.channel;
    events->erasures = channel->known ? ngx_min(view->known, channel->erasures)
                                      : view->known;

    if (view->reset) {
        return NGX_OK;
    }

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "erased");
    event.data = &data;
    event.pieces = 1;
    data.data = text;

    for (i = 0; /* void */; i++) {

        rc = ngx_leaseloft_view_erased(view, i, &seq, &at);

        if (rc != NGX_OK) {
            return rc == NGX_DONE ? NGX_OK : NGX_ERROR;
        }

        data.len = ngx_sprintf(text, "{\"seq\":%uL,\"erased_at\":\"%V\"}",
                               seq, &at)
                   - text;

        if (ngx_leaseloft_stream_send_event(&events->stream, &event) != NGX_OK)
        {
            return NGX_ERROR;
        }
    }
}


ngx_int_t
ngx_leaseloft_events_send_lease(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view)
{
    ngx_str_t              data[7];
    ngx_leaseloft_event_t  event;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "lease");
    ngx_str_set(&data[0], "{\"lease\":");
    data[1] = view->lease;
    ngx_str_set(&data[2], ",\"parties\":");
    data[3] = view->parties;
    ngx_str_set(&data[4], ",\"you\":");
    data[5] = view->you;
    ngx_str_set(&data[6], "}");

    event.data = data;
    event.pieces = 7;

    events->lease = 0;

    return ngx_leaseloft_stream_send_event(&events->stream, &event);
}
