
/*
 * Cursors, the position after an entry: "SEQ.TAG", or "SEQ" alone.
 *
 * SEQ is decimal without leading zeros; TAG is the first 8 lower-case hex
 * digits of the entry's hash.
 */


#ifndef LL_CURSOR_H
#define LL_CURSOR_H


#include <stddef.h>
#include <stdint.h>


#define LL_TAG_LEN     8
#define LL_SEQ_MAX     999999999999999ull         /* exact in Lua */
#define LL_CURSOR_MAX  (15 + 1 + LL_TAG_LEN)


typedef struct {
    uint64_t  seq;
    char      tag[LL_TAG_LEN];
    int       tagged;                             /* 0 if there is no tag */
} ll_cursor_t;


/* Decodes a cursor of len bytes.  Returns 0, or -1 if it is malformed. */
int ll_cursor_decode(const char *s, size_t len, ll_cursor_t *cursor);

/* Decodes a SEQ of len bytes.  Returns 0, or -1 if it is malformed. */
int ll_cursor_decode_seq(const char *s, size_t len, uint64_t *seq);

/* Returns 1 if the len bytes at s are a TAG, else 0. */
int ll_cursor_tag_valid(const char *s, size_t len);

/*
 * Writes "SEQ.TAG" to dst, of at least LL_CURSOR_MAX bytes, not terminated.
 * Returns its length.
 */
size_t ll_cursor_encode(char *dst, uint64_t seq, const char *tag);

/* Writes the tag of a hash, not terminated; reads 4 bytes of the hash. */
void ll_cursor_tag(char tag[LL_TAG_LEN], const unsigned char *hash);


#endif /* LL_CURSOR_H */
