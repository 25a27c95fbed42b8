
/*
 * A growing run of bytes.
 *
 * A failed allocation is remembered: later calls do nothing, and whoever uses
 * the result asks buf_failed() once, at the end.  Starts as BUF_INIT.
 */


#ifndef BUF_H
#define BUF_H


#include <stddef.h>
#include <stdint.h>


typedef struct {
    char    *data;                 /* terminated by a 0 not counted in len,
                                      once anything was added */
    size_t   len;
    size_t   size;
    int      failed;
} buf_t;


#define BUF_INIT  { NULL, 0, 0, 0 }

/* a string literal */
#define buf_lit(buf, s)  buf_add(buf, s, sizeof(s) - 1)


void buf_add(buf_t *buf, const char *s, size_t len);

/* a terminated string */
void buf_adds(buf_t *buf, const char *s);

/* decimal */
void buf_number(buf_t *buf, int64_t n);

/* 1 if anything added was lost to lack of memory */
int buf_failed(const buf_t *buf);

/* empty again, the memory kept, the failure forgotten */
void buf_reset(buf_t *buf);

/* gives the memory back; NULL is fine */
void buf_free(buf_t *buf);


#endif /* BUF_H */
