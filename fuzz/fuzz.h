
/*
 * A fuzz target is one function over one parser.  Built with clang's libFuzzer
 * it searches; linked with replay.c it runs over a corpus.
 *
 * CHECK() is for what must hold whatever the input: a target that only calls
 * the parser finds crashes, one that checks finds lies.
 */


#ifndef FUZZ_H
#define FUZZ_H


#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>


#define CHECK(cond)                                                          \
    do {                                                                     \
        if (!(cond)) {                                                       \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__,          \
                    __LINE__, #cond);                                        \
            abort();                                                         \
        }                                                                    \
    } while (0)


int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* what runs it: libFuzzer, or replay.c; returns the status to exit with */
int LLVMFuzzerRunDriver(int *argc, char ***argv,
    int (*run)(const uint8_t *data, size_t size));


#endif /* FUZZ_H */
