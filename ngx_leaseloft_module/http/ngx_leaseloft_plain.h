
/*
 * Responses whose body is sent unchanged, bypassing all body filters.
 */


#ifndef NGX_LEASELOFT_PLAIN_H
#define NGX_LEASELOFT_PLAIN_H


#include "ngx_leaseloft.h"


/*
 * Sends the header of such a response through send, the first header filter to
 * process it (ngx_http_send_header, or the next filter of a filter).  Whatever
 * these filters change, the client receives status 200, the endpoint's type or
 * else text/event-stream, of unknown length and without a coding; headers that
 * they added are kept.
 * NGX_OK, NGX_AGAIN, NGX_ERROR, or a status above NGX_OK.
 */
ngx_int_t ngx_leaseloft_plain_send_header(ngx_http_request_t *r,
    ngx_http_output_header_filter_pt send);


extern ngx_module_t  ngx_leaseloft_plain_module;


#endif /* NGX_LEASELOFT_PLAIN_H */
