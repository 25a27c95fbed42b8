
/*
 * In a cluster, each user may be on another primary.  These are asked first,
 * and all at once; what another primary refuses is owed to it, as it must not
 * hold up the requests of this one.  The inboxes of the own primary are written
 * later, in the trip that publishes the batch.
 */

#include <string.h>

#include "debts.h"
#include "inboxes.h"


/* threads of a user in a command */
#define INBOXES_THREADS  64


/* queues n threads of a user, of which first is the first badge: 0, or -1 */
static int
inboxes_queue(work_t *work, badge_t *first, const store_thread_t *threads,
    size_t n)
{
    int  rc;

    rc = store_badge(&work->store, threads, n);
    first->way = work->store.way;

    return rc;
}


/* 1 if a badge is to be written now; badges of a user are sorted together */
static int
inboxes_wants(work_t *work, const badge_t *badge, inboxes_which_e which)
{
    char  key[LL_KEY_MAX];

    if (badge->state == BADGE_DONE) {
        return 0;
    }

    if (which == INBOXES_ALL) {
        return 1;
    }

    (void) ll_keys_user(key, LL_KEY_USER_INBOX, badge->user,
                        strlen(badge->user));

    return !route_is_own(work->store.route, key);
}


int
inboxes_send(work_t *work, inboxes_which_e which)
{
    size_t           i, n;
    badge_t         *badge, *first;
    store_thread_t   threads[INBOXES_THREADS];

    badge_sort(&work->badges);

    n = 0;
    first = NULL;

    for (i = 0; i < work->badges.n; i++) {
        badge = work->badges.list[i];

        if (!inboxes_wants(work, badge, which)) {
            continue;
        }

        if (n > 0 && (n == INBOXES_THREADS
                      || strcmp(threads[0].user, badge->user) != 0))
        {
            if (inboxes_queue(work, first, threads, n) == -1) {
                return -1;
            }

            n = 0;
        }

        first = n == 0 ? badge : first;
        badge->state = n == 0 ? BADGE_FIRST : BADGE_SENT;
        badge_thread(badge, &threads[n++]);
    }

    return n > 0 ? inboxes_queue(work, first, threads, n) : 0;
}


/*
 * Receives a reply: the result, with *failed set if this command fails, and
 * *away if its primary is away.
 */
static work_result_e
inboxes_reply(work_t *work, const badge_t *badge, int *failed, int *away)
{
    redisReply     *reply;
    work_result_e   result;

    reply = store_recv_by(&work->store, badge->way);
    *away = store_is_away(&work->store, badge->way, reply);
    result = *away ? WORK_DONE : job_reply_result(reply, badge->property);
    *failed = !*away && reply != NULL && reply->type == REDIS_REPLY_ERROR;

    freeReplyObject(reply);

    return result;
}


work_result_e
inboxes_recv(work_t *work)
{
    int            failed, away;
    size_t         i;
    badge_t       *badge;
    work_result_e  result, worst;

    failed = 0;
    away = 0;
    result = WORK_DONE;
    worst = WORK_DONE;

    store_flush(&work->store);

    for (i = 0; i < work->badges.n; i++) {
        badge = work->badges.list[i];

        if (badge->state == BADGE_FIRST) {
            result = inboxes_reply(work, badge, &failed, &away);

            if (result == WORK_LOST) {
                return result;
            }

        } else if (badge->state != BADGE_SENT) {
            continue;
        }

        if (result != WORK_DONE) {
            badge->state = BADGE_NEW;
            worst = result;

        } else {
            badge->state = BADGE_DONE;
            badge->property->broken |= failed;
            work->stats->badges += !away;

            if (away) {
                debts_add(work, badge->property, badge->user);
            }
        }
    }

    return worst;
}
