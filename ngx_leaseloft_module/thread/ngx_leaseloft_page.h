
/*
 * The entries of the response to a poll, oldest first.  They come from a view,
 * or directly from the stream of the thread.
 *
 * A page of 50 entries costs Redis 170 us by ll1_view, most of which converts
 * the stream to Lua tables and back, and 43 us by XREVRANGE.  If the cache
 * shows that the user's window is open, XREVRANGE reads entries from the start
 * of the window.  It never reads earlier entries, since the time taken would
 * reveal whether they exist.  If the cached state is outdated, a view without
 * entries is requested right after XREVRANGE.
 */


#ifndef NGX_LEASELOFT_PAGE_H
#define NGX_LEASELOFT_PAGE_H


#include "ngx_leaseloft_view.h"


/* bytes; a page ends with the entry that exceeds them */
#define NGX_LEASELOFT_PAGE_BYTES  (256 * 1024)


typedef struct {
    ngx_str_t                  *entries;
    u_char                     *bytes;     /* a copy of them, or NULL */
    ngx_uint_t                  n;
    uint64_t                    first;     /* seq of the first; the others
                                              follow without a gap */
    unsigned                    read:1;    /* from the stream */
    unsigned                    full:1;    /* the limit of bytes is reached */
} ngx_leaseloft_page_t;


/*
 * Fills a page with the entries of a view; they point into it.  Returns
 * NGX_OK, or NGX_ERROR if the reply is malformed or memory is exhausted.
 */
ngx_int_t ngx_leaseloft_page_of_view(ngx_http_request_t *r,
    ngx_str_t *property, ngx_leaseloft_view_t *view,
    ngx_leaseloft_page_t *page);

/*
 * Sends XREVRANGE for the newest "limit" entries with from <= seq, and with
 * seq < before unless before is 0.  Returns NULL if the command cannot be sent.
 */
ngx_leaseloft_command_t *ngx_leaseloft_page_ask(
    ngx_leaseloft_cluster_t *cluster, ngx_str_t *property, uint64_t from,
    uint64_t before, ngx_uint_t limit, ngx_leaseloft_reply_pt handler,
    void *data);

/*
 * Copies the entries of the reply to XREVRANGE, up to NGX_LEASELOFT_PAGE_BYTES,
 * to one allocation of the pool, and sets page->read.  If the reply is
 * malformed or memory is exhausted, page->read stays 0.
 */
void ngx_leaseloft_page_read(ngx_pool_t *pool, redisReply *reply,
    ngx_leaseloft_page_t *page);

/*
 * Restricts a page to the window of a view, whose newest entry wanted is last,
 * and sets view->more.  Returns NGX_OK, or NGX_DECLINED if the page was not
 * read, the window is not open, or the page does not end with last since the
 * thread has grown.
 */
ngx_int_t ngx_leaseloft_page_fit(ngx_leaseloft_page_t *page,
    ngx_leaseloft_view_t *view, uint64_t last);

/*
 * Builds the response in the pool: the base of the view, "reset" and "more",
 * and the entries.  Frees the page's own copy of them.  view is NULL for a
 * response without entries.  Returns NGX_OK, or NGX_ERROR if memory is
 * exhausted.
 */
ngx_int_t ngx_leaseloft_page_body(ngx_pool_t *pool, ngx_str_t *base,
    ngx_leaseloft_view_t *view, ngx_leaseloft_page_t *page, ngx_str_t *body);


#endif /* NGX_LEASELOFT_PAGE_H */
