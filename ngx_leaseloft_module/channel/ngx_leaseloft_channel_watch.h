
/*
 * What the files of the channels share: ngx_leaseloft_channel.c (their life,
 * their frames, who listens), ngx_leaseloft_channel_subscribe.c (subscribing),
 * ngx_leaseloft_channel_sync.c (reading what was missed) and
 * ngx_leaseloft_channel_message.c (what is heard).
 */


#ifndef NGX_LEASELOFT_CHANNELS_H
#define NGX_LEASELOFT_CHANNELS_H


#include "ngx_leaseloft_channel.h"


/* bytes of frames that a channel keeps at the most */
#define NGX_LEASELOFT_CHANNEL_FRAMES  (256 * 1024)


struct ngx_leaseloft_channels_s {
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_channel_t   **buckets;
    ngx_uint_t                  mask;          /* their number, less one */
    ngx_uint_t                  n;             /* of channels */
    ngx_queue_t                 all;
    ngx_queue_t                 idle;          /* soonest to expire first */
    ngx_uint_t                  nidle;

    ngx_event_t                 want;          /* at the end of this turn */
    ngx_uint_t                  nwanted;
    ngx_leaseloft_channel_t    *wanted[NGX_LEASELOFT_LINK_BATCH];

    ngx_msec_t                  failed;        /* the first read that did */
    unsigned                    again:1;       /* one did: read again */
};


/* callbacks of the client (ngx_leaseloft_link_events_t); data: the channels */

void ngx_leaseloft_channels_ready(void *data);
void ngx_leaseloft_channels_subscribe(void *data);
void ngx_leaseloft_channels_subscribed(void *data, ngx_str_t *name);
void ngx_leaseloft_channels_message(void *data, ngx_str_t *name,
    ngx_str_t *payload);
void ngx_leaseloft_channels_lost(void *data);
void ngx_leaseloft_channels_live(void *data);
void ngx_leaseloft_channels_tick(void *data);

/* frees the channels that nobody has used for their linger time */
void ngx_leaseloft_channels_expire(ngx_leaseloft_channels_t *channels);

/* reads again, a while later, what Redis would not say */
void ngx_leaseloft_channels_retry(ngx_leaseloft_channels_t *channels);

/* the first channel after NULL, then each other one, then NULL */
ngx_leaseloft_channel_t *ngx_leaseloft_channels_next(
    ngx_leaseloft_channels_t *channels, ngx_leaseloft_channel_t *channel);

/* by the name of its channel in Redis; NULL when it is not watched */
ngx_leaseloft_channel_t *ngx_leaseloft_channels_by_name(
    ngx_leaseloft_channels_t *channels, ngx_str_t *name);

/* that name; dst has room for LL_KEY_MAX bytes; returns its length */
size_t ngx_leaseloft_channel_name(ngx_leaseloft_channel_t *channel, char *dst);

void ngx_leaseloft_channels_subscribe_init(ngx_leaseloft_channels_t *channels);

/*
 * subscribes at the end of this turn, if the link listens; it is to be read
 * once that is confirmed
 */
void ngx_leaseloft_channel_subscribe(ngx_leaseloft_channel_t *channel);

/* subscribes now to what is waiting for the end of this turn */
void ngx_leaseloft_channels_flush(ngx_leaseloft_channels_t *channels);

/* reads what the channel missed; it is not live until that has come */
void ngx_leaseloft_channel_sync(ngx_leaseloft_channel_t *channel);

/* keeps a frame, whose reference becomes the channel's */
void ngx_leaseloft_channel_keep(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_frame_t *frame);

/* the oldest go until at most so many bytes are left */
void ngx_leaseloft_channel_drop_frames(ngx_leaseloft_channel_t *channel,
    size_t most);

/* tells all who listen */
void ngx_leaseloft_channel_tell(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_news_e news);

/* forgets what is known of users */
void ngx_leaseloft_channel_drop_memos(ngx_leaseloft_channel_t *channel);


#endif /* NGX_LEASELOFT_CHANNELS_H */
