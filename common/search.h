
/*
 * Searches, as clients and nginx ask for them: the parameters of a query, and
 * the cursor of a search over all threads.  nginx parses the query of a URL,
 * and passes the parameters to the workers, which parse each of them again.
 *
 * Nothing is allocated: results point into the input.  What is malformed is
 * described by a sentence for the client.
 */


#ifndef LL_SEARCH_H
#define LL_SEARCH_H


#include <stddef.h>
#include <stdint.h>

#include "cursor.h"
#include "frame.h"


#define LL_SEARCH_LIMIT      20
#define LL_SEARCH_LIMIT_MAX  200

/* AT.PROPERTY.SEQ */
#define LL_SEARCH_CURSOR_MAX  (15 + 1 + LL_ID_MAX + 1 + 15)


typedef enum {
    LL_SEARCH_WORDS = 0,
    LL_SEARCH_FROM,
    LL_SEARCH_SINCE,
    LL_SEARCH_UNTIL,
    LL_SEARCH_BEFORE,              /* in a thread */
    LL_SEARCH_CURSOR,              /* over all threads */
    LL_SEARCH_PAGE,
    LL_SEARCH_PARAMS
} ll_search_param_e;


/*
 * Where a search over all threads continues: in the thread before entry seq,
 * and then after the cursor (at, property) in the order of the inbox.
 */
typedef struct {
    ll_str_t  at;                  /* decimal */
    ll_str_t  property;
    uint64_t  seq;                 /* 0: the thread was searched */
} ll_search_cursor_t;


typedef struct {
    ll_str_t            params[LL_SEARCH_PARAMS];
                                   /* as given; data is NULL for others */
    int64_t             since;     /* ms; the earliest time by default */
    int64_t             until;     /* ms; the latest time by default */
    uint64_t            before;    /* LL_SEQ_MAX + 1 by default */
    ll_search_cursor_t  cursor;    /* at.len is 0 by default */
    unsigned            limit;
} ll_search_t;


/* Sets the defaults. */
void ll_search_init(ll_search_t *search);

/* Returns the name of a parameter, in queries and in requests to workers. */
const char *ll_search_name(ll_search_param_e param);

/*
 * Sets a parameter to len bytes, which are kept.  Returns NULL, or a sentence
 * about what is wrong.
 */
const char *ll_search_set(ll_search_t *search, ll_search_param_e param,
    const char *s, size_t len);

/*
 * Parses the query of a URL, without the "?": "q=WORDS&limit=N ...", where
 * "+" is a blank.  Values are unescaped in place.  Of a parameter that is given
 * twice, the first is used; others than the known ones are ignored, and so is
 * "except", which is LL_SEARCH_BEFORE or LL_SEARCH_CURSOR.  Returns NULL, or a
 * sentence about what is wrong.
 */
const char *ll_search_parse(ll_search_t *search, char *query, size_t len,
    ll_search_param_e except);

/* Decodes a cursor.  Returns 0, or -1 if it is malformed. */
int ll_search_cursor_decode(ll_search_cursor_t *cursor, const char *s,
    size_t len);

/*
 * Writes a cursor and a terminator to dst, of at least LL_SEARCH_CURSOR_MAX + 1
 * bytes.  Its time has 1 to 15 digits, its property is an id, and its seq is at
 * most LL_SEQ_MAX.  Returns its length.
 */
size_t ll_search_cursor_encode(char *dst, const ll_search_cursor_t *cursor);


#endif /* LL_SEARCH_H */
