
/*
 * One trip of a busy worker is one write to the connection: acknowledgements of
 * batch N - 1, inboxes and verdicts of batch N, the first commands of batch
 * N + 1, and a read that does not block, which returns batch N + 2.  If that
 * returns nothing, batch N + 1 is published at once, with a read that blocks.
 *
 * Replies come in the same order.  So all of batch N is done, and no longer
 * noted in properties and badges, before the first result of batch N + 1 is
 * noted there.  If Redis refuses to publish batch N, the results of batch N + 1
 * are dropped, and it begins again later, as after a crash.
 *
 * With --replicas, a batch that is done waits for the replicas before it is
 * published, in a trip of its own.
 *
 * Each batch is acknowledged after the replies to its own commands.  A verdict
 * is sent only after the append of its message was answered, so by the same
 * connection it cannot overtake a sync.
 *
 * In a cluster, the inboxes on other primaries are written before a batch is
 * open.  If publishing it finds that an inbox of the own primary has moved,
 * that is stored as a debt before anything is acknowledged.
 *
 * The pipeline owns its batches.
 */

#include <string.h>

#include "claim.h"
#include "debts.h"
#include "job_publish.h"
#include "pipeline.h"
#include "replicas.h"


static void
pipeline_free(pipeline_t *pipeline, batch_t *batch)
{
    dispatch_end(pipeline->work, batch->jobs, batch->n);
    batch_free(batch);
}


/* the open batch is published */
static void
pipeline_close(pipeline_t *pipeline)
{
    consumer_ack(pipeline->consumer, &pipeline->open);
    pipeline_free(pipeline, &pipeline->open);
}


/* publishes the open batch, and reads the next requests meanwhile */
static work_result_e
pipeline_publish(pipeline_t *pipeline)
{
    long           verdicts;
    work_t        *work = pipeline->work;
    batch_t       *open = &pipeline->open;
    work_result_e  result;

    verdicts = job_publish_send(work, open->jobs, open->n);

    if (verdicts == -1
        || pipeline->on_read(pipeline->on_read_data, 1) == -1)
    {
        return WORK_LOST;
    }

    result = job_publish_recv(work, verdicts);

    if (result == WORK_DONE) {
        pipeline_close(pipeline);
    }

    if (result != WORK_DONE || debts_waiting(work)) {
        consumer_prefetch_wait(pipeline->consumer);
    }

    return result == WORK_DONE ? debts_store(work) : result;
}


/* publishes the open batch, if any, with the first commands of the next one */
static work_result_e
pipeline_start(pipeline_t *pipeline)
{
    long           verdicts;
    work_t        *work = pipeline->work;
    batch_t       *open = &pipeline->open, *next = &pipeline->next;
    work_result_e  result;

    verdicts = job_publish_send(work, open->jobs, open->n);

    if (verdicts == -1
        || dispatch_start(work, next->jobs, next->n) == -1
        || pipeline->on_read(pipeline->on_read_data, 0) == -1)
    {
        return WORK_LOST;
    }

    result = job_publish_recv(work, verdicts);

    if (result == WORK_DONE) {
        pipeline_close(pipeline);
        result = dispatch_recv(work, next->jobs, next->n);

    } else if (result != WORK_LOST
               && dispatch_drop(work, next->jobs, next->n) == WORK_LOST)
    {
        result = WORK_LOST;
    }

    consumer_prefetch_wait(pipeline->consumer);

    return result;
}


/* waits for replicas; to claim its own requests again is a write like any */
static work_result_e
pipeline_wait(pipeline_t *pipeline)
{
    work_t   *work = pipeline->work;
    batch_t  *next = &pipeline->next;

    if (replicas_need_write(work, next->jobs, next->n)
        && claim_renew(pipeline->consumer, next) == -1)
    {
        return WORK_LOST;
    }

    return replicas_wait(work, next->jobs, next->n);
}


/* runs the next batch to its end, and publishes it if nothing follows */
static work_result_e
pipeline_finish(pipeline_t *pipeline)
{
    batch_t       *next = &pipeline->next;
    work_result_e  result;

    if (next->n == 0) {
        return debts_store(pipeline->work);
    }

    result = dispatch_run(pipeline->work, next->jobs, next->n);

    if (result == WORK_DONE) {
        result = pipeline_wait(pipeline);
    }

    if (result != WORK_DONE) {
        return result;
    }

    pipeline->open = *next;
    memset(next, 0, sizeof(batch_t));

    return consumer_prefetched(pipeline->consumer)
           ? WORK_DONE : pipeline_publish(pipeline);
}


work_result_e
pipeline_run(pipeline_t *pipeline, batch_t *batch)
{
    work_result_e  result;

    if (batch->n == 0) {
        batch_free(batch);
        return pipeline_retry(pipeline);
    }

    pipeline->next = *batch;
    memset(batch, 0, sizeof(batch_t));

    /* sent with the first commands */

    (void) consumer_send_acks(pipeline->consumer);

    result = pipeline_start(pipeline);

    return result == WORK_DONE ? pipeline_finish(pipeline) : result;
}


work_result_e
pipeline_retry(pipeline_t *pipeline)
{
    work_result_e  result;

    if (pipeline->open.n != 0) {
        result = pipeline_publish(pipeline);

        if (result != WORK_DONE) {
            return result;
        }

        consumer_prefetch_wait(pipeline->consumer);
    }

    return pipeline_finish(pipeline);
}


int
pipeline_renew(pipeline_t *pipeline)
{
    if (claim_renew(pipeline->consumer, &pipeline->open) == -1) {
        return -1;
    }

    return claim_renew(pipeline->consumer, &pipeline->next);
}


void
pipeline_drop(pipeline_t *pipeline)
{
    pipeline_free(pipeline, &pipeline->open);
    pipeline_free(pipeline, &pipeline->next);
}
