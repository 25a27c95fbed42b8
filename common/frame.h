
/*
 * Frames, the messages of Redis channels: a line of space-separated fields, a
 * newline, and a payload that is forwarded unchanged (docs/data.md).
 *
 * Decoders do not allocate: results point into the input.  They return 0, or
 * -1 if the input is malformed.
 */


#ifndef LL_FRAME_H
#define LL_FRAME_H


#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "id.h"


typedef struct {
    const char  *data;
    size_t       len;
} ll_str_t;


typedef enum {
    LL_FRAME_ENTRY,
    LL_FRAME_READ,
    LL_FRAME_LEASE,
    LL_FRAME_ERASED,
    LL_FRAME_INBOX
} ll_frame_type_e;


typedef struct {
    ll_frame_type_e  type;
    uint64_t         ver;          /* entry, read, lease, erased */
    uint64_t         rev;          /* all */
    uint64_t         seq;          /* entry */
    uint64_t         erasures;     /* erased: of the thread, with this one */
    uint64_t         total;        /* inbox */
    const char      *tag;          /* entry: LL_TAG_LEN bytes */
    ll_str_t         user;         /* read */
    int              shown;        /* read */
    ll_str_t         payload;      /* entry, read, inbox */
} ll_frame_t;


typedef struct {
    uint64_t   request;
    unsigned   status;             /* 100 to 599 */
    uint64_t   seq;
    ll_str_t   body;
} ll_verdict_t;


/* Decodes a message of a property's or a user's channel. */
int ll_frame_decode(const char *s, size_t len, ll_frame_t *frame);

/* Decodes the first of several verdicts, and removes it from rest. */
int ll_frame_verdict_decode(ll_str_t *rest, ll_verdict_t *verdict);

/* maximum length of a verdict's line */
#define LL_VERDICT_LINE  80

/*
 * Writes the line of a verdict, which its body follows, to dst, of at least
 * LL_VERDICT_LINE bytes.  Returns its length.
 */
size_t ll_frame_verdict_encode(char *dst, const ll_verdict_t *verdict);

/*
 * Decodes "NGINX.REQUEST", the field r of a request to the workers; nginx
 * points into s.
 */
int ll_frame_reply_decode(const char *s, size_t len, ll_str_t *nginx,
    uint64_t *request);


#endif /* LL_FRAME_H */
