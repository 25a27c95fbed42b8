
/*
 * The declaration of a lease: the body of PUT …/lease, and the form in which
 * it is stored.
 */


#ifndef BODY_LEASE_H
#define BODY_LEASE_H


#include <stddef.h>
#include <stdint.h>

#include "common/id.h"
#include "buf.h"
#include "clock.h"
#include "fault.h"


#define BODY_LABEL_MAX    200      /* code points, here and below */
#define BODY_NAME_MAX     100
#define BODY_SIDE_MAX     20       /* landlords, and tenants */


typedef enum {
    BODY_LANDLORD = 0,
    BODY_TENANT
} body_role_e;


typedef struct {
    body_role_e    role;
    char           user[LL_ID_MAX + 1];
    char          *name;
} body_party_t;


typedef struct {
    char           lease_id[LL_ID_MAX + 1];
    char          *label;
    char          *time_zone;
    body_party_t  *parties;        /* as declared, landlords first */
    size_t         nparties;
    int64_t        starts_at;
    int64_t        ends_at;        /* CLOCK_NEVER for null */
} body_lease_t;


/*
 * Parses a declaration.  Returns 0 with the lease filled in, to be freed by
 * body_lease_free(); or -1 with nothing to free and all faults added to the
 * list.  -1 with faults->n == 0 means that memory is short.
 */
int body_lease_parse(const char *s, size_t len, body_lease_t *lease,
    faults_t *faults);

/* Frees what the lease owns, and clears it; NULL is allowed. */
void body_lease_free(body_lease_t *lease);

/*
 * Appends the declaration as one line of JSON.  Equal declarations have equal
 * bytes, whatever form their times and white space had.
 */
void body_lease_encode(buf_t *buf, const body_lease_t *lease);

/*
 * Parses what body_lease_encode() wrote: as body_lease_parse(), but this
 * machine need not know the time zone.  Returns 0 or -1.
 */
int body_lease_decode(const char *s, size_t len, body_lease_t *lease);

/* Returns "landlord" or "tenant". */
const char *body_lease_role_name(body_role_e role);

/* Parses the name of a role.  Returns 0, or -1 if it is neither. */
int body_lease_role_of(const char *s, size_t len, body_role_e *role);


#endif /* BODY_LEASE_H */
