
/* Checks the members of JSON objects; owns no data. */

#include <stdio.h>
#include <string.h>

#include "clock.h"
#include "common/id.h"
#include "json.h"
#include "member.h"
#include "text.h"


/* code points of an unknown name that a fault repeats */
#define MEMBER_NAME_MAX  64


cJSON *
member_tree(const char *s, size_t len, size_t max, faults_t *faults)
{
    cJSON       *tree;
    const char  *why;

    if (len > max) {
        fault_add(faults, "", "must have at most %zu bytes", max);
        return NULL;
    }

    tree = json_parse(s, len, &why);

    if (tree == NULL) {
        fault_add(faults, "", "%s", why);
    }

    return tree;
}


void
member_path(char path[MEMBER_PATH], const char *parent, const char *name)
{
    size_t  len, shown;

    len = strlen(name);
    shown = text_cut(name, len, MEMBER_NAME_MAX);

    (void) snprintf(path, MEMBER_PATH, "%s%s%.*s%s", parent,
                    parent[0] ? "." : "", (int) shown, name,
                    shown < len ? "..." : "");
}


static member_t *
member_find(member_t *members, size_t n, const char *name)
{
    size_t  i;

    for (i = 0; i < n; i++) {
        if (strcmp(members[i].name, name) == 0) {
            return &members[i];
        }
    }

    return NULL;
}


/* 1 if a member before this one has its name */
static int
member_is_repeated(const cJSON *object, const cJSON *value)
{
    const cJSON  *item;

    for (item = object->child; item != value; item = item->next) {
        if (strcmp(item->string, value->string) == 0) {
            return 1;
        }
    }

    return 0;
}


static void
member_assign(const cJSON *object, const cJSON *value, const char *parent,
    member_t *members, size_t n, faults_t *faults)
{
    char       path[MEMBER_PATH];
    member_t  *member;

    member = member_find(members, n, value->string);

    if (member && member->value == NULL) {
        member->value = value;
        return;
    }

    member_path(path, parent, value->string);

    if (member || member_is_repeated(object, value)) {
        fault_add(faults, path, "is given twice");

    } else {
        fault_add(faults, path, "is not a known field");
    }
}


int
member_collect(const cJSON *object, const char *parent, member_t *members,
    size_t n, faults_t *faults)
{
    char          path[MEMBER_PATH];
    size_t        i;
    const cJSON  *value;

    if (!cJSON_IsObject(object)) {
        fault_add(faults, parent, "must be an object");
        return -1;
    }

    /* faults past FAULT_MAX are not recorded */

    for (value = object->child;
         value && faults->n <= FAULT_MAX;
         value = value->next)
    {
        member_assign(object, value, parent, members, n, faults);
    }

    for (i = 0; i < n; i++) {
        if (members[i].value == NULL) {
            member_path(path, parent, members[i].name);
            fault_add(faults, path, "is missing");
        }
    }

    return 0;
}


int
member_string(const cJSON *value, const char *path, const char **text,
    faults_t *faults)
{
    if (value == NULL) {
        return -1;
    }

    if (!cJSON_IsString(value)) {
        fault_add(faults, path, "must be a string");
        return -1;
    }

    *text = value->valuestring;

    return 0;
}


int
member_id(const cJSON *value, const char *path, char *dst, faults_t *faults)
{
    size_t       len;
    const char  *text;

    if (member_string(value, path, &text, faults) != 0) {
        return -1;
    }

    len = strlen(text);

    if (!ll_id_valid(text, len)) {
        fault_add(faults, path, "must be 1 to %d of A-Z a-z 0-9 _ -",
                  LL_ID_MAX);
        return -1;
    }

    memcpy(dst, text, len + 1);

    return 0;
}


int
member_line(const cJSON *value, const char *path, size_t max,
    const char **text, faults_t *faults)
{
    int     rc, control;
    size_t  len, count;

    if (member_string(value, path, text, faults) != 0) {
        return -1;
    }

    rc = 0;
    len = strlen(*text);
    count = text_count(*text, len);

    if (count < 1 || count > max) {
        fault_add(faults, path, "must have 1 to %zu characters, has %zu", max,
                  count);
        rc = -1;
    }

    control = text_control(*text, len, 0);

    if (control >= 0) {
        fault_add(faults, path, "must not have control characters");
        rc = -1;
    }

    return rc;
}


int
member_time(const cJSON *value, const char *path, int64_t *ms,
    faults_t *faults)
{
    const char  *text;

    if (member_string(value, path, &text, faults) != 0) {
        return -1;
    }

    if (clock_parse(text, strlen(text), ms) != 0) {
        fault_add(faults, path, "must be a time as in RFC 3339, such as "
                  "\"2026-11-01T04:00:00Z\"");
        return -1;
    }

    return 0;
}
