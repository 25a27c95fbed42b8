
/*
 * The entries in a reply of ll1_entries (docs/data.md), with their salts and
 * hashes, sealed or not.
 */


#ifndef NGX_LEASELOFT_ROWS_H
#define NGX_LEASELOFT_ROWS_H


#include "ngx_leaseloft_segment.h"

#include "common/segment.h"


/* takes the next entry, which is valid during the call: NGX_OK or NGX_ERROR */
typedef ngx_int_t (*ngx_leaseloft_rows_pt)(void *data,
    ll_segment_entry_t *entry);


/*
 * Calls take(data) with the entries "first" to "last" that the reply has, in
 * order; "first" must be the first one that was asked for, forward.  A segment
 * is verified before, and is in memory until this returns.  Returns NGX_OK;
 * NGX_DECLINED if entry "first" is not there, or if its segment is damaged; or
 * NGX_ERROR if the reply is malformed, memory is exhausted, or take() failed.
 */
ngx_int_t ngx_leaseloft_rows_read(redisReply *reply, uint64_t first,
    uint64_t last, ngx_leaseloft_rows_pt take, void *data, ngx_log_t *log);


#endif /* NGX_LEASELOFT_ROWS_H */
