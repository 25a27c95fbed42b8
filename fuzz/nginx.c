
/*
 * The nginx module that holds a fuzz target: it runs while nginx reads its
 * configuration, and exits with it.  FUZZ_ARGS holds the arguments of the
 * target: files, or options of libFuzzer.
 */


#include "nginx.h"

#include <ngx_event.h>


#define FUZZ_ARGS_MAX  64


static void *fuzz_run(ngx_cycle_t *cycle);
static void fuzz_log_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf,
    size_t len);


static ngx_core_module_t  fuzz_module_ctx = {
    ngx_string("fuzz"),
    fuzz_run,
    NULL
};


static ngx_module_t  fuzz_module = {
    NGX_MODULE_V1,
    &fuzz_module_ctx,                      /* module context */
    NULL,                                  /* module directives */
    NGX_CORE_MODULE,                       /* module type */
    NULL,                                  /* init master */
    NULL,                                  /* init module */
    NULL,                                  /* init process */
    NULL,                                  /* init thread */
    NULL,                                  /* exit thread */
    NULL,                                  /* exit process */
    NULL,                                  /* exit master */
    NGX_MODULE_V1_PADDING
};


/* the symbols that nginx looks up in a module's file */

ngx_module_t  *ngx_modules[] = { &fuzz_module, NULL };
char          *ngx_module_names[] = { "fuzz", NULL };
char          *ngx_module_order[] = { NULL };


ngx_log_t  fuzz_log = {
    .log_level = NGX_LOG_INFO,
    .writer = fuzz_log_writer
};

static ngx_time_t  fuzz_time;


static void *
fuzz_run(ngx_cycle_t *cycle)
{
    int          argc;
    char        *args, *arg, *argv[FUZZ_ARGS_MAX + 1], **p;
    const char  *given;

    given = getenv("FUZZ_ARGS");
    args = strdup(given ? given : "");
    CHECK(args != NULL);

    argv[0] = "fuzz";
    argc = 1;

    for (arg = strtok(args, " ");
         arg && argc < FUZZ_ARGS_MAX;
         arg = strtok(NULL, " "))
    {
        argv[argc++] = arg;
    }

    argv[argc] = NULL;
    p = argv;

    /* nginx would print every error at its start on the terminal */

    ngx_use_stderr = 0;

    /* nginx numbers its http modules when the http block begins */

    ngx_leaseloft_module.ctx_index = 0;
    ngx_http_core_module.ctx_index = 1;

    exit(LLVMFuzzerRunDriver(&argc, &p, LLVMFuzzerTestOneInput));
}


/* no input may cause an alert */
static void
fuzz_log_writer(ngx_log_t *log, ngx_uint_t level, u_char *buf, size_t len)
{
    if (level == NGX_LOG_ALERT) {
        fprintf(stderr, "%.*s\n", (int) len, (char *) buf);
        abort();
    }
}


ngx_pool_t *
fuzz_pool(void)
{
    return ngx_create_pool(NGX_DEFAULT_POOL_SIZE, &fuzz_log);
}


void
fuzz_clock(ngx_msec_t ms)
{
    fuzz_time.sec = FUZZ_NOW + ms / 1000;
    fuzz_time.msec = ms % 1000;

    ngx_cached_time = &fuzz_time;
    ngx_current_msec = ms;
}


ngx_str_t
fuzz_string(ngx_pool_t *pool, const uint8_t *data, size_t len)
{
    ngx_str_t  s;

    s.len = len;
    s.data = ngx_pnalloc(pool, len + 1);
    CHECK(s.data != NULL);

    ngx_memcpy(s.data, data, len);
    s.data[len] = '\0';

    return s;
}


void
fuzz_conf(ngx_conf_t *cf, ngx_pool_t *pool, ngx_str_t *name,
    ngx_str_t *values, ngx_uint_t n)
{
    ngx_str_t   *value;
    ngx_uint_t   i;

    ngx_memzero(cf, sizeof(ngx_conf_t));

    cf->pool = pool;
    cf->temp_pool = pool;
    cf->log = &fuzz_log;
    cf->cycle = (ngx_cycle_t *) ngx_cycle;
    cf->args = ngx_array_create(pool, n + 1, sizeof(ngx_str_t));
    CHECK(cf->args != NULL);

    for (i = 0; i <= n; i++) {
        value = ngx_array_push(cf->args);
        CHECK(value != NULL);

        *value = i ? fuzz_string(pool, values[i - 1].data, values[i - 1].len)
                   : *name;
    }
}


ngx_int_t
fuzz_part(const uint8_t **data, size_t *size, uint8_t separator,
    ngx_str_t *part)
{
    const uint8_t  *end;

    if (*data == NULL) {
        return NGX_DECLINED;
    }

    end = *size ? memchr(*data, separator, *size) : NULL;

    part->data = (u_char *) *data;
    part->len = end ? (size_t) (end - *data) : *size;

    *size -= end ? part->len + 1 : part->len;
    *data = end ? end + 1 : NULL;

    return NGX_OK;
}
