
/*
 * What is known of users of a property, remembered with its channel: a poll
 * that finds nothing new, and whether a write is a stranger's, are answered
 * from here.
 *
 * Both are valid only while the channel is live.  Who may see something of a
 * property changes with its rev alone, what a poll tells with its ver.  That
 * a user may see nothing is never remembered, so that strangers leave nothing
 * behind.
 */


#include "ngx_leaseloft_channel_cache.h"
#include "ngx_leaseloft_view.h"


#define NGX_LEASELOFT_CHANNEL_MEMOS   64
#define NGX_LEASELOFT_CHANNEL_NO_VER  ((uint64_t) -1)

/* streams of one property that a write looks through before it asks Redis */
#define NGX_LEASELOFT_CHANNEL_LOOK    32


static ngx_leaseloft_memo_t *
ngx_leaseloft_channel_memo_find(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user)
{
    ngx_queue_t           *q;
    ngx_leaseloft_memo_t  *memo;

    for (q = ngx_queue_head(&channel->memos);
         q != ngx_queue_sentinel(&channel->memos);
         q = ngx_queue_next(q))
    {
        memo = ngx_queue_data(q, ngx_leaseloft_memo_t, queue);

        if (memo->user.len == user->len
            && ngx_memcmp(memo->user.data, user->data, user->len) == 0)
        {
            return memo;
        }
    }

    return NULL;
}


ngx_leaseloft_memo_t *
ngx_leaseloft_channel_memo(ngx_leaseloft_channel_t *channel, ngx_str_t *user)
{
    ngx_leaseloft_memo_t  *memo;

    if (!ngx_leaseloft_channel_live(channel)) {
        return NULL;
    }

    memo = ngx_leaseloft_channel_memo_find(channel, user);

    return memo && memo->ver == channel->ver ? memo : NULL;
}


ngx_leaseloft_memo_t *
ngx_leaseloft_channel_window(ngx_leaseloft_channel_t *channel, ngx_str_t *user)
{
    ngx_leaseloft_memo_t  *memo;

    if (!ngx_leaseloft_channel_live(channel)) {
        return NULL;
    }

    memo = ngx_leaseloft_channel_memo_find(channel, user);

    return memo && memo->base.len && memo->rev == channel->rev ? memo : NULL;
}


ngx_uint_t
ngx_leaseloft_channel_admits(ngx_leaseloft_channel_t *channel, ngx_str_t *user)
{
    ngx_uint_t                 n;
    ngx_queue_t               *q;
    ngx_leaseloft_memo_t      *memo;
    ngx_leaseloft_listener_t  *listener;

    if (!ngx_leaseloft_channel_live(channel)) {
        return 0;
    }

    memo = ngx_leaseloft_channel_memo_find(channel, user);

    if (memo && memo->rev == channel->rev) {
        return 1;
    }

    n = 0;

    for (q = ngx_queue_head(&channel->listeners);
         q != ngx_queue_sentinel(&channel->listeners)
         && n < NGX_LEASELOFT_CHANNEL_LOOK;
         q = ngx_queue_next(q))
    {
        listener = ngx_queue_data(q, ngx_leaseloft_listener_t, queue);

        if (listener->kind->sees(listener, user)) {
            return 1;
        }

        n++;
    }

    return 0;
}


/* room for size bytes after the memo; takes the place of the user's old one */

static ngx_leaseloft_memo_t *
ngx_leaseloft_channel_memo_add(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, size_t size)
{
    ngx_leaseloft_memo_t  *memo, *old;

    memo = ngx_alloc(sizeof(ngx_leaseloft_memo_t) + user->len + size,
                     channel->process->log);
    if (memo == NULL) {
        return NULL;
    }

    memo->user.data = (u_char *) (memo + 1);
    memo->user.len = user->len;
    ngx_memcpy(memo->user.data, user->data, user->len);

    old = ngx_leaseloft_channel_memo_find(channel, user);

    if (old == NULL && channel->nmemos == NGX_LEASELOFT_CHANNEL_MEMOS) {
        old = ngx_queue_data(ngx_queue_last(&channel->memos),
                             ngx_leaseloft_memo_t, queue);
    }

    if (old) {
        ngx_queue_remove(&old->queue);
        ngx_free(old);

    } else {
        channel->nmemos++;
    }

    ngx_queue_insert_head(&channel->memos, &memo->queue);

    return memo;
}


void
ngx_leaseloft_channel_remember(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, ngx_leaseloft_view_t *view, ngx_str_t *base,
    u_char *digest)
{
    ngx_leaseloft_memo_t  *memo;

    if (!ngx_leaseloft_link_up(channel->process->link)) {
        return;
    }

    memo = ngx_leaseloft_channel_memo_add(channel, user,
                                          base->len + view->zone.len);
    if (memo == NULL) {
        return;
    }

    memo->rev = view->rev;
    memo->ver = view->ver;
    memo->window = view->window;
    memo->from = view->from;
    memo->head = view->head;
    ngx_memcpy(memo->digest, digest, sizeof(memo->digest));

    memo->base.data = memo->user.data + user->len;
    memo->base.len = base->len;
    ngx_memcpy(memo->base.data, base->data, base->len);

    memo->zone.data = memo->base.data + base->len;
    memo->zone.len = view->zone.len;
    ngx_memcpy(memo->zone.data, view->zone.data, view->zone.len);
}


void
ngx_leaseloft_channel_admit(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, uint64_t rev)
{
    ngx_leaseloft_memo_t  *memo;

    if (!ngx_leaseloft_link_up(channel->process->link)) {
        return;
    }

    memo = ngx_leaseloft_channel_memo_find(channel, user);

    if (memo == NULL) {
        memo = ngx_leaseloft_channel_memo_add(channel, user, 0);
        if (memo == NULL) {
            return;
        }

        memo->ver = NGX_LEASELOFT_CHANNEL_NO_VER;
        ngx_str_null(&memo->base);
    }

    memo->rev = rev;
}


void
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
