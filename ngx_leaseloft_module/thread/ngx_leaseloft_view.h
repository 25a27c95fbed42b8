
/*
 * The part of a property that a user may see: the reply of ll1_view
 * (docs/data.md).
 */


#ifndef NGX_LEASELOFT_VIEW_H
#define NGX_LEASELOFT_VIEW_H


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_entries.h"
#include "common/date.h"


typedef enum {
    NGX_LEASELOFT_VIEW_NONE = 0,
    NGX_LEASELOFT_VIEW_AFTER,
    NGX_LEASELOFT_VIEW_BEFORE,
    NGX_LEASELOFT_VIEW_NEWEST
} ngx_leaseloft_view_mode_e;


typedef enum {
    NGX_LEASELOFT_WINDOW_OPEN = 0,
    NGX_LEASELOFT_WINDOW_CLOSED,
    NGX_LEASELOFT_WINDOW_PENDING
} ngx_leaseloft_window_e;


/* strings point into the reply */
typedef struct {
    uint64_t                   ver;
    uint64_t                   rev;
    ngx_str_t                  role;
    ngx_leaseloft_window_e     window;
    uint64_t                   from;
    ll_cursor_t                head;
    ngx_str_t                  signature;
    ngx_str_t                  label;
    ngx_str_t                  lease;
    ngx_str_t                  you;
    ngx_str_t                  parties;
    ngx_str_t                  zone;       /* an IANA name, or empty */
    unsigned                   reset:1;
    unsigned                   more:1;
    ngx_leaseloft_entries_t    entries;

    uint64_t                   erasures;   /* of entries in the window */
    uint64_t                   known;      /* of the thread, with these: */
    redisReply                *erased;     /* seq, time, seq, time ... */
} ngx_leaseloft_view_t;


/* all erasures are known */
#define NGX_LEASELOFT_VIEW_KNOWN  LL_SEQ_MAX


/*
 * Calls ll1_view for at most "limit" entries and about "bytes" bytes of them;
 * 0 bytes is no limit.  cursor may be NULL for the modes NONE and NEWEST.  Of
 * the erasures in the thread, the first "known" ones are known; the view has
 * the next ones up to the cursor.  Returns NULL if the command can't be sent.
 */
ngx_leaseloft_command_t *ngx_leaseloft_view_ask(
    ngx_leaseloft_cluster_t *cluster, ngx_str_t *property, ngx_str_t *user,
    ngx_leaseloft_view_mode_e mode, ll_cursor_t *cursor, ngx_uint_t limit,
    size_t bytes, uint64_t known, ngx_leaseloft_reply_pt handler,
    void *data);

/*
 * Parses the reply; the view points into it.  Returns NGX_OK, and then
 * ngx_leaseloft_view_free() has to be called, NGX_DECLINED if the user has no
 * access, or NGX_ERROR if the reply is an error or malformed, which is logged.
 */
ngx_int_t ngx_leaseloft_view_parse(redisReply *reply, ngx_str_t *property,
    ngx_leaseloft_view_t *view, ngx_log_t *log);

/*
 * Reads erasure i (0, 1, ...) of the view.  Returns NGX_OK, NGX_DONE if there
 * is none, or NGX_ERROR if it is malformed.
 */
ngx_int_t ngx_leaseloft_view_erased(ngx_leaseloft_view_t *view, ngx_uint_t i,
    uint64_t *seq, ngx_str_t *at);

/* frees the entries of the view */
void ngx_leaseloft_view_free(ngx_leaseloft_view_t *view);

/* logs that an entry is missing in Redis, at most once a minute */
void ngx_leaseloft_view_lost(ngx_str_t *property, uint64_t seq,
    ngx_log_t *log);

/*
 * Builds the JSON object that polls and "hello" have in common, without its
 * closing brace, in the pool.  Returns NGX_OK, or NGX_ERROR if memory is
 * exhausted.
 */
ngx_int_t ngx_leaseloft_view_base(ngx_pool_t *pool, ngx_str_t *property,
    ngx_leaseloft_view_t *view, ngx_str_t *base);


#endif /* NGX_LEASELOFT_VIEW_H */
