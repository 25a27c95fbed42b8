
/*
 * An HTTP response (RFC 9112) as it is received: its header, and its body
 * without the sizes of chunks (section 7.1).
 */


#ifndef RESPONSE_H
#define RESPONSE_H


#include <stddef.h>

#include "buf.h"


/* the most bytes of the header, and of the body, that are kept */
#define RESPONSE_MAX  262144


typedef struct {
    buf_t   head;                  /* up to the empty line, which is in it */
    buf_t   body;
    int     complete;              /* the header is */
    int     chunked;
    size_t  left;                  /* bytes of the chunk */
    char    size[24];              /* line with the size of the next chunk */
    size_t  nsize;
    int     ended;                 /* the last chunk has come */
} response_t;


#define RESPONSE_INIT  { BUF_INIT, BUF_INIT, 0, 0, 0, "", 0, 0 }


/* Takes bytes that were received.  Returns 0, or -1 if there is no memory. */
int response_take(response_t *response, const char *s, size_t len);

/* Returns the status, or -1 if the header is incomplete or malformed. */
int response_status(const response_t *response);

/*
 * Returns 1 if the header has a field, in lower or upper case, whose value
 * contains the text.
 */
int response_has(const response_t *response, const char *field,
    const char *text);

/* Frees what was kept. */
void response_free(response_t *response);


#endif /* RESPONSE_H */
