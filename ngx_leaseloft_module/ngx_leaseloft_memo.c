
/*
 * What polls were told of a property, remembered with its channel: a poll that
 * finds nothing new is answered from here.
 */


#include "ngx_leaseloft_channels.h"


#define NGX_LEASELOFT_CHANNEL_MEMOS  64


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
