
/*
 * The entries of a poll's answer, oldest first, from either of two places: a
 * view, or the thread's stream itself.
 *
 * A page of 50 costs Redis 170 us through ll1_view, most of it for turning
 * the stream into tables of Lua and back, and 43 us by XREVRANGE.  So who has
 * an open window, as a poll has told, has the stream read from its beginning
 * on; what lies before it is never read, as the time that takes would tell of
 * it.  If that poll is not the present state any more, the view without
 * entries is asked for right after.
 */


#ifndef NGX_LEASELOFT_PAGE_H
#define NGX_LEASELOFT_PAGE_H


#include "ngx_leaseloft_view.h"


/* a page ends with the entry that brings its entries over this */
#define NGX_LEASELOFT_PAGE_BYTES  (256 * 1024)


typedef struct {
    ngx_str_t                  *entries;
    u_char                     *bytes;     /* a copy of them, or NULL */
    ngx_uint_t                  n;
    uint64_t                    first;     /* seq of the first; the others
                                              follow without a hole */
    unsigned                    read:1;    /* it is from the stream */
    unsigned                    full:1;    /* as many bytes as it may have */
} ngx_leaseloft_page_t;


/* those of a view, which they point into; NGX_ERROR: malformed, or no memory */
ngx_int_t ngx_leaseloft_page_of_view(ngx_http_request_t *r,
    ngx_str_t *property, ngx_leaseloft_view_t *view,
    ngx_leaseloft_page_t *page);

/* XREVRANGE: the newest entries from a seq on, or those before another, if
   that is not 0 */
ngx_leaseloft_command_t *ngx_leaseloft_page_ask(ngx_leaseloft_client_t *client,
    ngx_str_t *property, uint64_t from, uint64_t before, ngx_uint_t limit,
    ngx_leaseloft_reply_pt handler, void *data);

/*
 * Copies what that answered, in one piece that the pool can free, up to
 * NGX_LEASELOFT_PAGE_BYTES; a reply of another form makes no page.
 */
void ngx_leaseloft_page_read(ngx_pool_t *pool, redisReply *reply,
    ngx_leaseloft_page_t *page);

/*
 * Makes the page that of a window that has entries up to last, and sets
 * view->more.  NGX_DECLINED: it does not end there, as the window is closed or
 * the thread has grown meanwhile.
 */
ngx_int_t ngx_leaseloft_page_fit(ngx_leaseloft_page_t *page,
    ngx_leaseloft_view_t *view, uint64_t last);


#endif /* NGX_LEASELOFT_PAGE_H */
