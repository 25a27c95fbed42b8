
/*
 * Texts as they are compared by a search: without regard to case, accents and
 * width.  A text is folded by Unicode's NFKC, full case folding, NFD, removal
 * of category Mn and NFC, in this order.
 */


#ifndef FOLD_H
#define FOLD_H


#include <stdint.h>

#include "buf.h"


/* memory that is used again by the next text */
typedef struct {
    int32_t  *points;
    size_t    size;                /* of points, in code points */
    buf_t     step;
} fold_t;


#define FOLD_INIT  { NULL, 0, BUF_INIT }


/*
 * Appends the folded form of len bytes, which must be UTF-8, to the buffer.
 * Returns 0, or -1 if memory is short.
 */
int fold_add(fold_t *fold, buf_t *buf, const char *s, size_t len);

/* Frees the memory; the functions may be called again. */
void fold_free(fold_t *fold);


#endif /* FOLD_H */
