
/*
 * Creates and starts streams.
 */


#ifndef NGX_LEASELOFT_STREAM_OPEN_H
#define NGX_LEASELOFT_STREAM_OPEN_H


#include "ngx_leaseloft_stream.h"


/*
 * Creates a stream of size bytes, which begin with a ngx_leaseloft_stream_t,
 * and keeps the request open for it.  The stream is freed with the request.
 * Returns NULL if memory is exhausted.
 */
ngx_leaseloft_stream_t *ngx_leaseloft_stream_open_create(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, const ngx_leaseloft_stream_kind_t *kind,
    size_t size);

/*
 * Starts a stream: sends the response headers, "retry", and "hello" with data
 * of that many pieces, and with id unless it is NULL.  Returns NGX_OK,
 * NGX_DECLINED if the user has too many streams, for which the stream has been
 * ended, or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_stream_open_start(ngx_leaseloft_stream_t *stream,
    ngx_str_t *id, ngx_str_t *data, ngx_uint_t pieces);


#endif /* NGX_LEASELOFT_STREAM_OPEN_H */
