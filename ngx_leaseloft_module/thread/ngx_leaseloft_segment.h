
/*
 * Reads sealed segments of a thread (common/segment.h).  All of a segment is
 * verified before any entry of it is used.
 */


#ifndef NGX_LEASELOFT_SEGMENT_H
#define NGX_LEASELOFT_SEGMENT_H


#include "ngx_leaseloft.h"


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


#endif /* NGX_LEASELOFT_SEGMENT_H */
