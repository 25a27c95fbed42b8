
/*
 * A due time is written under its new name before it is deleted under the old
 * one.  ll1_due does not overwrite a later version, so a lease that was changed
 * meanwhile keeps its due time.
 *
 * A single server looks only if there is a layout of a cluster, which is
 * deleted last; a process of a cluster looks for the one list of a single
 * server whenever its primary has the slot.
 */

#include <stdio.h>
#include <string.h>

#include "adopt.h"
#include "common/id.h"
#include "log.h"
#include "store_other.h"
#include "store_owed.h"


/* of each list at a time */
#define ADOPT_LIMIT  128


typedef struct {
    const char  *property;
    long long    due;
    long long    rev;
    unsigned     way;
    int          valid;
    int          written;
} adopt_due_t;


void
adopt_init(adopt_t *adopt, work_t *work)
{
    memset(adopt, 0, sizeof(adopt_t));

    adopt->work = work;
}


/* 1 if the own primary has a key */
static int
adopt_is_own(const adopt_t *adopt, size_t (*name)(char *dst, unsigned k))
{
    char            key[LL_KEY_MAX];
    const route_t  *route = adopt->work->store.route;

    if (route == NULL) {
        return 1;
    }

    (void) name(key, 0);

    return route_is_own(route, key);
}


/* of how many queues the other kind has keys that a worker looks for */
static unsigned
adopt_queues(const adopt_t *adopt)
{
    return adopt->work->store.route != NULL ? 1 : LL_QUEUES_MAX;
}


int
adopt_look(adopt_t *adopt, char *other, size_t size)
{
    int          rc;
    store_t     *store = &adopt->work->store;
    unsigned     k, n;
    redisReply  *reply;

    adopt->layouts = 0;

    if (!adopt_is_own(adopt, ll_keys_other_layout)) {
        return 0;
    }

    n = adopt_queues(adopt);

    for (k = 0; k < n; k++) {
        if (store_other_layout(store, k) == -1) {
            return -1;
        }
    }

    rc = 0;

    for (k = 0; k < n; k++) {
        reply = store_recv(store);

        if (conn_result(reply) != CONN_OK) {
            rc = -1;

        } else if (reply->type == REDIS_REPLY_STRING) {
            adopt->layouts |= UINT64_C(1) << k;

            if (rc == 0 && strcmp(reply->str, LL_LAYOUT) != 0) {
                (void) snprintf(other, size, "%s", reply->str);
                rc = 1;
            }
        }

        freeReplyObject(reply);
    }

    return rc;
}


/* takes [property, time, ...] and its versions: their number */
static size_t
adopt_parse(adopt_due_t *all, const redisReply *list, const redisReply *vers)
{
    size_t             i, n;
    adopt_due_t       *due;
    const redisReply  *id;

    n = list->elements / 2;
    n = n < ADOPT_LIMIT ? n : ADOPT_LIMIT;

    for (i = 0; i < n; i++) {
        due = &all[i];
        id = list->element[2 * i];

        memset(due, 0, sizeof(adopt_due_t));
        due->property = id->str;
        due->valid = ll_id_valid(id->str, id->len)
                     && conn_number(list->element[2 * i + 1], &due->due) == 0;

        if (conn_number(conn_element(vers, i), &due->rev) == -1) {
            due->rev = 0;
        }
    }

    return n;
}


/* writes them under their new names: 0, or -1 if the connection is broken */
static int
adopt_write(adopt_t *adopt, adopt_due_t *all, size_t n)
{
    size_t       i;
    store_t     *store = &adopt->work->store;
    redisReply  *reply;

    for (i = 0; i < n; i++) {
        if (all[i].valid
            && store_due(store, all[i].property, (uint64_t) all[i].rev,
                         all[i].due, CLOCK_NEVER)
               == -1)
        {
            return -1;
        }

        all[i].way = store->way;
    }

    for (i = 0; i < n; i++) {
        if (all[i].valid) {
            reply = store_recv_by(store, all[i].way);
            all[i].written = conn_result(reply) == CONN_OK;
            freeReplyObject(reply);
        }
    }

    return 0;
}


/*
 * Deletes what was written, and what is no due time, under the old names.
 * Returns 0, or -1 if any is left.
 */
static int
adopt_drop(adopt_t *adopt, unsigned k, adopt_due_t *all, size_t n)
{
    int          rc;
    size_t       i;
    store_t     *store = &adopt->work->store;
    redisReply  *reply;

    rc = 0;

    for (i = 0; i < n; i++) {
        if ((!all[i].valid || all[i].written)
            && store_other_due_drop(store, k, all[i].property, all[i].rev)
               == -1)
        {
            return -1;
        }

        all[i].way = store->way;
    }

    for (i = 0; i < n; i++) {
        if (all[i].valid && !all[i].written) {
            rc = -1;
            continue;
        }

        reply = store_recv_by(store, all[i].way);

        if (conn_result(reply) != CONN_OK) {
            rc = -1;

        } else if (all[i].valid) {
            adopt->taken++;
        }

        freeReplyObject(reply);
    }

    return rc;
}


