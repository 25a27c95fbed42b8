
/* the state of a property as text: a valid one is written back the same */

#include <string.h>

#include "fuzz.h"
#include "state.h"


static void
state_check(const state_t *state)
{
    size_t  i;

    for (i = 0; i < state->nclosed; i++) {
        CHECK(ll_id_valid(state->closed[i].user,
                          strlen(state->closed[i].user)));
    }

    if (state->active != NULL) {
        CHECK(state->active->json != NULL);
        CHECK(state->active->body.nparties >= 2);
    }

    (void) state_due(state);
}


static void
state_round_trip(const state_t *state)
{
    buf_t    once = BUF_INIT, twice = BUF_INIT;
    state_t  again;

    CHECK(state_init(&again, "p", 1) == 0);

    state_encode(&once, state);
    CHECK(!buf_failed(&once));
    CHECK(state_decode(&again, once.data ? once.data : "", once.len) == 0);

    state_encode(&twice, &again);
    CHECK(once.len == twice.len);
    CHECK(once.len == 0 || memcmp(once.data, twice.data, once.len) == 0);

    state_free(&again);
    buf_free(&once);
    buf_free(&twice);
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char     *text;
    state_t   state, copy;

    /* hiredis ends replies with a zero */

    text = malloc(size + 1);
    CHECK(text != NULL);

    memcpy(text, data, size);
    text[size] = '\0';

    CHECK(state_init(&state, "p", 1) == 0);

    if (state_decode(&state, text, size) == 0) {
        state_check(&state);
        state_round_trip(&state);

        CHECK(state_copy(&copy, &state) == 0);
        state_free(&copy);
    }

    state_free(&state);
    free(text);

    return 0;
}
