
/*
 * One pass over the thread, 100 entries in a command, up to its head.  On the
 * way it notes the sums at the entries that matter to a member: the start and
 * the end of the window, and the read mark.  Then one function sets what is
 * wrong, unless too much has changed meanwhile: the pass then continues to the
 * new head, or starts again if an entry that it has passed matters now.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli_redis.h"
#include "cli_unread_count.h"
#include "fcall.h"
#include "store_count.h"


/* longer than any record; a longer one is damaged */
#define COUNT_RECORD  128

/* entries that are counted for a check */
#define COUNT_CHECK   10000


typedef struct {
    char        user[LL_ID_MAX + 1];
    char        record[COUNT_RECORD];
    char        mark_text[24];
    char        counted[24];       /* what meta has */
    char        state;             /* o or c */
    char        role;
    long long   from;
    long long   to;
    long long   skip;
    long long   mark;

    long long   own;               /* messages of the user so far */
    long long   before;            /* those of others before the window */
    long long   marked;            /* up to the mark */
    long long   all;               /* of all, up to the end */
} count_member_t;


typedef struct {
    cli_t           *cli;
    const char      *property;
    args_t           args;
    long long        seq;          /* counted up to this entry */
    long long        messages;
    long long        head;
    long long        n_meta;       /* messages up to it, as meta has it */
    count_member_t  *members;
    size_t           n;
} count_t;


/* sets cli->why for a malformed reply; returns -1 */
static int
cli_unread_count_malformed(count_t *count)
{
    (void) snprintf(count->cli->why, sizeof(count->cli->why),
                    "cannot be counted");
    return -1;
}


/* parses the record and the mark: 1, or 0 for a member without a window */
static int
cli_unread_count_member(count_member_t *member, const redisReply *list,
    size_t i)
{
    int          n;
    const char  *record, *mark;

    memset(member, 0, sizeof(count_member_t));

    record = cli_redis_text(list, i + 1);
    mark = cli_redis_text(list, i + 2);

    if (strlen(record) >= sizeof(member->record)
        || strlen(mark) >= sizeof(member->mark_text))
    {
        return 0;
    }

    (void) snprintf(member->user, sizeof(member->user), "%s",
                    cli_redis_text(list, i));
    (void) snprintf(member->record, sizeof(member->record), "%s", record);
    (void) snprintf(member->mark_text, sizeof(member->mark_text), "%s", mark);

    (void) snprintf(member->counted, sizeof(member->counted), "%s",
                    cli_redis_text(list, i + 3));

    member->mark = strtoll(mark, NULL, 10);

    n = sscanf(record, "%c %c %lld %lld", &member->state, &member->role,
               &member->from, &member->skip);

    if (n == 4 && member->state == 'o') {
        return 1;
    }

    return sscanf(record, "c %c %lld %lld %lld", &member->role, &member->from,
                  &member->to, &member->skip)
           == 4;
}


/* 1 if the pass can continue with the new members, else 0 */
static int
cli_unread_count_continues(const count_t *count, count_member_t *members,
    size_t n)
{
    size_t                 i;
    const count_member_t  *old;

    if (count->n != n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        old = &count->members[i];

        if (strcmp(old->user, members[i].user) != 0
            || strcmp(old->record, members[i].record) != 0
            || (old->mark != members[i].mark
                && members[i].mark < count->seq))
        {
            return 0;
        }
    }

    return 1;
}


/* reads the members; the pass continues or begins: 0, or -1 with cli->why */
static int
cli_unread_count_read(count_t *count)
{
    size_t           i, n;
    redisReply      *reply;
    count_member_t  *members;

    fcall_property(&count->args, "ll1_counts", count->property);
    reply = cli_redis_try(count->cli, &count->args);

    if (reply == NULL) {
        return -1;
    }

    n = 0;
    members = calloc(reply->elements / 4 + 1, sizeof(count_member_t));

    if (members == NULL
        || conn_number(conn_element(reply, 0), &count->head) == -1
        || conn_number(conn_element(reply, 1), &count->n_meta) == -1)
    {
        free(members);
        freeReplyObject(reply);
        return cli_unread_count_malformed(count);
    }

    for (i = 2; i + 3 < reply->elements; i += 4) {
        n += (size_t) cli_unread_count_member(&members[n], reply, i);
    }

    freeReplyObject(reply);

    if (cli_unread_count_continues(count, members, n)) {
        for (i = 0; i < n; i++) {
            members[i].own = count->members[i].own;
            members[i].before = count->members[i].before;
            members[i].marked = count->members[i].marked;
            members[i].all = count->members[i].all;
        }

    } else {
        count->seq = 0;
        count->messages = 0;
    }

    free(count->members);
    count->members = members;
    count->n = n;

    return 0;
}


/* notes the sums for those members to whom the present entry matters */
static void
cli_unread_count_note(count_t *count)
{
    size_t           i;
    long long        others;
    count_member_t  *member;

    for (i = 0; i < count->n; i++) {
        member = &count->members[i];
        others = count->messages - member->own;

        if (count->seq == member->from - 1) {
            member->before = others;
        }

        if (count->seq == member->mark) {
            member->marked = others;
        }

        if (count->seq == member->to) {
            member->all = count->messages;
        }
    }
}


