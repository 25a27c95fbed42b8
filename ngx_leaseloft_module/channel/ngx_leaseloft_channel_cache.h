
/*
 * The cache of a property's channel: the access and the state of users, which
 * need not be read from Redis.
 */


#ifndef NGX_LEASELOFT_CHANNEL_CACHE_H
#define NGX_LEASELOFT_CHANNEL_CACHE_H


#include "ngx_leaseloft_channel.h"
#include "ngx_leaseloft_view.h"


/*
 * An entry shows that the user has access while its rev is the channel's, and
 * what a poll returned while its ver is the channel's.
 */
typedef struct {
    ngx_queue_t                     queue;
    ngx_str_t                       user;
    uint64_t                        rev;
    uint64_t                        ver;       /* or NO_VER: no poll yet */
    ngx_leaseloft_window_e          window;
    uint64_t                        from;
    ll_cursor_t                     head;
    uint64_t                        erasures;  /* in the window */
    ngx_str_t                       zone;
    ngx_str_t                       base;      /* JSON, up to the entries */
    u_char                          digest[16];    /* of base and from */
} ngx_leaseloft_cache_entry_t;


/* returns the state of a user if it is current, else NULL */
ngx_leaseloft_cache_entry_t *ngx_leaseloft_channel_cache_poll(
    ngx_leaseloft_channel_t *channel, ngx_str_t *user);

/* caches what a poll returned; without memory, does nothing */
void ngx_leaseloft_channel_cache_store(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, ngx_leaseloft_view_t *view, ngx_str_t *base,
    u_char *digest);

/*
 * Returns the entry of a user if its window is current, else NULL; its head and
 * base may be outdated.
 */
ngx_leaseloft_cache_entry_t *ngx_leaseloft_channel_cache_window(
    ngx_leaseloft_channel_t *channel, ngx_str_t *user);

/*
 * Returns 1 if the user has access to the property: the channel is live, and a
 * stream of the user, a poll or ll1_access found that at its rev.  Returns 0 if
 * Redis has to be asked.
 */
ngx_uint_t ngx_leaseloft_channel_cache_is_cached(
    ngx_leaseloft_channel_t *channel, ngx_str_t *user);

/*
 * Caches that the user has access, which Redis was asked for while the channel
 * was live at rev; without memory, does nothing.
 */
void ngx_leaseloft_channel_cache_allow(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, uint64_t rev);

/* frees all entries */
void ngx_leaseloft_channel_cache_clear(ngx_leaseloft_channel_t *channel);


#endif /* NGX_LEASELOFT_CHANNEL_CACHE_H */
