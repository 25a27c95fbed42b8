
/*
 * A request on its way through the worker, and what all the requests of a
 * batch share.
 *
 * The dispatcher works in rounds.  In each, it lets every job that is not
 * finished begin its next step; a step is one command, and all of a round go
 * out together.  Then it hands each job its reply.
 */


#ifndef JOB_H
#define JOB_H


#include <stddef.h>
#include <stdint.h>

#include "badge.h"
#include "body.h"
#include "body_lease.h"
#include "lease.h"
#include "problem.h"
#include "property_cache.h"
#include "stats.h"
#include "store.h"


typedef enum {
    JOB_SEND = 0,
    JOB_READ,
    JOB_LEASE,
    JOB_TICK                       /* no request: what fell due */
} job_op_e;


typedef enum {
    JOB_SENT = 0,                  /* a command was queued, a reply follows */
    JOB_SETTLED,                   /* the answer is ready */
    JOB_KEPT,                      /* given up for now: not acknowledged */
    JOB_LOST                       /* the connection is */
} job_step_e;


/* a message, message.c's own */

typedef struct {
    int               parsed;
    int               asked;       /* the state is as of this job's asking */
    body_send_t       body;
    property_tail_t   tail;
    body_party_t     *from;        /* in the property's state */
    buf_t             entry;
    buf_t             last;
} job_message_t;


/* a read mark, mark_read.c's own */

typedef struct {
    int               parsed;
    int               counting;    /* the reply is to a count */
    body_read_t       body;        /* the first is the one to make */
    int               past;        /* another one lay past the head, */
    long long         head;        /* which is this */
    store_count_t     count;
    uint64_t          last;        /* up to where Redis wants it counted */
} job_mark_t;


/* a declaration, lease_job.c's own */

typedef struct {
    int               parsed;
    body_lease_t      body;
    buf_t             answer;
} job_declare_t;


/* a plan about the property's leases on its way, lease_commit.c's own */

typedef struct {
    int               asked;
    int               planned;
    int               committing;
    uint64_t          rev;         /* of the state, as this job asked */
    buf_t             ended;
    lease_plan_t      plan;
    lease_result_e    result;
    store_count_t    *counts;
    size_t            ncounts;
    size_t            counted;     /* so many of them are */
} job_commit_t;


typedef struct {
    job_op_e          op;
    job_step_e        step;        /* of the last round; JOB_SENT at first */
    property_t       *property;

    unsigned          queue;       /* K, and the id there; NULL for a tick */
    const char       *id;
    char              origin[STATE_REQUEST_MAX];
                                   /* the id that it had at first, if it was
                                      given up and put back; else the same */
    int64_t           due;         /* a tick's time in the due list */
    long long         deliveries;

    char              user[LL_ID_MAX + 1];
    const char       *data;        /* the body as it came */
    size_t            data_len;
    const char       *nginx;       /* whom to answer */
    size_t            nginx_len;
    uint64_t          request;

    unsigned          status;      /* the answer, once settled: set by */
    uint64_t          seq;         /* job_entry() and its siblings alone */
    buf_t             answer;
    int               told;

    int               ticking;     /* a tick, before the message, is on its
                                      way; it uses commit alone */
    job_message_t     message;
    job_mark_t        mark;
    job_declare_t     declare;
    job_commit_t      commit;
} job_t;


typedef struct {
    store_t            store;
    property_cache_t  *properties;
    badges_t           badges;
    stats_t           *stats;
    int64_t            now;        /* the time as the round began */
    int64_t            ahead;      /* Redis's clock less clock_monotonic() */
    uint64_t           round;

    int             (*also)(void *data);
                                   /* queues what is to leave with the last
                                      commands of a batch, and be answered
                                      after them: 0, or -1 */
    void             *also_data;
} work_t;


/*
 * The time, in UTC milliseconds: that of Redis, as heard of last, so that all
 * workers agree about what is due.  It is counted on by a clock that nobody
 * sets.
 */
int64_t work_now(const work_t *work);

/*
 * Redis said that it was ms, between two moments of clock_monotonic(): what is
 * known already is changed only as far as that proves it wrong
 */
void work_heard(work_t *work, int64_t ms, int64_t sent, int64_t received);

/*
 * How jobs end: a send with an entry, a mark with nothing, a declaration with
 * how the lease is shown, a tick without an answer, and each request with a
 * problem.  Nothing else settles a job.
 *
 * Each takes over the contents of the buffer that it is given, and returns
 * JOB_SETTLED, or JOB_KEPT if the answer is empty, incomplete for want of
 * memory, or that of another kind of job.
 */

/* the entry of that seq; status: 201, or 200 if it was sent before */
job_step_e job_entry(job_t *job, unsigned status, uint64_t seq, buf_t *entry);

job_step_e job_marked(job_t *job);
job_step_e job_declared(job_t *job, buf_t *answer);
job_step_e job_ticked(job_t *job);

/* a problem document, with the faults of a body, which may be NULL */
job_step_e job_refuse(job_t *job, problem_e problem, const char *detail,
    const faults_t *faults);

/* the faults of a body, then freed: as job_refuse(), or JOB_KEPT for none */
job_step_e job_fault(job_t *job, faults_t *faults);

/*
 * takes over the state in a reply: 0, or -1, the state being unknown then
 */
int job_learn(job_t *job, const redisReply *reply);


#endif /* JOB_H */
