
/*
 * The entries in a reply of ll1_view or ll1_since, sealed or not, oldest first
 * (docs/data.md).
 */


#ifndef NGX_LEASELOFT_ENTRIES_H
#define NGX_LEASELOFT_ENTRIES_H


#include "ngx_leaseloft_segment.h"


typedef struct {
    redisReply             *list;      /* tag, entry, tag, entry …, unless any
                                          is sealed */
    ngx_pool_t             *pool;      /* of sealed ones, or NULL */
    ngx_leaseloft_entry_t  *elts;      /* in it */
    ngx_uint_t              n;
    uint64_t                first;     /* seq of the first one */
    unsigned                cut:1;     /* the limit of bytes is reached */
    unsigned                reset:1;   /* the cursor is not on the chain */
} ngx_leaseloft_entries_t;


/*
 * Reads the elements of the reply that begin with "i": first, list, then those
 * of sealed entries.  A damaged segment is logged, and its entries are lost.
 * All of it is in a pool of its own, freed by ngx_leaseloft_entries_free(), or
 * in the reply.  It is bounded by the limit of bytes, and by the text of two
 * segments, at most 8 MB and usually some 60 kB.  Returns NGX_OK, or NGX_ERROR
 * if the reply is malformed or memory is exhausted; then there is nothing to
 * free.
 */
ngx_int_t ngx_leaseloft_entries_read(ngx_leaseloft_entries_t *entries,
    ngx_str_t *property, redisReply *reply, ngx_uint_t first, ngx_uint_t list,
    ngx_uint_t sealed, ngx_log_t *log);

/*
 * The entry i (0, 1, …); its tag is empty if it is lost.  Returns NGX_OK, or
 * NGX_ERROR if the reply is malformed.
 */
ngx_int_t ngx_leaseloft_entries_get(ngx_leaseloft_entries_t *entries,
    ngx_uint_t i, ngx_str_t *tag, ngx_str_t *text);

/* Frees what was read. */
void ngx_leaseloft_entries_free(ngx_leaseloft_entries_t *entries);


#endif /* NGX_LEASELOFT_ENTRIES_H */
