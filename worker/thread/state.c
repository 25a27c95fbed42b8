
/*
 * The state of a property.  It owns references to its leases.
 *
 * The text form consists of lines of a letter and fields; lines with unknown
 * letters are ignored:
 *
 *     D REQUEST                       the newest declaration
 *     A ENDS FROM FROM ... JSON       the active lease
 *     P DECLARED JSON                 the pending lease
 *     C ROLE:USER:FROM ...            windows closed by the last "ended"
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state.h"


static state_lease_t *
state_lease_make(body_lease_t *body)
{
    buf_t           buf = BUF_INIT;
    state_lease_t  *lease;

    lease = calloc(1, sizeof(state_lease_t));
    if (lease == NULL) {
        body_lease_free(body);
        return NULL;
    }

    lease->refs = 1;
    lease->body = *body;
    lease->starts_at = body->starts_at;
    lease->ends_at = body->ends_at;

    body_lease_encode(&buf, body);
    lease->from = calloc(body->nparties + 1, sizeof(uint64_t));

    if (buf_failed(&buf) || lease->from == NULL) {
        buf_free(&buf);
        state_lease_free(lease);
        return NULL;
    }

    lease->json = buf.data;

    return lease;
}


/* from JSON; returns NULL also if it is malformed */
static state_lease_t *
state_lease_decode(const char *json, size_t len)
{
    body_lease_t  body;

    if (body_lease_decode(json, len, &body) == -1) {
        return NULL;
    }

    return state_lease_make(&body);
}


state_lease_t *
state_lease_create(const body_lease_t *body)
{
    buf_t           buf = BUF_INIT;
    state_lease_t  *lease;

    body_lease_encode(&buf, body);

    lease = buf_failed(&buf) ? NULL : state_lease_decode(buf.data, buf.len);

    buf_free(&buf);

    return lease;
}


state_lease_t *
state_lease_ref(state_lease_t *lease)
{
    if (lease != NULL) {
        lease->refs++;
    }

    return lease;
}


void
state_lease_free(state_lease_t *lease)
{
    if (lease == NULL || --lease->refs > 0) {
        return;
    }

    body_lease_free(&lease->body);
    free(lease->json);
    free(lease->from);
    free(lease);
}


int
state_lease_party(const state_lease_t *lease, const char *user)
{
    size_t  i;

    for (i = 0; i < lease->body.nparties; i++) {
        if (strcmp(lease->body.parties[i].user, user) == 0) {
            return (int) i;
        }
    }

    return -1;
}


int
state_init(state_t *state, const char *property, size_t len)
{
    memset(state, 0, sizeof(state_t));

    return chain_first(state->hash, property, len);
}


int
state_copy(state_t *dst, const state_t *src)
{
    *dst = *src;
    dst->closed = NULL;

    if (src->nclosed != 0) {
        dst->closed = malloc(src->nclosed * sizeof(state_window_t));
        if (dst->closed == NULL) {
            return -1;
        }

        memcpy(dst->closed, src->closed,
               src->nclosed * sizeof(state_window_t));
    }

    state_lease_ref(dst->active);
    state_lease_ref(dst->pending);

    return 0;
}


void
state_free(state_t *state)
{
    state_lease_free(state->active);
    state_lease_free(state->pending);
    free(state->closed);

    memset(state, 0, sizeof(state_t));
}


void
state_encode(buf_t *buf, const state_t *state)
{
    size_t                 i;
    const state_lease_t   *lease;
    const state_window_t  *window;

    if (state->request[0] != '\0') {
        buf_lit(buf, "D ");
        buf_adds(buf, state->request);
        buf_lit(buf, "\n");
    }

    lease = state->active;

    if (lease != NULL) {
        buf_lit(buf, "A ");
        buf_number(buf, lease->ends_at);

        for (i = 0; i < lease->body.nparties; i++) {
            buf_lit(buf, " ");
            buf_number(buf, (int64_t) lease->from[i]);
        }

        buf_lit(buf, " ");
        buf_adds(buf, lease->json);
        buf_lit(buf, "\n");
    }

    lease = state->pending;

    if (lease != NULL) {
        buf_lit(buf, "P ");
        buf_number(buf, lease->declared_at);
        buf_lit(buf, " ");
        buf_adds(buf, lease->json);
        buf_lit(buf, "\n");
    }

    if (state->nclosed == 0) {
        return;
    }

    buf_lit(buf, "C");

    for (i = 0; i < state->nclosed; i++) {
        window = &state->closed[i];
        buf_adds(buf, window->role == BODY_LANDLORD ? " l:" : " t:");
        buf_adds(buf, window->user);
        buf_lit(buf, ":");
        buf_number(buf, (int64_t) window->from);
    }

    buf_lit(buf, "\n");
}


