
/*
 * The requests, with the headers of a browser.  All servers get the same ones.
 *
 * Property N is called bN; its landlord is lN, its tenant tN.
 */


#ifndef TARGET_H
#define TARGET_H


#include <stddef.h>
#include <stdint.h>


#define TARGET_REQUEST_MAX  8192
#define TARGET_TEXT         120         /* bytes of a message */


typedef enum {
    TARGET_LANDLORD = 0,
    TARGET_TENANT,
    TARGET_SIDES
} target_side_e;


typedef struct {
    const char  *host;
    unsigned     port;
    const char  *key;                   /* of the tokens */
    size_t       key_len;
    unsigned     first;                 /* property */
    unsigned     properties;
    const char  *place;                 /* query of streams, empty for none */
    size_t       headers;               /* bytes of a stream's request */
    size_t       token;                 /* bytes of a token */
    int          event_id;              /* sends have an Event-ID */
} target_t;


/* makes the tokens, if they are few enough to be stored; 0 or -1 */
int target_init(const target_t *target);

/*
 * Each writes a request into a buffer of TARGET_REQUEST_MAX, and returns its
 * length.
 */

/* last_id: empty for none */
size_t target_stream(char *out, unsigned property, target_side_e side,
    const char *last_id);

/* message n of a property, with the time from which its latency counts */
size_t target_send(char *out, unsigned property, target_side_e side, uint64_t n,
    uint64_t at);

/* query, etag: empty for none; bad: a wrong token, another one each time */
size_t target_get(char *out, unsigned property, target_side_e side,
    const char *query, const char *etag, int bad);

/* what target_send() put into a text, from an event; 0, or -1: not there */
int target_parse(const char *event, uint64_t *n, uint64_t *at);


#endif /* TARGET_H */
