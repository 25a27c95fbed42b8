
/*
 * A thread stream, and the events that it sends.
 */


#ifndef NGX_LEASELOFT_EVENTS_SEND_H
#define NGX_LEASELOFT_EVENTS_SEND_H


#include "ngx_leaseloft.h"
#include "ngx_leaseloft_stream.h"
#include "ngx_leaseloft_view.h"


/* bytes; the MD5 of a view's signature */
#define NGX_LEASELOFT_SIGNATURE     16


typedef struct {
    ngx_leaseloft_stream_t      stream;    /* first */
    uint64_t                    rev;       /* of the last view */
    uint64_t                    asked;     /* the channel's ver when reading */
    uint64_t                    erasures;  /* of the thread, that are sent */
    ngx_leaseloft_window_e      window;

    unsigned                    resumed:1;  /* the client sent a cursor */
    unsigned                    reset:1;   /* the cursor is invalid */
    unsigned                    stale:1;   /* re-read, whatever the rev */
    unsigned                    lease:1;   /* send "lease" after that */

    ll_cursor_t                 head;      /* of a window that is not open */
    ll_cursor_t                 cursor;     /* after the last entry sent */
    u_char                      signature[NGX_LEASELOFT_SIGNATURE];
} ngx_leaseloft_events_t;


/*
 * Each function queues events and returns NGX_OK or NGX_ERROR.
 */

/* {"head":"SEQ.TAG"} of head, with "more" before the closing brace */
ngx_int_t ngx_leaseloft_events_send_head(ngx_leaseloft_events_t *events,
    char *name, ll_cursor_t *head, char *more);

/* the entries of a view, which follow events->cursor; moves the cursor */
ngx_int_t ngx_leaseloft_events_send_entries(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view);

/* "erased" for each erasure in a view, unless the cursor is not on the chain */
ngx_int_t ngx_leaseloft_events_send_erased(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view);

/* "lease" with the lease, the parties and the user of a view */
ngx_int_t ngx_leaseloft_events_send_lease(ngx_leaseloft_events_t *events,
    ngx_leaseloft_view_t *view);


#endif /* NGX_LEASELOFT_EVENTS_SEND_H */
