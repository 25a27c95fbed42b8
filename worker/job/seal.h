
/*
 * Sealing in the background.  A message whose number is a multiple of the size
 * of a segment puts its property on a list, as does the first request for a
 * property that the worker does not know yet; one segment of one property is
 * sealed at a time, by two commands, and then the worker does other work for
 * ten times as long.
 *
 * The list is bounded and in memory.  A property that is not on it, because it
 * was full or the worker died, is put there by a later request, and then all
 * that can be sealed is.
 */


#ifndef SEAL_H
#define SEAL_H


#include "store.h"
#include "common/id.h"


/* properties that wait; further ones are left out */
#define SEAL_WAITING  256


typedef struct {
    unsigned  keep;                /* newest entries that stay; 0: none is
                                      sealed */
    unsigned  size;                /* entries of a segment */
    int64_t   at;                  /* the next one, by clock_monotonic() */
    char      waiting[SEAL_WAITING][LL_ID_MAX + 1];
    unsigned  first;
    unsigned  n;
} seal_t;


/* Sets what is sealed; see docs/cli.md. */
void seal_init(seal_t *seal, unsigned keep, unsigned size);

/*
 * Notes that a thread has seq entries: of a property that was read, or after a
 * message.
 */
void seal_found(seal_t *seal, const char *property, uint64_t seq);
void seal_grown(seal_t *seal, const char *property, uint64_t seq);

/*
 * Returns how long to wait before seal_run(), in ms, 0 if it is due, or -1 if
 * nothing is to be sealed.
 */
int64_t seal_wait(const seal_t *seal);

/*
 * Seals the next segment of the first property, if one is due.  Returns 1 if it
 * did, else 0; failures are logged.  No reply may be outstanding.
 */
unsigned seal_run(seal_t *seal, store_t *store);


#endif /* SEAL_H */
