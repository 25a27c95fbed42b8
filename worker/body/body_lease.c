
/*
 * The declaration of a lease: parses it, reports all of its faults, and writes
 * it in canonical form.  A lease owns its strings and its list of parties.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "body.h"
#include "body_lease.h"
#include "json.h"
#include "member.h"
#include "tz.h"


enum {
    LEASE_ID = 0,
    LEASE_LABEL,
    LEASE_ZONE,
    LEASE_LANDLORDS,
    LEASE_TENANTS,
    LEASE_STARTS,
    LEASE_ENDS,
    LEASE_MEMBERS
};


static const char  *body_roles[] = { "landlord", "tenant" };


const char *
body_lease_role_name(body_role_e role)
{
    return body_roles[role];
}


int
body_lease_role_of(const char *s, size_t len, body_role_e *role)
{
    int  i;

    for (i = BODY_LANDLORD; i <= BODY_TENANT; i++) {
        if (strlen(body_roles[i]) == len && memcmp(s, body_roles[i], len) == 0)
        {
            *role = (body_role_e) i;
            return 0;
        }
    }

    return -1;
}


/* copies a string; a failed allocation is recorded in the faults */
static void
body_lease_copy(char **dst, const char *s, faults_t *faults)
{
    *dst = strdup(s);

    if (*dst == NULL) {
        faults->failed = 1;
    }
}


/* the user's party among those parsed so far, or NULL */
static const body_party_t *
body_lease_party_find(const body_lease_t *lease, const char *user)
{
    size_t  i;

    for (i = 0; i < lease->nparties; i++) {
        if (strcmp(lease->parties[i].user, user) == 0) {
            return &lease->parties[i];
        }
    }

    return NULL;
}


/* parses a landlord or tenant, and adds it if its user is valid */
static void
body_lease_party(const cJSON *value, const char *parent, body_role_e role,
    body_lease_t *lease, faults_t *faults)
{
    char                 path[MEMBER_PATH];
    const char          *name;
    member_t             members[] = { { "user", NULL }, { "name", NULL } };
    body_party_t        *party;
    const body_party_t  *same;

    if (member_collect(value, parent, members, 2, faults) != 0) {
        return;
    }

    party = &lease->parties[lease->nparties];

    memset(party, 0, sizeof(body_party_t));
    party->role = role;

    member_path(path, parent, "name");

    if (member_line(members[1].value, path, BODY_NAME_MAX, &name, faults)
        == 0)
    {
        body_lease_copy(&party->name, name, faults);
    }

    member_path(path, parent, "user");

    if (member_id(members[0].value, path, party->user, faults) == 0) {
        same = body_lease_party_find(lease, party->user);

        if (same == NULL) {
            lease->nparties++;
            return;
        }

        fault_add(faults, path, "is already a %s",
                  body_lease_role_name(same->role));
    }

    free(party->name);
    party->name = NULL;
}


static void
body_lease_side(const cJSON *list, const char *name, body_role_e role,
    body_lease_t *lease, faults_t *faults)
{
    int            i, n;
    char           path[MEMBER_PATH];
    const cJSON   *value;
    body_party_t  *parties;

    if (list == NULL) {
        return;
    }

    if (!cJSON_IsArray(list)) {
        fault_add(faults, name, "must be a list");
        return;
    }

    n = cJSON_GetArraySize(list);

    if (n < 1 || n > BODY_SIDE_MAX) {
        fault_add(faults, name, "must have 1 to %d entries, has %d",
                  BODY_SIDE_MAX, n);
    }

    parties = realloc(lease->parties, (lease->nparties + (size_t) n + 1)
                                      * sizeof(body_party_t));
    if (parties == NULL) {
        faults->failed = 1;
        return;
    }

    lease->parties = parties;

    i = 0;

    cJSON_ArrayForEach(value, list) {
        (void) snprintf(path, sizeof(path), "%s[%d]", name, i++);
        body_lease_party(value, path, role, lease, faults);
    }
}


static void
body_lease_times(const cJSON *starts, const cJSON *ends, body_lease_t *lease,
    faults_t *faults)
{
    int  started;

    started = member_time(starts, "starts_at", &lease->starts_at, faults) == 0;

    if (ends && cJSON_IsNull(ends)) {
        lease->ends_at = CLOCK_NEVER;
        return;
    }

    if (ends && !cJSON_IsString(ends)) {
        fault_add(faults, "ends_at", "must be a string or null");
        return;
    }

    if (member_time(ends, "ends_at", &lease->ends_at, faults) == 0
        && started && lease->ends_at <= lease->starts_at)
    {
        fault_add(faults, "ends_at", "must be after starts_at");
    }
}


