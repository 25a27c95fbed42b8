
/*
 * The output buffer of a connection to Redis: commands of one iteration of the
 * event loop are sent together.
 */


#ifndef NGX_LEASELOFT_WRITER_H
#define NGX_LEASELOFT_WRITER_H


#include "ngx_leaseloft.h"


/* empty when all fields but log are zero */
typedef struct {
    u_char                     *buf;       /* NULL until something is added */
    size_t                      size;
    size_t                      pos;       /* sent up to here */
    size_t                      last;
    ngx_log_t                  *log;
} ngx_leaseloft_writer_t;


/*
 * Formats a command in RESP, in memory that ngx_leaseloft_writer_release()
 * frees.  NGX_OK or NGX_ERROR: no memory.
 */
ngx_int_t ngx_leaseloft_writer_format(ngx_str_t *text, ngx_uint_t argc,
    ngx_str_t *argv);
void ngx_leaseloft_writer_release(ngx_str_t *text);

/*
 * Appends a command in RESP; its bytes are copied.  NGX_OK, or NGX_ERROR, with
 * nothing appended: no memory, or the buffer is full.
 */
ngx_int_t ngx_leaseloft_writer_append(ngx_leaseloft_writer_t *writer,
    ngx_uint_t argc, ngx_str_t *argv);

/* the same for AUTH with the configured user, if any, and password */
ngx_int_t ngx_leaseloft_writer_auth(ngx_leaseloft_writer_t *writer,
    ngx_leaseloft_redis_conf_t *rcf);

/* the same for a command that is formatted */
ngx_int_t ngx_leaseloft_writer_text(ngx_leaseloft_writer_t *writer,
    ngx_str_t *text);

/*
 * Sends as much as c accepts.  NGX_OK: all of it; NGX_AGAIN: call again from
 * the write handler of c; or NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_writer_send(ngx_leaseloft_writer_t *writer,
    ngx_connection_t *c);

/* discards unsent bytes and frees the buffer */
void ngx_leaseloft_writer_reset(ngx_leaseloft_writer_t *writer);


#endif /* NGX_LEASELOFT_WRITER_H */
