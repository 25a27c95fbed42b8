
/*
 * Of the 4.2 kB of an idle stream 2 kB were the request's pool, for the most
 * part of no use any more (names of headers, the response's buffers), nginx's
 * table of the modules' contexts (62 pointers with Debian's nginx) and that of
 * variables.  They are 0.7 kB with the stream in a pool of its own, which
 * takes the place of the request's, and tables that all silent requests share.
 *
 * What is in a pool is found by way of the request: through a context, a
 * cleanup, a field or a variable.  A request for which some other module has a
 * context or a cleanup is left alone; fields and variables are moved.
 *
 * Nobody looks at the tables of a request while it waits: events skip nginx's
 * filters, and no phase runs.  They are made again, by a cleanup if need be,
 * before the request is finalized or logged.
 */


#include "ngx_leaseloft_stream_hibernate.h"

#include <sys/mman.h>


typedef struct {
    ngx_uint_t                      index;
    ngx_http_variable_value_t       value;
} ngx_leaseloft_stream_hibernate_variable_t;


/* in the pool that the request has from then on */
typedef struct {
    ngx_http_cleanup_t                         cleanup;
    ngx_leaseloft_ctx_t                       *ctx;
    ngx_uint_t                                 nvariables;
    ngx_leaseloft_stream_hibernate_variable_t  variables[];
} ngx_leaseloft_stream_hibernate_t;


/* strings are counted while last is NULL, then copied to it */
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
 * what these have is for the request's headers, and for bodies that go through
 * the filters; the second one is Debian's, and in every request
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
 * A module that wrote there, against all that was said above, would give one
 * request's context to another; it is stopped instead.
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
    ngx_leaseloft_stream_hibernate_t      *fold;
    ngx_http_log_ctx_t                    *log;
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

    /* another block of the pool would be as big as the first */

    large = ngx_palloc(pool, sizeof(ngx_pool_large_t));
    fold = size <= (size_t) (pool->d.end - pool->d.last)
           ? ngx_palloc(pool, size)
           : ngx_pmemalign(pool, size, NGX_POOL_ALIGNMENT);

    if (large == NULL || fold == NULL) {
        return;
    }

    /* it may be a subrequest that is over, in the pool that goes */

    log = r->connection->log->data;
    log->current_request = r;

    text.last = (u_char *) &fold->variables[n];

    ngx_leaseloft_stream_hibernate_captures(r, &text);
    ngx_leaseloft_stream_hibernate_variables(r, &text, fold->variables);
    ngx_leaseloft_stream_hibernate_strings(r, &text);

    fold->ctx = ctx;
    fold->nvariables = n;

    fold->cleanup.handler = ngx_leaseloft_stream_hibernate_cleanup;
    fold->cleanup.data = fold;
    fold->cleanup.next = NULL;
    r->cleanup = &fold->cleanup;

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


/* 1: in the request's pool is nothing that somebody might look for */
static ngx_uint_t
ngx_leaseloft_stream_hibernate_alone(ngx_http_request_t *r, ngx_pool_t *pool)
{
    ngx_uint_t                 i;
    ngx_pool_large_t          *large;
    ngx_pool_cleanup_t        *cln;
    ngx_http_core_loc_conf_t  *clcf;

    /* with a big request_pool_size the request is in a block of its pool */

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


/* how many there are; those in kept are the ones with their text moved */
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


/* $1 and so on: places in a text, which is the line or lies in the pool */
static void
ngx_leaseloft_stream_hibernate_captures(ngx_http_request_t *r,
    ngx_leaseloft_stream_hibernate_text_t *text)
{
#if (NGX_PCRE)

    int         end;
    u_char     *captures;
    ngx_uint_t  i;

    /* there may be room for some all the same: nginx is to make it anew */

    if (r->ncaptures == 0) {
        r->captures = NULL;
        return;
    }

    end = 0;

    for (i = 0; i < r->ncaptures; i++) {
        end = ngx_max(end, r->captures[i]);
    }

    /* the first one, so that they are aligned */

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
    ngx_leaseloft_stream_hibernate_t *fold = data;

    void                      **ctx;
    ngx_uint_t                  i;
    ngx_http_request_t         *r;
    ngx_http_variable_value_t  *variables;
    ngx_http_core_main_conf_t  *cmcf;

    r = fold->ctx->request;
    cmcf = ngx_http_get_module_main_conf(r, ngx_http_core_module);

    ctx = ngx_pcalloc(r->pool, ngx_http_max_module * sizeof(void *));
    variables = ngx_pcalloc(r->pool, cmcf->variables.nelts
                                     * sizeof(ngx_http_variable_value_t));

    if (ctx == NULL || variables == NULL) {

        /* nobody must look into the tables: it ends at once, and unlogged */

        r->connection->error = 1;
        r->logged = 1;
        return;
    }

    ctx[ngx_leaseloft_module.ctx_index] = fold->ctx;

    for (i = 0; i < fold->nvariables; i++) {
        variables[fold->variables[i].index] = fold->variables[i].value;
    }

    r->ctx = ctx;
    r->variables = variables;
}
