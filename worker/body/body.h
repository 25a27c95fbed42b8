
/*
 * The bodies of requests, read strictly: what comes out of here is valid.
 *
 * Each parser returns 0 with the struct filled in, to be freed by its _free();
 * or -1 with nothing to free and the faults, all of them, added to the list.
 * -1 with faults->n == 0 means no memory.
 *
 * Unknown fields and keys given twice are faults at every level.
 */


#ifndef BODY_H
#define BODY_H


#include <stddef.h>
#include <stdint.h>

#include "common/id.h"
#include "buf.h"
#include "clock.h"
#include "fault.h"


#define BODY_MAX          65536    /* bytes of a body */
#define BODY_TEXT_MAX     4000     /* code points, here and below */
#define BODY_LABEL_MAX    200
#define BODY_NAME_MAX     100
#define BODY_SIDE_MAX     20       /* landlords, and tenants */
#define BODY_PREVIEW_MAX  140


/* {"client_id":"…","text":"…"} */

typedef struct {
    char           client_id[LL_ID_MAX + 1];
    char          *text;           /* normalized, terminated */
    size_t         text_len;
} body_send_t;


/*
 * {"upto":SEQ}, or {"upto":[SEQ,...]}: marks that nginx has queued as one, the
 * largest first
 */

#define BODY_MARKS_MAX    64

typedef struct {
    uint64_t       marks[BODY_MARKS_MAX];          /* 0 to LL_SEQ_MAX */
    size_t         nmarks;                         /* 1 at least */
} body_read_t;


typedef enum {
    BODY_LANDLORD = 0,
    BODY_TENANT
} body_role_e;


typedef struct {
    body_role_e    role;
    char           user[LL_ID_MAX + 1];
    char          *name;
} body_party_t;


/* the declaration of a lease */

typedef struct {
    char           lease_id[LL_ID_MAX + 1];
    char          *label;
    char          *time_zone;
    body_party_t  *parties;        /* as declared, landlords first */
    size_t         nparties;
    int64_t        starts_at;
    int64_t        ends_at;        /* CLOCK_NEVER for null */
} body_lease_t;


int body_send_parse(const char *s, size_t len, body_send_t *send,
    faults_t *faults);
void body_send_free(body_send_t *send);

int body_read_parse(const char *s, size_t len, body_read_t *read,
    faults_t *faults);

int body_lease_parse(const char *s, size_t len, body_lease_t *lease,
    faults_t *faults);
void body_lease_free(body_lease_t *lease);

/*
 * adds the declaration as JSON in one line, always the same bytes for the same
 * declaration, whatever form its times and its white space had
 */
void body_lease_encode(buf_t *buf, const body_lease_t *lease);

/*
 * reads back what body_lease_encode() wrote: as body_lease_parse(), but that
 * the time zone need not be known on this machine.  0, or -1.
 */
int body_lease_decode(const char *s, size_t len, body_lease_t *lease);

/* "landlord" or "tenant" */
const char *body_role_name(body_role_e role);

/* 0, or -1 if the len bytes at s are neither */
int body_role_of(const char *s, size_t len, body_role_e *role);


#endif /* BODY_H */
