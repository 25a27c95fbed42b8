
/*
 * The arguments of a Redis command.
 *
 * args_add() stores a pointer, so that the bytes must exist until the command
 * is sent; numbers and copies are stored in "made".  A failed allocation is
 * recorded, and sending the command fails.
 */


#ifndef ARGS_H
#define ARGS_H


#include <stddef.h>
#include <stdint.h>

#include "buf.h"


typedef struct {
    const char  **argv;            /* NULL: at this offset in made */
    size_t       *argvlen;
    size_t       *offset;
    int           n;
    int           size;
    buf_t         made;
} args_t;


#define ARGS_INIT  { NULL, NULL, NULL, 0, 0, BUF_INIT }

/* adds a string literal; anything else does not compile */
#define args_lit(args, s)  args_add(args, "" s, sizeof(s) - 1)


/* Adds len bytes, which are not copied. */
void args_add(args_t *args, const char *s, size_t len);

/* Adds a terminated string, which is not copied. */
void args_adds(args_t *args, const char *s);

/* Adds a copy of len bytes. */
void args_copy(args_t *args, const char *s, size_t len);

/* Adds a number in decimal. */
void args_number(args_t *args, int64_t n);

/* Completes argv and argvlen.  Returns 0, or -1 if memory was short. */
int args_finish(args_t *args);

/* Removes all arguments; keeps the memory. */
void args_reset(args_t *args);

/* Frees the memory; NULL is allowed. */
void args_free(args_t *args);


#endif /* ARGS_H */
