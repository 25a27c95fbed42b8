
/*
 * Reads from Redis what channels missed: all after the first time, the head
 * only the first time.  A channel has at most one read in progress.
 */


#include "ngx_leaseloft_call.h"
#include "ngx_leaseloft_channel_cache.h"
#include "ngx_leaseloft_channel_changes.h"
#include "ngx_leaseloft_channel_sync.h"
#include "ngx_leaseloft_reply.h"


#define NGX_LEASELOFT_CHANNEL_CATCH_UP  100
#define NGX_LEASELOFT_CHANNEL_NO_REV    LL_SEQ_MAX
#define NGX_LEASELOFT_CHANNEL_RETRY     1000


/* fields read from the meta of a property, and their indices in the reply */
enum {
    NGX_LEASELOFT_HEAD_VER = 0,
    NGX_LEASELOFT_HEAD_REV,
    NGX_LEASELOFT_HEAD_SEQ,
    NGX_LEASELOFT_HEAD_HASH,
    NGX_LEASELOFT_HEAD_ERASURES,
    NGX_LEASELOFT_HEAD_ELEMENTS
};


static ngx_leaseloft_command_t *ngx_leaseloft_channel_sync_ask_user(
    ngx_leaseloft_channel_t *channel);
static ngx_leaseloft_command_t *ngx_leaseloft_channel_sync_ask_head(
    ngx_leaseloft_channel_t *channel);
static ngx_leaseloft_command_t *ngx_leaseloft_channel_sync_ask(
    ngx_leaseloft_channel_t *channel);
static void ngx_leaseloft_channel_sync_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_channel_sync_failed(ngx_leaseloft_channel_t *channel,
    redisReply *reply);
static ngx_int_t ngx_leaseloft_channel_sync_head(
    ngx_leaseloft_channel_t *channel, redisReply *reply);
static ngx_int_t ngx_leaseloft_channel_sync_catch_up(
    ngx_leaseloft_channel_t *channel, redisReply *reply,
    ngx_leaseloft_channel_event_e *event);
static ngx_int_t ngx_leaseloft_channel_sync_catch_up_user(
    ngx_leaseloft_channel_t *channel, redisReply *reply,
    ngx_leaseloft_channel_event_e *event);


/* the client is connected: sends the reads that could not be sent before */
void
ngx_leaseloft_channel_sync_ready(void *data, ngx_leaseloft_client_t *client)
{
    ngx_leaseloft_channels_t *channels = data;

    ngx_leaseloft_channel_t  *channel;

    for (channel = ngx_leaseloft_channel_next(channels, NULL);
         channel;
         channel = ngx_leaseloft_channel_next(channels, channel))
    {
        if (channel->state == NGX_LEASELOFT_CHANNEL_SYNCING
            && (client == NULL || channel->client == client))
        {
            ngx_leaseloft_channel_sync(channel);
        }
    }
}


void
ngx_leaseloft_channel_sync(ngx_leaseloft_channel_t *channel)
{
    channel->state = NGX_LEASELOFT_CHANNEL_SYNCING;

    if (channel->command) {
        return;
    }

    channel->received = 0;

    if (channel->kind == NGX_LEASELOFT_CHANNEL_USER) {
        ngx_leaseloft_channel_changes_drop(channel);
        channel->command = ngx_leaseloft_channel_sync_ask_user(channel);

    } else if (channel->known) {
        channel->command = ngx_leaseloft_channel_sync_ask(channel);

    } else {
        channel->command = ngx_leaseloft_channel_sync_ask_head(channel);
    }

    if (channel->command == NULL) {
        ngx_leaseloft_channel_retry(channel);
    }
}


