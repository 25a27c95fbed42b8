
/*
 * A growing buffer.
 *
 * A failed allocation is recorded and later calls do nothing, so that callers
 * check buf_failed() once, at the end.  A buffer is initialized with BUF_INIT.
 */


#ifndef BUF_H
#define BUF_H


#include <stddef.h>
#include <stdint.h>


typedef struct {
    char    *data;                 /* NULL, or terminated by a zero byte that
                                      len does not count */
    size_t   len;
    size_t   size;
    int      failed;
} buf_t;


#define BUF_INIT  { NULL, 0, 0, 0 }

/* appends a string literal; anything else does not compile */
#define buf_lit(buf, s)  buf_add(buf, "" s, sizeof(s) - 1)


/* Appends len bytes. */
void buf_add(buf_t *buf, const char *s, size_t len);

/* Appends a terminated string. */
void buf_adds(buf_t *buf, const char *s);

/* Appends a number in decimal. */
void buf_number(buf_t *buf, int64_t n);

/* Returns 1 if an allocation has failed, so that data is incomplete. */
int buf_failed(const buf_t *buf);

/* Empties the buffer and clears a failure; keeps the memory. */
void buf_reset(buf_t *buf);

/* Frees the memory; NULL is allowed. */
void buf_free(buf_t *buf);


#endif /* BUF_H */
