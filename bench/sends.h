
/*
 * Senders: each has a connection, and waits for the response to one message
 * before the next. A refused message is sent again until it is accepted, so
 * that in the end every message must be stored once.
 */


#ifndef SENDS_H
#define SENDS_H


#include <stdint.h>

#include "stats.h"


typedef struct {
    uint64_t  accepted;                 /* 200, 201, 202 */
    uint64_t  queued;                   /* 202 among them */
    uint64_t  refused;                  /* attempts, broken ones too */
    uint64_t  unsent;                   /* scheduled, and never sent */
} sends_counts_t;


/*
 * count senders to the properties from the first one on.  rate: messages a
 * second by a schedule that no answer holds up; 0: each sender as fast as it is
 * answered.  mixed: several senders may send to a property at a time, so that
 * the order of its messages is open.  0 or -1.
 */
int sends_init(unsigned first, unsigned properties, unsigned count,
    unsigned rate, int mixed);

/* sends what is due; returns the nanoseconds until more is due */
uint64_t sends_step(uint64_t now);

void sends_start(uint64_t now);

/* stops the schedule; messages that are due by now are still sent */
void sends_stop(void);

/* 1 when no message is under way, or waiting to be sent again */
int sends_idle(void);

/* one message to each property, with several senders at a time */
void sends_round(uint64_t now);

/* messages scheduled within this time have their answers timed */
void sends_measure(uint64_t from, uint64_t until);

/* how many messages of a property were accepted */
uint64_t sends_to(unsigned property);

void sends_report(sends_counts_t *counts, stats_t *answers);

/* accepted so far */
uint64_t sends_accepted(void);


#endif /* SENDS_H */