static ngx_leaseloft_command_t *
ngx_leaseloft_channel_sync_ask_user(ngx_leaseloft_channel_t *channel)
{
    u_char     number[NGX_INT64_LEN];
    ngx_str_t  argv[1];

    argv[0].data = number;
    argv[0].len = ngx_sprintf(number, "%uL", channel->known
                                    ? channel->ver
                                    : (uint64_t) NGX_LEASELOFT_CHANNEL_NO_REV)
                  - number;

    return ngx_leaseloft_call_user(channel->process->cluster,
                                   LL_FUNCTION "inbox_since",
                                   &channel->id, 1, argv,
                                   ngx_leaseloft_channel_sync_reply, channel);
}


/*
 * The first read needs only the head.  HMGET takes Redis 1.5 us, a function
 * 6 us.
 */
static ngx_leaseloft_command_t *
ngx_leaseloft_channel_sync_ask_head(ngx_leaseloft_channel_t *channel)
{
    char       key[LL_KEY_MAX];
    ngx_str_t  argv[2 + NGX_LEASELOFT_HEAD_ELEMENTS];

    ngx_str_set(&argv[0], "HMGET");
    argv[1].data = (u_char *) key;
    argv[1].len = ll_keys_property(key, LL_KEY_META, (char *) channel->id.data,
                                   channel->id.len);

    ngx_str_set(&argv[2 + NGX_LEASELOFT_HEAD_VER], "ver");
    ngx_str_set(&argv[2 + NGX_LEASELOFT_HEAD_REV], "rev");
    ngx_str_set(&argv[2 + NGX_LEASELOFT_HEAD_SEQ], "seq");
    ngx_str_set(&argv[2 + NGX_LEASELOFT_HEAD_HASH], "hash");
    ngx_str_set(&argv[2 + NGX_LEASELOFT_HEAD_ERASURES], "erasures");

    return ngx_leaseloft_cluster_command(channel->process->cluster, &argv[1],
                                        2 + NGX_LEASELOFT_HEAD_ELEMENTS, argv,
                                        ngx_leaseloft_channel_sync_reply,
                                        channel);
}


static ngx_leaseloft_command_t *
ngx_leaseloft_channel_sync_ask(ngx_leaseloft_channel_t *channel)
{
    u_char      numbers[3 * NGX_INT64_LEN], *p;
    ngx_str_t   argv[5];
    ngx_uint_t  limit;

    p = numbers;

    limit = ngx_queue_empty(&channel->subscribers)
            ? 0 : NGX_LEASELOFT_CHANNEL_CATCH_UP;

    argv[0].data = p;
    p = ngx_sprintf(p, "%uL", channel->head.seq);
    argv[0].len = p - argv[0].data;

    ngx_str_null(&argv[1]);

    if (channel->head.tagged) {
        argv[1].data = (u_char *) channel->head.tag;
        argv[1].len = LL_TAG_LEN;
    }

    argv[2].data = p;
    p = ngx_sprintf(p, "%ui", limit);
    argv[2].len = p - argv[2].data;

    argv[3].data = p;
    p = ngx_sprintf(p, "%ui", (ngx_uint_t) NGX_LEASELOFT_CHANNEL_FRAMES);
    argv[3].len = p - argv[3].data;

    /* the number of erasures as well */

    ngx_str_set(&argv[4], "1");

    return ngx_leaseloft_call_property(channel->process->cluster,
                                       LL_FUNCTION "since", &channel->id,
                                       5, argv,
                                       ngx_leaseloft_channel_sync_reply,
                                       channel);
}


