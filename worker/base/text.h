
/*
 * Text of messages and names: UTF-8, counted in code points.
 */


#ifndef TEXT_H
#define TEXT_H


#include <stddef.h>
#include <stdint.h>


/*
 * Returns 1 if the len bytes are UTF-8 (RFC 3629: no overlong forms, no
 * surrogates, nothing above U+10FFFF), else 0.  The functions below require
 * valid text.
 */
int text_valid(const char *s, size_t len);

/*
 * Replaces CRLF by LF and removes Unicode White_Space at both ends, in place.
 * Returns the new length; does not terminate the text.
 */
size_t text_normalize(char *s, size_t len);

/* Returns the number of code points. */
size_t text_count(const char *s, size_t len);

/* Returns the length in bytes of the first n code points, at most len. */
size_t text_cut(const char *s, size_t len, size_t n);

/*
 * Returns the first control character (category Cc: C0, DEL, C1), or -1 if
 * there is none.  Tab and LF are allowed if "lines" is not 0.
 */
int text_control(const char *s, size_t len, int lines);


#endif /* TEXT_H */
