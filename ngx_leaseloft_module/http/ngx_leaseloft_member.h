
/*
 * Bodies that nginx reads itself: objects of one member, read as strictly as
 * the worker reads its own.
 */


#ifndef NGX_LEASELOFT_MEMBER_H
#define NGX_LEASELOFT_MEMBER_H


#include "ngx_leaseloft.h"


/* the status that goes with the document (RFC 9110, 15.5.21) */
#define NGX_LEASELOFT_UNPROCESSABLE  422


/*
 * Both read {"NAME":VALUE} of body and return NGX_OK; NGX_DECLINED, when the
 * body is anything else, with the problem document that lists every fault, for
 * a 422, in *document; or NGX_ERROR.  What they give is in r->pool.
 */

/* a string, unescaped */
ngx_int_t ngx_leaseloft_member_string(ngx_http_request_t *r, ngx_str_t *body,
    char *name, ngx_str_t *value, ngx_str_t *document);

/* a whole number from 0 to LL_SEQ_MAX */
ngx_int_t ngx_leaseloft_member_seq(ngx_http_request_t *r, ngx_str_t *body,
    char *name, uint64_t *seq, ngx_str_t *document);

/* the document of a body with one fault; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_member_fault(ngx_http_request_t *r, char *name,
    char *detail, ngx_str_t *document);


#endif /* NGX_LEASELOFT_MEMBER_H */
