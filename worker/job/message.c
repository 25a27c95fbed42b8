
/*
 * Sending a message.  The entry is made and hashed optimistically, on top of
 * the cached head, or of the message that was sent just before in this round.
 * If the head or the lease has changed, Redis returns the present state and the
 * job begins again.
 *
 * If a lease of the property is due to open or to close, a tick is committed
 * first (tick.h).
 *
 * The job owns the parsed body and the entry.
 */

#include <stdio.h>
#include <string.h>
#include <cjson/cJSON.h>

#include "message.h"
#include "tick.h"
#include "unpack.h"


/* reads the state, and whether this client_id was used before */
static job_step_e
message_probe(work_t *work, job_t *job)
{
    job->property->blocked = 1;

    if (store_probe(&work->store, job->property, job->user,
                    job->message.body.client_id, work->now)
        == -1)
    {
        return JOB_LOST;
    }

    return JOB_SENT;
}


/* makes the entry after head, and its hash: 0, or -1 */
static int
message_write(job_t *job, const property_tail_t *head, int64_t now,
    unsigned char *salt)
{
    job_message_t    *message = &job->message;
    entry_message_t   entry;

    message->tail.seq = head->seq + 1;
    message->tail.at = now > head->at ? now : head->at;

    entry.seq = message->tail.seq;
    entry.at = message->tail.at;
    entry.from = message->from;
    entry.text = message->body.text;
    entry.text_len = message->body.text_len;
    entry.client_id = message->body.client_id;

    buf_reset(&message->entry);
    entry_message(&message->entry, &entry);

    buf_reset(&message->last);
    entry_message_last(&message->last, &entry);

    if (buf_failed(&message->entry) || buf_failed(&message->last)
        || chain_salt(salt) == -1)
    {
        return -1;
    }

    return chain_next(message->tail.hash, head->hash, salt,
                      message->entry.data, message->entry.len);
}


static job_step_e
message_append(work_t *work, job_t *job)
{
    property_t      *property = job->property;
    unsigned char    salt[CHAIN_SALT];
    store_append_t   append;

    if (property->round != work->round) {
        property->round = work->round;
        property->tail.seq = property->state.seq;
        property->tail.at = property->state.at;
        memcpy(property->tail.hash, property->state.hash, CHAIN_HASH);
    }

    if (message_write(job, &property->tail, work->now, salt) == -1) {
        return JOB_DEFERRED;
    }

    append.from = job->message.from;
    append.client_id = job->message.body.client_id;
    append.now = work->now;
    append.rev = property->state.rev;
    append.head = &property->tail;
    append.tail = &job->message.tail;
    append.salt = salt;
    append.entry = &job->message.entry;
    append.last = &job->message.last;

    if (store_append(&work->store, property, &append) == -1) {
        return JOB_LOST;
    }

    property->tail = job->message.tail;

    return JOB_SENT;
}


/*
 * The next round runs the next step of the tick, or the message once the tick
 * is done.  No step of a tick is a result of the message.
 */
static job_step_e
message_tick_step(commit_step_e tick)
{
    switch (tick) {

    case COMMIT_SENT:
    case COMMIT_DONE:
        return JOB_SENT;

    case COMMIT_DEFERRED:
        return JOB_DEFERRED;

    default:
        return JOB_LOST;
    }
}


job_step_e
message_begin(work_t *work, job_t *job)
{
    int             i;
    faults_t        faults = FAULTS_INIT;
    commit_step_e   tick;
    property_t     *property = job->property;
    job_message_t  *message = &job->message;

    if (!message->parsed) {
        if (body_send_parse(job->data, job->data_len, &message->body, &faults)
            == -1)
        {
            return job_refuse_faults(job, &faults);
        }

        message->parsed = 1;
    }

    if (tick_is_due(work, job)) {
        tick = tick_before_begin(work, job);

        if (tick != COMMIT_DONE) {
            return message_tick_step(tick);
        }
    }

    if (!property->known) {
        return message_probe(work, job);
    }

    i = property->state.active != NULL
        ? state_lease_party(property->state.active, job->user) : -1;

    if (i == -1) {
        return message->asked ? job_refuse(job, PROBLEM_LEASE_NOT_ACTIVE, NULL,
                                           NULL)
                              : message_probe(work, job);
    }

    message->from = &property->state.active->body.parties[i];

    return message_append(work, job);
}


/*
 * Adds the badges of all parties: 0, or -1.  The reply has the number of unread
 * messages of the sender, then of the others in the order of the parties.
 */
