
/*
 * The place after an entry: "SEQ.TAG", or "SEQ" alone.
 *
 * SEQ is decimal without leading zeros, TAG the first 8 lower-case hex digits
 * of the entry's hash.
 */


#ifndef LL_CURSOR_H
#define LL_CURSOR_H


#include <stddef.h>
#include <stdint.h>


#define LL_TAG_LEN     8
#define LL_SEQ_MAX     999999999999999ull         /* 15 digits: exact in Lua */
#define LL_CURSOR_MAX  (15 + 1 + LL_TAG_LEN)


typedef struct {
    uint64_t  seq;
    char      tag[LL_TAG_LEN];
    int       tagged;                             /* 0: tag is not set */
} ll_cursor_t;


/* 0, or -1 if the len bytes at s are not a cursor */
int ll_cursor_decode(const char *s, size_t len, ll_cursor_t *cursor);

/* 0, or -1 if the len bytes at s are not a SEQ */
int ll_cursor_decode_seq(const char *s, size_t len, uint64_t *seq);

/* 1 if the len bytes at s are a TAG, else 0 */
int ll_cursor_tag_valid(const char *s, size_t len);

/*
 * writes "SEQ.TAG" to dst, which has room for LL_CURSOR_MAX bytes; the result
 * is not terminated; returns its length
 */
size_t ll_cursor_encode(char *dst, uint64_t seq, const char *tag);

/* the tag of a hash, of which the first 4 bytes are read; not terminated */
void ll_cursor_tag(char tag[LL_TAG_LEN], const unsigned char *hash);


#endif /* LL_CURSOR_H */
