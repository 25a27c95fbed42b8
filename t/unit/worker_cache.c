
/* arguments, cached properties, badges of a batch, and backoff */

#include <stdio.h>
#include <stdlib.h>

#include "t/tap.h"
#include "args.h"
#include "backoff.h"
#include "badge.h"
#include "property_cache.h"
#include "view.h"


static void
test_args(void)
{
    int     i, good;
    char    expected[16];
    args_t  args = ARGS_INIT;

    args_lit(&args, "SET");
    args_add(&args, "a\0b", 3);
    args_number(&args, -42);

    for (i = 0; i < 1000; i++) {
        args_number(&args, i);
    }

    is_num(args_finish(&args), 0, "arguments are complete");
    is_num(args.n, 1003, "there are 1003 arguments");
    is_mem(args.argv[1], args.argvlen[1], "a\0b",
           "an argument has its bytes, NUL included");
    is_mem(args.argv[2], args.argvlen[2], "-42", "a number is formatted");

    good = 1;

    for (i = 0; i < 1000; i++) {
        (void) snprintf(expected, sizeof(expected), "%d", i);
        good &= args.argvlen[i + 3] == strlen(expected)
                && memcmp(args.argv[i + 3], expected, strlen(expected)) == 0;
    }

    ok(good, "arguments are kept when memory moves");

    args_reset(&args);
    args_copy(&args, "", 0);
    is_num(args_finish(&args), 0, "an empty argument is complete");
    ok(args.argv[0] != NULL, "an empty argument is not NULL");

    args_free(&args);
    args_free(NULL);
}


static property_t *
get(property_cache_t *properties, const char *id)
{
    return property_cache_get(properties, id, strlen(id));
}


static void
test_properties(void)
{
    int                i;
    char               id[16];
    state_t            state;
    property_t        *a;
    property_cache_t  *properties;

    properties = property_cache_create(3);

    a = get(properties, "a");
    is_str(a->keys[LL_KEY_META], "ll:{p:a}:meta", "a property has its keys");
    is_str(a->channel, "ll:{p:a}:ch", "a property has its channel");
    is_num(a->known, 0, "the state of a new property is not known");

    (void) state_init(&state, "a", 1);
    state.seq = 7;
    property_update(a, &state);
    is_num(get(properties, "a")->state.seq, 7,
           "the state of a property is cached");

    (void) get(properties, "b");
    (void) get(properties, "c");
    (void) get(properties, "a");
    (void) get(properties, "d");

    is_num(get(properties, "a")->known, 1,
           "no property is dropped before the trim");

    property_cache_trim(properties);
    is_num(get(properties, "a")->known, 1,
           "the property used last is kept by the trim");

    for (i = 0; i < 10000; i++) {
        (void) snprintf(id, sizeof(id), "p%d", i);
        (void) get(properties, id);
    }

    property_cache_trim(properties);
    is_num(get(properties, "a")->known, 0,
           "a property not used lately is dropped by the trim");

    (void) state_init(&state, "a", 1);
    property_update(get(properties, "a"), &state);
    property_cache_forget(properties);
    is_num(get(properties, "a")->known, 0,
           "forget drops the state of every property");

    property_cache_free(properties);
    property_cache_free(NULL);
}


static void
test_badges(void)
{
    int                newer;
    badge_t           *badge;
    badge_list_t       badges;
    property_t        *p, *q;
    property_cache_t  *properties;
    store_thread_t     thread;

    memset(&badges, 0, sizeof(badge_list_t));

    properties = property_cache_create(9);
    p = get(properties, "p");
    q = get(properties, "q");

    badge = badge_add(&badges, p, "tom", 5, &newer);
    badge->unread = 1;
    (void) strcpy(badge->shown, "3.1");
    (void) badge_add(&badges, q, "tom", 3, &newer);
    (void) badge_add(&badges, p, "ana", 5, &newer);
    is_num(badges.n, 3, "there is a badge for each property and user");

    ok(badge_add(&badges, p, "tom", 5, &newer) == NULL && newer,
       "a badge of the same version is not added");
    ok(badge_add(&badges, p, "tom", 4, &newer) == NULL && newer,
       "a badge of an older version is not added");

    badge = badge_add(&badges, p, "tom", 6, &newer);
    badge->unread = 2;
    (void) strcpy(badge->shown, "4.1");
    is_num(badges.n, 3, "a badge of a newer version replaces the older");

    badge_thread(badges.list[0], &thread);
    is_num(thread.unread, 2, "the newer badge has its count");
    is_str(thread.shown, "4.1", "the newer badge has what is shown");

    badge_sort(&badges);
    is_str(badges.list[0]->user, "ana", "badges are sorted by user");
    is_str(badges.list[1]->user, badges.list[2]->user,
           "the badges of a user are together");

    badge_list_reset(&badges);
    is_num(p->badges, 0, "no badge is left after a reset");
    ok(badge_add(&badges, p, "tom", 1, &newer) != NULL,
       "the next batch adds a badge of any version");

    badge_list_free(&badges);
    property_cache_free(properties);
}


static void
test_backoff(void)
{
    int        i;
    unsigned   ms, max;
    backoff_t  backoff = { 0 };

    ms = backoff_next(&backoff);
    ok(ms >= 1 && ms <= BACKOFF_FIRST_MS, "the first wait is short");

    for (i = 0, max = 0; i < 200; i++) {
        ms = backoff_next(&backoff);
        max = ms > max ? ms : max;
    }

    ok(max <= BACKOFF_MAX_MS && max > BACKOFF_MAX_MS / 2,
       "later waits are longer, up to a bound");

    backoff_reset(&backoff);
    ok(backoff_next(&backoff) <= BACKOFF_FIRST_MS,
       "after a reset the wait is short again");
}


int
main(void)
{
    test_args();
    test_properties();
    test_badges();
    test_backoff();

    chain_cleanup();

    return tap_done();
}
