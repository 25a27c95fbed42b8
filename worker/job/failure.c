
/*
 * A ring, searched from its beginning: it is used only when something is wrong.
 */

#include <stdio.h>
#include <string.h>

#include "failure.h"


static int
failure_index(const failures_t *failures, const char *id)
{
    int  i;

    for (i = 0; i < FAILURE_MAX; i++) {
        if (failures->list[i].why[0] != '\0'
            && strcmp(failures->list[i].id, id) == 0)
        {
            return i;
        }
    }

    return -1;
}


void
failure_note(failures_t *failures, const char *id, const char *why)
{
    int         i;
    char       *end;
    failure_t  *failure;

    i = failure_index(failures, id);

    if (i == -1) {
        i = (int) failures->next;
        failures->next = (failures->next + 1) % FAILURE_MAX;
    }

    failure = &failures->list[i];

    (void) snprintf(failure->id, sizeof(failure->id), "%s", id);
    (void) snprintf(failure->why, sizeof(failure->why), "%s", why);

    /* Redis appends which function it ran, and the line */

    end = strstr(failure->why, " script: ");

    if (end) {
        *end = '\0';
    }
}


const char *
failure_find(const failures_t *failures, const char *id)
{
    int  i;

    i = failure_index(failures, id);

    return i == -1 ? NULL : failures->list[i].why;
}
