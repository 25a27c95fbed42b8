
/*
 * The life of a channel:
 *
 *   DOWN -> SUBSCRIBING -> SYNCING -> LIVE
 *
 * It is read (SYNCING) only after Redis confirmed the subscription, so that
 * nothing falls between; whatever is heard meanwhile is only noted, and when
 * the reply turns out older than that, it is read once more.  A version that
 * is not the next one sends a live channel back to SYNCING.  A lost link sends
 * all of them back to DOWN.
 *
 * Frames of recent changes are kept while a listener is behind, up to a bound;
 * a listener that wants an older one reads it from Redis for itself.
 */


#include "ngx_leaseloft_channel.h"
#include "ngx_leaseloft_zone.h"


#define NGX_LEASELOFT_CHANNEL_FRAMES     (256 * 1024)
#define NGX_LEASELOFT_CHANNEL_MEMOS      64
#define NGX_LEASELOFT_CHANNEL_CATCH_UP   100
#define NGX_LEASELOFT_CHANNEL_NO_REV     LL_SEQ_MAX
#define NGX_LEASELOFT_CHANNEL_AGAIN      1000


struct ngx_leaseloft_channels_s {
    ngx_leaseloft_process_t    *process;
    ngx_rbtree_t                trees[NGX_LEASELOFT_CHANNEL_KINDS];
    ngx_rbtree_node_t           sentinels[NGX_LEASELOFT_CHANNEL_KINDS];
    ngx_queue_t                 idle;          /* soonest to expire first */
    ngx_msec_t                  failed;        /* the first read that did */
    unsigned                    again:1;       /* one did: read again */
};


