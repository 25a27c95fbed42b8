
/*
 * The bodies of send and read requests, parsed strictly: unknown and repeated
 * fields are faults.  For leases, see body_lease.h.
 */


#ifndef BODY_H
#define BODY_H


#include <stddef.h>
#include <stdint.h>

#include "common/id.h"
#include "fault.h"


#define BODY_MAX          65536    /* bytes of a body */
#define BODY_TEXT_MAX     4000     /* code points */


/* {"client_id":"…","text":"…"} */

typedef struct {
    char           client_id[LL_ID_MAX + 1];
    char          *text;           /* normalized, terminated */
    size_t         text_len;
} body_send_t;


/*
 * {"upto":SEQ}, or {"upto":[SEQ,...]}: several marks that nginx has queued as
 * one request, the largest first
 */

#define BODY_MARKS_MAX    64

typedef struct {
    uint64_t       marks[BODY_MARKS_MAX];          /* 0 to LL_SEQ_MAX */
    size_t         nmarks;                         /* 1 at least */
} body_read_t;


/*
 * These parse a body.  They return 0 with the struct filled in; or -1 with
 * nothing to free and all faults added to the list.  -1 with faults->n == 0
 * means that memory is short.
 */
int body_send_parse(const char *s, size_t len, body_send_t *send,
    faults_t *faults);
int body_read_parse(const char *s, size_t len, body_read_t *read,
    faults_t *faults);

/* Frees what the body owns, and clears it; NULL is allowed. */
void body_send_free(body_send_t *send);


#endif /* BODY_H */
