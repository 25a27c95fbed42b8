
/*
 * Faults as text, a line each, to be compared in one go; empties the list.
 */


#ifndef FAULTS_H
#define FAULTS_H


#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "fault.h"


/* rc is what the parser said: it has to agree with the list */
static const char *
faults_text(int rc, faults_t *faults)
{
    size_t        i;
    static buf_t  buf;

    buf_reset(&buf);

    for (i = 0; i < faults->n; i++) {
        buf_adds(&buf, faults->list[i].field);
        buf_lit(&buf, ": ");
        buf_adds(&buf, faults->list[i].detail);
        buf_lit(&buf, "\n");
    }

    if ((rc == 0) != (faults->n == 0)) {
        buf_lit(&buf, "the result says otherwise\n");
    }

    fault_free(faults);
    buf_lit(&buf, "");

    return buf.data;
}


#endif /* FAULTS_H */
