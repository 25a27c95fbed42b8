
/*
 * An idle stream took 4.2 kB.  2 kB of them were the request's pool with mostly
 * unused data (header names, response buffers), nginx's table of the modules'
 * contexts (62 pointers in Debian's nginx) and the table of variables.  They
 * are 0.7 kB if the stream's own pool replaces the request's pool, and idle
 * requests share the tables.
 *
 * Memory of a pool is reached through the request: by a context, a cleanup, a
 * field or a variable.  A request with a context or a cleanup of another module
 * is not hibernated; fields and variables are copied.
 *
 * The tables are unused while a request is idle: events bypass nginx's filters,
 * and no phase runs.  They are restored before the request is finalized or
 * logged, if need be by a cleanup.
 */


#include "ngx_leaseloft_stream_hibernate.h"

#include <sys/mman.h>


typedef struct {
    ngx_uint_t                      index;
    ngx_http_variable_value_t       value;
} ngx_leaseloft_stream_hibernate_variable_t;


/* in the pool that replaces the request's */
typedef struct {
    ngx_http_cleanup_t                         cleanup;
    ngx_leaseloft_ctx_t                       *ctx;
    ngx_uint_t                                 nvariables;
    ngx_leaseloft_stream_hibernate_variable_t  variables[];
} ngx_leaseloft_stream_hibernate_t;


/* strings are measured while last is NULL, then copied to it */
typedef struct {
    ngx_str_t                      *line;      /* stays where it is */
    u_char                         *last;
    size_t                          size;
} ngx_leaseloft_stream_hibernate_text_t;


static ngx_uint_t ngx_leaseloft_stream_hibernate_alone(ngx_http_request_t *r,
    ngx_pool_t *pool);
static ngx_uint_t ngx_leaseloft_stream_hibernate_variables(
    ngx_http_request_t *r, ngx_leaseloft_stream_hibernate_text_t *text,
    ngx_leaseloft_stream_hibernate_variable_t *kept);
static void ngx_leaseloft_stream_hibernate_strings(ngx_http_request_t *r,
    ngx_leaseloft_stream_hibernate_text_t *text);
static void ngx_leaseloft_stream_hibernate_captures(ngx_http_request_t *r,
    ngx_leaseloft_stream_hibernate_text_t *text);
static void ngx_leaseloft_stream_hibernate_pool(ngx_http_request_t *r,
    ngx_pool_t *pool, ngx_pool_large_t *large);
static void ngx_leaseloft_stream_hibernate_cleanup(void *data);


/*
 * Contexts of these modules are used only for headers and for bodies that pass
 * the filters.  The second module is Debian's and has one in each request.
 */
static char  *ngx_leaseloft_stream_hibernate_past[] = {
    "ngx_http_chunked_filter_module",
    "ngx_http_header_count_module"
};


static size_t
ngx_leaseloft_stream_hibernate_size(ngx_http_request_t *r)
{
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    return ngx_max(ngx_http_max_module * sizeof(void *),
                   cmcf->variables.nelts * sizeof(ngx_http_variable_value_t));
}


/*
 * The tables are read-only: a module that wrote to them would share a context
 * among requests, so it crashes instead.
 */
void *
ngx_leaseloft_stream_hibernate_tables(ngx_leaseloft_process_t *process,
    ngx_http_request_t *r)
{
    void  *empty;

    if (process->empty == NULL) {
        empty = mmap(NULL, ngx_leaseloft_stream_hibernate_size(r), PROT_READ,
                     MAP_PRIVATE|MAP_ANONYMOUS, -1, 0);

        process->empty = empty == MAP_FAILED ? NULL : empty;
    }

    return process->empty;
}


