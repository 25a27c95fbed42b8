
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
#include "ngx_leaseloft_sse.h"
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


/* what a channel has to tell its subscribers */
typedef enum {
    NGX_LEASELOFT_NEWS_FRAMES,           /* the head moved, or rev did */
    NGX_LEASELOFT_NEWS_LIVE,             /* live may have changed */
    NGX_LEASELOFT_NEWS_CAUGHT_UP,        /* after a gap: marks may have moved */
    NGX_LEASELOFT_NEWS_RESET             /* the chain is not what it was */
} ngx_leaseloft_news_e;


typedef struct ngx_leaseloft_listener_s  ngx_leaseloft_listener_t;


/* none of these may detach a listener */
typedef struct {
    /* 1 while the listener is behind and may want frames, else 0 */
    ngx_uint_t                    (*news)(ngx_leaseloft_listener_t *listener,
                                          ngx_leaseloft_news_e news);
    /* somebody has read; properties only */
    void                          (*read)(ngx_leaseloft_listener_t *listener,
                                          ll_frame_t *frame,
                                          ngx_leaseloft_frame_t *event);
    /* 1: it is this user's, and evaluated at the channel's rev; likewise */
    ngx_uint_t                    (*sees)(ngx_leaseloft_listener_t *listener,
                                          ngx_str_t *user);
} ngx_leaseloft_listener_kind_t;


/* embedded in whoever listens */
struct ngx_leaseloft_listener_s {
    ngx_queue_t                           queue;
    ngx_leaseloft_channel_t              *channel;
    const ngx_leaseloft_listener_kind_t  *kind;
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
    uint64_t                        heard;     /* newest ver while syncing */

    ngx_queue_t                     listeners;
    ngx_queue_t                     frames;    /* recent, oldest first */
    size_t                          frames_size;
    ngx_queue_t                     memos;     /* what is known of users */
    ngx_uint_t                      nmemos;

    ngx_queue_t                     idle;      /* while nobody listens */
    ngx_msec_t                      expires;   /* when idle: not watched then */
    ngx_leaseloft_command_t        *command;   /* a read under way */
    unsigned                        known:1;   /* was live once */
};


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
    u_char                          digest[16];    /* of base, in hex */
} ngx_leaseloft_memo_t;


/* process->link is there; registers for its events */
ngx_leaseloft_channels_t *ngx_leaseloft_channels_create(
    ngx_leaseloft_process_t *process, ngx_pool_t *pool);

/* NULL when it is not watched */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_find(
    ngx_leaseloft_process_t *process, ngx_leaseloft_channel_kind_e kind,
    ngx_str_t *id);

/*
 * Watches a property or user; one that is watched is returned as it is.  It
 * stays so for linger ms after the last listener or call, or until there are
 * more of these than may linger.  NULL: no memory.
 */
ngx_leaseloft_channel_t *ngx_leaseloft_channel_watch(
    ngx_leaseloft_process_t *process, ngx_leaseloft_channel_kind_e kind,
    ngx_str_t *id, ngx_msec_t linger);

void ngx_leaseloft_channel_attach(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_listener_t *listener);
void ngx_leaseloft_channel_detach(ngx_leaseloft_listener_t *listener);

/* 1: each change is heard as it happens */
ngx_uint_t ngx_leaseloft_channel_live(ngx_leaseloft_channel_t *channel);

/* the frame of seq (a user's: rev), or NULL; the channel keeps its reference */
ngx_leaseloft_frame_t *ngx_leaseloft_channel_frame(
    ngx_leaseloft_channel_t *channel, uint64_t seq);

/* the memo of a user if it still holds, else NULL */
ngx_leaseloft_memo_t *ngx_leaseloft_channel_memo(
    ngx_leaseloft_channel_t *channel, ngx_str_t *user);

/* remembers what a poll told; failing to is harmless */
void ngx_leaseloft_channel_remember(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, ngx_leaseloft_view_t *view, ngx_str_t *base,
    u_char *digest);

/* the same if only the window, and head and base no more; NULL likewise */
ngx_leaseloft_memo_t *ngx_leaseloft_channel_window(
    ngx_leaseloft_channel_t *channel, ngx_str_t *user);

/*
 * 1 when the user may see something of the property: the channel is live, and
 * a stream of theirs, a poll or an answer to ll1_access said so at its rev.
 * 0 when only Redis knows.
 */
ngx_uint_t ngx_leaseloft_channel_admits(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user);

/*
 * remembers that Redis said so, having been asked while the channel was live
 * at rev; failing to is harmless
 */
void ngx_leaseloft_channel_admit(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, uint64_t rev);


#endif /* NGX_LEASELOFT_CHANNEL_H */
