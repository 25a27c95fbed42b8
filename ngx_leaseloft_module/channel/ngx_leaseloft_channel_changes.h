
/*
 * Changes of a user's inbox: what Redis says of them is only which thread
 * changed, so the thread is read before subscribers are told.
 */


#ifndef NGX_LEASELOFT_CHANNEL_CHANGES_H
#define NGX_LEASELOFT_CHANNEL_CHANGES_H


#include "ngx_leaseloft_channel.h"


/*
 * Adds a change of the inbox.  property is empty if a thread left the inbox.
 * Nothing is read until ngx_leaseloft_channel_changes_read().  Returns NGX_OK,
 * or NGX_DECLINED if too many changes wait or memory is exhausted.
 */
ngx_int_t ngx_leaseloft_channel_changes_add(ngx_leaseloft_channel_t *channel,
    uint64_t rev, uint64_t total, ngx_str_t *property);

/*
 * Reads the threads that have changed.  Then the channel has their frames and
 * the rev of the last change, and its subscribers are notified.  Changes that
 * are added meanwhile are read together after that.  If Redis does not answer,
 * the channel is to be synchronized again.
 */
void ngx_leaseloft_channel_changes_read(ngx_leaseloft_channel_t *channel);

/* forgets all changes that have been added and not yet read */
void ngx_leaseloft_channel_changes_drop(ngx_leaseloft_channel_t *channel);


#endif /* NGX_LEASELOFT_CHANNEL_CHANGES_H */
