
/*
 * A job is a request, or a tick, while a worker processes it.  work_t is what
 * all jobs share.
 *
 * The dispatcher runs the jobs of a batch in rounds.  In each round it begins
 * the next step of each unfinished job.  A step is one command; the commands of
 * a round are sent together, and then each job gets its reply.
 */


#ifndef JOB_H
#define JOB_H


#include <stddef.h>
#include <stdint.h>

#include "badge.h"
#include "body.h"
#include "body_lease.h"
#include "failure.h"
#include "lease.h"
#include "problem.h"
#include "property_cache.h"
#include "seal.h"
#include "stats.h"
#include "store.h"


typedef enum {
    JOB_SEND = 0,
    JOB_READ,
    JOB_LEASE,
    JOB_TICK                       /* no request: leases that are due */
} job_op_e;


typedef enum {
    JOB_SENT = 0,                  /* a command is sent, or the next step is
                                      for the next round */
    JOB_DONE,                      /* has a result */
    JOB_DEFERRED,                  /* failed, and is not acknowledged, so that
                                      it is delivered again */
    JOB_AWAY,                      /* in a cluster: the primary of its property
                                      does not answer, or the slot is moving; it
                                      is put back into the queue */
    JOB_LOST                       /* the connection is lost */
} job_step_e;


/* the result of a batch, worst last */
typedef enum {
    WORK_DONE = 0,                 /* each job is done or deferred */
    WORK_REFUSED,                  /* Redis refuses for now: retry later */
    WORK_NO_LIBRARY,               /* likewise, after loading the functions */
    WORK_LOST                      /* the connection is lost */
} work_result_e;


/* sending a message; used by message.c only */

typedef struct {
    int               parsed;
    int               asked;       /* the state was read for this job */
    body_send_t       body;
    property_tail_t   tail;
    body_party_t     *from;        /* in the property's state */
    buf_t             entry;
    buf_t             last;
} job_message_t;


/* a read mark; used by mark_read.c only */

typedef struct {
    int               parsed;
    int               counting;    /* the reply is that of a count */
    body_read_t       body;        /* the first mark is the one to set */
    int               past;        /* a larger mark was past the head */
    long long         head;        /* the head, if past is set */
    store_counted_t   counted;
    uint64_t          step;        /* the command counts up to this entry */
    uint64_t          last;        /* all are to be counted up to this one */
} job_mark_t;


/* the declaration of a lease; used by lease_job.c only */

typedef struct {
    int               parsed;
    body_lease_t      body;
    buf_t             answer;
} job_lease_t;


/* a change of the property's leases; used by lease_commit.c only */

typedef struct {
    int               asked;
    int               planned;
    uint64_t          rev;         /* of the state when this job read it */
    buf_t             ended;
    lease_plan_t      plan;
    lease_result_e    result;
} job_commit_t;


typedef struct {
    job_op_e          op;
    job_step_e        step;        /* of the last round; JOB_SENT at first */
    int               waiting;     /* for the reply to its command */
    unsigned          way;         /* of the command: route.h */
    property_t       *property;

    unsigned          queue;       /* of a tick in a cluster: that its list is
                                      beside */
    const char       *id;          /* of the entry; NULL for a tick */
    char              origin[STATE_REQUEST_MAX];
                                   /* the first id if the request was a dead
                                      letter, else the same id */
    int64_t           due;         /* a tick's time in the due list */
    const char       *debt;        /* that this tick pays (store_owed.h); NULL
                                      for none */
    long long         score;       /* of the debt */
    long long         deliveries;

    char              user[LL_ID_MAX + 1];
    const char       *data;        /* the body of the request */
    size_t            data_len;
    const char       *nginx;       /* the process that gets the verdict */
    size_t            nginx_len;
    uint64_t          request;

    unsigned          status;      /* the result; only job_done_*() and */
    uint64_t          seq;         /* job_refuse*() set it */
    buf_t             answer;
    int               published;

    int               ticking;     /* a tick runs before the message, and uses
                                      only commit */
    job_message_t     message;
    job_mark_t        mark;
    job_lease_t       lease;
    job_commit_t      commit;
} job_t;


/* replicas that have to receive a message before its 201; replicas.h */

typedef struct {
    unsigned           wanted;     /* 0: none */
    unsigned           ms;         /* how long to wait for them */
    int                missing;    /* they did not answer in time */
} replicas_t;


typedef struct {
    store_t            store;
    property_cache_t  *properties;
    badge_list_t       badges;
    stats_t           *stats;
    buf_t              debts;      /* to be stored, each with its zero byte */
    unsigned           home;       /* in a cluster: the queue that has them */
    seal_t             seal;
    replicas_t         replicas;
    int64_t            now;        /* job_now() at the start of the round */
    int64_t            clock_offset;
                                   /* Redis's clock minus clock_monotonic() */
    uint64_t           round;
    failures_t         failures;
} work_t;


/*
 * The time in UTC milliseconds, by the clock of Redis, so that all workers
 * agree about what is due.  Between heartbeats it follows clock_monotonic().
 */
int64_t job_now(const work_t *work);

/*
 * Sets the clock: Redis returned the time ms between sent and received, both of
 * clock_monotonic().  The offset changes only as far as these bounds require.
 */
void job_set_time(work_t *work, int64_t ms, int64_t sent, int64_t received);

/*
 * Results of jobs.  No other function sets one.  Each takes ownership of the
 * contents of the buffer that it gets.  They return JOB_DONE, or JOB_DEFERRED
 * if the buffer is empty, memory was short, or the result is that of another
 * operation.
 */

/* sent: the entry with that seq; status is 201, or 200 for a duplicate */
job_step_e job_done_send(job_t *job, unsigned status, uint64_t seq,
    buf_t *entry);

/* the read mark is set */
job_step_e job_done_read(job_t *job);

/* the lease is declared; answer: the body of the response */
job_step_e job_done_lease(job_t *job, buf_t *answer);

/* the tick is committed */
job_step_e job_done_tick(job_t *job);

/* refused with a problem document; detail and faults may be NULL */
job_step_e job_refuse(job_t *job, problem_e problem, const char *detail,
    const faults_t *faults);

/*
 * Refused for the faults of its body, and frees these.  JOB_DEFERRED if there
 * are none, as memory was short then.
 */
job_step_e job_refuse_faults(job_t *job, faults_t *faults);

/* 1 if the job is done, and nothing failed for its property since */
int job_accepted(const job_t *job);

/*
 * Updates the property from the state in a reply: 0, or -1 if it is invalid or
 * memory is short, and then the state is unknown.
 */
int job_update_state(job_t *job, const redisReply *reply);

/*
 * What a reply means for the batch; NULL: the connection is lost.  An error
 * that a retry cannot fix is logged and counts as WORK_DONE.
 */
work_result_e job_reply_result(const redisReply *reply,
    const property_t *property);


#endif /* JOB_H */
