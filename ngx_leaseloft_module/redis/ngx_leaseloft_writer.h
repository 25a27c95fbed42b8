
/*
 * Commands on their way to Redis: those of one turn of the event loop gather
 * here, and leave together.
 */


#ifndef NGX_LEASELOFT_WRITER_H
#define NGX_LEASELOFT_WRITER_H


#include "ngx_leaseloft.h"


/* zeroed but for log, it is empty */
typedef struct {
    u_char                     *buf;       /* NULL until something is added */
    size_t                      size;
    size_t                      pos;       /* sent up to here */
    size_t                      last;
    ngx_log_t                  *log;
} ngx_leaseloft_writer_t;


/*
 * Adds a command in the form of RESP; its bytes are copied.  NGX_ERROR: no
 * memory, or too much is waiting; then nothing was added.
 */
ngx_int_t ngx_leaseloft_writer_append(ngx_leaseloft_writer_t *writer,
    ngx_uint_t argc, ngx_str_t *argv);

/*
 * Sends what the connection takes.  NGX_OK: all of it; NGX_AGAIN: the write
 * handler of c will be called; NGX_ERROR.
 */
ngx_int_t ngx_leaseloft_writer_send(ngx_leaseloft_writer_t *writer,
    ngx_connection_t *c);

/* drops what was not sent, and the memory */
void ngx_leaseloft_writer_reset(ngx_leaseloft_writer_t *writer);


#endif /* NGX_LEASELOFT_WRITER_H */