/* parses the line of a lease after its letter; 0 or -1 */
static int
state_decode_lease(state_lease_t **dst, const char *s, const char *end,
    int active)
{
    size_t          i;
    const char     *json;
    char           *next;
    state_lease_t  *lease;

    json = memchr(s, '{', (size_t) (end - s));
    if (json == NULL || *dst != NULL) {
        return -1;
    }

    lease = state_lease_decode(json, (size_t) (end - json));
    if (lease == NULL) {
        return -1;
    }

    *dst = lease;

    /* the brace ends the numbers */

    if (!active) {
        lease->declared_at = strtoll(s, &next, 10);
        return next == s ? -1 : 0;
    }

    lease->ends_at = strtoll(s, &next, 10);

    for (i = 0; i < lease->body.nparties; i++) {
        s = next;
        lease->from[i] = strtoull(s, &next, 10);
        if (next == s) {
            return -1;
        }
    }

    return 0;
}


/* parses ROLE:USER:FROM; 0 or -1 */
static int
state_decode_window(state_window_t *window, const char *s, size_t len)
{
    char        *next;
    size_t       n;
    const char  *colon;

    if (len < 5 || (s[0] != 'l' && s[0] != 't') || s[1] != ':') {
        return -1;
    }

    window->role = s[0] == 'l' ? BODY_LANDLORD : BODY_TENANT;
    s += 2;
    len -= 2;

    colon = memchr(s, ':', len);
    if (colon == NULL) {
        return -1;
    }

    n = (size_t) (colon - s);
    if (!ll_id_valid(s, n)) {
        return -1;
    }

    memcpy(window->user, s, n);
    window->user[n] = '\0';
    window->from = strtoull(colon + 1, &next, 10);

    return next == colon + 1 ? -1 : 0;
}


static int
state_decode_windows(state_t *state, const char *s, const char *end)
{
    size_t       n;
    const char  *p;

    for (n = 0, p = s; p < end; p++) {
        n += (*p == ' ');
    }

    free(state->closed);
    state->nclosed = 0;
    state->closed = calloc(n + 1, sizeof(state_window_t));

    if (state->closed == NULL) {
        return -1;
    }

    while (s < end) {
        p = memchr(s, ' ', (size_t) (end - s));
        if (p == NULL) {
            p = end;
        }

        if (state_decode_window(&state->closed[state->nclosed], s,
                                (size_t) (p - s))
            == -1)
        {
            return -1;
        }

        state->nclosed++;
        s = p + 1;
    }

    return 0;
}


static int
state_decode_line(state_t *state, const char *s, const char *end)
{
    size_t  len;

    if (end - s < 2 || s[1] != ' ') {
        return -1;
    }

    len = (size_t) (end - s) - 2;

    switch (s[0]) {

    case 'D':
        if (len >= sizeof(state->request)) {
            return -1;
        }
        memcpy(state->request, s + 2, len);
        state->request[len] = '\0';
        return 0;

    case 'A':
        return state_decode_lease(&state->active, s + 2, end, 1);

    case 'P':
        return state_decode_lease(&state->pending, s + 2, end, 0);

    case 'C':
        return state_decode_windows(state, s + 2, end);
    }

    return 0;
}


int
state_decode(state_t *state, const char *s, size_t len)
{
    state_t      read;
    const char  *end, *line;

    memset(&read, 0, sizeof(state_t));

    for (end = s + len; s < end; s = line + 1) {
        line = memchr(s, '\n', (size_t) (end - s));

        if (line == NULL || state_decode_line(&read, s, line) == -1) {
            state_free(&read);
            return -1;
        }
    }

    state->active = read.active;
    state->pending = read.pending;
    state->closed = read.closed;
    state->nclosed = read.nclosed;
    memcpy(state->request, read.request, sizeof(read.request));

    return 0;
}


int64_t
state_due(const state_t *state)
{
    if (state->active != NULL) {
        return state->active->ends_at;
    }

    if (state->pending != NULL) {
        return state->pending->starts_at;
    }

    return CLOCK_NEVER;
}
