
/*
 * Searches in a thread, and over all threads of a user.  The query is checked
 * here; a searcher, which is a process of a worker, reads the threads.  A
 * request is added to the lane of searches and waits for the result for at most
 * leaseloft_wait.
 *
 * The query is parsed before the property is checked, but is refused after it,
 * and before the limits (ctx->fault).  The state of a search is in the
 * request's pool.
 */


#include "ngx_leaseloft_queue.h"
#include "ngx_leaseloft_response.h"
#include "ngx_leaseloft_wait.h"

#include "common/search.h"


typedef struct {
    ngx_leaseloft_queued_t      queued;
    ngx_leaseloft_ctx_t        *ctx;
    ll_search_t                 search;
    ngx_msec_t                  start;
} ngx_leaseloft_search_t;


static ngx_int_t ngx_leaseloft_search_check_thread(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_search_check_threads(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_search_check(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx, ll_search_param_e except);
static ngx_int_t ngx_leaseloft_search_handler(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx);
static ngx_int_t ngx_leaseloft_search_add(ngx_leaseloft_search_t *search,
    ngx_msec_t wait);
static void ngx_leaseloft_search_failed(ngx_leaseloft_queued_t *queued,
    ngx_uint_t unknown);
static void ngx_leaseloft_search_verdict(ngx_leaseloft_queued_t *queued,
    ll_verdict_t *verdict);
static ngx_int_t ngx_leaseloft_search_answer(ngx_leaseloft_search_t *search,
    ll_verdict_t *verdict);
static void ngx_leaseloft_search_on_timeout(void *data);
static void ngx_leaseloft_search_on_close(void *data);
static ngx_int_t ngx_leaseloft_search_refuse(ngx_leaseloft_search_t *search,
    char *detail);


ngx_leaseloft_endpoint_t  ngx_leaseloft_search_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_SEARCH,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .property = 1,
    .access = 1,
    .search = 1,
    .check = ngx_leaseloft_search_check_thread,
    .handler = ngx_leaseloft_search_handler
};


ngx_leaseloft_endpoint_t  ngx_leaseloft_search_threads_endpoint = {
    .kind = NGX_LEASELOFT_ENDPOINT_SEARCH_THREADS,
    .method = NGX_HTTP_GET,
    .methods = ngx_string("GET"),
    .user = 1,
    .search = 1,
    .check = ngx_leaseloft_search_check_threads,
    .handler = ngx_leaseloft_search_handler
};


static ngx_int_t
ngx_leaseloft_search_check_thread(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_search_check(r, ctx, LL_SEARCH_CURSOR);
}


static ngx_int_t
ngx_leaseloft_search_check_threads(ngx_http_request_t *r,
    ngx_leaseloft_ctx_t *ctx)
{
    return ngx_leaseloft_search_check(r, ctx, LL_SEARCH_BEFORE);
}


static ngx_int_t
ngx_leaseloft_search_check(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx,
    ll_search_param_e except)
{
    u_char                  *query;
    ngx_leaseloft_search_t  *search;

    search = ngx_pcalloc(r->pool, sizeof(ngx_leaseloft_search_t));
    query = ngx_pnalloc(r->pool, r->args.len + 1);

    if (search == NULL || query == NULL) {
        return NGX_ERROR;
    }

    /* without a query, data may be a null pointer */

    if (r->args.len) {
        ngx_memcpy(query, r->args.data, r->args.len);
    }

    search->ctx = ctx;
    ctx->data = search;
    ctx->fault = ll_search_parse(&search->search, (char *) query, r->args.len,
                                 except);

    return NGX_OK;
}


static ngx_int_t
ngx_leaseloft_search_handler(ngx_http_request_t *r, ngx_leaseloft_ctx_t *ctx)
{
    ngx_leaseloft_search_t    *search;
    ngx_leaseloft_loc_conf_t  *conf;

    conf = ngx_http_get_module_loc_conf(r, ngx_leaseloft_module);
    search = ctx->data;

    search->start = ngx_current_msec;
    search->queued.failed = ngx_leaseloft_search_failed;
    search->queued.verdict = ngx_leaseloft_search_verdict;

    if (ngx_leaseloft_search_add(search, conf->wait) != NGX_OK) {
        return ngx_leaseloft_search_refuse(search, NULL);
    }

    if (ngx_leaseloft_wait_for(r, conf->wait, ngx_leaseloft_search_on_timeout,
                               ngx_leaseloft_search_on_close, search)
        != NGX_OK)
    {
        ngx_leaseloft_queue_remove(&search->queued);
        return NGX_HTTP_INTERNAL_SERVER_ERROR;
    }

    return NGX_DONE;
}


/* adds the request to the lane: user, property, time to wait, parameters */
static ngx_int_t
ngx_leaseloft_search_add(ngx_leaseloft_search_t *search, ngx_msec_t wait)
{
    u_char                  ms[NGX_INT_T_LEN];
    ngx_str_t               fields[2 * (3 + LL_SEARCH_PARAMS)];
    ngx_uint_t              i, n;
    ngx_leaseloft_ctx_t    *ctx;

    ctx = search->ctx;

    ngx_str_set(&fields[0], "u");
    fields[1] = ctx->user;
    ngx_str_set(&fields[2], "w");
    fields[3].data = ms;
    fields[3].len = ngx_sprintf(ms, "%M", wait) - ms;
    n = 4;

    if (ctx->property.len) {
        ngx_str_set(&fields[n], "p");
        fields[n + 1] = ctx->property;
        n += 2;
    }

    for (i = 0; i < LL_SEARCH_PARAMS; i++) {

        if (search->search.params[i].data == NULL) {
            continue;
        }

        fields[n].data = (u_char *) ll_search_name(i);
        fields[n].len = ngx_strlen(fields[n].data);
        fields[n + 1].data = (u_char *) search->search.params[i].data;
        fields[n + 1].len = search->search.params[i].len;
        n += 2;
    }

    return ngx_leaseloft_queue_search(ctx->process, &search->queued, n, fields);
}


/* without searchers there is no lane, and nothing is added */
static void
ngx_leaseloft_search_failed(ngx_leaseloft_queued_t *queued, ngx_uint_t unknown)
{
    ngx_leaseloft_search_t  *search = (ngx_leaseloft_search_t *) queued;

    ngx_leaseloft_wait_finalize(search->ctx->request,
                                ngx_leaseloft_search_refuse(search, NULL));
}


static void
ngx_leaseloft_search_verdict(ngx_leaseloft_queued_t *queued,
    ll_verdict_t *verdict)
{
    ngx_leaseloft_search_t  *search = (ngx_leaseloft_search_t *) queued;

    ngx_leaseloft_queue_remove(queued);

    ngx_leaseloft_wait_finalize(search->ctx->request,
                                ngx_leaseloft_search_answer(search, verdict));
}


static ngx_int_t
ngx_leaseloft_search_answer(ngx_leaseloft_search_t *search,
    ll_verdict_t *verdict)
{
    ngx_str_t             body;
    ngx_http_request_t   *r;

    static ngx_str_t  hits = ngx_string("{\"hits\":[");

    r = search->ctx->request;

    body.data = (u_char *) verdict->body.data;
    body.len = verdict->body.len;

    if (verdict->status == NGX_HTTP_OK && body.len > hits.len
        && ngx_strncmp(body.data, hits.data, hits.len) == 0)
    {
        ngx_leaseloft_counters_add(search->ctx->process->zone,
                                   NGX_LEASELOFT_SEARCH_MSECS,
                                   ngx_current_msec - search->start);

        return ngx_leaseloft_response_json(r, NGX_HTTP_OK, &body);
    }

    /* access ended since it was checked */
    if (verdict->status == NGX_HTTP_NOT_FOUND) {
        return ngx_leaseloft_response_problem(r, NGX_HTTP_NOT_FOUND, NULL);
    }

    if (verdict->status < NGX_HTTP_SPECIAL_RESPONSE) {

        /* not to the request's log, which adds the words to the message */

        ngx_log_error(NGX_LOG_ERR, search->ctx->process->log, 0,
                      "a worker sent a verdict of status %ui that does not "
                      "answer a search", (ngx_uint_t) verdict->status);
    }

    return ngx_leaseloft_search_refuse(search,
                                       "The threads could not be searched.");
}


static void
ngx_leaseloft_search_on_timeout(void *data)
{
    ngx_leaseloft_search_t  *search = data;

    ngx_leaseloft_queue_remove(&search->queued);

    ngx_leaseloft_wait_finalize(search->ctx->request,
        ngx_leaseloft_search_refuse(search,
                                    "No worker answered the search in time."));
}


/* a searcher may still search, but drops a request that is too old */
static void
ngx_leaseloft_search_on_close(void *data)
{
    ngx_leaseloft_search_t  *search = data;

    ngx_leaseloft_queue_remove(&search->queued);
}


static ngx_int_t
ngx_leaseloft_search_refuse(ngx_leaseloft_search_t *search, char *detail)
{
    ngx_leaseloft_counters_add(search->ctx->process->zone,
                               NGX_LEASELOFT_SEARCHES_FAILED, 1);

    return ngx_leaseloft_response_problem(search->ctx->request,
        NGX_HTTP_SERVICE_UNAVAILABLE,
        detail ? detail : "No worker takes searches at the moment.");
}