static int
message_badges(work_t *work, job_t *job, const redisReply *reply,
    long long ver)
{
    int                   newer;
    size_t                i, j;
    badge_t              *badge;
    long long             unread;
    property_t           *property = job->property;
    const body_party_t   *party;
    const state_lease_t  *lease = property->state.active;

    if (lease == NULL || reply->elements != lease->body.nparties + 2) {
        return -1;
    }

    for (i = 0, j = 3; i < lease->body.nparties; i++) {
        party = &lease->body.parties[i];

        if (conn_number(conn_element(reply, strcmp(party->user, job->user) == 0
                                     ? 2 : j++),
                        &unread)
            == -1)
        {
            return -1;
        }

        badge = badge_add(&work->badges, property, party->user, ver, &newer);
        if (badge == NULL) {
            if (newer) {
                continue;
            }
            return -1;
        }

        badge->unread = unread;
        badge->at = job->message.tail.at;
        (void) snprintf(badge->shown, sizeof(badge->shown), "%llu.%llu",
                        (unsigned long long) job->message.tail.seq,
                        (unsigned long long) property->state.rev);
    }

    return 0;
}


static job_step_e
message_appended(work_t *work, job_t *job, const redisReply *reply)
{
    long long    ver;
    property_t  *property = job->property;

    if (conn_number(conn_element(reply, 1), &ver) == -1
        || message_badges(work, job, reply, ver) == -1)
    {
        /* the entry is stored, so refresh all inboxes of the property */
        property->refresh = 1;
    }

    property->state.seq = job->message.tail.seq;
    property->state.at = job->message.tail.at;
    memcpy(property->state.hash, job->message.tail.hash, CHAIN_HASH);

    work->stats->messages++;
    seal_grown(&work->seal, property->id, property->state.seq);

    return job_done_send(job, 201, job->message.tail.seq, &job->message.entry);
}


/*
 * The original of a message, from its segment if it is sealed, in the buffer
 * for the entry, and its seq: 0 or -1.
 */
static int
message_original(job_t *job, const redisReply *reply, long long *seq)
{
    buf_t             *buf = &job->message.entry;
    long long          size;
    const redisReply  *original;

    original = conn_element(reply, 2);

    if (conn_number(conn_element(reply, 1), seq) == -1
        || original == NULL || original->type != REDIS_REPLY_STRING)
    {
        return -1;
    }

    buf_reset(buf);

    if (reply->elements == 3) {
        buf_add(buf, original->str, original->len);

    } else if (conn_number(conn_element(reply, 3), &size) == -1 || size < 1
               || size > LL_SEGMENT_MAX
               || unpack_entry(buf, original->str, original->len,
                               (uint64_t) *seq, (unsigned) size) == -1)
    {
        return -1;
    }

    return buf_failed(buf) ? -1 : 0;
}


/* this client_id was used before: the original, or a problem if it differs */
static job_step_e
message_duplicate(work_t *work, job_t *job, const redisReply *reply)
{
    int         same;
    cJSON      *entry, *kind, *text;
    long long   seq;

    if (message_original(job, reply, &seq) == -1) {
        return JOB_DEFERRED;
    }

    entry = cJSON_ParseWithOpts(job->message.entry.data, NULL, 1);
    kind = cJSON_GetObjectItemCaseSensitive(entry, "kind");
    text = cJSON_GetObjectItemCaseSensitive(entry, "text");

    /* one that is lost or erased can't be compared: it was sent */

    same = (cJSON_IsString(kind)
            && (strcmp(kind->valuestring, "lost") == 0
                || strcmp(kind->valuestring, "erased") == 0))
           || (cJSON_IsString(text)
               && strcmp(text->valuestring, job->message.body.text) == 0);

    cJSON_Delete(entry);

    if (!same) {
        return job_refuse(job, PROBLEM_CLIENT_ID_REUSED, NULL, NULL);
    }

    /* the worker that stored it may have died before it wrote the inboxes */

    job->property->refresh = 1;
    work->stats->duplicates++;

    return job_done_send(job, 200, (uint64_t) seq, &job->message.entry);
}


job_step_e
message_finish(work_t *work, job_t *job, const redisReply *reply)
{
    long long  kind;

    if (job->ticking) {
        return message_tick_step(tick_before_finish(work, job, reply));
    }

    if (conn_number(conn_element(reply, 0), &kind) == -1) {
        return JOB_DEFERRED;
    }

    if (kind == 0) {
        return message_appended(work, job, reply);
    }

    if (kind == 1) {
        return message_duplicate(work, job, reply);
    }

    if (!job->property->blocked) {
        work->stats->conflicts++;
    }

    job->message.asked = 1;

    if (job_update_state(job, reply) == -1) {
        return JOB_DEFERRED;
    }

    if (job->property->blocked) {
        seal_found(&work->seal, job->property->id, job->property->state.seq);
    }

    return JOB_SENT;
}


void
message_free(job_message_t *message)
{
    if (message->parsed) {
        body_send_free(&message->body);
    }

    buf_free(&message->entry);
    buf_free(&message->last);
}
