
/*
 * Folds texts, by utf8proc.
 *
 * ASCII needs no table.  Only the last character before others takes part in
 * what follows it, as a combining mark may belong to it; no ASCII character
 * changes with what precedes it.  So a text is folded in pieces that begin with
 * such a character and end before the next ASCII one.
 */

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

#include "fold.h"


/* stable: with the composition exclusions of NFC */
#define FOLD_COMPOSE  (UTF8PROC_STABLE | UTF8PROC_COMPOSE)

/* the longest canonical or compatibility decomposition, in code points */
#define FOLD_GROWTH  18


/* makes room for the code points of len bytes: 0, or -1 */
static int
fold_room(fold_t *fold, size_t len)
{
    size_t    size;
    int32_t  *points;

    /* one is for the terminator of utf8proc_reencode() */

    size = len * FOLD_GROWTH + 1;

    if (size <= fold->size) {
        return 0;
    }

    points = realloc(fold->points, size * sizeof(int32_t));
    if (points == NULL) {
        return -1;
    }

    fold->points = points;
    fold->size = size;

    return 0;
}


/* decomposes len bytes into fold->points: their number, or -1 */
static utf8proc_ssize_t
fold_decompose(fold_t *fold, const char *s, size_t len, int options)
{
    utf8proc_ssize_t  n;

    if (fold_room(fold, len) == -1) {
        return -1;
    }

    n = utf8proc_decompose((const utf8proc_uint8_t *) s,
                           (utf8proc_ssize_t) len, fold->points,
                           (utf8proc_ssize_t) fold->size - 1,
                           (utf8proc_option_t) options);

    return n < 0 || (size_t) n >= fold->size ? -1 : n;
}


/* appends n code points as UTF-8 to the buffer: 0, or -1 */
static int
fold_encode(fold_t *fold, buf_t *buf, utf8proc_ssize_t n, int options)
{
    if (n >= 0) {
        n = utf8proc_reencode(fold->points, n, (utf8proc_option_t) options);
    }

    if (n < 0) {
        return -1;
    }

    buf_add(buf, (char *) fold->points, (size_t) n);

    return buf_failed(buf) ? -1 : 0;
}


/* drops category Mn: the number of code points left */
static utf8proc_ssize_t
fold_strip(fold_t *fold, utf8proc_ssize_t n)
{
    utf8proc_ssize_t  i, left;

    left = 0;

    for (i = 0; i < n; i++) {
        if (utf8proc_category(fold->points[i]) != UTF8PROC_CATEGORY_MN) {
            fold->points[left++] = fold->points[i];
        }
    }

    return left;
}


static int
fold_piece(fold_t *fold, buf_t *buf, const char *s, size_t len)
{
    utf8proc_ssize_t  n;

    buf_reset(&fold->step);

    n = fold_decompose(fold, s, len, FOLD_COMPOSE | UTF8PROC_COMPAT);
    if (fold_encode(fold, &fold->step, n, FOLD_COMPOSE) == -1) {
        return -1;
    }

    n = fold_decompose(fold, fold->step.data, fold->step.len,
                       UTF8PROC_CASEFOLD);
    buf_reset(&fold->step);

    if (fold_encode(fold, &fold->step, n, 0) == -1) {
        return -1;
    }

    n = fold_decompose(fold, fold->step.data, fold->step.len,
                       UTF8PROC_STABLE | UTF8PROC_DECOMPOSE);

    return fold_encode(fold, buf, n < 0 ? n : fold_strip(fold, n),
                       FOLD_COMPOSE);
}


static void
fold_ascii(buf_t *buf, const char *s, size_t len)
{
    char    lower[256];
    size_t  i, n;

    for ( /* void */ ; len; len -= n, s += n) {
        n = len < sizeof(lower) ? len : sizeof(lower);

        for (i = 0; i < n; i++) {
            lower[i] = s[i] >= 'A' && s[i] <= 'Z' ? s[i] + ('a' - 'A') : s[i];
        }

        buf_add(buf, lower, n);
    }
}


int
fold_add(fold_t *fold, buf_t *buf, const char *s, size_t len)
{
    size_t  i, start;

    i = 0;

    while (i < len) {
        for (start = i; i < len && (unsigned char) s[i] < 0x80; i++) {
            /* void */
        }

        if (i == len) {
            fold_ascii(buf, s + start, i - start);
            break;
        }

        i -= i > start;
        fold_ascii(buf, s + start, i - start);

        for (start = i++; i < len && (unsigned char) s[i] >= 0x80; i++) {
            /* void */
        }

        if (fold_piece(fold, buf, s + start, i - start) == -1) {
            return -1;
        }
    }

    return buf_failed(buf) ? -1 : 0;
}


void
fold_free(fold_t *fold)
{
    free(fold->points);
    buf_free(&fold->step);

    fold->points = NULL;
    fold->size = 0;
}
