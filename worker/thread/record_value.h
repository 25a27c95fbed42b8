
/*
 * Checks of the values in a record (docs/record.md).  Each returns 1 if the
 * value has that form, else 0; NULL has none.
 */


#ifndef RECORD_VALUE_H
#define RECORD_VALUE_H


#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>


/* the maximum number of members of an object in an entry */
#define RECORD_VALUE_MEMBERS  32


/*
 * An object with exactly the n members that names lists, each once; sets
 * members in that order.
 */
int record_value_members(const cJSON *value, const char *const *names,
    const cJSON **members, size_t n);

/* No object in it has a name twice, or more than RECORD_VALUE_MEMBERS. */
int record_value_unique(const cJSON *value);

/* A whole number from 0 to LL_SEQ_MAX; sets n. */
int record_value_number(const cJSON *value, uint64_t *n);

/* n bytes in lower-case hexadecimal; sets dst. */
int record_value_hex(const cJSON *value, unsigned char *dst, size_t n);

/* A time, in the form that clock_format() writes. */
int record_value_time(const cJSON *value);

/* An id; copies it to dst, of LL_ID_MAX + 1 bytes. */
int record_value_id(const cJSON *value, char *dst);


#endif /* RECORD_VALUE_H */
