
/*
 * Channels: the properties and users that this process hears about.
 *
 * A channel is subscribed first and then read, so that it knows the newest
 * version of what it watches; it is "live" while each further version arrives
 * in turn.  A gap, or a lost link, has it read again before it is live again.
 *
 * Who listens (subscribers: open event streams) is told of each change, and
 * can take recent frames from the channel; older ones are read from Redis.
 */


#ifndef NGX_LEASELOFT_CHANNEL_H
#define NGX_LEASELOFT_CHANNEL_H


#include "ngx_leaseloft_client.h"
#include "ngx_leaseloft_frame.h"
#include "ngx_leaseloft_view.h"


typedef struct ngx_leaseloft_channel_s  ngx_leaseloft_channel_t;


typedef enum {
    NGX_LEASELOFT_CHANNEL_PROPERTY = 0,
    NGX_LEASELOFT_CHANNEL_USER,
    NGX_LEASELOFT_CHANNEL_KINDS
} ngx_leaseloft_channel_kind_e;


typedef enum {
    NGX_LEASELOFT_CHANNEL_DOWN = 0,      /* not subscribed */
    NGX_LEASELOFT_CHANNEL_SUBSCRIBING,
    NGX_LEASELOFT_CHANNEL_SYNCING,       /* subscribed, being read */
    NGX_LEASELOFT_CHANNEL_LIVE
} ngx_leaseloft_channel_state_e;


/* what subscribers are notified of */
typedef enum {
    NGX_LEASELOFT_EVENT_FRAMES,           /* the head moved, or rev did */
    NGX_LEASELOFT_EVENT_LIVE,             /* live may have changed */
    NGX_LEASELOFT_EVENT_CAUGHT_UP,       /* after a gap: marks may have moved */
    NGX_LEASELOFT_EVENT_RESET             /* the chain is not what it was */
} ngx_leaseloft_channel_event_e;


typedef struct ngx_leaseloft_subscriber_s  ngx_leaseloft_subscriber_t;


/* none of these may detach a subscriber */
typedef struct {
    /* 1 while the subscriber is behind and may want frames, else 0 */
    ngx_uint_t                (*notify)(ngx_leaseloft_subscriber_t *subscriber,
                                        ngx_leaseloft_channel_event_e event);
    /* a read mark has moved; properties only */
    void                      (*read)(ngx_leaseloft_subscriber_t *subscriber,
                                      ll_frame_t *frame,
                                      ngx_leaseloft_frame_t *event);
    /* 1: it is this user's, and evaluated at the channel's rev; likewise */
    ngx_uint_t                (*sees)(ngx_leaseloft_subscriber_t *subscriber,
                                      ngx_str_t *user);
} ngx_leaseloft_subscriber_kind_t;


/* embedded in whoever listens */
struct ngx_leaseloft_subscriber_s {
    ngx_queue_t                             queue;
    ngx_leaseloft_channel_t                *channel;
    const ngx_leaseloft_subscriber_kind_t  *kind;
};


struct ngx_leaseloft_channel_s {
    ngx_leaseloft_channel_t        *next;      /* in its bucket */
    uint32_t                        hash;
    ngx_queue_t                     all;
    ngx_leaseloft_process_t        *process;
    ngx_leaseloft_channel_kind_e    kind;
    ngx_leaseloft_channel_state_e   state;
    ngx_str_t                       id;

    uint64_t                        ver;       /* a user's: rev */
    uint64_t                        rev;       /* a property's */
    uint64_t                        total;     /* a user's: unread in all */
    ll_cursor_t                     head;      /* a property's, whole thread */
    uint64_t                        received;     /* newest ver while syncing */

    ngx_queue_t                     subscribers;
    ngx_queue_t                     frames;    /* recent, oldest first */
    size_t                          frames_size;
    ngx_queue_t                     cache;     /* what is known of users */
    ngx_uint_t                      ncached;

    ngx_queue_t                     idle;      /* while nobody listens */
    ngx_msec_t                      linger;    /* in ms; the last one asked */
    ngx_msec_t                      expires;   /* when idle: not watched then */
    ngx_leaseloft_command_t        *command;   /* a read under way */
    unsigned                        known:1;   /* was live once */
};


/* bytes of frames that a channel keeps at the most */
#define NGX_LEASELOFT_CHANNEL_FRAMES  (256 * 1024)


/* all channels of a process */
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
    ngx_leaseloft_channel_t    *wanted[NGX_LEASELOFT_CLIENT_BATCH];

    ngx_msec_t                  failed;        /* the first read that did */
    unsigned                    again:1;       /* one did: read again */
};


/* NULL when it is not watched */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_find(
    ngx_leaseloft_process_t *process, ngx_leaseloft_channel_kind_e kind,
    ngx_str_t *id);

/* the first channel after NULL, then each other one, then NULL */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_next(
    ngx_leaseloft_channels_t *channels, ngx_leaseloft_channel_t *channel);

/* by the name of its channel in Redis; NULL when it is not watched */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_by_name(
    ngx_leaseloft_channels_t *channels, ngx_str_t *name);

/* that name; dst has room for LL_KEY_MAX bytes; returns its length */
size_t ngx_leaseloft_channel_name(ngx_leaseloft_channel_t *channel, char *dst);

/* puts a channel into the table, or takes it out */
void ngx_leaseloft_channel_insert(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel);
void ngx_leaseloft_channel_remove(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel);

/* 1: each change is received as it happens */
ngx_uint_t ngx_leaseloft_channel_live(ngx_leaseloft_channel_t *channel);

/* the frame of seq (a user's: rev), or NULL; the channel keeps its reference */
ngx_leaseloft_frame_t *ngx_leaseloft_channel_frame(
    ngx_leaseloft_channel_t *channel, uint64_t seq);

/* keeps a frame, whose reference becomes the channel's */
void ngx_leaseloft_channel_keep(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_frame_t *frame);

/* the oldest go until at most so many bytes are left */
void ngx_leaseloft_channel_drop_frames(ngx_leaseloft_channel_t *channel,
    size_t most);

/* tells all who listen */
void ngx_leaseloft_channel_notify(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_channel_event_e event);


#endif /* NGX_LEASELOFT_CHANNEL_H */
