
/*
 * What travels on Redis channels: a line of space-separated fields, a newline,
 * and a payload that is passed on as it is; docs/data.md lists the forms.
 *
 * Decoders never allocate: results point into the input and live as long as
 * it does.  They return 0, or -1 for anything malformed.
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
    LL_FRAME_INBOX
} ll_frame_type_e;


typedef struct {
    ll_frame_type_e  type;
    uint64_t         ver;          /* entry, read, lease */
    uint64_t         rev;          /* all */
    uint64_t         seq;          /* entry */
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


/* what was published on a property's or a user's channel, of len bytes */
int ll_frame_decode(const char *s, size_t len, ll_frame_t *frame);

/* takes the first of some verdicts off rest */
int ll_frame_verdict_decode(ll_str_t *rest, ll_verdict_t *verdict);

/* bytes of a verdict's line, at most */
#define LL_VERDICT_LINE  80

/*
 * writes a verdict's line, to be followed by its body, into dst, which has
 * room for LL_VERDICT_LINE bytes; returns its length
 */
size_t ll_frame_verdict_encode(char *dst, const ll_verdict_t *verdict);

/*
 * "NGINX.REQUEST", as the field r of a request to the workers holds it;
 * nginx points into s
 */
int ll_frame_reply_decode(const char *s, size_t len, ll_str_t *nginx,
    uint64_t *request);


#endif /* LL_FRAME_H */
