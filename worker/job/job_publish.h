
/*
 * What is left once all jobs of a batch have their answers: the inboxes that
 * changed, then the verdicts to nginx, then due times.
 */


#ifndef SETTLE_H
#define SETTLE_H


#include "dispatch.h"


/* may be called again after DISPATCH_REFUSED: what was done is not repeated */
dispatch_result_e settle_run(work_t *work, job_t *jobs, size_t n);


#endif /* SETTLE_H */
