
/*
 * Decodes frames, and decodes and encodes verdicts.  Nothing is allocated.
 */


#include <stdio.h>
#include <string.h>

#include "frame.h"


/*
 * returns the next field, which ends before the byte "stop" (a space or a
 * newline), and advances *s
 */
static int
ll_frame_field(const char **s, const char *end, char stop, ll_str_t *field)
{
    const char  *p;

    p = *s < end ? memchr(*s, stop, (size_t) (end - *s)) : NULL;

    if (p == NULL) {
        return -1;
    }

    field->data = *s;
    field->len = (size_t) (p - *s);
    *s = p + 1;

    return 0;
}


static int
ll_frame_number(const char **s, const char *end, char stop, uint64_t *n)
{
    ll_str_t  field;

    if (ll_frame_field(s, end, stop, &field) != 0) {
        return -1;
    }

    return ll_cursor_decode_seq(field.data, field.len, n);
}


static int
ll_frame_decode_entry(const char **s, const char *end, ll_frame_t *frame)
{
    ll_str_t  tag;

    if (ll_frame_number(s, end, ' ', &frame->ver) != 0
        || ll_frame_number(s, end, ' ', &frame->rev) != 0
        || ll_frame_number(s, end, ' ', &frame->seq) != 0
        || frame->seq == 0
        || ll_frame_field(s, end, '\n', &tag) != 0
        || !ll_cursor_tag_valid(tag.data, tag.len))
    {
        return -1;
    }

    frame->tag = tag.data;

    return 0;
}


static int
ll_frame_decode_read(const char **s, const char *end, ll_frame_t *frame)
{
    ll_str_t  shown;

    if (ll_frame_number(s, end, ' ', &frame->ver) != 0
        || ll_frame_number(s, end, ' ', &frame->rev) != 0
        || ll_frame_field(s, end, ' ', &frame->user) != 0
        || !ll_id_valid(frame->user.data, frame->user.len)
        || ll_frame_field(s, end, '\n', &shown) != 0
        || shown.len != 1
        || (shown.data[0] != '0' && shown.data[0] != '1'))
    {
        return -1;
    }

    frame->shown = shown.data[0] == '1';

    return 0;
}


int
ll_frame_decode(const char *s, size_t len, ll_frame_t *frame)
{
    int          rc;
    const char  *p, *end;

    if (len < 2 || s[1] != ' ') {
        return -1;
    }

    memset(frame, 0, sizeof(ll_frame_t));

    p = s + 2;
    end = s + len;

    switch (s[0]) {

    case 'E':
        frame->type = LL_FRAME_ENTRY;
        rc = ll_frame_decode_entry(&p, end, frame);
        break;

    case 'R':
        frame->type = LL_FRAME_READ;
        rc = ll_frame_decode_read(&p, end, frame);
        break;

    case 'L':
        frame->type = LL_FRAME_LEASE;
        rc = ll_frame_number(&p, end, ' ', &frame->ver) != 0
             || ll_frame_number(&p, end, '\n', &frame->rev) != 0;
        break;

    case 'X':
        frame->type = LL_FRAME_ERASED;
        rc = ll_frame_number(&p, end, ' ', &frame->ver) != 0
             || ll_frame_number(&p, end, ' ', &frame->rev) != 0
             || ll_frame_number(&p, end, '\n', &frame->erasures) != 0;
        break;

    case 'I':
        frame->type = LL_FRAME_INBOX;
        rc = ll_frame_number(&p, end, ' ', &frame->rev) != 0
             || ll_frame_number(&p, end, '\n', &frame->total) != 0;
        break;

    default:
        return -1;
    }

    if (rc != 0) {
        return -1;
    }

    frame->payload.data = p;
    frame->payload.len = (size_t) (end - p);

    /* a line break would forge fields of an event */

    if (memchr(p, '\n', frame->payload.len) != NULL
        || memchr(p, '\r', frame->payload.len) != NULL)
    {
        return -1;
    }

    return 0;
}


int
ll_frame_verdict_decode(ll_str_t *rest, ll_verdict_t *verdict)
{
    uint64_t     status, len;
    const char  *p, *end;

    p = rest->data;
    end = p + rest->len;

    if (ll_frame_number(&p, end, ' ', &verdict->request) != 0
        || ll_frame_number(&p, end, ' ', &status) != 0
        || status < 100 || status > 599
        || ll_frame_number(&p, end, ' ', &verdict->seq) != 0
        || ll_frame_number(&p, end, '\n', &len) != 0
        || len > (size_t) (end - p))
    {
        return -1;
    }

    verdict->status = (unsigned) status;
    verdict->body.data = p;
    verdict->body.len = (size_t) len;

    rest->data = p + len;
    rest->len = (size_t) (end - rest->data);

    return 0;
}


size_t
ll_frame_verdict_encode(char *dst, const ll_verdict_t *verdict)
{
    return (size_t) snprintf(dst, LL_VERDICT_LINE, "%llu %u %llu %zu\n",
                             (unsigned long long) verdict->request,
                             verdict->status,
                             (unsigned long long) verdict->seq,
                             verdict->body.len);
}


int
ll_frame_reply_decode(const char *s, size_t len, ll_str_t *nginx,
    uint64_t *request)
{
    const char  *p, *end;

    p = s;
    end = s + len;

    if (ll_frame_field(&p, end, '.', nginx) != 0
        || !ll_id_valid(nginx->data, nginx->len))
    {
        return -1;
    }

    return ll_cursor_decode_seq(p, (size_t) (end - p), request);
}