/* moves a part of a due list: 0, or -1 */
static int
adopt_due(adopt_t *adopt, unsigned k, const redisReply *list)
{
    int           rc;
    size_t        n;
    store_t      *store = &adopt->work->store;
    redisReply   *vers;
    adopt_due_t   all[ADOPT_LIMIT];

    if (store_other_due_vers(store, k, list) == -1) {
        return -1;
    }

    vers = store_recv_by(store, store->way);

    if (conn_result(vers) != CONN_OK) {
        freeReplyObject(vers);
        return -1;
    }

    n = adopt_parse(all, list, vers);
    freeReplyObject(vers);

    rc = adopt_write(adopt, all, n);

    return rc == 0 ? adopt_drop(adopt, k, all, n) : -1;
}


/* a reply that is only good or bad: 0, or -1 */
static int
adopt_done(store_t *store, int sent)
{
    int          rc;
    redisReply  *reply;

    if (sent == -1) {
        return -1;
    }

    reply = store_recv_by(store, store->way);
    rc = conn_result(reply) == CONN_OK ? 0 : -1;
    freeReplyObject(reply);

    return rc;
}


/* has the properties of debts, [debt, score, ...], ticked: 0, or -1 */
static int
adopt_owed(adopt_t *adopt, unsigned k, const redisReply *list)
{
    int          rc;
    char         property[LL_ID_MAX + 1];
    size_t       i;
    store_t     *store = &adopt->work->store;
    long long    score;
    const char  *debt;

    rc = 0;

    for (i = 0; i + 1 < list->elements && rc == 0; i += 2) {
        debt = list->element[i]->str;

        (void) snprintf(property, sizeof(property), "%.*s",
                        (int) strcspn(debt, " "), debt);

        if (ll_id_valid(property, strlen(property))) {
            rc = adopt_done(store, store_other_owed(store, property));
        }

        if (rc == 0 && conn_number(list->element[i + 1], &score) == 0) {
            rc = adopt_done(store, store_owed_settle(store, k, debt, score));
        }
    }

    return rc;
}


/*
 * Reads a list and moves it.  Returns 1 if it had any, 0 if not, -1 if it has
 * to be tried again.
 */
static int
adopt_list(adopt_t *adopt, unsigned k, int sent,
    int (*move)(adopt_t *adopt, unsigned k, const redisReply *list))
{
    int          rc;
    store_t     *store = &adopt->work->store;
    redisReply  *list;

    if (sent == -1) {
        return -1;
    }

    list = store_recv_by(store, store->way);

    if (conn_result(list) != CONN_OK || list->type != REDIS_REPLY_ARRAY) {
        rc = -1;

    } else if (list->elements < 2) {
        rc = 0;

    } else {
        rc = move(adopt, k, list) == 0 ? 1 : -1;
    }

    freeReplyObject(list);

    return rc;
}


/* nothing is left but layouts: 0, or -1 */
static int
adopt_end(adopt_t *adopt)
{
    store_t   *store = &adopt->work->store;
    unsigned   k;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (((adopt->layouts >> k) & 1)
            && adopt_done(store, store_other_layout_drop(store, k)) == -1)
        {
            return -1;
        }
    }

    if (adopt->taken != 0) {
        log_notice("took over %llu due times of %s",
                   (unsigned long long) adopt->taken, store->route != NULL
                   ? "a single server" : "a cluster");
    }

    adopt->layouts = 0;
    adopt->taken = 0;

    return 0;
}


int
adopt_run(adopt_t *adopt)
{
    int        more, rc;
    store_t   *store = &adopt->work->store;
    unsigned   k, n;

    n = adopt_queues(adopt);
    more = 0;
    rc = 0;

    if (store->route != NULL ? !adopt_is_own(adopt, ll_keys_other_due)
                             : adopt->layouts == 0)
    {
        n = 0;
    }

    for (k = 0; k < n && rc != -1; k++) {
        rc = adopt_list(adopt, k, store_other_due_list(store, k, ADOPT_LIMIT),
                        adopt_due);
        more |= rc == 1;
    }

    for (k = 0; k < n && store->route == NULL && rc != -1; k++) {
        rc = adopt_list(adopt, k, store_owed_list(store, k, 0, ADOPT_LIMIT),
                        adopt_owed);
        more |= rc == 1;
    }

    if (rc == -1 || more) {
        return rc == -1 ? -1 : 1;
    }

    return adopt_end(adopt);
}