static void ngx_leaseloft_channel_subscribe(ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channel_sync(ngx_leaseloft_channel_t *channel);
static ngx_leaseloft_command_t *ngx_leaseloft_channel_ask_user(
    ngx_leaseloft_channel_t *channel);
static ngx_leaseloft_command_t *ngx_leaseloft_channel_ask(
    ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channel_again(ngx_leaseloft_channels_t *channels);
static void ngx_leaseloft_channel_synced(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_channel_failed(ngx_leaseloft_channel_t *channel,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_channel_catch_up(
    ngx_leaseloft_channel_t *channel, redisReply *reply,
    ngx_leaseloft_news_e *news);
static ngx_int_t ngx_leaseloft_channel_catch_up_user(
    ngx_leaseloft_channel_t *channel, redisReply *reply);
static void ngx_leaseloft_channel_keep(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_frame_t *frame);
static void ngx_leaseloft_channel_drop_frames(
    ngx_leaseloft_channel_t *channel, size_t most);
static void ngx_leaseloft_channel_tell(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_news_e news);
static void ngx_leaseloft_channel_drop_memos(
    ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channel_free(ngx_leaseloft_channel_t *channel);


ngx_leaseloft_channels_t *
ngx_leaseloft_channels_create(ngx_leaseloft_process_t *process,
    ngx_pool_t *pool)
{
    ngx_uint_t                 i;
    ngx_leaseloft_channels_t  *channels;

    channels = ngx_pcalloc(pool, sizeof(ngx_leaseloft_channels_t));
    if (channels == NULL) {
        return NULL;
    }

    channels->process = process;
    ngx_queue_init(&channels->idle);

    for (i = 0; i < NGX_LEASELOFT_CHANNEL_KINDS; i++) {
        ngx_rbtree_init(&channels->trees[i], &channels->sentinels[i],
                        ngx_str_rbtree_insert_value);
    }

    return channels;
}


ngx_leaseloft_channel_t *
ngx_leaseloft_channel_find(ngx_leaseloft_process_t *process,
    ngx_leaseloft_channel_kind_e kind, ngx_str_t *id)
{
    return (ngx_leaseloft_channel_t *)
               ngx_str_rbtree_lookup(&process->channels->trees[kind], id,
                                     ngx_crc32_short(id->data, id->len));
}


ngx_leaseloft_channel_t *
ngx_leaseloft_channel_watch(ngx_leaseloft_process_t *process,
    ngx_leaseloft_channel_kind_e kind, ngx_str_t *id, ngx_msec_t linger)
{
    ngx_leaseloft_channel_t   *channel;
    ngx_leaseloft_channels_t  *channels;

    channels = process->channels;
    channel = ngx_leaseloft_channel_find(process, kind, id);

    if (channel == NULL) {

        channel = ngx_calloc(sizeof(ngx_leaseloft_channel_t) + id->len,
                             process->log);
        if (channel == NULL) {
            return NULL;
        }

        channel->id.data = (u_char *) (channel + 1);
        channel->id.len = id->len;
        ngx_memcpy(channel->id.data, id->data, id->len);

        channel->node.str = channel->id;
        channel->node.node.key = ngx_crc32_short(id->data, id->len);

        channel->process = process;
        channel->kind = kind;

        ngx_queue_init(&channel->listeners);
        ngx_queue_init(&channel->frames);
        ngx_queue_init(&channel->memos);
        ngx_queue_insert_tail(&channels->idle, &channel->idle);

        ngx_rbtree_insert(&channels->trees[kind], &channel->node.node);

        ngx_leaseloft_channel_subscribe(channel);
    }

    if (ngx_queue_empty(&channel->listeners)) {
        ngx_queue_remove(&channel->idle);
        ngx_queue_insert_tail(&channels->idle, &channel->idle);
    }

    channel->expires = ngx_current_msec + linger;

    return channel;
}


void
ngx_leaseloft_channel_attach(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_listener_t *listener)
{
    if (ngx_queue_empty(&channel->listeners)) {
        ngx_queue_remove(&channel->idle);
    }

    ngx_queue_insert_tail(&channel->listeners, &listener->queue);
    listener->channel = channel;
}


void
ngx_leaseloft_channel_detach(ngx_leaseloft_listener_t *listener)
{
    ngx_leaseloft_channel_t  *channel;

    channel = listener->channel;
    listener->channel = NULL;

    ngx_queue_remove(&listener->queue);

    if (ngx_queue_empty(&channel->listeners)) {
        ngx_leaseloft_channel_drop_frames(channel, 0);
        ngx_queue_insert_tail(&channel->process->channels->idle,
                              &channel->idle);
    }
}


/*
 * The queue is in the order in which channels became idle, not quite that of
 * their expiry where locations linger differently: those wait a little longer.
 */

void
ngx_leaseloft_channels_expire(ngx_leaseloft_channels_t *channels)
{
    ngx_queue_t              *q;
    ngx_leaseloft_channel_t  *channel;

    while (!ngx_queue_empty(&channels->idle)) {
        q = ngx_queue_head(&channels->idle);
        channel = ngx_queue_data(q, ngx_leaseloft_channel_t, idle);

        if ((ngx_msec_int_t) (channel->expires - ngx_current_msec) > 0) {
            return;
        }

        ngx_leaseloft_channel_free(channel);
    }
}


static size_t
ngx_leaseloft_channel_name(ngx_leaseloft_channel_t *channel, char *name)
{
    if (channel->kind == NGX_LEASELOFT_CHANNEL_PROPERTY) {
        return ll_keys_property_channel(name, (char *) channel->id.data,
                                        channel->id.len);
    }

    return ll_keys_user_channel(name, (char *) channel->id.data,
                                channel->id.len);
}


static void
ngx_leaseloft_channel_free(ngx_leaseloft_channel_t *channel)
{
    char                       data[LL_KEY_MAX];
    ngx_str_t                  name;
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    name.data = (u_char *) data;
    name.len = ngx_leaseloft_channel_name(channel, data);

    if (channel->state != NGX_LEASELOFT_CHANNEL_DOWN) {
        (void) ngx_leaseloft_link_unsubscribe(channel->process->link, &name);
    }

    if (channel->command) {
        ngx_leaseloft_link_cancel(channel->command);
    }

    ngx_leaseloft_channel_drop_frames(channel, 0);

    ngx_leaseloft_channel_drop_memos(channel);

    ngx_queue_remove(&channel->idle);
    ngx_rbtree_delete(&channels->trees[channel->kind], &channel->node.node);
    ngx_free(channel);
}


ngx_uint_t
ngx_leaseloft_channel_live(ngx_leaseloft_channel_t *channel)
{
    return channel->state == NGX_LEASELOFT_CHANNEL_LIVE
           && ngx_leaseloft_link_up(channel->process->link);
}


ngx_leaseloft_frame_t *
ngx_leaseloft_channel_frame(ngx_leaseloft_channel_t *channel, uint64_t seq)
{
    ngx_queue_t            *q;
    ngx_leaseloft_frame_t  *frame;

    /* nearly always it is the last one */

    for (q = ngx_queue_last(&channel->frames);
         q != ngx_queue_sentinel(&channel->frames);
         q = ngx_queue_prev(q))
    {
        frame = ngx_queue_data(q, ngx_leaseloft_frame_t, queue);

        if (frame->seq <= seq) {
            return frame->seq == seq ? frame : NULL;
        }
    }

    return NULL;
}


/* subscribing */

static void
ngx_leaseloft_channel_subscribe(ngx_leaseloft_channel_t *channel)
{
    char       data[LL_KEY_MAX];
    ngx_str_t  name;

    name.data = (u_char *) data;
    name.len = ngx_leaseloft_channel_name(channel, data);

    if (ngx_leaseloft_link_subscribe(channel->process->link, 1, &name)
        == NGX_OK)
    {
        channel->state = NGX_LEASELOFT_CHANNEL_SUBSCRIBING;
    }
}


/* the link listens again: all channels are subscribed to, in batches */

void
ngx_leaseloft_channels_subscribe(ngx_leaseloft_channels_t *channels)
{
    char                      *data;
    ngx_str_t                 *names;
    ngx_uint_t                 i, n;
    ngx_rbtree_node_t         *node;
    ngx_leaseloft_link_t      *link;
    ngx_leaseloft_channel_t   *channel;

    link = channels->process->link;
    n = 0;

    data = ngx_alloc(NGX_LEASELOFT_LINK_BATCH
                     * (LL_KEY_MAX + sizeof(ngx_str_t)),
                     channels->process->log);
    if (data == NULL) {
        return;
    }

    names = (ngx_str_t *) data;
    data += NGX_LEASELOFT_LINK_BATCH * sizeof(ngx_str_t);

    for (i = 0; i < NGX_LEASELOFT_CHANNEL_KINDS; i++) {

        if (channels->trees[i].root == channels->trees[i].sentinel) {
            continue;
        }

        for (node = ngx_rbtree_min(channels->trees[i].root,
                                   channels->trees[i].sentinel);
             node;
             node = ngx_rbtree_next(&channels->trees[i], node))
        {
            channel = (ngx_leaseloft_channel_t *) node;
            channel->state = NGX_LEASELOFT_CHANNEL_SUBSCRIBING;

            names[n].data = (u_char *) data + n * LL_KEY_MAX;
            names[n].len = ngx_leaseloft_channel_name(channel,
                                                      data + n * LL_KEY_MAX);

            if (++n == NGX_LEASELOFT_LINK_BATCH) {
                (void) ngx_leaseloft_link_subscribe(link, n, names);
                n = 0;
            }
        }
    }

    if (n) {
        (void) ngx_leaseloft_link_subscribe(link, n, names);
    }

    ngx_free(names);
}


/* "ll:{p:ID}:ch" or "ll:{u:ID}:ch" */

static ngx_leaseloft_channel_t *
ngx_leaseloft_channels_by_name(ngx_leaseloft_channels_t *channels,
    ngx_str_t *name)
{
    ngx_str_t                     id;
    ngx_leaseloft_channel_kind_e  kind;

    if (name->len <= sizeof("ll:{p:}:ch") - 1) {
        return NULL;
    }

    kind = name->data[sizeof("ll:{") - 1] == 'p'
           ? NGX_LEASELOFT_CHANNEL_PROPERTY : NGX_LEASELOFT_CHANNEL_USER;

    id.data = name->data + sizeof("ll:{p:") - 1;
    id.len = name->len - (sizeof("ll:{p:}:ch") - 1);

    return ngx_leaseloft_channel_find(channels->process, kind, &id);
}


void
ngx_leaseloft_channels_subscribed(ngx_leaseloft_channels_t *channels,
    ngx_str_t *name)
{
    ngx_leaseloft_channel_t  *channel;

    channel = ngx_leaseloft_channels_by_name(channels, name);

    /* it may be gone, or gone and back, in which case it is asked for twice */

    if (channel && channel->state == NGX_LEASELOFT_CHANNEL_SUBSCRIBING) {
        ngx_leaseloft_channel_sync(channel);
    }
}


void
ngx_leaseloft_channels_lost(ngx_leaseloft_channels_t *channels)
{
    ngx_uint_t                i;
    ngx_rbtree_node_t        *node;
    ngx_leaseloft_channel_t  *channel;

    for (i = 0; i < NGX_LEASELOFT_CHANNEL_KINDS; i++) {

        if (channels->trees[i].root == channels->trees[i].sentinel) {
            continue;
        }

        for (node = ngx_rbtree_min(channels->trees[i].root,
                                   channels->trees[i].sentinel);
             node;
             node = ngx_rbtree_next(&channels->trees[i], node))
        {
            channel = (ngx_leaseloft_channel_t *) node;
            channel->state = NGX_LEASELOFT_CHANNEL_DOWN;

            if (channel->command) {
                ngx_leaseloft_link_cancel(channel->command);
                channel->command = NULL;
            }
        }
    }
}


/* commands can be sent again: reads that could not be are made up for */

void
ngx_leaseloft_channels_ready(ngx_leaseloft_channels_t *channels)
{
    ngx_uint_t                i;
    ngx_rbtree_node_t        *node;
    ngx_leaseloft_channel_t  *channel;

    for (i = 0; i < NGX_LEASELOFT_CHANNEL_KINDS; i++) {

        if (channels->trees[i].root == channels->trees[i].sentinel) {
            continue;
        }

        for (node = ngx_rbtree_min(channels->trees[i].root,
                                   channels->trees[i].sentinel);
             node;
             node = ngx_rbtree_next(&channels->trees[i], node))
        {
            channel = (ngx_leaseloft_channel_t *) node;

            if (channel->state == NGX_LEASELOFT_CHANNEL_SYNCING) {
                ngx_leaseloft_channel_sync(channel);
            }
        }
    }
}


/* the link came up or went down */

void
ngx_leaseloft_channels_live(ngx_leaseloft_channels_t *channels)
{
    ngx_uint_t          i;
    ngx_rbtree_node_t  *node;

    for (i = 0; i < NGX_LEASELOFT_CHANNEL_KINDS; i++) {

        if (channels->trees[i].root == channels->trees[i].sentinel) {
            continue;
        }

        for (node = ngx_rbtree_min(channels->trees[i].root,
                                   channels->trees[i].sentinel);
             node;
             node = ngx_rbtree_next(&channels->trees[i], node))
        {
            ngx_leaseloft_channel_tell((ngx_leaseloft_channel_t *) node,
                                       NGX_LEASELOFT_NEWS_LIVE);
        }
    }
}


/* reading */

static void
ngx_leaseloft_channel_sync(ngx_leaseloft_channel_t *channel)
{
    channel->state = NGX_LEASELOFT_CHANNEL_SYNCING;

    if (channel->command) {
        return;
    }

    channel->heard = 0;
    channel->command = channel->kind == NGX_LEASELOFT_CHANNEL_USER
                       ? ngx_leaseloft_channel_ask_user(channel)
                       : ngx_leaseloft_channel_ask(channel);

    if (channel->command == NULL) {
        ngx_leaseloft_channel_again(channel->process->channels);
    }
}


static ngx_leaseloft_command_t *
ngx_leaseloft_channel_ask_user(ngx_leaseloft_channel_t *channel)
{
    u_char     number[NGX_INT64_LEN];
    ngx_str_t  argv[1];

    argv[0].data = number;
    argv[0].len = ngx_sprintf(number, "%uL", channel->known
                                    ? channel->ver
                                    : (uint64_t) NGX_LEASELOFT_CHANNEL_NO_REV)
                  - number;

    return ngx_leaseloft_link_user_call(channel->process->link,
                                        LL_FUNCTION "inbox_since",
                                        &channel->id, 1, argv,
                                        ngx_leaseloft_channel_synced, channel);
}


static ngx_leaseloft_command_t *
ngx_leaseloft_channel_ask(ngx_leaseloft_channel_t *channel)
{
    u_char      numbers[3 * NGX_INT64_LEN], *p;
    ngx_str_t   argv[4];
    ngx_uint_t  limit;

    p = numbers;

    /* the first time only the head is wanted */

    limit = channel->known && !ngx_queue_empty(&channel->listeners)
            ? NGX_LEASELOFT_CHANNEL_CATCH_UP : 0;

    argv[0].data = p;
    p = ngx_sprintf(p, "%uL", channel->known ? channel->head.seq : 0);
    argv[0].len = p - argv[0].data;

    ngx_str_null(&argv[1]);

    if (channel->known) {
        argv[1].data = (u_char *) channel->head.tag;
        argv[1].len = LL_TAG_LEN;
    }

    argv[2].data = p;
    p = ngx_sprintf(p, "%ui", limit);
    argv[2].len = p - argv[2].data;

    argv[3].data = p;
    p = ngx_sprintf(p, "%ui", (ngx_uint_t) NGX_LEASELOFT_CHANNEL_FRAMES);
    argv[3].len = p - argv[3].data;

    return ngx_leaseloft_link_property_call(channel->process->link,
                                            LL_FUNCTION "since", &channel->id,
                                            4, argv,
                                            ngx_leaseloft_channel_synced,
                                            channel);
}


static void
ngx_leaseloft_channel_synced(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_int_t                 rc;
    ngx_leaseloft_news_e      news;
    ngx_leaseloft_channel_t  *channel;

    channel = data;
    channel->command = NULL;

    if (outcome != NGX_LEASELOFT_REPLIED) {
        /* ngx_leaseloft_channels_ready() tries again */
        return;
    }

    news = NGX_LEASELOFT_NEWS_FRAMES;

    if (channel->kind == NGX_LEASELOFT_CHANNEL_USER) {
        rc = ngx_leaseloft_channel_catch_up_user(channel, reply);

    } else {
        rc = ngx_leaseloft_channel_catch_up(channel, reply, &news);
    }

    if (rc != NGX_OK) {
        ngx_leaseloft_channel_failed(channel, reply);
        return;
    }

    channel->known = 1;

    if (channel->heard > channel->ver) {
        ngx_leaseloft_channel_sync(channel);
        return;
    }

    channel->state = NGX_LEASELOFT_CHANNEL_LIVE;

    ngx_leaseloft_channel_tell(channel, news);
    ngx_leaseloft_channel_tell(channel, NGX_LEASELOFT_NEWS_LIVE);
}


/*
 * Redis may be loading, or busy with a script: nothing but asking again brings
 * the channel back, and its streams are not live meanwhile.
 */

static void
ngx_leaseloft_channel_failed(ngx_leaseloft_channel_t *channel,
    redisReply *reply)
{
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    if (!channels->again) {
        ngx_log_error(NGX_LOG_ERR, channel->process->log, 0,
                      "redis did not say what a channel missed: \"%s\"",
                      reply->type == REDIS_REPLY_ERROR ? reply->str
                                                       : "unknown form");
    }

    ngx_leaseloft_channel_again(channels);
    ngx_leaseloft_channel_tell(channel, NGX_LEASELOFT_NEWS_LIVE);
}


static void
ngx_leaseloft_channel_again(ngx_leaseloft_channels_t *channels)
{
    if (!channels->again) {
        channels->again = 1;
        channels->failed = ngx_current_msec;
    }
}


void
ngx_leaseloft_channels_retry(ngx_leaseloft_channels_t *channels)
{
    if (channels->again
        && ngx_current_msec - channels->failed >= NGX_LEASELOFT_CHANNEL_AGAIN)
    {
        channels->again = 0;
        ngx_leaseloft_channels_ready(channels);
    }
}


/* places in the reply of ll1_since; see docs/data.md */
enum {
    NGX_LEASELOFT_SINCE_VER = 0,
    NGX_LEASELOFT_SINCE_REV,
    NGX_LEASELOFT_SINCE_HEAD,
    NGX_LEASELOFT_SINCE_TAG,
    NGX_LEASELOFT_SINCE_ON_CHAIN,
    NGX_LEASELOFT_SINCE_FIRST,
    NGX_LEASELOFT_SINCE_ENTRIES,
    NGX_LEASELOFT_SINCE_ELEMENTS
};


static ngx_int_t
ngx_leaseloft_channel_catch_up(ngx_leaseloft_channel_t *channel,
    redisReply *reply, ngx_leaseloft_news_e *news)
{
    size_t                  i, n;
    uint64_t                ver, seq;
    ngx_str_t               tag, entry;
    redisReply             *entries, **e;
    ngx_leaseloft_frame_t  *frame;

    if (reply->type == REDIS_REPLY_NIL) {

        /* a property that has gone: nothing of ours does that */

        channel->ver = 0;
        ngx_leaseloft_channel_drop_memos(channel);
        return NGX_OK;
    }

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != NGX_LEASELOFT_SINCE_ELEMENTS)
    {
        return NGX_ERROR;
    }

    e = reply->element;

    for (i = 0; i < NGX_LEASELOFT_SINCE_ENTRIES; i++) {
        if (i != NGX_LEASELOFT_SINCE_TAG
            && (e[i]->type != REDIS_REPLY_INTEGER || e[i]->integer < 0))
        {
            return NGX_ERROR;
        }
    }

    entries = e[NGX_LEASELOFT_SINCE_ENTRIES];

    if (entries->type != REDIS_REPLY_ARRAY
        || ngx_leaseloft_view_string(reply, NGX_LEASELOFT_SINCE_TAG, &tag)
           != NGX_OK
        || tag.len != LL_TAG_LEN)
    {
        return NGX_ERROR;
    }

    n = entries->elements / 2;
    ver = e[NGX_LEASELOFT_SINCE_VER]->integer;
    seq = e[NGX_LEASELOFT_SINCE_FIRST]->integer;

    if (channel->known) {

        if (e[NGX_LEASELOFT_SINCE_ON_CHAIN]->integer == 0) {
            ngx_leaseloft_channel_drop_frames(channel, 0);
            *news = NGX_LEASELOFT_NEWS_RESET;

        } else if (ver != channel->ver) {
            *news = NGX_LEASELOFT_NEWS_CAUGHT_UP;
        }

        /* restored from a backup: it will come by the same versions again */

        if (*news == NGX_LEASELOFT_NEWS_RESET || ver < channel->ver) {
            ngx_leaseloft_channel_drop_memos(channel);
        }
    }

    channel->ver = ver;
    channel->rev = e[NGX_LEASELOFT_SINCE_REV]->integer;
    channel->head.seq = e[NGX_LEASELOFT_SINCE_HEAD]->integer;
    channel->head.tagged = 1;
    ngx_memcpy(channel->head.tag, tag.data, LL_TAG_LEN);

    if (*news == NGX_LEASELOFT_NEWS_RESET) {
        return NGX_OK;
    }

    for (i = 0; i < n; i++) {

        if (ngx_leaseloft_view_entry(entries, i, &tag, &entry) != NGX_OK) {
            return NGX_ERROR;
        }

        frame = ngx_leaseloft_frame_entry(seq + i, (char *) tag.data, &entry,
                                          channel->process->log);
        if (frame == NULL) {
            return NGX_OK;
        }

        ngx_leaseloft_channel_keep(channel, frame);
    }

    return NGX_OK;
}


/* the frame of a change to an inbox, named by its rev */

static ngx_leaseloft_frame_t *
ngx_leaseloft_channel_thread_frame(ngx_leaseloft_channel_t *channel,
    uint64_t rev, ngx_str_t *data)
{
    u_char                  id[NGX_INT64_LEN];
    ngx_leaseloft_event_t   event;
    ngx_leaseloft_frame_t  *frame;

    ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));

    ngx_str_set(&event.name, "thread");
    event.id.data = id;
    event.id.len = ngx_sprintf(id, "%uL", rev) - id;
    event.data = data;
    event.pieces = 1;

    frame = ngx_leaseloft_frame_create(&event, channel->process->log);

    if (frame) {
        frame->seq = rev;
    }

    return frame;
}


/* the reply of ll1_inbox_since: rev, total, list of rev, data, rev, data … */

static ngx_int_t
ngx_leaseloft_channel_catch_up_user(ngx_leaseloft_channel_t *channel,
    redisReply *reply)
{
    size_t                  i;
    ngx_int_t               rev;
    ngx_str_t               text, data;
    redisReply             *list;
    ngx_leaseloft_frame_t  *frame;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || reply->element[0]->type != REDIS_REPLY_INTEGER
        || reply->element[1]->type != REDIS_REPLY_INTEGER
        || reply->element[2]->type != REDIS_REPLY_ARRAY)
    {
        return NGX_ERROR;
    }

    list = reply->element[2];

    for (i = 0; i + 1 < list->elements; i += 2) {

        if (ngx_leaseloft_view_string(list, i, &text) != NGX_OK
            || ngx_leaseloft_view_string(list, i + 1, &data) != NGX_OK
            || ngx_strlchr(data.data, data.data + data.len, LF) != NULL)
        {
            return NGX_ERROR;
        }

        rev = ngx_atoi(text.data, text.len);
        if (rev == NGX_ERROR) {
            return NGX_ERROR;
        }

        frame = ngx_leaseloft_channel_thread_frame(channel, rev, &data);
        if (frame) {
            ngx_leaseloft_channel_keep(channel, frame);
        }
    }

    channel->ver = reply->element[0]->integer;
    channel->total = reply->element[1]->integer;

    return NGX_OK;
}


/* hearing */

static ngx_int_t
ngx_leaseloft_channel_property_frame(ngx_leaseloft_channel_t *channel,
    ll_frame_t *heard)
{
    ngx_str_t                  payload;
    ngx_queue_t               *q, *next;
    ngx_leaseloft_event_t      event;
    ngx_leaseloft_frame_t     *frame;
    ngx_leaseloft_listener_t  *listener;

    payload.data = (u_char *) heard->payload.data;
    payload.len = heard->payload.len;

    switch (heard->type) {

    case LL_FRAME_ENTRY:

        if (heard->seq != channel->head.seq + 1) {
            return NGX_DECLINED;
        }

        channel->head.seq = heard->seq;
        ngx_memcpy(channel->head.tag, heard->tag, LL_TAG_LEN);

        if (!ngx_queue_empty(&channel->listeners)) {
            frame = ngx_leaseloft_frame_entry(heard->seq, heard->tag, &payload,
                                              channel->process->log);
            if (frame) {
                ngx_leaseloft_channel_keep(channel, frame);
            }
        }

        break;

    case LL_FRAME_READ:

        if (ngx_queue_empty(&channel->listeners)) {
            break;
        }

        ngx_memzero(&event, sizeof(ngx_leaseloft_event_t));
        ngx_str_set(&event.name, "read");
        event.data = &payload;
        event.pieces = 1;

        frame = ngx_leaseloft_frame_create(&event, channel->process->log);
        if (frame == NULL) {
            return NGX_DECLINED;
        }

        for (q = ngx_queue_head(&channel->listeners);
             q != ngx_queue_sentinel(&channel->listeners);
             q = next)
        {
            next = ngx_queue_next(q);
            listener = ngx_queue_data(q, ngx_leaseloft_listener_t, queue);

            if (listener->read) {
                listener->read(listener, heard, frame);
            }
        }

        ngx_leaseloft_frame_free(frame);

        break;

    default: /* LL_FRAME_LEASE */

        channel->rev = heard->rev;
        break;
    }

    if (heard->rev > channel->rev) {
        return NGX_DECLINED;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_channel_user_frame(ngx_leaseloft_channel_t *channel,
    ll_frame_t *heard)
{
    ngx_str_t               payload;
    ngx_leaseloft_frame_t  *frame;

    channel->total = heard->total;

    if (heard->payload.len && !ngx_queue_empty(&channel->listeners)) {
        payload.data = (u_char *) heard->payload.data;
        payload.len = heard->payload.len;

        frame = ngx_leaseloft_channel_thread_frame(channel, heard->rev,
                                                   &payload);
        if (frame == NULL) {
            return NGX_DECLINED;
        }

        ngx_leaseloft_channel_keep(channel, frame);
    }

    return NGX_OK;
}


void
ngx_leaseloft_channels_message(ngx_leaseloft_channels_t *channels,
    ngx_str_t *name, ngx_str_t *payload)
{
    uint64_t                  ver;
    ngx_int_t                 rc;
    ll_frame_t                heard;
    ngx_leaseloft_channel_t  *channel;

    channel = ngx_leaseloft_channels_by_name(channels, name);
    if (channel == NULL) {
        return;
    }

    if (ll_frame_decode((char *) payload->data, payload->len, &heard) != 0
        || (heard.type == LL_FRAME_INBOX)
           != (channel->kind == NGX_LEASELOFT_CHANNEL_USER))
    {
        ngx_log_error(NGX_LOG_ERR, channels->process->log, 0,
                      "malformed frame of %uz bytes on a channel of redis",
                      payload->len);
        ngx_leaseloft_zone_count(channels->process->zone,
                                 NGX_LEASELOFT_FRAMES_MALFORMED, 1);
        ngx_leaseloft_link_distrust(channels->process->link);
        return;
    }

    ver = channel->kind == NGX_LEASELOFT_CHANNEL_USER ? heard.rev : heard.ver;

    if (channel->state != NGX_LEASELOFT_CHANNEL_LIVE) {
        channel->heard = ngx_max(channel->heard, ver);
        return;
    }

    if (ver <= channel->ver) {
        return;
    }

    if (ver != channel->ver + 1) {
        rc = NGX_DECLINED;

    } else if (channel->kind == NGX_LEASELOFT_CHANNEL_USER) {
        rc = ngx_leaseloft_channel_user_frame(channel, &heard);

    } else {
        rc = ngx_leaseloft_channel_property_frame(channel, &heard);
    }

    if (rc != NGX_OK) {
        ngx_leaseloft_zone_count(channels->process->zone,
                                 NGX_LEASELOFT_HOLES_FILLED, 1);
        ngx_leaseloft_channel_sync(channel);
        return;
    }

    channel->ver = ver;

    ngx_leaseloft_channel_tell(channel, NGX_LEASELOFT_NEWS_FRAMES);
}


/* frames and listeners */

static void
ngx_leaseloft_channel_keep(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_frame_t *frame)
{
    ngx_queue_insert_tail(&channel->frames, &frame->queue);
    channel->frames_size += frame->chunk_len;

    if (channel->frames_size > NGX_LEASELOFT_CHANNEL_FRAMES) {
        ngx_leaseloft_channel_drop_frames(channel,
                                          NGX_LEASELOFT_CHANNEL_FRAMES / 2);
    }
}


static void
ngx_leaseloft_channel_drop_frames(ngx_leaseloft_channel_t *channel,
    size_t most)
{
    ngx_queue_t            *q;
    ngx_leaseloft_frame_t  *frame;

    while (channel->frames_size > most) {
        q = ngx_queue_head(&channel->frames);
        ngx_queue_remove(q);

        frame = ngx_queue_data(q, ngx_leaseloft_frame_t, queue);
        channel->frames_size -= frame->chunk_len;
        ngx_leaseloft_frame_free(frame);
    }
}


/*
 * Listeners only note that they have to end, so none leaves the queue while
 * it is walked.  Once all are up to date nothing needs the frames.
 */

static void
ngx_leaseloft_channel_tell(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_news_e news)
{
    ngx_uint_t                 behind;
    ngx_queue_t               *q;
    ngx_leaseloft_listener_t  *listener;

    behind = 0;

    for (q = ngx_queue_head(&channel->listeners);
         q != ngx_queue_sentinel(&channel->listeners);
         q = ngx_queue_next(q))
    {
        listener = ngx_queue_data(q, ngx_leaseloft_listener_t, queue);
        behind |= listener->news(listener, news);
    }

    if (!behind) {
        ngx_leaseloft_channel_drop_frames(channel, 0);
    }
}


/* memos */

ngx_leaseloft_memo_t *
ngx_leaseloft_channel_memo(ngx_leaseloft_channel_t *channel, ngx_str_t *user)
{
    ngx_queue_t           *q;
    ngx_leaseloft_memo_t  *memo;

    if (!ngx_leaseloft_channel_live(channel)) {
        return NULL;
    }

    for (q = ngx_queue_head(&channel->memos);
         q != ngx_queue_sentinel(&channel->memos);
         q = ngx_queue_next(q))
    {
        memo = ngx_queue_data(q, ngx_leaseloft_memo_t, queue);

        if (memo->user.len == user->len
            && ngx_memcmp(memo->user.data, user->data, user->len) == 0)
        {
            return memo->ver == channel->ver ? memo : NULL;
        }
    }

    return NULL;
}


void
ngx_leaseloft_channel_remember(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, ngx_leaseloft_view_t *view, ngx_str_t *base,
    u_char *digest)
{
    u_char                *p;
    ngx_queue_t           *q;
    ngx_leaseloft_memo_t  *memo, *old;

    memo = ngx_alloc(sizeof(ngx_leaseloft_memo_t) + user->len + base->len,
                     channel->process->log);
    if (memo == NULL) {
        return;
    }

    memo->ver = view->ver;
    memo->head = view->head;
    ngx_memcpy(memo->digest, digest, sizeof(memo->digest));

    p = (u_char *) (memo + 1);
    memo->user.data = p;
    memo->user.len = user->len;
    p = ngx_cpymem(p, user->data, user->len);
    memo->base.data = p;
    memo->base.len = base->len;
    ngx_memcpy(p, base->data, base->len);

    for (q = ngx_queue_head(&channel->memos);
         q != ngx_queue_sentinel(&channel->memos);
         q = ngx_queue_next(q))
    {
        old = ngx_queue_data(q, ngx_leaseloft_memo_t, queue);

        if (old->user.len == user->len
            && ngx_memcmp(old->user.data, user->data, user->len) == 0)
        {
            goto drop;
        }
    }

    if (channel->nmemos < NGX_LEASELOFT_CHANNEL_MEMOS) {
        channel->nmemos++;
        goto insert;
    }

    q = ngx_queue_last(&channel->memos);
    old = ngx_queue_data(q, ngx_leaseloft_memo_t, queue);

drop:

    ngx_queue_remove(q);
    ngx_free(old);

insert:

    ngx_queue_insert_head(&channel->memos, &memo->queue);
}


static void
ngx_leaseloft_channel_drop_memos(ngx_leaseloft_channel_t *channel)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&channel->memos)) {
        q = ngx_queue_head(&channel->memos);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_leaseloft_memo_t, queue));
    }

    channel->nmemos = 0;
}
