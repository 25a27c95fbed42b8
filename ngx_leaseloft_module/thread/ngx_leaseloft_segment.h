
/*
 * Reads sealed segments of a thread (common/segment.h).  All of a segment is
 * verified before any entry of it is used.
 */


#ifndef NGX_LEASELOFT_SEGMENT_H
#define NGX_LEASELOFT_SEGMENT_H


#include "ngx_leaseloft.h"

#include "common/segment.h"


/* an entry of a thread; strings point into the pool, or into a reply */
typedef struct {
    ngx_str_t  tag;                    /* empty: it is lost */
    ngx_str_t  text;
} ngx_leaseloft_entry_t;


/*
 * Decodes the entries a to b of the segment that begins with the entry "first"
 * and has "size" entries, to entries[0] and the next ones, in the pool.  That
 * takes the memory of these entries and of the text of the segment.  Returns
 * NGX_OK, NGX_DECLINED if the segment is damaged, or NGX_ERROR if memory is
 * exhausted.
 */
ngx_int_t ngx_leaseloft_segment_read(ngx_pool_t *pool, ngx_str_t *segment,
    uint64_t first, ngx_uint_t size, uint64_t a, uint64_t b,
    ngx_leaseloft_entry_t *entries);

/*
 * Parses that segment and verifies all of it; its text is in the pool.  Returns
 * as ngx_leaseloft_segment_read().
 */
ngx_int_t ngx_leaseloft_segment_open(ngx_pool_t *pool, ngx_str_t *data,
    uint64_t first, ngx_uint_t size, ll_segment_t *segment, char **text);

/*
 * Decodes the next entry of it, which is valid until any other is decoded:
 * NGX_OK, or NGX_DONE after the last one.
 */
ngx_int_t ngx_leaseloft_segment_next(ll_segment_t *segment, char *text,
    ll_segment_entry_t *entry);


#endif /* NGX_LEASELOFT_SEGMENT_H */
