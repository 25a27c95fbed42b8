
/*
 * Channels: the properties and users whose changes this process receives.
 *
 * A channel is subscribed to first and then read from Redis to get the newest
 * version.  It is "live" while each later version arrives in order.  After a
 * gap or a lost connection it is read once more before it is live.
 *
 * Subscribers (open event streams) are notified of each change, and take recent
 * frames from the channel; older ones are read from Redis.
 */


#ifndef NGX_LEASELOFT_CHANNEL_H
#define NGX_LEASELOFT_CHANNEL_H


#include "ngx_leaseloft_cluster.h"
#include "ngx_leaseloft_frame.h"
#include "ngx_leaseloft_view.h"


typedef struct ngx_leaseloft_channel_s  ngx_leaseloft_channel_t;
typedef struct ngx_leaseloft_changes_s  ngx_leaseloft_changes_t;


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
    NGX_LEASELOFT_EVENT_FRAMES,          /* the head or rev changed */
    NGX_LEASELOFT_EVENT_LIVE,            /* live may have changed */
    NGX_LEASELOFT_EVENT_CAUGHT_UP,       /* after a gap: marks may have moved */
    NGX_LEASELOFT_EVENT_RESET            /* the hash chain has diverged */
} ngx_leaseloft_channel_event_e;


typedef struct ngx_leaseloft_subscriber_s  ngx_leaseloft_subscriber_t;


/* callbacks of a subscriber; none of them may detach a subscriber */
typedef struct {
    /* returns 1 while the subscriber is behind and may need frames, else 0 */
    ngx_uint_t                (*notify)(ngx_leaseloft_subscriber_t *subscriber,
                                        ngx_leaseloft_channel_event_e event);
    /* a read mark has moved; properties only */
    void                      (*read)(ngx_leaseloft_subscriber_t *subscriber,
                                      ll_frame_t *frame,
                                      ngx_leaseloft_frame_t *event);
    /* returns 1 if the subscriber is this user's and its access was evaluated
       at the channel's rev; properties only */
    ngx_uint_t                (*sees)(ngx_leaseloft_subscriber_t *subscriber,
                                      ngx_str_t *user);
} ngx_leaseloft_subscriber_kind_t;


/* embedded in its owner */
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
    ngx_leaseloft_client_t         *client;    /* of its slot, or NULL */
    ngx_leaseloft_channel_kind_e    kind;
    ngx_leaseloft_channel_state_e   state;
    ngx_str_t                       id;

    uint64_t                        ver;       /* of a user: rev */
    uint64_t                        rev;       /* of a property */
    uint64_t                        total;     /* of a user: unread messages */
    ll_cursor_t                     head;      /* of a property's thread */
    uint64_t                        erasures;  /* in it */
    uint64_t                        received;  /* newest ver while syncing */

    /* of a user (ngx_leaseloft_channel_changes.h) */
    uint64_t                        pending;   /* newest rev that is not read
                                                  yet; 0 for none */
    uint64_t                        complete;  /* all frames after this rev are
                                                  kept */
    ngx_leaseloft_changes_t        *reading;
    ngx_leaseloft_changes_t        *waiting;

    ngx_queue_t                     subscribers;
    ngx_queue_t                     frames;    /* recent, oldest first */
    size_t                          frames_size;
    ngx_queue_t                     cache;     /* entries of users */
    ngx_uint_t                      ncached;

    ngx_queue_t                     idle;      /* while without subscribers */
    ngx_msec_t                      linger;    /* ms, of the last watch */
    ngx_msec_t                      expires;   /* when idle: freed then */
    ngx_leaseloft_command_t        *command;   /* a read in progress */
    unsigned                        known:1;   /* has been read once */
    unsigned                        slot:14;   /* of its name */
};


/* maximum bytes of frames that a channel keeps */
#define NGX_LEASELOFT_CHANNEL_FRAMES  (256 * 1024)


