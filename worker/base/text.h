
/*
 * Text as people write it: UTF-8, counted in code points.
 */


#ifndef TEXT_H
#define TEXT_H


#include <stddef.h>
#include <stdint.h>


/*
 * 1 if the len bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates,
 * nothing past U+10FFFF), else 0.  The functions below need such text.
 */
int text_valid(const char *s, size_t len);

/*
 * in place: CRLF becomes LF, then Unicode White_Space goes from both ends;
 * returns the new length.  Nothing is terminated.
 */
size_t text_normalize(char *s, size_t len);

/* code points */
size_t text_count(const char *s, size_t len);

/* the length in bytes of the first n code points, at most len */
size_t text_cut(const char *s, size_t len, size_t n);

/*
 * the first code point of category Cc (C0, DEL, C1), or -1 if there is none;
 * tab and LF pass where lines is not 0
 */
int text_control(const char *s, size_t len, int lines);


#endif /* TEXT_H */
