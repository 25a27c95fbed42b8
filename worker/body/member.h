
/*
 * Checks of the members of a JSON object.  Each check adds its faults to the
 * list, with the path of the member.
 */


#ifndef MEMBER_H
#define MEMBER_H


#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include "fault.h"


/* "tenants[19]." and the beginning of an unknown name */
#define MEMBER_PATH  512


typedef struct {
    const char   *name;
    const cJSON  *value;           /* NULL until found */
} member_t;


/*
 * Parses a body of at most "max" bytes.  Returns the tree, to be freed by
 * cJSON_Delete(), or NULL after adding a fault of the body as a whole.
 */
cJSON *member_tree(const char *s, size_t len, size_t max, faults_t *faults);

/*
 * Finds the n members of an object, and adds a fault for each one that is
 * missing, unknown or repeated; "parent" is the path of the object, "" for the
 * body.  Returns -1 after adding a fault if the value is not an object; else 0,
 * even if there are faults.
 */
int member_collect(const cJSON *object, const char *parent, member_t *members,
    size_t n, faults_t *faults);

/* Joins parent and name, with a dot if parent is not empty. */
void member_path(char path[MEMBER_PATH], const char *parent, const char *name);

/*
 * The checks below return 0, or -1 after adding a fault.  For a NULL value,
 * which has its fault already, they return -1 without another one.
 */

/* A string; *text points into the value. */
int member_string(const cJSON *value, const char *path, const char **text,
    faults_t *faults);

/* An id, copied to dst of LL_ID_MAX + 1 bytes. */
int member_id(const cJSON *value, const char *path, char *dst,
    faults_t *faults);

/* 1 to max code points without control characters. */
int member_line(const cJSON *value, const char *path, size_t max,
    const char **text, faults_t *faults);

/* A time (RFC 3339), in UTC milliseconds. */
int member_time(const cJSON *value, const char *path, int64_t *ms,
    faults_t *faults);


#endif /* MEMBER_H */
