
/*
 * The arguments of a Redis command, as they are put together.
 *
 * args_add() keeps a pointer: the bytes live until the command was sent.
 * What is made here (numbers, keys) is kept here.  A failed allocation is
 * remembered and shows when the command is sent.
 */


#ifndef ARGS_H
#define ARGS_H


#include <stddef.h>
#include <stdint.h>

#include "buf.h"


typedef struct {
    const char  **argv;            /* NULL: at argvlen's place in made */
    size_t       *argvlen;
    size_t       *place;
    int           n;
    int           size;
    buf_t         made;
} args_t;


#define ARGS_INIT  { NULL, NULL, NULL, 0, 0, BUF_INIT }

/* a string literal */
#define args_lit(args, s)  args_add(args, s, sizeof(s) - 1)


void args_add(args_t *args, const char *s, size_t len);

/* a terminated string */
void args_adds(args_t *args, const char *s);

/* as args_add(), but the bytes are copied */
void args_copy(args_t *args, const char *s, size_t len);

/* decimal */
void args_number(args_t *args, int64_t n);

/* makes argv and argvlen whole: 0, or -1 if memory was short */
int args_finish(args_t *args);

/* empty again, the memory kept */
void args_reset(args_t *args);

/* gives the memory back; NULL is fine */
void args_free(args_t *args);


#endif /* ARGS_H */
