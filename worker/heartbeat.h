
/*
 * Once a second a worker writes into Redis that it lives, what it has done and
 * what it is: docs/data.md has the record.  By the answer it learns which of
 * the commands that it needs its user may not run.
 */


#ifndef HEARTBEAT_H
#define HEARTBEAT_H


#include <stdint.h>

#include "consumer.h"
#include "dispatch.h"
#include "options.h"


/* of what Redis says against this worker's user */
#define HEARTBEAT_REFUSED  200


typedef struct {
    work_t            *work;
    const consumer_t  *consumer;
    const options_t   *options;
    unsigned           queues;     /* the most that an nginx has; 0: unknown */
    int64_t            healthy;    /* monotonic; the last that was written */
    int64_t            remind_at;
    char               refused[HEARTBEAT_REFUSED];     /* empty: nothing */
    char               why[HEARTBEAT_REFUSED];     /* it failed, likewise */
} heartbeat_t;


void heartbeat_init(heartbeat_t *heartbeat, work_t *work,
    const consumer_t *consumer, const options_t *options);

/* what Redis made of it */
conn_result_e heartbeat_send(heartbeat_t *heartbeat);

/* 1 while this worker's user lacks a right that it needs, which is logged */
int heartbeat_refused(const heartbeat_t *heartbeat);

/* takes this worker off: it ends */
void heartbeat_stop(heartbeat_t *heartbeat);


#endif /* HEARTBEAT_H */