void
ngx_leaseloft_stream_hibernate(ngx_http_request_t *r, ngx_pool_t *pool,
    ngx_leaseloft_ctx_t *ctx, void *empty)
{
    size_t                                 size;
    ngx_uint_t                             n;
    ngx_pool_large_t                      *large;
    ngx_http_log_ctx_t                    *log;
    ngx_leaseloft_stream_hibernate_t      *saved;
    ngx_leaseloft_stream_hibernate_text_t  text;

    if (!ngx_leaseloft_stream_hibernate_alone(r, pool)) {
        return;
    }

    text.line = &r->request_line;
    text.last = NULL;
    text.size = 0;

    ngx_leaseloft_stream_hibernate_captures(r, &text);
    n = ngx_leaseloft_stream_hibernate_variables(r, &text, NULL);
    ngx_leaseloft_stream_hibernate_strings(r, &text);

    size = sizeof(ngx_leaseloft_stream_hibernate_t)
           + n * sizeof(ngx_leaseloft_stream_hibernate_variable_t) + text.size;

    /* another block of the pool would be as large as the first */

    large = ngx_palloc(pool, sizeof(ngx_pool_large_t));
    saved = size <= (size_t) (pool->d.end - pool->d.last)
            ? ngx_palloc(pool, size)
            : ngx_pmemalign(pool, size, NGX_POOL_ALIGNMENT);

    if (large == NULL || saved == NULL) {
        return;
    }

    /* it may be a finished subrequest, in the pool to be destroyed */

    log = r->connection->log->data;
    log->current_request = r;

    text.last = (u_char *) &saved->variables[n];

    ngx_leaseloft_stream_hibernate_captures(r, &text);
    ngx_leaseloft_stream_hibernate_variables(r, &text, saved->variables);
    ngx_leaseloft_stream_hibernate_strings(r, &text);

    saved->ctx = ctx;
    saved->nvariables = n;

    saved->cleanup.handler = ngx_leaseloft_stream_hibernate_cleanup;
    saved->cleanup.data = saved;
    saved->cleanup.next = NULL;
    r->cleanup = &saved->cleanup;

    ngx_leaseloft_stream_hibernate_pool(r, pool, large);

    r->ctx = empty;
    r->variables = empty;
}


static ngx_uint_t
ngx_leaseloft_stream_hibernate_is_past(ngx_uint_t index)
{
    ngx_uint_t     i, n;
    ngx_module_t  *module;

    for (i = 0; ngx_cycle->modules[i]; i++) {
        module = ngx_cycle->modules[i];

        if (module->type == NGX_HTTP_MODULE && module->ctx_index == index) {
            break;
        }
    }

    module = ngx_cycle->modules[i];

    for (n = 0; module && n < sizeof(ngx_leaseloft_stream_hibernate_past)
                              / sizeof(char *); n++)
    {
        if (ngx_strcmp(module->name, ngx_leaseloft_stream_hibernate_past[n])
            == 0)
        {
            return 1;
        }
    }

    return 0;
}


/* 1: the request's pool has nothing that another module may use */
static ngx_uint_t
ngx_leaseloft_stream_hibernate_alone(ngx_http_request_t *r, ngx_pool_t *pool)
{
    ngx_uint_t                 i;
    ngx_pool_large_t          *large;
    ngx_pool_cleanup_t        *cln;
    ngx_http_core_loc_conf_t  *clcf;

    /* with a large request_pool_size the request is in a block of its pool */

    for (large = r->pool->large; large; large = large->next) {
        if (large->alloc == r) {
            break;
        }
    }

    if (large == NULL) {
        return 0;
    }

    clcf = ngx_http_get_module_loc_conf(r, ngx_http_core_module);
    cln = r->pool->cleanup;

    if (cln == NULL || cln->data != pool || cln->next || r->cleanup
        || r->out || r->upstream || r->upstream_states || r->request_body
        || r->postponed || r->posted_requests || r->post_subrequest
        || r->main->count != 1
        || r->blocked || r->aio || clcf->post_action.data)
    {
        return 0;
    }

#if (NGX_HTTP_CACHE)
    if (r->cache) {
        return 0;
    }
#endif

    for (i = 0; i < ngx_http_max_module; i++) {
        if (r->ctx[i] && i != ngx_leaseloft_module.ctx_index
            && !ngx_leaseloft_stream_hibernate_is_past(i))
        {
            return 0;
        }
    }

    return 1;
}


static void
ngx_leaseloft_stream_hibernate_text(
    ngx_leaseloft_stream_hibernate_text_t *text, u_char **data, size_t len)
{
    u_char  *p;

    p = text->line->data;

    if (len == 0 || (*data >= p && *data < p + text->line->len)) {
        return;
    }

    text->size += len;

    if (text->last) {
        p = text->last;
        text->last = ngx_cpymem(p, *data, len);
        *data = p;
    }
}


