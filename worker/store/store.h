
/*
 * What the worker asks of Redis about properties, users and itself: one
 * function here for each function of functions.lua, which see.
 *
 * Those returning int queue a command, whose reply store_recv() gives, in
 * order: 0, or -1 if it can't be queued, the connection being broken then.
 */


#ifndef STORE_H
#define STORE_H


#include <stddef.h>
#include <stdint.h>

#include "args.h"
#include "buf.h"
#include "conn.h"
#include "lease.h"
#include "property.h"


typedef struct {
    conn_t  *conn;
    args_t   args;
} store_t;


/* a message to append */

typedef struct {
    const body_party_t     *from;
    const char             *client_id;
    int64_t                 now;       /* chooses the bucket of sent ids */
    uint64_t                rev;       /* the state it was made with */
    const property_tail_t  *head;      /* what it follows */
    const property_tail_t  *tail;      /* what it becomes */
    const unsigned char    *salt;
    const buf_t            *entry;
    const buf_t            *last;      /* as the inbox has it */
} store_append_t;


/* a thread of a user's inbox, as of ver */

typedef struct {
    const char  *property;
    const char  *user;
    long long    ver;
    long long    unread;
    int64_t      at;
    const char  *thread;               /* empty: none any more */
    size_t       thread_len;
} store_thread_t;


/*
 * Entries counted by one command: some 0.1 ms in which Redis does nothing else,
 * and a few ms if each of them is as long as a message can be.
 */
#define STORE_COUNT  100

/* messages of others, counted some entries at a time */

typedef struct {
    char         user[LL_ID_MAX + 1];
    char         mark[24];             /* counted from here; empty: not yet */
    uint64_t     seq;                  /* to here */
    uint64_t     unread;
} store_count_t;


void store_init(store_t *store, conn_t *conn);
void store_free(store_t *store);

/* the next reply, to be freed with freeReplyObject(); NULL: lost */
redisReply *store_recv(store_t *store);


/*
 * Makes the library of functions what this worker was built with, unless a
 * newer revision is there: 0, or -1 with what Redis says against it in why, or,
 * where that is empty, the reason in conn_error().
 */
int store_load(store_t *store, char *why, size_t size);

/* the revision of the library that this worker was built with */
long store_library(void);

/* lease: whose declaration to bring along if it has ended, "" for none */
int store_state(store_t *store, const property_t *property,
    const char *lease);

/*
 * the state in a reply of ll1_state, ll1_append or ll1_lease: 0, or -1 if it
 * is not one or memory is short
 */
int store_state_read(const redisReply *reply, const property_t *property,
    state_t *state);

/* append */
int store_append(store_t *store, const property_t *property,
    const store_append_t *append);

/* asks only whether this id was sent, and for the state */
int store_probe(store_t *store, const property_t *property, const char *user,
    const char *client_id, int64_t now);

/*
 * Commits a plan made from that head and rev; counts are those of the plan's
 * windows that reach back, in their order.  Sets hash, rev of plan->next.
 */
int store_lease(store_t *store, const property_t *property,
    lease_plan_t *plan, const store_count_t *counts);

/* from the read mark, or where it was counted to; up to limit entries */
int store_count(store_t *store, const property_t *property,
    const store_count_t *count, unsigned limit);

/* count: what was counted, if Redis has asked for that, else with no mark */
int store_mark(store_t *store, const property_t *property,
    const store_count_t *count, uint64_t upto, int64_t now);

/* the inbox threads of all of its members */
int store_threads(store_t *store, const property_t *property);

int store_badge(store_t *store, const store_thread_t *thread);

/* due: CLOCK_NEVER for none */
int store_due(store_t *store, const char *property, uint64_t rev,
    int64_t due);

/* what was seen to be due then is to be tried again at another time */
int store_defer(store_t *store, const char *property, int64_t seen,
    int64_t again);

/* the first limit properties of the due list, with their times */
int store_due_list(store_t *store, unsigned limit);

/* some verdicts, one after the other, for one process of nginx */
int store_verdicts(store_t *store, const char *nginx, size_t len,
    const buf_t *verdicts);

/* an empty record takes the worker off */
int store_beat(store_t *store, const char *worker, const buf_t *record);

/*
 * its reply: the time, which commands this worker's user may not run, "" for
 * none, and the most queues that an nginx has, 0 for none: 0, or -1 if it is
 * another, as of a library before revision 9
 */
int store_beat_read(const redisReply *reply, int64_t *now,
    const char **refused, unsigned *queues);

/* removes consumers of queue k that have nothing pending and were idle (ms) */
int store_sweep(store_t *store, unsigned k, int64_t idle);


#endif /* STORE_H */