/* all channels of a process */
struct ngx_leaseloft_channels_s {
    ngx_leaseloft_process_t    *process;
    ngx_leaseloft_channel_t   **buckets;
    ngx_uint_t                  mask;          /* number of buckets - 1 */
    ngx_uint_t                  n;             /* number of channels */
    ngx_queue_t                 all;
    ngx_queue_t                 idle;          /* soonest to expire first */
    ngx_uint_t                  nidle;

    ngx_event_t                 want;          /* subscribes to the wanted */
    ngx_uint_t                  nwanted;
    ngx_leaseloft_channel_t    *wanted[NGX_LEASELOFT_SUBSCRIPTION_BATCH];

    ngx_event_t                 tell;          /* notifies the next channels */
    ngx_uint_t                  untold;        /* so many, from the first on */

    ngx_msec_t                  failed;        /* time of the first failure */
    unsigned                    retry:1;       /* a read failed */
};


/* finds the channel of a property or user; NULL: it is not watched */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_find(
    ngx_leaseloft_process_t *process, ngx_leaseloft_channel_kind_e kind,
    ngx_str_t *id);

/* returns the next channel; for NULL the first one; NULL: no more */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_next(
    ngx_leaseloft_channels_t *channels, ngx_leaseloft_channel_t *channel);

/* the same for the channels of a client */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_next_of(
    ngx_leaseloft_channels_t *channels, ngx_leaseloft_client_t *client,
    ngx_leaseloft_channel_t *channel);

/* finds a channel by its name in Redis; NULL: it is not watched */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_by_name(
    ngx_leaseloft_channels_t *channels, ngx_str_t *name);

/* writes that name to dst, of LL_KEY_MAX bytes, and returns its length */
size_t ngx_leaseloft_channel_name(ngx_leaseloft_channel_t *channel, char *dst);

/* adds a channel to the table, or removes it */
void ngx_leaseloft_channel_insert(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel);
void ngx_leaseloft_channel_remove(ngx_leaseloft_channels_t *channels,
    ngx_leaseloft_channel_t *channel);

/* returns 1 if each change is received as it happens, else 0 */
ngx_uint_t ngx_leaseloft_channel_live(ngx_leaseloft_channel_t *channel);

/* returns 1 while its server is connected, else 0 */
ngx_uint_t ngx_leaseloft_channel_up(ngx_leaseloft_channel_t *channel);

/* returns 1 until the first attempt to connect to its server ends, else 0 */
ngx_uint_t ngx_leaseloft_channel_starting(ngx_leaseloft_channel_t *channel);


/* returns the newest version that was announced, of a user the newest rev */
static ngx_inline uint64_t
ngx_leaseloft_channel_newest(ngx_leaseloft_channel_t *channel)
{
    return ngx_max(channel->ver, channel->pending);
}

/*
 * The first returns the frame of seq, the second that of the next change of an
 * inbox after rev; NULL if the channel does not have it.  The reference stays
 * the channel's.
 */
ngx_leaseloft_frame_t *ngx_leaseloft_channel_frame(
    ngx_leaseloft_channel_t *channel, uint64_t seq);
ngx_leaseloft_frame_t *ngx_leaseloft_channel_frame_after(
    ngx_leaseloft_channel_t *channel, uint64_t rev);

/* keeps a frame; takes over the caller's reference */
void ngx_leaseloft_channel_keep(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_frame_t *frame);

/* frees the oldest frames until at most "most" bytes are left */
void ngx_leaseloft_channel_drop_frames(ngx_leaseloft_channel_t *channel,
    size_t most);

/* reading the channel has failed: it is synchronized again in a second */
void ngx_leaseloft_channel_retry(ngx_leaseloft_channel_t *channel);

/* notifies all subscribers; frees all frames if none of them is behind */
void ngx_leaseloft_channel_notify(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_channel_event_e event);


#endif /* NGX_LEASELOFT_CHANNEL_H */