/* returns the number of variables; copies them to kept unless it is NULL */
static ngx_uint_t
ngx_leaseloft_stream_hibernate_variables(ngx_http_request_t *r,
    ngx_leaseloft_stream_hibernate_text_t *text,
    ngx_leaseloft_stream_hibernate_variable_t *kept)
{
    u_char                     *data;
    ngx_uint_t                  i, n;
    ngx_http_variable_value_t  *v;
    ngx_http_core_main_conf_t  *cmcf;

    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);
    n = 0;

    for (i = 0; i < cmcf->variables.nelts; i++) {
        v = &r->variables[i];

        if (!v->valid && !v->not_found) {
            continue;
        }

        data = v->data;

        if (v->valid) {
            ngx_leaseloft_stream_hibernate_text(text, &data, v->len);
        }

        if (kept) {
            kept[n].index = i;
            kept[n].value = *v;
            kept[n].value.data = data;
        }

        n++;
    }

    return n;
}


static void
ngx_leaseloft_stream_hibernate_strings(ngx_http_request_t *r,
    ngx_leaseloft_stream_hibernate_text_t *text)
{
    ngx_uint_t  i;
    ngx_str_t  *strings[] = {
        &r->uri, &r->args, &r->exten, &r->unparsed_uri, &r->method_name,
        &r->http_protocol, &r->schema
    };

    for (i = 0; i < sizeof(strings) / sizeof(ngx_str_t *); i++) {
        ngx_leaseloft_stream_hibernate_text(text, &strings[i]->data,
                                            strings[i]->len);
    }
}


/* $1 and so on: offsets in a string, which is in the line or in the pool */
static void
ngx_leaseloft_stream_hibernate_captures(ngx_http_request_t *r,
    ngx_leaseloft_stream_hibernate_text_t *text)
{
#if (NGX_PCRE)

    int         end;
    u_char     *captures;
    ngx_uint_t  i;

    /* nginx is to allocate the array, which is in the old pool, if needed */

    if (r->ncaptures == 0) {
        r->captures = NULL;
        return;
    }

    end = 0;

    for (i = 0; i < r->ncaptures; i++) {
        end = ngx_max(end, r->captures[i]);
    }

    /* copied first, so that they are aligned */

    captures = (u_char *) r->captures;
    ngx_leaseloft_stream_hibernate_text(text, &captures,
                                        r->ncaptures * sizeof(int));
    ngx_leaseloft_stream_hibernate_text(text, &r->captures_data, end);

    r->captures = (int *) captures;

    if (text->last) {
        r->realloc_captures = 1;
    }

#endif
}


static void
ngx_leaseloft_stream_hibernate_pool(ngx_http_request_t *r, ngx_pool_t *pool,
    ngx_pool_large_t *large)
{
    ngx_pool_t        *old;
    ngx_pool_large_t  *l;

    old = r->pool;

    for (l = old->large; l->alloc != r; l = l->next) { /* void */ }

    l->alloc = NULL;

    large->alloc = r;
    large->next = pool->large;
    pool->large = large;

    r->pool = pool;

    old->cleanup = NULL;
    ngx_destroy_pool(old);
}


void
ngx_leaseloft_stream_hibernate_end(ngx_http_request_t *r)
{
    ngx_http_cleanup_t  *cln;

    for (cln = r->cleanup; cln; cln = cln->next) {
        if (cln->handler == ngx_leaseloft_stream_hibernate_cleanup) {
            cln->handler = NULL;
            ngx_leaseloft_stream_hibernate_cleanup(cln->data);
            return;
        }
    }
}


static void
ngx_leaseloft_stream_hibernate_cleanup(void *data)
{
    ngx_leaseloft_stream_hibernate_t *saved = data;

    void                      **ctx;
    ngx_uint_t                  i;
    ngx_http_request_t         *r;
    ngx_http_variable_value_t  *variables;
    ngx_http_core_main_conf_t  *cmcf;

    r = saved->ctx->request;
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    ctx = ngx_pcalloc(r->pool, ngx_http_max_module * sizeof(void *));
    variables = ngx_pcalloc(r->pool, cmcf->variables.nelts
                                     * sizeof(ngx_http_variable_value_t));

    if (ctx == NULL || variables == NULL) {

        /* the tables must not be used: the request ends without being logged */

        r->connection->error = 1;
        r->logged = 1;
        return;
    }

    ctx[ngx_leaseloft_module.ctx_index] = saved->ctx;

    for (i = 0; i < saved->nvariables; i++) {
        variables[saved->variables[i].index] = saved->variables[i].value;
    }

    r->ctx = ctx;
    r->variables = variables;
}
