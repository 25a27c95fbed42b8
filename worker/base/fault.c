
/* Lists of faults.  A list owns its strings. */

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"


#define FAULT_DETAIL  512


void
fault_add(faults_t *faults, const char *field, const char *fmt, ...)
{
    char      detail[FAULT_DETAIL];
    va_list   args;
    fault_t  *fault, *list;

    if (faults->n > FAULT_MAX) {
        return;
    }

    if (faults->n == FAULT_MAX) {
        field = "";
        (void) snprintf(detail, sizeof(detail),
                        "has more faults than the %d listed", FAULT_MAX);

    } else {
        va_start(args, fmt);
        (void) vsnprintf(detail, sizeof(detail), fmt, args);
        va_end(args);
    }

    /* grows at 0, 8, 16, 32 … */

    if (faults->n == 0 || (faults->n >= 8 && !(faults->n & (faults->n - 1)))) {
        list = realloc(faults->list,
                       (faults->n ? faults->n * 2 : 8) * sizeof(fault_t));
        if (list == NULL) {
            faults->failed = 1;
            return;
        }

        faults->list = list;
    }

    fault = &faults->list[faults->n];
    fault->field = strdup(field);
    fault->detail = strdup(detail);

    if (fault->field == NULL || fault->detail == NULL) {
        free(fault->field);
        free(fault->detail);
        faults->failed = 1;
        return;
    }

    faults->n++;
}


void
fault_free(faults_t *faults)
{
    size_t  i;

    if (faults == NULL) {
        return;
    }

    for (i = 0; i < faults->n; i++) {
        free(faults->list[i].field);
        free(faults->list[i].detail);
    }

    free(faults->list);
    memset(faults, 0, sizeof(faults_t));
}
