
/*
 * Parses the entries of the queues, and makes dead letters of them.  Nothing
 * is owned here: a job points into the reply that its entry is in.
 */

#include <stdio.h>
#include <string.h>

#include "common/frame.h"
#include "common/id.h"
#include "common/keys.h"
#include "fcall.h"
#include "queue_entry.h"


const char  queue_entry_no_memory[] = "out of memory";


static const struct {
    const char  *name;
    job_op_e     op;
} queue_entry_ops[] = {
    { "send", JOB_SEND },
    { "read", JOB_READ },
    { "lease", JOB_LEASE }
};


/* the value of that field, or NULL */
static const redisReply *
queue_entry_field(const redisReply *fields, const char *name)
{
    size_t             i;
    const redisReply  *field, *value;

    if (fields == NULL || fields->type != REDIS_REPLY_ARRAY) {
        return NULL;
    }

    for (i = 0; i + 1 < fields->elements; i += 2) {
        field = fields->element[i];
        value = fields->element[i + 1];

        if (field->type == REDIS_REPLY_STRING
            && value->type == REDIS_REPLY_STRING
            && strcmp(field->str, name) == 0)
        {
            return value;
        }
    }

    return NULL;
}


static int
queue_entry_op(const redisReply *value, job_op_e *op)
{
    size_t  i;

    for (i = 0; i < sizeof(queue_entry_ops) / sizeof(queue_entry_ops[0]); i++) {
        if (value != NULL && strcmp(value->str, queue_entry_ops[i].name) == 0) {
            *op = queue_entry_ops[i].op;
            return 0;
        }
    }

    return -1;
}


/* parses MS-SEQ, the id of an entry: 0, or -1 */
static int
queue_entry_id(const redisReply *value, unsigned long long *ms,
    unsigned long long *seq)
{
    char  end;

    if (value == NULL || value->len == 0
        || value->len >= STATE_REQUEST_MAX
        || strspn(value->str, "0123456789-") != (size_t) value->len
        || value->str[0] == '-' || strstr(value->str, "--") != NULL)
    {
        return -1;
    }

    return sscanf(value->str, "%llu-%llu%c", ms, seq, &end) == 2 ? 0 : -1;
}


/*
 * A dead letter that was put back is ordered by its first id, as declarations
 * of its lease that came after it must not be undone.  A first id that is newer
 * than the entry is ignored: it would overtake all later declarations.
 */
static void
queue_entry_origin(job_t *job, const redisReply *entry)
{
    const redisReply    *own, *first;
    unsigned long long   ms, seq, first_ms, first_seq;

    own = entry->element[0];
    first = queue_entry_field(conn_element(entry, 1), "id");

    if (queue_entry_id(first, &first_ms, &first_seq) == 0
        && queue_entry_id(own, &ms, &seq) == 0
        && (first_ms < ms || (first_ms == ms && first_seq < seq)))
    {
        own = first;
    }

    (void) snprintf(job->origin, sizeof(job->origin), "%s", own->str);
}


const char *
queue_entry_parse(job_t *job, const redisReply *entry,
    property_cache_t *properties)
{
    ll_str_t           nginx;
    const redisReply  *fields, *property, *user, *body, *to;

    fields = conn_element(entry, 1);

    if (queue_entry_op(queue_entry_field(fields, "op"), &job->op) == -1) {
        return "unknown op";
    }

    property = queue_entry_field(fields, "p");

    if (property == NULL || !ll_id_valid(property->str, property->len)) {
        return "invalid property";
    }

    user = queue_entry_field(fields, "u");

    if (user == NULL
        || (job->op == JOB_LEASE ? user->len != 0
                                 : !ll_id_valid(user->str, user->len)))
    {
        return "invalid user";
    }

    body = queue_entry_field(fields, "b");

    if (body == NULL) {
        return "no body";
    }

    to = queue_entry_field(fields, "r");

    if (to == NULL
        || ll_frame_reply_decode(to->str, to->len, &nginx, &job->request) == -1)
    {
        return "invalid reply address";
    }

    job->property = property_cache_get(properties, property->str,
                                       property->len);
    if (job->property == NULL) {
        return queue_entry_no_memory;
    }

    memcpy(job->user, user->str, user->len);
    job->id = entry->element[0]->str;
    queue_entry_origin(job, entry);
    job->data = body->str;
    job->data_len = body->len;
    job->nginx = nginx.data;
    job->nginx_len = nginx.len;

    return NULL;
}


/* 1 for a field that only dead letters have */
static int
queue_entry_is_note(const redisReply *field)
{
    return field->type == REDIS_REPLY_STRING
           && (strcmp(field->str, "why") == 0 || strcmp(field->str, "id") == 0);
}


void
queue_entry_dead(args_t *args, unsigned k, const redisReply *entry,
    const char *why)
{
    char                 key[LL_KEY_MAX];
    size_t               i;
    const redisReply    *fields, *id;
    unsigned long long   ms, seq;

    args_reset(args);
    fcall_begin(args, "ll1_bury", 2);
    args_copy(args, key, ll_keys_queue(key, k));
    args_copy(args, key, ll_keys_dead(key, k));
    args_lit(args, LL_QUEUE_GROUP);
    args_add(args, entry->element[0]->str, entry->element[0]->len);

    fields = conn_element(entry, 1);

    for (i = 0; fields != NULL && i + 1 < fields->elements; i += 2) {
        if (!queue_entry_is_note(fields->element[i])) {
            args_add(args, fields->element[i]->str, fields->element[i]->len);
            args_add(args, fields->element[i + 1]->str,
                     fields->element[i + 1]->len);
        }
    }

    id = queue_entry_field(fields, "id");

    if (queue_entry_id(id, &ms, &seq) == -1) {
        id = entry->element[0];
    }

    args_lit(args, "why");
    args_adds(args, why);
    args_lit(args, "id");
    args_add(args, id->str, id->len);
}
