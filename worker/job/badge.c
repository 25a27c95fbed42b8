
/*
 * The list of badges of a batch.  Badges are reused by later batches; the list
 * owns them until badge_list_free().
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "badge.h"


/*
 * Searches backward, as the badges of a property are added one after the other.
 * The search ends early, as a property counts its badges in the list.
 */
static badge_t *
badge_find(badge_list_t *badges, property_t *property, const char *user)
{
    size_t    i;
    unsigned  left;
    badge_t  *badge;

    left = property->badges;

    for (i = badges->n; i > 0 && left > 0; i--) {
        badge = badges->list[i - 1];

        if (badge->property != property) {
            continue;
        }

        if (strcmp(badge->user, user) == 0) {
            return badge;
        }

        left--;
    }

    return NULL;
}


static badge_t *
badge_new(badge_list_t *badges)
{
    void    *p;
    size_t   size;

    if (badges->n == badges->size) {
        size = badges->size ? badges->size * 2 : 64;

        p = realloc(badges->list, size * sizeof(badge_t *));
        if (p == NULL) {
            return NULL;
        }

        badges->list = p;
        badges->size = size;
    }

    if (badges->n == badges->made) {
        badges->list[badges->n] = calloc(1, sizeof(badge_t));
        if (badges->list[badges->n] == NULL) {
            return NULL;
        }

        badges->made++;
    }

    return badges->list[badges->n++];
}


badge_t *
badge_add(badge_list_t *badges, property_t *property, const char *user,
    long long ver, int *newer)
{
    badge_t  *badge;

    *newer = 0;

    badge = badge_find(badges, property, user);

    if (badge != NULL && badge->ver >= ver) {
        *newer = 1;
        return NULL;
    }

    if (badge == NULL) {
        badge = badge_new(badges);
        if (badge == NULL) {
            return NULL;
        }

        badge->property = property;
        property->badges++;
        (void) snprintf(badge->user, sizeof(badge->user), "%s", user);
    }

    badge->ver = ver;
    badge->state = BADGE_NEW;

    return badge;
}


int
badge_add_reply(badge_list_t *badges, property_t *property, const char *user,
    long long ver, const redisReply *reply, size_t i)
{
    int                newer;
    badge_t           *badge;
    long long          unread, at;
    const redisReply  *shown;

    shown = conn_element(reply, i + 2);

    if (shown == NULL || shown->type != REDIS_REPLY_STRING
        || conn_number(conn_element(reply, i), &unread) == -1
        || conn_number(conn_element(reply, i + 1), &at) == -1)
    {
        return -1;
    }

    badge = badge_add(badges, property, user, ver, &newer);
    if (badge == NULL) {
        return newer ? 0 : -1;
    }

    badge->unread = unread;
    badge->at = at;
    (void) snprintf(badge->shown, sizeof(badge->shown), "%s", shown->str);

    return 0;
}


static int
badge_compare(const void *a, const void *b)
{
    return strcmp((*(badge_t *const *) a)->user, (*(badge_t *const *) b)->user);
}


void
badge_sort(badge_list_t *badges)
{
    if (badges->n > 1) {
        qsort(badges->list, badges->n, sizeof(badge_t *), badge_compare);
    }
}


void
badge_thread(const badge_t *badge, store_thread_t *thread)
{
    thread->property = badge->property->id;
    thread->user = badge->user;
    thread->ver = badge->ver;
    thread->unread = badge->unread;
    thread->at = badge->at;
    thread->shown = badge->shown;
}


void
badge_list_reset(badge_list_t *badges)
{
    size_t  i;

    for (i = 0; i < badges->n; i++) {
        badges->list[i]->property->badges = 0;
    }

    badges->n = 0;
}


void
badge_list_free(badge_list_t *badges)
{
    size_t  i;

    for (i = 0; i < badges->made; i++) {
        free(badges->list[i]);
    }

    free(badges->list);
    memset(badges, 0, sizeof(badge_list_t));
}
