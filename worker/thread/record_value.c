
/* Checks values of JSON in a record, all of which may be hostile. */

#include <string.h>

#include "clock.h"
#include "common/cursor.h"
#include "common/id.h"
#include "record_value.h"


int
record_value_members(const cJSON *value, const char *const *names,
    const cJSON **members, size_t n)
{
    size_t        i;
    const cJSON  *item;

    if (!cJSON_IsObject(value)) {
        return 0;
    }

    for (i = 0, item = value->child; item; item = item->next) {
        i++;
    }

    if (i != n) {
        return 0;
    }

    for (i = 0; i < n; i++) {
        members[i] = cJSON_GetObjectItemCaseSensitive(value, names[i]);

        if (members[i] == NULL) {
            return 0;
        }
    }

    return 1;
}


int
record_value_unique(const cJSON *value)
{
    int           n;
    const cJSON  *item, *other;

    n = 0;

    for (item = value->child; item; item = item->next) {
        if (!record_value_unique(item)) {
            return 0;
        }

        if (!cJSON_IsObject(value)) {
            continue;
        }

        if (++n > RECORD_VALUE_MEMBERS) {
            return 0;
        }

        for (other = value->child; other != item; other = other->next) {
            if (strcmp(other->string, item->string) == 0) {
                return 0;
            }
        }
    }

    return 1;
}


int
record_value_number(const cJSON *value, uint64_t *n)
{
    double  d;

    if (!cJSON_IsNumber(value)) {
        return 0;
    }

    d = value->valuedouble;

    if (!(d >= 0 && d <= (double) LL_SEQ_MAX) || d != (double) (uint64_t) d) {
        return 0;
    }

    *n = (uint64_t) d;

    return 1;
}


int
record_value_hex(const cJSON *value, unsigned char *dst, size_t n)
{
    size_t       i;
    const char  *s, *digit;

    static const char  digits[] = "0123456789abcdef";

    s = cJSON_GetStringValue(value);

    if (s == NULL || strlen(s) != 2 * n) {
        return 0;
    }

    for (i = 0; i < 2 * n; i++) {
        digit = strchr(digits, s[i]);

        if (digit == NULL) {
            return 0;
        }

        dst[i / 2] = (unsigned char) ((dst[i / 2] << 4 | (digit - digits))
                                      & 0xff);
    }

    return 1;
}


int
record_value_time(const cJSON *value)
{
    char         again[CLOCK_LEN + 1];
    int64_t      ms;
    const char  *s;

    s = cJSON_GetStringValue(value);

    if (s == NULL || clock_parse(s, strlen(s), &ms) != 0) {
        return 0;
    }

    clock_format(again, ms);

    return strcmp(again, s) == 0;
}


int
record_value_id(const cJSON *value, char *dst)
{
    const char  *s;

    s = cJSON_GetStringValue(value);

    if (s == NULL || !ll_id_valid(s, strlen(s))) {
        return 0;
    }

    memcpy(dst, s, strlen(s) + 1);

    return 1;
}
