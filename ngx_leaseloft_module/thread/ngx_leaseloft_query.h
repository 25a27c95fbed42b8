
/*
 * The arguments of a poll, and the ETag made from them and from a digest of
 * the response.
 */


#ifndef NGX_LEASELOFT_QUERY_H
#define NGX_LEASELOFT_QUERY_H


#include "ngx_leaseloft_view.h"


/* quotes, digest, mode, cursor, limit */
#define NGX_LEASELOFT_ETAG       (2 + 16 + 2 + LL_CURSOR_MAX + 1 + 3)


typedef struct {
    ngx_leaseloft_view_mode_e   mode;
    ll_cursor_t                 cursor;
    ngx_uint_t                  limit;
    unsigned                    malformed:1;
} ngx_leaseloft_query_t;


/*
 * Parses "after", "before" and "limit" of a poll; arguments that are missing
 * get defaults.  Malformed arguments set query->malformed and are not an
 * error, since a user without access gets 404 rather than 400.  Returns NGX_OK,
 * or NGX_ERROR if memory is exhausted.
 */
ngx_int_t ngx_leaseloft_query_read(ngx_http_request_t *r,
    ngx_leaseloft_query_t *query);

/*
 * Writes the ETag of a response to etag->data, which has room for
 * NGX_LEASELOFT_ETAG bytes, and sets etag->len; digest is 16 hexadecimal
 * digits.
 */
void ngx_leaseloft_query_etag(ngx_leaseloft_query_t *query, u_char *digest,
    ngx_str_t *etag);


#endif /* NGX_LEASELOFT_QUERY_H */
