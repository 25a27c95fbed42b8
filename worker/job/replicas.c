
/*
 * WAIT returns the number of replicas that have received what this connection
 * wrote last, and all that the primary had done before.  Redis 7 counts what
 * others wrote since as well; Redis 8 and Valkey 8.1 do not.  A repetition of a
 * message that another worker has stored writes nothing, so something has to be
 * written after it.
 */

#include "log.h"
#include "replicas.h"


/*
 * the limit, in ms, while replicas are missing: batches are not to wait in vain
 * one after the other
 */
#define REPLICAS_MISSING_MS  20


void
replicas_init(replicas_t *replicas, unsigned n, unsigned ms)
{
    replicas->wanted = n;
    replicas->ms = ms;
    replicas->missing = 0;
}


/* a verdict that says that something is stored; refusals need no replica */
static int
replicas_concern(const job_t *job)
{
    return job->step == JOB_DONE && job->status < 400 && job->nginx != NULL
           && !job->published;
}


int
replicas_need_write(const work_t *work, const job_t *jobs, size_t n)
{
    size_t  i;

    for (i = 0; work->replicas.wanted != 0 && i < n; i++) {
        if (replicas_concern(&jobs[i]) && jobs[i].status != 201) {
            return 1;
        }
    }

    return 0;
}


/* notes whether there are enough replicas, and logs when that changes */
static void
replicas_note(replicas_t *replicas, int missing)
{
    if (missing && !replicas->missing) {
        log_warn("fewer than %u replicas answer in time: "
                 "requests are answered 202", replicas->wanted);

    } else if (!missing && replicas->missing) {
        log_notice("%u replicas answer again", replicas->wanted);
    }

    replicas->missing = missing;
}


/* sends WAIT: the number of replicas, or -1 if the connection is lost */
static long long
replicas_ask(work_t *work)
{
    args_t       args = ARGS_INIT;
    long long    n;
    redisReply  *reply;

    args_lit(&args, "WAIT");
    args_number(&args, work->replicas.wanted);
    args_number(&args, work->replicas.missing
                       && work->replicas.ms > REPLICAS_MISSING_MS
                       ? REPLICAS_MISSING_MS : work->replicas.ms);

    reply = conn_call(work->store.conn, &args);
    args_free(&args);

    if (reply == NULL) {
        return -1;
    }

    if (conn_number(reply, &n) == -1) {
        n = 0;
    }

    freeReplyObject(reply);

    return n;
}


work_result_e
replicas_wait(work_t *work, job_t *jobs, size_t n)
{
    size_t     i;
    long long  count;

    for (i = 0; i < n && !replicas_concern(&jobs[i]); i++) {
        /* void */
    }

    if (work->replicas.wanted == 0 || i == n) {
        return WORK_DONE;
    }

    count = replicas_ask(work);
    if (count == -1) {
        return WORK_LOST;
    }

    replicas_note(&work->replicas, count < work->replicas.wanted);

    /* WAIT says nothing of what another primary of a cluster has stored */

    for ( ; i < n; i++) {
        if ((work->replicas.missing || jobs[i].way != ROUTE_OWN)
            && replicas_concern(&jobs[i]))
        {
            jobs[i].published = 1;
        }
    }

    return WORK_DONE;
}
