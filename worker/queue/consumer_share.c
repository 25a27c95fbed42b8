
/*
 * Queue K is read by worker K modulo their number, in the order of their ids,
 * since workers that read the same queue slow each other down: each sends half
 * a batch, and half of the heads that it has cached are old.  (With one queue
 * and two of them, a message was sent to Redis 1.45 times.)
 *
 * This is not ownership.  Any worker may process any request at any time, and
 * for a moment after one has started or ended two of them may read a queue, or
 * none.  So each worker looks at the queues of the others: if the oldest
 * request of a queue stays the same, its worker is dead or stalled, or thinks
 * that the queue is another's.  Then the queue is read for as long as a dead
 * worker's heartbeat may count, and a little longer.
 */

#include <string.h>

#include "clock.h"
#include "common/keys.h"
#include "consumer_share.h"


/* how often to look, how long a request may be the oldest one, and how long to
   read the queue then; requests that are done stay up to some 50 ms */
#define CONSUMER_SHARE_WATCH_MS  50
#define CONSUMER_SHARE_STILL_MS  100
#define CONSUMER_SHARE_HELP_MS   5000


void
consumer_share_deal(consumer_t *consumer, unsigned place, unsigned workers)
{
    unsigned  k;

    consumer->others = 0;

    for (k = 0; k < LL_QUEUES_MAX && workers > 0; k++) {
        if (k % workers != place) {
            consumer->others |= UINT64_C(1) << k;
        }
    }

    consumer->helped &= consumer->others;
}


int64_t
consumer_share_wait(const consumer_t *consumer)
{
    int64_t  left;

    if ((consumer->queues & consumer->others) == 0) {
        return -1;
    }

    left = consumer->watch_at - clock_monotonic();

    return left > 0 ? left : 0;
}


/* notes the oldest request of queue k */
static void
consumer_share_note(consumer_t *consumer, unsigned k, const redisReply *list)
{
    int64_t            now;
    const char        *head;
    const redisReply  *id;

    now = clock_monotonic();
    id = conn_element(conn_element(list, 0), 0);
    head = id != NULL && id->type == REDIS_REPLY_STRING
           && id->len < STATE_REQUEST_MAX ? id->str : "";

    if (head[0] == '\0' || strcmp(head, consumer->watched[k].head) != 0) {
        (void) strcpy(consumer->watched[k].head, head);
        consumer->watched[k].since = now;

    } else if (now >= consumer->watched[k].since + CONSUMER_SHARE_STILL_MS) {
        consumer->watched[k].until = now + CONSUMER_SHARE_HELP_MS;
        consumer->helped |= UINT64_C(1) << k;
    }

    if (now >= consumer->watched[k].until) {
        consumer->helped &= ~(UINT64_C(1) << k);
    }
}


int
consumer_share_watch(consumer_t *consumer)
{
    char         key[LL_KEY_MAX];
    args_t      *args = &consumer->args;
    uint64_t     others;
    unsigned     k;
    redisReply  *reply;

    if (consumer_share_wait(consumer) != 0) {
        return 0;
    }

    others = consumer->queues & consumer->others;
    consumer->watch_at = clock_monotonic() + CONSUMER_SHARE_WATCH_MS;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!((others >> k) & 1)) {
            continue;
        }

        args_reset(args);
        args_lit(args, "XRANGE");
        args_copy(args, key, ll_keys_queue(key, k));
        args_lit(args, "-");
        args_lit(args, "+");
        args_lit(args, "COUNT");
        args_lit(args, "1");

        if (conn_send(consumer->conn, args) == -1) {
            return -1;
        }
    }

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        if (!((others >> k) & 1)) {
            continue;
        }

        reply = consumer_reply(consumer);

        if (reply == NULL) {
            return -1;
        }

        consumer_share_note(consumer, k, reply);
        freeReplyObject(reply);
    }

    return 0;
}
