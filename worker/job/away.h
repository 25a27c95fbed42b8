
/*
 * Requests whose property cannot be reached for now, in a cluster: its primary
 * does not answer this process, or its slot is moving.
 */


#ifndef AWAY_H
#define AWAY_H


#include "job.h"


/*
 * Moves such requests of a batch to the end of their queue, where they count as
 * new: the result.  A request keeps its first id, which orders declarations.
 */
work_result_e away_put_back(work_t *work, job_t *jobs, size_t n);


#endif /* AWAY_H */
