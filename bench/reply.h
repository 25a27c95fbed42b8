
/*
 * A response of HTTP/1.1, parsed as it arrives: status, ETag, and the body with
 * a length, in chunks, or up to the end of the connection.
 */


#ifndef REPLY_H
#define REPLY_H


#include <stddef.h>
#include <stdint.h>


#define REPLY_LINE  256
#define REPLY_ETAG  80


typedef struct reply_s  reply_t;

struct reply_s {
    void     (*body)(reply_t *reply, char *data, size_t len);
    void      *data;                    /* the caller's */
    size_t     left;                    /* of the body, or of a chunk */
    uint16_t   status;                  /* 0 until it is known */
    uint8_t    state;
    uint8_t    mode;
    uint16_t   line_len;
    char       line[REPLY_LINE];        /* one that is not whole yet */
    char       etag[REPLY_ETAG];        /* empty for none */
};


/* for the next response; keeps body and data */
void reply_init(reply_t *reply);

/*
 * Takes len bytes; returns how many belong to this response, or -1 for what
 * is no response.  reply_done() says whether it is over.
 */
long reply_feed(reply_t *reply, char *data, size_t len);

int reply_done(const reply_t *reply);

/* 1 when all headers are there */
int reply_started(const reply_t *reply);


#endif /* REPLY_H */
