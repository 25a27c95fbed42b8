
/*
 * What a channel remembers of users, so that Redis need not be asked again.
 */


#ifndef NGX_LEASELOFT_CHANNEL_CACHE_H
#define NGX_LEASELOFT_CHANNEL_CACHE_H


#include "ngx_leaseloft_channel.h"
#include "ngx_leaseloft_view.h"


/*
 * What is known of a user: that they may see something, while rev is the
 * channel's, and what a poll told them, while ver is.
 */
typedef struct {
    ngx_queue_t                     queue;
    ngx_str_t                       user;
    uint64_t                        rev;
    uint64_t                        ver;       /* or NO_VER: no poll yet */
    ngx_leaseloft_window_e          window;
    uint64_t                        from;
    ll_cursor_t                     head;
    ngx_str_t                       zone;
    ngx_str_t                       base;      /* JSON, up to the entries */
    u_char                          digest[16];    /* of base and from */
} ngx_leaseloft_cache_entry_t;


/* the entry of a user if it still holds, else NULL */
ngx_leaseloft_cache_entry_t *ngx_leaseloft_channel_cache_poll(
    ngx_leaseloft_channel_t *channel, ngx_str_t *user);

/* remembers what a poll told; failing to is harmless */
void ngx_leaseloft_channel_cache_store(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, ngx_leaseloft_view_t *view, ngx_str_t *base,
    u_char *digest);

/* the same if only the window, and head and base no more; NULL likewise */
ngx_leaseloft_cache_entry_t *ngx_leaseloft_channel_cache_window(
    ngx_leaseloft_channel_t *channel, ngx_str_t *user);

/*
 * 1 when the user may see something of the property: the channel is live, and
 * a stream of theirs, a poll or an answer to ll1_access said so at its rev.
 * 0 when only Redis knows.
 */
ngx_uint_t ngx_leaseloft_channel_cache_is_cached(
    ngx_leaseloft_channel_t *channel, ngx_str_t *user);

/*
 * remembers that Redis said so, having been asked while the channel was live
 * at rev; failing to is harmless
 */
void ngx_leaseloft_channel_cache_allow(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, uint64_t rev);

/* forgets what is known of users */
void ngx_leaseloft_channel_cache_clear(ngx_leaseloft_channel_t *channel);


#endif /* NGX_LEASELOFT_CHANNEL_CACHE_H */
