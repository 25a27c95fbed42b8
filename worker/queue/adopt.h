
/*
 * Takes over the data of the other kind of Redis: in a cluster that of a single
 * server, which was restarted as a server of a cluster, and the reverse.  All
 * has the same names in both (common/keys.h) but for due times, the version of
 * the layout, and debts, which only a cluster has.
 */


#ifndef ADOPT_H
#define ADOPT_H


#include "job.h"


typedef struct {
    work_t    *work;
    uint64_t   layouts;            /* found, and not yet deleted: bit k for that
                                      beside queue k */
    uint64_t   taken;              /* due times, since the last log line */
} adopt_t;


/* work must outlive it */
void adopt_init(adopt_t *adopt, work_t *work);

/*
 * Looks for the layout of such data; to be called on each new connection.
 * Returns 0; 1 if it is not ours, with its version in other; -1 if Redis does
 * not answer.
 */
int adopt_look(adopt_t *adopt, char *other, size_t size);

/*
 * Moves some due times and debts of each list, the first ones first.  A due
 * time that is moved again after a crash, or by another worker at the same
 * time, costs a tick in which nothing is due.  Returns 1 if there may be more,
 * 0 if there is none, -1 if it has to be tried again later.
 */
int adopt_run(adopt_t *adopt);


#endif /* ADOPT_H */
