
/*
 * What a poll asks for: its query, and the ETag that says so with what the
 * answer told.
 */


#ifndef NGX_LEASELOFT_QUERY_H
#define NGX_LEASELOFT_QUERY_H


#include "ngx_leaseloft_view.h"


/* quotes, digest, mode, cursor, limit */
#define NGX_LEASELOFT_ETAG       (2 + 16 + 2 + LL_CURSOR_MAX + 1 + 3)


typedef struct {
    ngx_leaseloft_view_mode_e   mode;
    ll_cursor_t                 place;
    ngx_uint_t                  limit;
    unsigned                    malformed:1;
} ngx_leaseloft_query_t;


/* a malformed query is no error yet: a stranger is told 404 instead */
ngx_int_t ngx_leaseloft_query_read(ngx_http_request_t *r,
    ngx_leaseloft_query_t *query);

/* etag->data has room for NGX_LEASELOFT_ETAG bytes; digest is 16 of them */
void ngx_leaseloft_query_etag(ngx_leaseloft_query_t *query, u_char *digest,
    ngx_str_t *etag);


#endif /* NGX_LEASELOFT_QUERY_H */
