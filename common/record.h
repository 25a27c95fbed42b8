
/*
 * The lines of a record (docs/record.md), each with its line feed.
 *
 * Functions write at most *_max() or *_MAX bytes to dst, without a terminator,
 * and return the position after them.
 */


#ifndef LL_RECORD_H
#define LL_RECORD_H


#include <stddef.h>
#include <stdint.h>


#define LL_RECORD_HASH  32
#define LL_RECORD_SALT  16
#define LL_RECORD_TIME  24

typedef struct {
    const char  *data;
    size_t       len;
} ll_record_str_t;


typedef struct {
    ll_record_str_t       property;    /* an id */
    ll_record_str_t       label;       /* JSON */
    ll_record_str_t       zone;        /* text; may be empty */
    ll_record_str_t       reader;      /* JSON */
    uint64_t              first;
    uint64_t              last;        /* first - 1 if there are no entries */
    const unsigned char  *base;        /* hash(first - 1) */
    const char           *made_at;     /* LL_RECORD_TIME bytes */
} ll_record_head_t;


/* the maximum bytes of a string as JSON */
#define LL_RECORD_QUOTED(len)  (6 * (len) + 2)

/* the first line */
size_t ll_record_head_max(const ll_record_head_t *head);
char *ll_record_head(char *dst, const ll_record_head_t *head);

/* an entry: its bytes, salt and hash */
#define LL_RECORD_ENTRY_MAX(len)  (LL_RECORD_QUOTED(len) + 192)
char *ll_record_entry(char *dst, uint64_t seq, const char *entry, size_t len,
    const unsigned char *salt, const unsigned char *hash);

/* an erased entry: SHA-256(salt || entry), hash, and when it was erased */
#define LL_RECORD_ERASED_MAX  256
char *ll_record_erased(char *dst, uint64_t seq, const unsigned char *digest,
    const unsigned char *hash, const char *erased_at);

/*
 * Finds the time at which an entry was erased, of LL_RECORD_TIME bytes, at the
 * end of what readers see of it: ..."erased_at":"TIME"}.  Returns NULL if it
 * does not end like this.
 */
const char *ll_record_erased_at(const char *entry, size_t len);

/* an entry that is missing in Redis; no verifier accepts it */
#define LL_RECORD_LOST_MAX  48
char *ll_record_lost(char *dst, uint64_t seq);

/* a read mark, of at most LL_RECORD_READ_MAX bytes */
#define LL_RECORD_READ_MAX  192
char *ll_record_read(char *dst, const char *user, size_t len, uint64_t upto,
    const char *at);

/* the last line; note is NULL if there is no checkpoint */
#define LL_RECORD_LAST_MAX(len)  (LL_RECORD_QUOTED(len) + 64)
char *ll_record_last(char *dst, uint64_t entries, const char *note,
    size_t len);

/*
 * Finds the party of a lease entry, {"user","role","name"}, in the bytes of
 * the entry as the worker writes them.  Returns 0, or -1 if there is none.
 */
int ll_record_party(const char *entry, size_t len, ll_record_str_t *party);


#endif /* LL_RECORD_H */
