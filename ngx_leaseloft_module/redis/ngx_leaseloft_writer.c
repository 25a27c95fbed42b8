
/*
 * A growing buffer, allocated from the heap, with commands formatted by
 * hiredis.  It is freed when its connection closes.
 */


#include "ngx_leaseloft_writer.h"


#define NGX_LEASELOFT_WRITER_START  4096
#define NGX_LEASELOFT_WRITER_MAX    (16 * 1024 * 1024)
#define NGX_LEASELOFT_WRITER_ARGS   (1 + 256)


/* makes room for len more bytes */
static ngx_int_t
ngx_leaseloft_writer_reserve(ngx_leaseloft_writer_t *writer, size_t len)
{
    size_t   size;
    u_char  *buf;

    if (writer->pos) {
        ngx_memmove(writer->buf, writer->buf + writer->pos,
                    writer->last - writer->pos);
        writer->last -= writer->pos;
        writer->pos = 0;
    }

    if (writer->last + len <= writer->size) {
        return NGX_OK;
    }

    size = ngx_max(writer->size * 2, NGX_LEASELOFT_WRITER_START);
    size = ngx_max(size, writer->last + len);

    if (size > NGX_LEASELOFT_WRITER_MAX) {
        return NGX_ERROR;
    }

    buf = ngx_alloc(size, writer->log);
    if (buf == NULL) {
        return NGX_ERROR;
    }

    if (writer->buf) {
        ngx_memcpy(buf, writer->buf, writer->last);
        ngx_free(writer->buf);
    }

    writer->buf = buf;
    writer->size = size;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_writer_format(ngx_str_t *text, ngx_uint_t argc, ngx_str_t *argv)
{
    int          len;
    char        *data;
    size_t       lens[NGX_LEASELOFT_WRITER_ARGS];
    ngx_uint_t   i;
    const char  *args[NGX_LEASELOFT_WRITER_ARGS];

    if (argc > NGX_LEASELOFT_WRITER_ARGS) {
        return NGX_ERROR;
    }

    for (i = 0; i < argc; i++) {
        args[i] = (const char *) argv[i].data;
        lens[i] = argv[i].len;
    }

    len = redisFormatCommandArgv(&data, (int) argc, args, lens);
    if (len < 0) {
        return NGX_ERROR;
    }

    text->data = (u_char *) data;
    text->len = len;

    return NGX_OK;
}


void
ngx_leaseloft_writer_release(ngx_str_t *text)
{
    redisFreeCommand((char *) text->data);
}


ngx_int_t
ngx_leaseloft_writer_append(ngx_leaseloft_writer_t *writer, ngx_uint_t argc,
    ngx_str_t *argv)
{
    ngx_int_t  rc;
    ngx_str_t  text;

    if (ngx_leaseloft_writer_format(&text, argc, argv) != NGX_OK) {
        return NGX_ERROR;
    }

    rc = ngx_leaseloft_writer_text(writer, &text);

    ngx_leaseloft_writer_release(&text);

    return rc;
}


ngx_int_t
ngx_leaseloft_writer_auth(ngx_leaseloft_writer_t *writer,
    ngx_leaseloft_redis_conf_t *rcf)
{
    ngx_str_t   argv[3];
    ngx_uint_t  argc;

    argc = 0;
    ngx_str_set(&argv[argc], "AUTH");
    argc++;

    if (rcf->user.len) {
        argv[argc++] = rcf->user;
    }

    argv[argc++] = rcf->password;

    return ngx_leaseloft_writer_append(writer, argc, argv);
}


ngx_int_t
ngx_leaseloft_writer_text(ngx_leaseloft_writer_t *writer, ngx_str_t *text)
{
    if (ngx_leaseloft_writer_reserve(writer, text->len) != NGX_OK) {
        return NGX_ERROR;
    }

    ngx_memcpy(writer->buf + writer->last, text->data, text->len);
    writer->last += text->len;

    return NGX_OK;
}


ngx_int_t
ngx_leaseloft_writer_send(ngx_leaseloft_writer_t *writer, ngx_connection_t *c)
{
    ssize_t  n;

    while (writer->pos < writer->last) {

        n = c->send(c, writer->buf + writer->pos,
                    writer->last - writer->pos);

        if (n == NGX_ERROR) {
            return NGX_ERROR;
        }

        if (n == NGX_AGAIN) {
            return ngx_handle_write_event(c->write, 0) == NGX_OK ? NGX_AGAIN
                                                                 : NGX_ERROR;
        }

        writer->pos += n;
    }

    writer->pos = 0;
    writer->last = 0;

    return NGX_OK;
}


void
ngx_leaseloft_writer_reset(ngx_leaseloft_writer_t *writer)
{
    writer->pos = 0;
    writer->last = 0;
    writer->size = 0;

    if (writer->buf) {
        ngx_free(writer->buf);
        writer->buf = NULL;
    }
}
