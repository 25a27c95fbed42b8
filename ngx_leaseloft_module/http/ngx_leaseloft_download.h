
/*
 * A response of any length that is made part by part: the next part is asked
 * for once the client has taken the last one, so that one part is in memory.
 *
 * Parts bypass the body filters, as events do (ngx_leaseloft_plain.h), and are
 * allocated from the heap.  A download that is broken off has no end, by which
 * clients of HTTP/1.1 and HTTP/2 see that it is not whole.
 */


#ifndef NGX_LEASELOFT_DOWNLOAD_H
#define NGX_LEASELOFT_DOWNLOAD_H


#include "ngx_leaseloft.h"


typedef struct {
    ngx_http_request_t         *request;
    void                      (*next)(void *data);
    void                       *data;
    u_char                     *part;      /* being sent, or NULL */
    ngx_chain_t                 link;
    ngx_buf_t                   buf;       /* of the part */
    ngx_event_t                 timer;
    unsigned                    last:1;    /* the part is the last one */
} ngx_leaseloft_download_t;


/*
 * Sends the header of a response; the caller has added headers of its own, and
 * the endpoint's type is that of the body.  The request must be kept alive, as
 * by ngx_leaseloft_wait(), which has ended.  next(data) is called when a part
 * was taken; it is not called after the download ended, which frees r, and with
 * it *download.  Returns NGX_OK, or NGX_ERROR: then the caller finalizes r.
 */
ngx_int_t ngx_leaseloft_download_start(ngx_leaseloft_download_t *download,
    ngx_http_request_t *r, void (*next)(void *data), void *data);

/*
 * Allocates a part with room for size bytes, and for what HTTP adds to them.
 * Returns NULL if there is no memory.  It is passed to ngx_leaseloft_
 * download_send(), or freed by ngx_leaseloft_download_free().
 */
u_char *ngx_leaseloft_download_alloc(size_t size, ngx_log_t *log);
void ngx_leaseloft_download_free(u_char *part);

/*
 * Sends the first len bytes of a part, not 0, and frees it then.  "last" is 1
 * for the last part, after which the request is finalized.  May call next(), or
 * end the download: *download must not be used afterwards.
 */
void ngx_leaseloft_download_send(ngx_leaseloft_download_t *download,
    u_char *part, size_t len, ngx_uint_t last);

/* breaks the download off; *download must not be used afterwards */
void ngx_leaseloft_download_abort(ngx_leaseloft_download_t *download);


#endif /* NGX_LEASELOFT_DOWNLOAD_H */