/* the next entry after the present one that matters, or the head */
static long long
cli_unread_count_next(const count_t *count)
{
    int              j;
    size_t           i;
    long long        next, at[3];

    next = count->head;

    for (i = 0; i < count->n; i++) {
        at[0] = count->members[i].from - 1;
        at[1] = count->members[i].mark;
        at[2] = count->members[i].to;

        for (j = 0; j < 3; j++) {
            if (at[j] > count->seq && at[j] < next) {
                next = at[j];
            }
        }
    }

    return next;
}


/* counts the entries up to that one: 0, or -1 with cli->why */
static int
cli_unread_count_step(count_t *count, long long to)
{
    int          rc;
    size_t       i;
    long long    messages, own;
    redisReply  *reply;

    fcall_property(&count->args, "ll1_count", count->property);
    args_number(&count->args, count->seq);
    args_number(&count->args, to);

    reply = cli_redis_try(count->cli, &count->args);

    if (reply == NULL) {
        return -1;
    }

    rc = store_count_read(reply, "", &messages, &own);

    for (i = 0; rc == 0 && i < count->n; i++) {
        rc = store_count_read(reply, count->members[i].user, &messages, &own);
        count->members[i].own += own;
    }

    freeReplyObject(reply);

    if (rc == -1) {
        return cli_unread_count_malformed(count);
    }

    count->messages += messages;
    count->seq = to;

    return 0;
}


static int
cli_unread_count_pass(count_t *count)
{
    long long  next;

    cli_unread_count_note(count);

    while (count->seq < count->head) {
        next = cli_unread_count_next(count);

        while (count->seq < next) {
            if (cli_unread_count_step(count,
                    (long long) store_count_step((uint64_t) count->seq,
                                                 (uint64_t) next))
                == -1)
            {
                return -1;
            }
        }

        cli_unread_count_note(count);
    }

    return 0;
}


/* sets what meta should have of a member */
static void
cli_unread_count_right(const count_member_t *member, char record[COUNT_RECORD],
    long long *counted)
{
    long long  skip;

    *counted = member->own + (member->mark >= member->from ? member->marked
                                                           : member->before);

    /* after the mark has come into the window nothing reads it */

    skip = member->mark >= member->from ? member->skip
                                        : member->before - member->marked;

    if (member->state == 'o') {
        (void) snprintf(record, COUNT_RECORD, "o %c %lld %lld", member->role,
                        member->from, skip);
    } else {
        (void) snprintf(record, COUNT_RECORD, "c %c %lld %lld %lld %lld",
                        member->role, member->from, member->to, skip,
                        member->all);
    }
}


/* adds the arguments of ll1_recount for a member */
static void
cli_unread_count_result(args_t *args, const count_member_t *member)
{
    char       record[COUNT_RECORD];
    long long  counted;

    cli_unread_count_right(member, record, &counted);

    args_adds(args, member->user);
    args_adds(args, member->record);
    args_adds(args, member->mark_text);
    args_copy(args, record, strlen(record));
    args_number(args, counted);
}


/* 1 if the counts are set, 0 if the pass is to go on, -1 with cli->why */
static int
cli_unread_count_set(count_t *count)
{
    int          rc;
    char         channel[LL_KEY_MAX];
    size_t       i;
    args_t      *args = &count->args;
    redisReply  *reply;

    fcall_property(args, "ll1_recount", count->property);
    args_copy(args, channel,
              ll_keys_property_channel(channel, count->property,
                                       strlen(count->property)));
    args_number(args, STORE_COUNT);
    args_number(args, count->seq);
    args_number(args, count->messages);

    for (i = 0; i < count->n; i++) {
        cli_unread_count_result(args, &count->members[i]);
    }

    reply = cli_redis_try(count->cli, args);

    if (reply == NULL) {
        return -1;
    }

    rc = reply->integer == 1;
    freeReplyObject(reply);

    return rc;
}


static void
cli_unread_count_init(count_t *count, cli_t *cli, const char *property)
{
    memset(count, 0, sizeof(count_t));

    count->cli = cli;
    count->property = property;
}


static void
cli_unread_count_free(count_t *count)
{
    args_free(&count->args);
    free(count->members);
}


int
cli_unread_count(cli_t *cli, const char *property)
{
    int      rc;
    count_t  count;

    cli_unread_count_init(&count, cli, property);

    do {
        rc = cli_unread_count_read(&count);

        if (rc == 0) {
            rc = cli_unread_count_pass(&count);
        }

        if (rc == 0) {
            rc = cli_unread_count_set(&count);
        }

    } while (rc == 0);

    cli_unread_count_free(&count);

    return rc == 1 ? 0 : -1;
}


/* 1 if meta has what was counted, else 0 */
static int
cli_unread_count_same(const count_t *count)
{
    char                   record[COUNT_RECORD];
    size_t                 i;
    long long              counted;
    const count_member_t  *member;

    if (count->messages != count->n_meta) {
        return 0;
    }

    for (i = 0; i < count->n; i++) {
        member = &count->members[i];
        cli_unread_count_right(member, record, &counted);

        if (strcmp(record, member->record) != 0
            || counted != strtoll(member->counted, NULL, 10))
        {
            return 0;
        }
    }

    return 1;
}


int
cli_unread_count_check(cli_t *cli, const char *property)
{
    int      rc;
    count_t  count;

    cli_unread_count_init(&count, cli, property);

    rc = cli_unread_count_read(&count);

    if (rc == 0 && count.head > COUNT_CHECK) {
        rc = 1;

    } else if (rc == 0) {
        rc = cli_unread_count_pass(&count);
        rc = rc == 0 ? cli_unread_count_same(&count) : -1;
    }

    cli_unread_count_free(&count);

    return rc;
}