static void
ngx_leaseloft_channel_sync_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_int_t                      rc;
    ngx_leaseloft_channel_event_e  event;
    ngx_leaseloft_channel_t       *channel;

    channel = data;
    channel->command = NULL;

    if (outcome != NGX_LEASELOFT_REPLIED) {

        /*
         * ngx_leaseloft_channel_sync_ready() retries if the connection is lost;
         * in a cluster it may be that of another server.
         */

        if (outcome == NGX_LEASELOFT_UNSENT
            || (channel->client && ngx_leaseloft_client_ready(channel->client)))
        {
            ngx_leaseloft_channel_retry(channel);
        }

        return;
    }

    event = NGX_LEASELOFT_EVENT_FRAMES;

    if (channel->kind == NGX_LEASELOFT_CHANNEL_USER) {
        rc = ngx_leaseloft_channel_sync_catch_up_user(channel, reply, &event);

    } else if (channel->known) {
        rc = ngx_leaseloft_channel_sync_catch_up(channel, reply, &event);

    } else {
        rc = ngx_leaseloft_channel_sync_head(channel, reply);
    }

    if (rc != NGX_OK) {
        ngx_leaseloft_channel_sync_failed(channel, reply);
        return;
    }

    channel->known = 1;

    if (channel->received > ngx_leaseloft_channel_newest(channel)) {
        ngx_leaseloft_channel_sync(channel);
        return;
    }

    channel->state = NGX_LEASELOFT_CHANNEL_LIVE;

    ngx_leaseloft_channel_notify(channel, event);
    ngx_leaseloft_channel_notify(channel, NGX_LEASELOFT_EVENT_LIVE);
    ngx_leaseloft_channel_changes_read(channel);
}


/*
 * Redis may be loading or running a script.  The read is retried; until then
 * the channel and its streams are not live.
 */
static void
ngx_leaseloft_channel_sync_failed(ngx_leaseloft_channel_t *channel,
    redisReply *reply)
{
    ngx_leaseloft_channels_t  *channels;

    channels = channel->process->channels;

    if (!channels->retry) {
        ngx_log_error(NGX_LOG_ERR, channel->process->log, 0,
                      "reading what a channel missed from redis failed: "
                      "\"%s\"",
                      reply->type == REDIS_REPLY_ERROR ? reply->str
                                                       : "malformed reply");
    }

    ngx_leaseloft_channel_retry(channel);
    ngx_leaseloft_channel_notify(channel, NGX_LEASELOFT_EVENT_LIVE);
}


void
ngx_leaseloft_channel_sync_retry(ngx_leaseloft_channels_t *channels)
{
    if (channels->retry
        && ngx_current_msec - channels->failed >= NGX_LEASELOFT_CHANNEL_RETRY)
    {
        channels->retry = 0;
        ngx_leaseloft_channel_sync_ready(channels, NULL);
    }
}


static ngx_int_t
ngx_leaseloft_channel_sync_head(ngx_leaseloft_channel_t *channel,
    redisReply *reply)
{
    uint64_t   ver, rev, seq, erasures;
    ngx_str_t  hash;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != NGX_LEASELOFT_HEAD_ELEMENTS)
    {
        return NGX_ERROR;
    }

    if (reply->element[NGX_LEASELOFT_HEAD_VER]->type == REDIS_REPLY_NIL) {

        /* the property does not exist; LeaseLoft never deletes one */

        channel->ver = 0;
        return NGX_OK;
    }

    erasures = 0;

    if ((reply->element[NGX_LEASELOFT_HEAD_ERASURES]->type != REDIS_REPLY_NIL
         && ngx_leaseloft_reply_decimal(reply, NGX_LEASELOFT_HEAD_ERASURES,
                                        &erasures)
            != NGX_OK)
        || ngx_leaseloft_reply_decimal(reply, NGX_LEASELOFT_HEAD_VER, &ver)
           != NGX_OK
        || ngx_leaseloft_reply_decimal(reply, NGX_LEASELOFT_HEAD_REV, &rev)
           != NGX_OK
        || ngx_leaseloft_reply_decimal(reply, NGX_LEASELOFT_HEAD_SEQ, &seq)
           != NGX_OK
        || ngx_leaseloft_reply_string(reply, NGX_LEASELOFT_HEAD_HASH, &hash)
           != NGX_OK
        || hash.len < LL_TAG_LEN / 2)
    {
        return NGX_ERROR;
    }

    channel->ver = ver;
    channel->rev = rev;
    channel->head.seq = seq;
    channel->head.tagged = 1;
    ll_cursor_tag(channel->head.tag, hash.data);
    channel->erasures = erasures;

    return NGX_OK;
}


