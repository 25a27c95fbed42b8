
/* The list of new debts is the work's. */

#include <stdio.h>
#include <string.h>

#include "debts.h"
#include "store_owed.h"


void
debts_add(work_t *work, const property_t *property, const char *user)
{
    int   n;
    char  debt[DEBTS_LEN];

    n = snprintf(debt, sizeof(debt), "%s%s%s", property->id,
                 user != NULL ? " " : "", user != NULL ? user : "");

    buf_add(&work->debts, debt, (size_t) n + 1);
    work->stats->owed++;
}


int
debts_waiting(const work_t *work)
{
    return work->debts.len != 0 || buf_failed(&work->debts);
}


work_result_e
debts_store(work_t *work)
{
    redisReply     *reply;
    work_result_e   result;

    if (!debts_waiting(work)) {
        return WORK_DONE;
    }

    if (store_owed_add(&work->store, work->home, &work->debts) == -1) {
        return WORK_LOST;
    }

    reply = store_recv_by(&work->store, work->store.way);
    result = conn_result(reply) == CONN_OK ? WORK_DONE
             : conn_result(reply) == CONN_NO_LIBRARY ? WORK_NO_LIBRARY
             : conn_alive(work->store.conn) ? WORK_REFUSED : WORK_LOST;
    freeReplyObject(reply);

    if (result == WORK_DONE) {
        buf_reset(&work->debts);
    }

    return result;
}


work_result_e
debts_settle(work_t *work, job_t *jobs, size_t n)
{
    size_t          i;
    redisReply     *reply;
    conn_result_e   result;

    for (i = 0; i < n; i++) {
        if (jobs[i].debt == NULL || !job_accepted(&jobs[i])) {
            continue;
        }

        if (store_owed_settle(&work->store, jobs[i].queue, jobs[i].debt,
                         jobs[i].score)
            == -1)
        {
            return WORK_LOST;
        }

        reply = store_recv_by(&work->store, work->store.way);
        result = conn_result(reply);
        freeReplyObject(reply);

        if (result == CONN_LOST && !conn_alive(work->store.conn)) {
            return WORK_LOST;
        }

        /* one that stays is paid again */

        jobs[i].debt = NULL;
    }

    return WORK_DONE;
}


int
debts_payable(work_t *work, const char *debt, char id[LL_ID_MAX + 1])
{
    char         key[LL_KEY_MAX];
    size_t       len;
    const char  *user;

    len = strcspn(debt, " ");
    user = debt[len] != '\0' ? debt + len + 1 : NULL;

    if (!ll_id_valid(debt, len)
        || (user != NULL && !ll_id_valid(user, strlen(user))))
    {
        return -1;
    }

    memcpy(id, debt, len);
    id[len] = '\0';

    (void) ll_keys_property(key, LL_KEY_META, id, len);

    if (!route_is_usable(work->store.route, key)) {
        return 0;
    }

    if (user != NULL) {
        (void) ll_keys_user(key, LL_KEY_USER_INBOX, user, strlen(user));

    } else {
        (void) ll_keys_due(key, ll_slots_due(id, len));
    }

    return route_is_usable(work->store.route, key);
}
