
/*
 * A cache of the users of a property, which belongs to its channel.  Polls that
 * find nothing new and access checks of writes are answered from it.
 *
 * Entries are valid only while the channel is live.  Access to a property
 * changes only with its rev, and the response to a poll only with its ver.
 * Denied access is never cached, so requests of strangers use no memory.
 */


#include "ngx_leaseloft_channel_cache.h"
#include "ngx_leaseloft_view.h"


#define NGX_LEASELOFT_CHANNEL_CACHE_MAX   64
#define NGX_LEASELOFT_CHANNEL_NO_VER      ((uint64_t) -1)

/* streams of a property that a write checks before it asks Redis */
#define NGX_LEASELOFT_CHANNEL_CACHE_SCAN  32


static ngx_leaseloft_cache_entry_t *
ngx_leaseloft_channel_cache_lookup(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user)
{
    ngx_queue_t                  *q;
    ngx_leaseloft_cache_entry_t  *entry;

    for (q = ngx_queue_head(&channel->cache);
         q != ngx_queue_sentinel(&channel->cache);
         q = ngx_queue_next(q))
    {
        entry = ngx_queue_data(q, ngx_leaseloft_cache_entry_t, queue);

        if (entry->user.len == user->len
            && ngx_memcmp(entry->user.data, user->data, user->len) == 0)
        {
            return entry;
        }
    }

    return NULL;
}


ngx_leaseloft_cache_entry_t *
ngx_leaseloft_channel_cache_poll(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user)
{
    ngx_leaseloft_cache_entry_t  *entry;

    if (!ngx_leaseloft_channel_live(channel)) {
        return NULL;
    }

    entry = ngx_leaseloft_channel_cache_lookup(channel, user);

    return entry && entry->ver == channel->ver ? entry : NULL;
}


ngx_leaseloft_cache_entry_t *
ngx_leaseloft_channel_cache_window(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user)
{
    ngx_leaseloft_cache_entry_t  *entry;

    if (!ngx_leaseloft_channel_live(channel)) {
        return NULL;
    }

    entry = ngx_leaseloft_channel_cache_lookup(channel, user);

    return entry && entry->base.len && entry->rev == channel->rev ? entry
                                                                  : NULL;
}


ngx_uint_t
ngx_leaseloft_channel_cache_is_cached(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user)
{
    ngx_uint_t                    n;
    ngx_queue_t                  *q;
    ngx_leaseloft_cache_entry_t  *entry;
    ngx_leaseloft_subscriber_t   *subscriber;

    if (!ngx_leaseloft_channel_live(channel)) {
        return 0;
    }

    entry = ngx_leaseloft_channel_cache_lookup(channel, user);

    if (entry && entry->rev == channel->rev) {
        return 1;
    }

    n = 0;

    for (q = ngx_queue_head(&channel->subscribers);
         q != ngx_queue_sentinel(&channel->subscribers)
         && n < NGX_LEASELOFT_CHANNEL_CACHE_SCAN;
         q = ngx_queue_next(q))
    {
        subscriber = ngx_queue_data(q, ngx_leaseloft_subscriber_t, queue);

        if (subscriber->kind->sees(subscriber, user)) {
            return 1;
        }

        n++;
    }

    return 0;
}


/* adds an entry with size bytes after it; replaces the user's old entry */
static ngx_leaseloft_cache_entry_t *
ngx_leaseloft_channel_cache_add(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, size_t size)
{
    ngx_leaseloft_cache_entry_t  *entry, *old;

    entry = ngx_alloc(sizeof(ngx_leaseloft_cache_entry_t) + user->len + size,
                      channel->process->log);
    if (entry == NULL) {
        return NULL;
    }

    entry->user.data = (u_char *) (entry + 1);
    entry->user.len = user->len;
    ngx_memcpy(entry->user.data, user->data, user->len);

    old = ngx_leaseloft_channel_cache_lookup(channel, user);

    if (old == NULL && channel->ncached == NGX_LEASELOFT_CHANNEL_CACHE_MAX) {
        old = ngx_queue_data(ngx_queue_last(&channel->cache),
                             ngx_leaseloft_cache_entry_t, queue);
    }

    if (old) {
        ngx_queue_remove(&old->queue);
        ngx_free(old);

    } else {
        channel->ncached++;
    }

    ngx_queue_insert_head(&channel->cache, &entry->queue);

    return entry;
}


void
ngx_leaseloft_channel_cache_store(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, ngx_leaseloft_view_t *view, ngx_str_t *base,
    u_char *digest)
{
    ngx_leaseloft_cache_entry_t  *entry;

    if (!ngx_leaseloft_channel_up(channel)) {
        return;
    }

    entry = ngx_leaseloft_channel_cache_add(channel, user,
                                            base->len + view->zone.len);
    if (entry == NULL) {
        return;
    }

    entry->rev = view->rev;
    entry->ver = view->ver;
    entry->window = view->window;
    entry->from = view->from;
    entry->head = view->head;
    entry->erasures = view->erasures;
    ngx_memcpy(entry->digest, digest, sizeof(entry->digest));

    entry->base.data = entry->user.data + user->len;
    entry->base.len = base->len;
    ngx_memcpy(entry->base.data, base->data, base->len);

    entry->zone.data = entry->base.data + base->len;
    entry->zone.len = view->zone.len;
    ngx_memcpy(entry->zone.data, view->zone.data, view->zone.len);
}


void
ngx_leaseloft_channel_cache_allow(ngx_leaseloft_channel_t *channel,
    ngx_str_t *user, uint64_t rev)
{
    ngx_leaseloft_cache_entry_t  *entry;

    if (!ngx_leaseloft_channel_up(channel)) {
        return;
    }

    entry = ngx_leaseloft_channel_cache_lookup(channel, user);

    if (entry == NULL) {
        entry = ngx_leaseloft_channel_cache_add(channel, user, 0);
        if (entry == NULL) {
            return;
        }

        entry->ver = NGX_LEASELOFT_CHANNEL_NO_VER;
        ngx_str_null(&entry->base);
    }

    entry->rev = rev;
}


void
ngx_leaseloft_channel_cache_clear(ngx_leaseloft_channel_t *channel)
{
    ngx_queue_t  *q;

    while (!ngx_queue_empty(&channel->cache)) {
        q = ngx_queue_head(&channel->cache);
        ngx_queue_remove(q);
        ngx_free(ngx_queue_data(q, ngx_leaseloft_cache_entry_t, queue));
    }

    channel->ncached = 0;
}
