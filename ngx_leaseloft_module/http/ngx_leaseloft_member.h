
/*
 * Request bodies that nginx parses itself: objects with one member, checked as
 * strictly as in the worker.
 */


#ifndef NGX_LEASELOFT_MEMBER_H
#define NGX_LEASELOFT_MEMBER_H


#include "ngx_leaseloft.h"


/* the status of the problem document (RFC 9110, 15.5.21) */
#define NGX_LEASELOFT_UNPROCESSABLE  422


/*
 * Both functions parse a body {"NAME":VALUE}.  NGX_OK: VALUE is set;
 * NGX_DECLINED: the body is anything else, and *document is the problem
 * document of a 422 that lists every fault; or NGX_ERROR.  Results are in
 * r->pool.
 */

/* a string, unescaped */
ngx_int_t ngx_leaseloft_member_string(ngx_http_request_t *r, ngx_str_t *body,
    char *name, ngx_str_t *value, ngx_str_t *document);

/* a whole number from 0 to LL_SEQ_MAX */
ngx_int_t ngx_leaseloft_member_seq(ngx_http_request_t *r, ngx_str_t *body,
    char *name, uint64_t *seq, ngx_str_t *document);

/* creates the document for one fault, in r->pool; NGX_OK or NGX_ERROR */
ngx_int_t ngx_leaseloft_member_fault(ngx_http_request_t *r, char *name,
    char *detail, ngx_str_t *document);


#endif /* NGX_LEASELOFT_MEMBER_H */
