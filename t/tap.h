
/*
 * A small TAP producer for tests in C: one file, one main(), one plan at the
 * end, so that a program that dies early is a failure.
 *
 *     ok(condition, "a name")
 *     is_num(got, expected, "a name")
 *     is_str(got, expected, "a name")
 *     is_mem(got, length, expected literal, "a name")
 *     return tap_done();
 */


#ifndef TAP_H
#define TAP_H


#include <stdio.h>
#include <string.h>


static int  tap_run;
static int  tap_failed;


#define ok(cond, name)  tap_ok((cond) != 0, name, __FILE__, __LINE__)

#define is_num(got, expected, name)                                          \
    tap_num((long long) (got), (long long) (expected), name, __FILE__,       \
            __LINE__)

#define is_str(got, expected, name)                                          \
    tap_str(got, expected, name, __FILE__, __LINE__)

#define is_mem(got, len, expected, name)                                     \
    tap_mem(got, len, expected, sizeof(expected) - 1, name, __FILE__,        \
            __LINE__)


static inline int
tap_ok(int good, const char *name, const char *file, int line)
{
    printf("%sok %d - %s\n", good ? "" : "not ", ++tap_run, name);

    if (!good) {
        tap_failed++;
        printf("# at %s line %d\n", file, line);
    }

    return good;
}


static inline int
tap_num(long long got, long long expected, const char *name, const char *file,
    int line)
{
    if (!tap_ok(got == expected, name, file, line)) {
        printf("#      got: %lld\n# expected: %lld\n", got, expected);
        return 0;
    }

    return 1;
}


/* as a C string would be written, on one line */
static inline void
tap_show(const char *what, const char *s, size_t len)
{
    size_t  i;

    printf("# %s: ", what);

    for (i = 0; s && i < len; i++) {
        if (s[i] < ' ' || s[i] == 0x7f) {
            printf("\\x%02x", (unsigned char) s[i]);

        } else {
            putchar(s[i]);
        }
    }

    printf("%s\n", s ? "" : "NULL");
}


static inline int
tap_mem(const char *got, size_t len, const char *expected, size_t elen,
    const char *name, const char *file, int line)
{
    if (!tap_ok(got && len == elen && memcmp(got, expected, len) == 0, name,
                file, line))
    {
        tap_show("     got", got, len);
        tap_show("expected", expected, elen);
        return 0;
    }

    return 1;
}


static inline int
tap_str(const char *got, const char *expected, const char *name,
    const char *file, int line)
{
    return tap_mem(got, got ? strlen(got) : 0, expected, strlen(expected),
                   name, file, line);
}


static inline int
tap_done(void)
{
    printf("1..%d\n", tap_run);

    return tap_failed ? 1 : 0;
}


#endif /* TAP_H */