static void
body_lease_members(const cJSON *tree, body_lease_t *lease, int known_zone,
    faults_t *faults)
{
    const char  *text;
    member_t     members[LEASE_MEMBERS] = {
        { "lease_id", NULL }, { "label", NULL }, { "time_zone", NULL },
        { "landlords", NULL }, { "tenants", NULL },
        { "starts_at", NULL }, { "ends_at", NULL }
    };

    if (member_collect(tree, "", members, LEASE_MEMBERS, faults) != 0) {
        return;
    }

    (void) member_id(members[LEASE_ID].value, "lease_id", lease->lease_id,
                     faults);

    if (member_line(members[LEASE_LABEL].value, "label", BODY_LABEL_MAX,
                    &text, faults)
        == 0)
    {
        body_lease_copy(&lease->label, text, faults);
    }

    if (member_string(members[LEASE_ZONE].value, "time_zone", &text, faults)
        == 0)
    {
        if (known_zone && !tz_is_known(text)) {
            fault_add(faults, "time_zone", "must be the name of a time zone, "
                      "such as \"America/New_York\"");
        } else {
            body_lease_copy(&lease->time_zone, text, faults);
        }
    }

    body_lease_side(members[LEASE_LANDLORDS].value, "landlords", BODY_LANDLORD,
                    lease, faults);
    body_lease_side(members[LEASE_TENANTS].value, "tenants", BODY_TENANT, lease,
                    faults);

    body_lease_times(members[LEASE_STARTS].value, members[LEASE_ENDS].value,
                     lease, faults);
}


static int
body_lease_read(const char *s, size_t len, body_lease_t *lease,
    int known_zone, faults_t *faults)
{
    size_t  before;
    cJSON  *tree;

    memset(lease, 0, sizeof(body_lease_t));
    before = faults->n;

    tree = member_tree(s, len, BODY_MAX, faults);
    if (tree == NULL) {
        return -1;
    }

    body_lease_members(tree, lease, known_zone, faults);

    cJSON_Delete(tree);

    if (faults->n != before || faults->failed) {
        body_lease_free(lease);
        return -1;
    }

    return 0;
}


int
body_lease_parse(const char *s, size_t len, body_lease_t *lease,
    faults_t *faults)
{
    return body_lease_read(s, len, lease, 1, faults);
}


int
body_lease_decode(const char *s, size_t len, body_lease_t *lease)
{
    int       rc;
    faults_t  faults = FAULTS_INIT;

    rc = body_lease_read(s, len, lease, 0, &faults);

    fault_free(&faults);

    return rc;
}


void
body_lease_free(body_lease_t *lease)
{
    size_t  i;

    if (lease == NULL) {
        return;
    }

    for (i = 0; i < lease->nparties; i++) {
        free(lease->parties[i].name);
    }

    free(lease->parties);
    free(lease->label);
    free(lease->time_zone);
    memset(lease, 0, sizeof(body_lease_t));
}


static void
body_lease_side_encode(buf_t *buf, const body_lease_t *lease, body_role_e role)
{
    size_t       i;
    const char  *separator;

    separator = "[";

    for (i = 0; i < lease->nparties; i++) {
        if (lease->parties[i].role != role) {
            continue;
        }

        buf_adds(buf, separator);
        buf_lit(buf, "{\"user\":");
        json_strings(buf, lease->parties[i].user);
        buf_lit(buf, ",\"name\":");
        json_strings(buf, lease->parties[i].name);
        buf_lit(buf, "}");

        separator = ",";
    }

    buf_lit(buf, "]");
}


void
body_lease_encode(buf_t *buf, const body_lease_t *lease)
{
    buf_lit(buf, "{\"lease_id\":");
    json_strings(buf, lease->lease_id);
    buf_lit(buf, ",\"label\":");
    json_strings(buf, lease->label);
    buf_lit(buf, ",\"time_zone\":");
    json_strings(buf, lease->time_zone);
    buf_lit(buf, ",\"landlords\":");
    body_lease_side_encode(buf, lease, BODY_LANDLORD);
    buf_lit(buf, ",\"tenants\":");
    body_lease_side_encode(buf, lease, BODY_TENANT);
    buf_lit(buf, ",\"starts_at\":");
    json_time(buf, lease->starts_at);
    buf_lit(buf, ",\"ends_at\":");
    json_time(buf, lease->ends_at);
    buf_lit(buf, "}");
}
