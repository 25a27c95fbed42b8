
/*
 * A request is added to the queue of its property, with a number; a worker
 * publishes the verdict with this number on the reply channel of this process.
 * The reply of Redis and the verdict arrive by two connections, so the verdict
 * may be first.  Requests belong to their callers.
 */


#include "ngx_leaseloft_queue.h"


static ngx_int_t ngx_leaseloft_queue_send(ngx_leaseloft_process_t *process,
    ngx_leaseloft_queued_t *queued, ngx_uint_t argc, ngx_str_t *argv);
static void ngx_leaseloft_queue_reply(void *data,
    ngx_leaseloft_outcome_e outcome, redisReply *reply);
static void ngx_leaseloft_queue_verdicts(void *data, ngx_str_t *payload);
static ngx_leaseloft_queued_t *ngx_leaseloft_queue_find(
    ngx_leaseloft_process_t *process, uint64_t number);


void
ngx_leaseloft_queue_init(ngx_leaseloft_process_t *process)
{
    ngx_rbtree_init(&process->queued, &process->queued_sentinel,
                    ngx_rbtree_insert_value);

    ngx_leaseloft_cluster_on_reply(process->cluster,
                                   ngx_leaseloft_queue_verdicts, process);
}


/* XADD queue * op OP p PROPERTY u USER b BODY r NGINX.REQUEST */
ngx_int_t
ngx_leaseloft_queue_add(ngx_leaseloft_process_t *process,
    ngx_leaseloft_queued_t *queued, ngx_leaseloft_work_t *work)
{
    char       queue[LL_KEY_MAX];
    ngx_int_t  k;
    ngx_str_t  argv[13];

    k = ngx_leaseloft_cluster_queue(process->cluster, &work->property);
    if (k == -1) {
        return NGX_DECLINED;
    }

    ngx_str_set(&argv[0], "XADD");
    argv[1].len = ll_keys_queue(queue, k);
    argv[1].data = (u_char *) queue;
    ngx_str_set(&argv[2], "*");

    ngx_str_set(&argv[3], "op");
    argv[4].len = ngx_strlen(work->op);
    argv[4].data = (u_char *) work->op;
    ngx_str_set(&argv[5], "p");
    argv[6] = work->property;
    ngx_str_set(&argv[7], "u");
    argv[8] = work->user;
    ngx_str_set(&argv[9], "b");
    argv[10] = work->body;
    ngx_str_set(&argv[11], "r");

    queued->counter = NGX_LEASELOFT_SENDS;

    return ngx_leaseloft_queue_send(process, queued, 13, argv);
}


/* XADD lane NOMKSTREAM MAXLEN N * r NGINX.REQUEST ... */
ngx_int_t
ngx_leaseloft_queue_search(ngx_leaseloft_process_t *process,
    ngx_leaseloft_queued_t *queued, ngx_uint_t nfields, ngx_str_t *fields)
{
    char       lane[LL_KEY_MAX];
    u_char     max[NGX_INT_T_LEN];
    ngx_str_t  argv[8 + NGX_LEASELOFT_QUEUE_FIELDS];

    ngx_str_set(&argv[0], "XADD");
    argv[1].len = ll_keys_search(lane);
    argv[1].data = (u_char *) lane;
    ngx_str_set(&argv[2], "NOMKSTREAM");
    ngx_str_set(&argv[3], "MAXLEN");
    argv[4].len = ngx_sprintf(max, "%d", LL_SEARCH_WAIT) - max;
    argv[4].data = max;
    ngx_str_set(&argv[5], "*");

    ngx_memcpy(&argv[6], fields, nfields * sizeof(ngx_str_t));
    ngx_str_set(&argv[6 + nfields], "r");

    queued->counter = NGX_LEASELOFT_SEARCHES;

    return ngx_leaseloft_queue_send(process, queued, 8 + nfields, argv);
}


/* sets the last argument, which says where to reply, and sends the command */
static ngx_int_t
ngx_leaseloft_queue_send(ngx_leaseloft_process_t *process,
    ngx_leaseloft_queued_t *queued, ngx_uint_t argc, ngx_str_t *argv)
{
    u_char      reply[LL_KEY_MAX], *p;
    ngx_str_t  *name;

    name = ngx_leaseloft_cluster_name(process->cluster, &argv[1]);
    if (name == NULL) {
        return NGX_DECLINED;
    }

    queued->process = process;
    queued->since = ngx_current_msec;
    queued->node.key = ++process->requests;

    p = ngx_slprintf(reply, reply + sizeof(reply), "%V.%uL", name,
                     (uint64_t) queued->node.key);

    argv[argc - 1].len = p - reply;
    argv[argc - 1].data = reply;

    queued->command = ngx_leaseloft_cluster_command(process->cluster, &argv[1],
                                                    argc, argv,
                                                    ngx_leaseloft_queue_reply,
                                                    queued);
    if (queued->command == NULL) {
        return NGX_DECLINED;
    }

    ngx_rbtree_insert(&process->queued, &queued->node);

    return NGX_OK;
}


void
ngx_leaseloft_queue_remove(ngx_leaseloft_queued_t *queued)
{
    ngx_rbtree_delete(&queued->process->queued, &queued->node);

    if (queued->command) {
        ngx_leaseloft_command_cancel(queued->command);
        queued->command = NULL;
    }
}


static void
ngx_leaseloft_queue_reply(void *data, ngx_leaseloft_outcome_e outcome,
    redisReply *reply)
{
    ngx_leaseloft_queued_t  *queued = data;

    queued->command = NULL;

    if (outcome == NGX_LEASELOFT_REPLIED
        && reply->type == REDIS_REPLY_STRING)
    {
        ngx_leaseloft_counters_add(queued->process->zone, queued->counter, 1);
        return;
    }

    /* nil: there is no lane of searches */
    if (outcome == NGX_LEASELOFT_REPLIED && reply->type == REDIS_REPLY_ERROR) {
        ngx_log_error(NGX_LOG_ERR, queued->process->log, 0,
                      "redis refused to queue a request: \"%*s\"",
                      (size_t) reply->len, reply->str);
    }

    ngx_leaseloft_queue_remove(queued);

    queued->failed(queued, outcome == NGX_LEASELOFT_LOST);
}


/*
 * A message on the reply channel of this process.  Verdicts on requests that
 * were removed are ignored.
 */
static void
ngx_leaseloft_queue_verdicts(void *data, ngx_str_t *payload)
{
    ngx_leaseloft_process_t *process = data;

    ll_str_t                 rest;
    ll_verdict_t             verdict;
    ngx_leaseloft_queued_t  *queued;

    rest.data = (char *) payload->data;
    rest.len = payload->len;

    while (rest.len) {

        if (ll_frame_verdict_decode(&rest, &verdict) != 0
            || verdict.status < NGX_HTTP_OK)
        {
            ngx_log_error(NGX_LOG_ERR, process->log, 0,
                          "a worker sent a malformed verdict");
            return;
        }

        queued = ngx_leaseloft_queue_find(process, verdict.request);

        if (queued) {
            queued->verdict(queued, &verdict);
        }
    }
}


static ngx_leaseloft_queued_t *
ngx_leaseloft_queue_find(ngx_leaseloft_process_t *process, uint64_t number)
{
    ngx_rbtree_key_t    key;
    ngx_rbtree_node_t  *node;

    key = number;
    node = process->queued.root;

    while (node != process->queued.sentinel) {

        if (node->key == key) {
            return (ngx_leaseloft_queued_t *) node;
        }

        node = key < node->key ? node->left : node->right;
    }

    return NULL;
}
