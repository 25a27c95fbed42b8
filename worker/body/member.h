
/*
 * The members of a JSON object, each checked by itself.  Every check adds its
 * faults to the list under the path of the member.
 */


#ifndef MEMBER_H
#define MEMBER_H


#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "fault.h"


/* "tenants[19].", and the start of an unknown name */
#define MEMBER_PATH  512


typedef struct {
    const char   *name;
    const cJSON  *value;           /* NULL until found */
} member_t;


/*
 * the tree of a body of len bytes, of which there may be max, to be freed with
 * cJSON_Delete(), or NULL with a fault of the body as a whole
 */
cJSON *member_tree(const char *s, size_t len, size_t max, faults_t *faults);

/*
 * Finds the n members of the object and faults what is missing, unknown or
 * given twice; parent is the object's own path, "" for the body.  Faults the
 * value itself, and returns -1, if it is not an object; else 0, whatever the
 * faults.
 */
int member_collect(const cJSON *object, const char *parent, member_t *members,
    size_t n, faults_t *faults);

/* parent and name, joined by a dot where there is a parent */
void member_path(char path[MEMBER_PATH], const char *parent, const char *name);

/*
 * The checks: 0, or -1 with a fault.  A NULL value, which is faulted as
 * missing already, gives -1 without another one.
 */

/* *text points into the value */
int member_string(const cJSON *value, const char *path, const char **text,
    faults_t *faults);

/* an id, copied to dst of LL_ID_MAX + 1 bytes */
int member_id(const cJSON *value, const char *path, char *dst,
    faults_t *faults);

/* 1 to max code points without control characters */
int member_line(const cJSON *value, const char *path, size_t max,
    const char **text, faults_t *faults);

/* an RFC 3339 time in UTC milliseconds */
int member_time(const cJSON *value, const char *path, int64_t *ms,
    faults_t *faults);


#endif /* MEMBER_H */
