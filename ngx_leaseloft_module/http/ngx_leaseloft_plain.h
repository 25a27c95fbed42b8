
/*
 * Responses whose body is sent as it is, past all body filters.
 */


#ifndef NGX_LEASELOFT_PLAIN_H
#define NGX_LEASELOFT_PLAIN_H


#include "ngx_leaseloft.h"


/*
 * Sends the header of an event stream through send, the first of the header
 * filters that are to see it (ngx_http_send_header, or the next of a filter).
 * What the client gets is "200", text/event-stream, of unknown length and
 * without any coding, whatever those filters made of it; headers that they
 * added stay.  NGX_OK, NGX_AGAIN, NGX_ERROR, or a status above NGX_OK.
 */
ngx_int_t ngx_leaseloft_plain_send_header(ngx_http_request_t *r,
    ngx_http_output_header_filter_pt send);


extern ngx_module_t  ngx_leaseloft_plain_module;


#endif /* NGX_LEASELOFT_PLAIN_H */
