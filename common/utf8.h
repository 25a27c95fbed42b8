
/*
 * UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
 */


#ifndef LL_UTF8_H
#define LL_UTF8_H


#include <stddef.h>
#include <stdint.h>


/*
 * Returns the code point at s, and sets *size to its length in bytes, or to 0
 * if it is not UTF-8.  len must be at least 1.
 */
uint32_t ll_utf8_decode(const char *s, size_t len, size_t *size);

/* Returns 1 if the len bytes are UTF-8, else 0. */
int ll_utf8_valid(const char *s, size_t len);

/*
 * Returns the length in bytes of the first n code points, at most len; the
 * bytes must be UTF-8.
 */
size_t ll_utf8_cut(const char *s, size_t len, size_t n);

/* Returns 1 for a code point that is White_Space (PropList.txt), else 0. */
int ll_utf8_space(uint32_t c);


#endif /* LL_UTF8_H */
