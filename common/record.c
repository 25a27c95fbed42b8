
/* Writes the lines of a record into the caller's memory. */

#include <stdio.h>
#include <string.h>

#include "record.h"


static const char  ll_record_digits[] = "0123456789abcdef";

#define ll_record_lit(p, s)  ll_record_copy(p, s, sizeof(s) - 1)


static char *
ll_record_copy(char *dst, const void *src, size_t len)
{
    if (len) {
        memcpy(dst, src, len);
    }

    return dst + len;
}


static char *
ll_record_hex(char *dst, const unsigned char *src, size_t len)
{
    size_t  i;

    for (i = 0; i < len; i++) {
        *dst++ = ll_record_digits[src[i] >> 4];
        *dst++ = ll_record_digits[src[i] & 0xf];
    }

    return dst;
}


static char *
ll_record_number(char *dst, uint64_t n)
{
    return dst + snprintf(dst, 24, "%llu", (unsigned long long) n);
}


static char *
ll_record_quote(char *dst, const char *s, size_t len)
{
    size_t         i;
    unsigned char  c;

    *dst++ = '"';

    for (i = 0; i < len; i++) {
        c = (unsigned char) s[i];

        if (c == '"' || c == '\\') {
            *dst++ = '\\';
            *dst++ = (char) c;

        } else if (c == '\n') {
            dst = ll_record_lit(dst, "\\n");

        } else if (c < 0x20) {
            dst = ll_record_lit(dst, "\\u00");
            dst = ll_record_hex(dst, &c, 1);

        } else {
            *dst++ = (char) c;
        }
    }

    *dst++ = '"';

    return dst;
}


size_t
ll_record_head_max(const ll_record_head_t *head)
{
    return head->property.len + head->label.len
           + LL_RECORD_QUOTED(head->zone.len) + head->reader.len + 384;
}


char *
ll_record_head(char *dst, const ll_record_head_t *head)
{
    dst = ll_record_lit(dst, "{\"record\":\"leaseloft/1\",\"property\":\"");
    dst = ll_record_copy(dst, head->property.data, head->property.len);
    dst = ll_record_lit(dst, "\",\"label\":");
    dst = ll_record_copy(dst, head->label.data, head->label.len);
    dst = ll_record_lit(dst, ",\"time_zone\":");
    dst = ll_record_quote(dst, head->zone.data, head->zone.len);
    dst = ll_record_lit(dst, ",\"reader\":");
    dst = ll_record_copy(dst, head->reader.data, head->reader.len);
    dst = ll_record_lit(dst, ",\"window\":{\"first\":");
    dst = ll_record_number(dst, head->first);
    dst = ll_record_lit(dst, ",\"last\":");
    dst = ll_record_number(dst, head->last);
    dst = ll_record_lit(dst, "},\"base\":\"");
    dst = ll_record_hex(dst, head->base, LL_RECORD_HASH);
    dst = ll_record_lit(dst, "\",\"made_at\":\"");
    dst = ll_record_copy(dst, head->made_at, LL_RECORD_TIME);

    return ll_record_lit(dst, "\"}\n");
}


char *
ll_record_entry(char *dst, uint64_t seq, const char *entry, size_t len,
    const unsigned char *salt, const unsigned char *hash)
{
    dst = ll_record_lit(dst, "{\"seq\":");
    dst = ll_record_number(dst, seq);
    dst = ll_record_lit(dst, ",\"entry\":");
    dst = ll_record_quote(dst, entry, len);
    dst = ll_record_lit(dst, ",\"salt\":\"");
    dst = ll_record_hex(dst, salt, LL_RECORD_SALT);
    dst = ll_record_lit(dst, "\",\"hash\":\"");
    dst = ll_record_hex(dst, hash, LL_RECORD_HASH);

    return ll_record_lit(dst, "\"}\n");
}


char *
ll_record_erased(char *dst, uint64_t seq, const unsigned char *digest,
    const unsigned char *hash, const char *erased_at)
{
    dst = ll_record_lit(dst, "{\"seq\":");
    dst = ll_record_number(dst, seq);
    dst = ll_record_lit(dst, ",\"digest\":\"");
    dst = ll_record_hex(dst, digest, LL_RECORD_HASH);
    dst = ll_record_lit(dst, "\",\"hash\":\"");
    dst = ll_record_hex(dst, hash, LL_RECORD_HASH);
    dst = ll_record_lit(dst, "\",\"erased_at\":\"");
    dst = ll_record_copy(dst, erased_at, LL_RECORD_TIME);

    return ll_record_lit(dst, "\"}\n");
}


const char *
ll_record_erased_at(const char *entry, size_t len)
{
    const char  *name;

    static const char  begin[] = "\"erased_at\":\"";

    if (len < sizeof(begin) - 1 + LL_RECORD_TIME + 2
        || entry[len - 1] != '}' || entry[len - 2] != '"')
    {
        return NULL;
    }

    name = entry + len - 2 - LL_RECORD_TIME - (sizeof(begin) - 1);

    return memcmp(name, begin, sizeof(begin) - 1) == 0
           ? name + sizeof(begin) - 1 : NULL;
}


char *
ll_record_lost(char *dst, uint64_t seq)
{
    dst = ll_record_lit(dst, "{\"seq\":");
    dst = ll_record_number(dst, seq);

    return ll_record_lit(dst, ",\"lost\":true}\n");
}


char *
ll_record_read(char *dst, const char *user, size_t len, uint64_t upto,
    const char *at)
{
    dst = ll_record_lit(dst, "{\"read\":{\"user\":\"");
    dst = ll_record_copy(dst, user, len);
    dst = ll_record_lit(dst, "\",\"upto\":");
    dst = ll_record_number(dst, upto);
    dst = ll_record_lit(dst, ",\"at\":\"");
    dst = ll_record_copy(dst, at, LL_RECORD_TIME);

    return ll_record_lit(dst, "\"}}\n");
}


char *
ll_record_last(char *dst, uint64_t entries, const char *note, size_t len)
{
    dst = ll_record_lit(dst, "{\"entries\":");
    dst = ll_record_number(dst, entries);
    dst = ll_record_lit(dst, ",\"checkpoint\":");

    if (note) {
        dst = ll_record_quote(dst, note, len);

    } else {
        dst = ll_record_lit(dst, "null");
    }

    return ll_record_lit(dst, "}\n");
}


/* quotes in strings are escaped, so that these bytes are in no string */
int
ll_record_party(const char *entry, size_t len, ll_record_str_t *party)
{
    size_t  i, from;

    static const char  begin[] = ",\"party\":";
    static const char  end[] = ",\"at\":";

    from = 0;

    for (i = 0; i + sizeof(begin) <= len; i++) {
        if (from == 0
            && memcmp(entry + i, begin, sizeof(begin) - 1) == 0)
        {
            from = i + sizeof(begin) - 1;

        } else if (from && memcmp(entry + i, end, sizeof(end) - 1) == 0) {
            party->data = entry + from;
            party->len = i - from;
            return 0;
        }
    }

    return -1;
}
