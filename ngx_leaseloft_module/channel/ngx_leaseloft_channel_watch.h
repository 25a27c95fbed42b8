
/*
 * Watching properties and users.
 */


#ifndef NGX_LEASELOFT_CHANNEL_WATCH_H
#define NGX_LEASELOFT_CHANNEL_WATCH_H


#include "ngx_leaseloft_channel.h"


/* process->client is there; registers for its events */
ngx_leaseloft_channels_t *ngx_leaseloft_channel_watch_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/*
 * Watches a property or user; one that is watched is returned as it is.  It
 * stays so for linger ms after the last subscriber or call, or until there are
 * more of these than may linger.  NULL: no memory.
 */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_watch(
    ngx_leaseloft_process_t *process, ngx_leaseloft_channel_kind_e kind,
    ngx_str_t *id, ngx_msec_t linger);

void ngx_leaseloft_channel_watch_attach(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_subscriber_t *subscriber);
void ngx_leaseloft_channel_watch_detach(ngx_leaseloft_subscriber_t *subscriber);

/* frees the channels that nobody has used for their linger time */
void ngx_leaseloft_channel_watch_expire(ngx_leaseloft_channels_t *channels);


#endif /* NGX_LEASELOFT_CHANNEL_WATCH_H */
