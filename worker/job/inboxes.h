
/*
 * Writes the inboxes of a batch: the badges that are not written yet.
 */


#ifndef INBOXES_H
#define INBOXES_H


#include "job.h"


typedef enum {
    INBOXES_ALL = 0,
    INBOXES_OTHERS                 /* those on other primaries of a cluster */
} inboxes_which_e;


/* Queues the badges, those of a user in one command: 0, or -1. */
int inboxes_send(work_t *work, inboxes_which_e which);

/*
 * Receives the replies: the result.  In a cluster, what could not be written
 * because its primary does not answer or does not have the slot is noted as a
 * debt, and is done.
 */
work_result_e inboxes_recv(work_t *work);


#endif /* INBOXES_H */