/* indices in the reply of ll1_since; see docs/data.md */
enum {
    NGX_LEASELOFT_SINCE_VER = 0,
    NGX_LEASELOFT_SINCE_REV,
    NGX_LEASELOFT_SINCE_HEAD,
    NGX_LEASELOFT_SINCE_TAG,
    NGX_LEASELOFT_SINCE_ON_CHAIN,
    NGX_LEASELOFT_SINCE_FIRST,
    NGX_LEASELOFT_SINCE_ENTRIES,
    NGX_LEASELOFT_SINCE_SEALED,
    NGX_LEASELOFT_SINCE_CHECK,
    NGX_LEASELOFT_SINCE_ERASURES,
    NGX_LEASELOFT_SINCE_ELEMENTS
};


/* NGX_OK if the reply of ll1_since is well-formed, else NGX_ERROR */
static ngx_int_t
ngx_leaseloft_channel_sync_check_since(redisReply *reply, ngx_str_t *tag)
{
    size_t        i;
    redisReply  **e;

    if (reply->type != REDIS_REPLY_ARRAY
        || reply->elements != NGX_LEASELOFT_SINCE_ELEMENTS)
    {
        return NGX_ERROR;
    }

    e = reply->element;

    for (i = 0; i < NGX_LEASELOFT_SINCE_ENTRIES; i++) {
        if (i != NGX_LEASELOFT_SINCE_TAG
            && (e[i]->type != REDIS_REPLY_INTEGER || e[i]->integer < 0
                || e[i]->integer > (long long) LL_SEQ_MAX))
        {
            return NGX_ERROR;
        }
    }

    if (ngx_leaseloft_reply_tag(reply, NGX_LEASELOFT_SINCE_TAG, tag)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    return NGX_OK;
}


/* keeps the entries as frames of the channel */
static ngx_int_t
ngx_leaseloft_channel_sync_keep_entries(ngx_leaseloft_channel_t *channel,
    ngx_leaseloft_entries_t *entries)
{
    uint64_t                seq;
    ngx_str_t               tag, entry;
    ngx_uint_t              i;
    ngx_leaseloft_frame_t  *frame;

    for (i = 0; i < entries->n; i++) {

        if (ngx_leaseloft_entries_get(entries, i, &tag, &entry) != NGX_OK) {
            return NGX_ERROR;
        }

        seq = entries->first + i;

        if (tag.len == 0) {
            ngx_leaseloft_view_lost(&channel->id, seq, channel->process->log);
        }

        frame = ngx_leaseloft_frame_entry(seq, &tag, &entry,
                                          channel->process->log);
        if (frame == NULL) {
            return NGX_OK;
        }

        ngx_leaseloft_channel_keep(channel, frame);
    }

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_channel_sync_catch_up(ngx_leaseloft_channel_t *channel,
    redisReply *reply, ngx_leaseloft_channel_event_e *event)
{
    uint64_t                   ver, erasures;
    ngx_int_t                  rc;
    ngx_str_t                  tag;
    redisReply               **e;
    ngx_leaseloft_entries_t    entries;

    if (reply->type == REDIS_REPLY_NIL) {

        /* the property does not exist; LeaseLoft never deletes one */

        channel->ver = 0;
        ngx_leaseloft_channel_cache_clear(channel);
        return NGX_OK;
    }

    if (ngx_leaseloft_channel_sync_check_since(reply, &tag) != NGX_OK
        || ngx_leaseloft_reply_number(reply, NGX_LEASELOFT_SINCE_ERASURES,
                                      &erasures)
           != NGX_OK
        || ngx_leaseloft_entries_read(&entries, &channel->id, reply,
                                      NGX_LEASELOFT_SINCE_FIRST,
                                      NGX_LEASELOFT_SINCE_ENTRIES,
                                      NGX_LEASELOFT_SINCE_SEALED,
                                      channel->process->log)
           != NGX_OK)
    {
        return NGX_ERROR;
    }

    e = reply->element;
    ver = e[NGX_LEASELOFT_SINCE_VER]->integer;

    if (e[NGX_LEASELOFT_SINCE_ON_CHAIN]->integer == 0 || entries.reset) {
        ngx_leaseloft_channel_drop_frames(channel, 0);
        *event = NGX_LEASELOFT_EVENT_RESET;

    } else if (ver != channel->ver) {
        *event = NGX_LEASELOFT_EVENT_CAUGHT_UP;
    }

    /* restored from a backup: it will reach the same versions once more */

    if (*event == NGX_LEASELOFT_EVENT_RESET || ver < channel->ver) {
        ngx_leaseloft_channel_cache_clear(channel);
    }

    if (erasures != channel->erasures) {
        channel->erasures = erasures;
        ngx_leaseloft_channel_drop_frames(channel, 0);
    }

    channel->ver = ver;
    channel->rev = e[NGX_LEASELOFT_SINCE_REV]->integer;
    channel->head.seq = e[NGX_LEASELOFT_SINCE_HEAD]->integer;
    channel->head.tagged = 1;
    ngx_memcpy(channel->head.tag, tag.data, LL_TAG_LEN);

    rc = *event == NGX_LEASELOFT_EVENT_RESET
         ? NGX_OK : ngx_leaseloft_channel_sync_keep_entries(channel, &entries);

    ngx_leaseloft_entries_free(&entries);

    return rc;
}


/* adds the changes of a list of rev, property, rev, property … */
static ngx_int_t
ngx_leaseloft_channel_sync_add_changes(ngx_leaseloft_channel_t *channel,
    redisReply *list, uint64_t rev, uint64_t total)
{
    size_t     i;
    uint64_t   n;
    ngx_str_t  property;

    n = 0;

    for (i = 0; i + 1 < list->elements; i += 2) {

        if (ngx_leaseloft_reply_decimal(list, i, &n) != NGX_OK
            || ngx_leaseloft_reply_string(list, i + 1, &property) != NGX_OK
            || !ll_id_valid((char *) property.data, property.len)
            || ngx_leaseloft_channel_changes_add(channel, n, total, &property)
               != NGX_OK)
        {
            return NGX_ERROR;
        }
    }

    if (n == rev) {
        return NGX_OK;
    }

    /* since then threads have left the inbox */

    ngx_str_null(&property);

    return ngx_leaseloft_channel_changes_add(channel, rev, total, &property);
}


/* the reply of ll1_inbox_since: rev, total, list of rev, property … */
static ngx_int_t
ngx_leaseloft_channel_sync_catch_up_user(ngx_leaseloft_channel_t *channel,
    redisReply *reply, ngx_leaseloft_channel_event_e *event)
{
    uint64_t     rev, total;
    redisReply  *list;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3
        || ngx_leaseloft_reply_number(reply, 0, &rev) != NGX_OK
        || ngx_leaseloft_reply_number(reply, 1, &total) != NGX_OK
        || (reply->element[2]->type != REDIS_REPLY_ARRAY
            && reply->element[2]->type != REDIS_REPLY_NIL))
    {
        return NGX_ERROR;
    }

    list = reply->element[2];

    if (channel->known) {
        *event = NGX_LEASELOFT_EVENT_CAUGHT_UP;
    }

    ngx_leaseloft_channel_changes_drop(channel);

    if (list->type == REDIS_REPLY_ARRAY && list->elements
        && rev > channel->ver
        && ngx_leaseloft_channel_sync_add_changes(channel, list, rev, total)
           == NGX_OK)
    {
        return NGX_OK;
    }

    ngx_leaseloft_channel_changes_drop(channel);

    /*
     * More has changed than is listed; or the inbox was restored from a backup,
     * and will reach the same revs once more.  If nothing is listed, threads
     * have only left the inbox.
     */

    if (list->type != REDIS_REPLY_ARRAY || list->elements
        || rev < channel->ver)
    {
        ngx_leaseloft_channel_drop_frames(channel, 0);
        channel->complete = rev;
    }

    channel->ver = rev;
    channel->total = total;

    return NGX_OK;
}
