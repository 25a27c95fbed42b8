
/*
 * What a user may see of a property: the reply of ll1_view (docs/data.md).
 */


#ifndef NGX_LEASELOFT_VIEW_H
#define NGX_LEASELOFT_VIEW_H


#include "ngx_leaseloft_client.h"


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
    uint64_t                   first;
    redisReply                *entries;    /* tag, entry, tag, entry … */
} ngx_leaseloft_view_t;


/* place may be NULL for NONE and NEWEST; bytes 0: no bound */
ngx_leaseloft_command_t *ngx_leaseloft_view_ask(ngx_leaseloft_client_t *client,
    ngx_str_t *property, ngx_str_t *user, ngx_leaseloft_view_mode_e mode,
    ll_cursor_t *place, ngx_uint_t limit, size_t bytes,
    ngx_leaseloft_reply_pt handler, void *data);

/*
 * NGX_OK; NGX_DECLINED when the user may see nothing; NGX_ERROR for an error
 * reply or one of another form, which is logged
 */
ngx_int_t ngx_leaseloft_view_parse(redisReply *reply,
    ngx_leaseloft_view_t *view, ngx_log_t *log);

/* logs that an entry is told of as lost, but not each of them */
void ngx_leaseloft_view_lost(ngx_str_t *property, uint64_t seq,
    ngx_log_t *log);

/*
 * What polls and "hello" tell, up to where the entries would stand: an object
 * without its closing brace.
 */
ngx_int_t ngx_leaseloft_view_base(ngx_pool_t *pool, ngx_str_t *property,
    ngx_leaseloft_view_t *view, ngx_str_t *base);


#endif /* NGX_LEASELOFT_VIEW_H */
