
/*
 * Decodes segments.  The layout, with numbers in network order:
 *
 *     offset  length
 *     0       2        "LS"
 *     2       1        version, 1
 *     3       1        number of the dictionary
 *     4       1        COUNT, 1 to 128
 *     5       1        number of rows in the table of senders
 *     6       4        offset of the compressed text
 *     10      4        length of the text, decompressed
 *     14      8        FIRST
 *     22      32       hash before the first entry
 *     54      32       hash of the last entry
 *     86      24       time of the last entry, as in its JSON
 *     110     8        time that the first message's is counted from, in ms
 *     118     COUNT    for each entry its sender's row, from 1; 0 for none
 *     ...              table: length (1) and bytes of a user's id, length (2)
 *                      and bytes of "from" in its messages, as JSON
 *     ...              records, one for each entry
 *     ...              compressed text
 *
 * A record is the length of the entry's text and its kind, as one number
 * (length * 16 + kind); a hash if it is LL_SEGMENT_GIVEN, as the chain cannot
 * be computed across a lost entry; a salt, or a digest if it is erased; for a
 * message the milliseconds since the message before, and its client_id: 16
 * bytes of a UUID, or its length (1) and 6 bits a character.  Numbers of a
 * record have 7 bits a byte, the lowest first, with the highest bit set in all
 * but the last.
 *
 * Redis functions read the senders, so these stay uncompressed.  Salts and
 * UUIDs are random, and would only spoil the compression of the text.
 */


#include <stdio.h>
#include <string.h>

#include "cursor.h"
#include "segment.h"


#define LL_SEGMENT_HEADER  118
#define LL_SEGMENT_ID_MAX  64


/* typical words, so that short segments compress as well as long ones */
static const char  ll_segment_words[] =
    "{\"seq\":1,\"kind\":\"lease\",\"event\":\"opened\",\"lease_id\":\"\"}"
    "{\"seq\":1,\"kind\":\"lease\",\"event\":\"joined\",\"lease_id\":\"\","
    "\"party\":{\"user\":\"\",\"role\":\"landlord\",\"name\":\"\"},"
    "\"at\":\"2026-01-01T00:00:00.000Z\"}"
    "{\"seq\":1,\"kind\":\"lease\",\"event\":\"ended\",\"lease_id\":\"\","
    "\"party\":{\"user\":\"\",\"role\":\"tenant\",\"name\":\"\"}"
    "Hello, good morning. Thank you for the message, thanks for letting me "
    "know. Could you please come and have a look at the heating in the "
    "bathroom? There is a problem with the water in the kitchen, it has been "
    "leaking since yesterday. I would like to know when you will be able to "
    "repair this. The landlord and the tenant have agreed that the rent for "
    "the apartment is due on the first of the month, and that the deposit will "
    "be returned. We are not at home on Monday, Tuesday, Wednesday, Thursday, "
    "Friday, Saturday or Sunday, but they can use the key that I left with the "
    "neighbours. Please let me know whether this works for you. I have "
    "attached the information about the contract, which should be signed "
    "before the end of the week. The door, window, lock, light, washing "
    "machine, boiler and radiator need to be checked. What time would be best? "
    "Someone from the company will be there between nine and eleven. Best "
    "regards, because it was about your other question. Is it possible to do "
    "this tomorrow afternoon instead? Sorry, no, yes, okay, sure, see you.";


const char *
ll_segment_dictionary(unsigned number, size_t *len)
{
    if (number != LL_SEGMENT_DICTIONARY) {
        return NULL;
    }

    *len = sizeof(ll_segment_words) - 1;

    return ll_segment_words;
}


uint64_t
ll_segment_of(uint64_t seq, unsigned size)
{
    return (seq - 1) / size;
}


static uint64_t
ll_segment_fixed(const uint8_t *p, unsigned bytes)
{
    uint64_t  n;

    for (n = 0; bytes; bytes--) {
        n = n << 8 | *p++;
    }

    return n;
}


/* the length of a row of the table of senders; 0 if it is malformed */
static size_t
ll_segment_row(const uint8_t *p, const uint8_t *end)
{
    size_t  user, from;

    if (p == end) {
        return 0;
    }

    user = *p;

    if (user == 0 || user > LL_SEGMENT_ID_MAX
        || (size_t) (end - p) < user + 3)
    {
        return 0;
    }

    from = (size_t) ll_segment_fixed(p + 1 + user, 2);

    return (size_t) (end - p) - user - 3 < from ? 0 : user + 3 + from;
}


static int
ll_segment_header(ll_segment_t *segment, const uint8_t *p, size_t len)
{
    uint64_t  frame;

    if (len < LL_SEGMENT_HEADER || p[0] != 'L' || p[1] != 'S' || p[2] != 1) {
        return -1;
    }

    segment->data = p;
    segment->dictionary = p[3];
    segment->count = p[4];
    segment->parties = p[5];
    frame = ll_segment_fixed(p + 6, 4);
    segment->text_len = (size_t) ll_segment_fixed(p + 10, 4);
    segment->first = ll_segment_fixed(p + 14, 8);
    segment->before = p + 22;
    segment->after = p + 54;
    segment->at = (const char *) p + 86;
    segment->time = (int64_t) ll_segment_fixed(p + 110, 8);
    segment->senders = p + LL_SEGMENT_HEADER;

    if (segment->count == 0 || segment->count > LL_SEGMENT_MAX
        || frame < LL_SEGMENT_HEADER + segment->count || frame >= len
        || segment->text_len > LL_SEGMENT_TEXT
        || segment->first == 0 || segment->first > LL_SEQ_MAX
        || segment->time < LL_DATE_MIN || segment->time > LL_DATE_MAX)
    {
        return -1;
    }

    segment->frame = p + frame;
    segment->frame_len = len - (size_t) frame;

    return 0;
}


int
ll_segment_parse(ll_segment_t *segment, const char *data, size_t len)
{
    size_t          row;
    unsigned        i;
    const uint8_t  *p;

    if (ll_segment_header(segment, (const uint8_t *) data, len) == -1) {
        return -1;
    }

    for (i = 0; i < segment->count; i++) {
        if (segment->senders[i] > segment->parties) {
            return -1;
        }
    }

    segment->table = segment->senders + segment->count;
    p = segment->table;

    for (i = 0; i < segment->parties; i++) {
        row = ll_segment_row(p, segment->frame);
        if (row == 0) {
            return -1;
        }

        p += row;
    }

    segment->records = p;
    ll_segment_rewind(segment);

    return 0;
}


static const uint8_t *
ll_segment_take(ll_segment_t *segment, size_t len)
{
    const uint8_t  *p = segment->pos;

    if ((size_t) (segment->frame - p) < len) {
        return NULL;
    }

    segment->pos += len;

    return p;
}


static int
ll_segment_number(ll_segment_t *segment, uint64_t *n)
{
    unsigned        shift;
    const uint8_t  *p;

    *n = 0;

    for (shift = 0; shift < 56; shift += 7) {
        p = ll_segment_take(segment, 1);
        if (p == NULL) {
            return -1;
        }

        *n |= (uint64_t) (*p & 0x7f) << shift;

        if (*p < 0x80) {
            return 0;
        }
    }

    return -1;
}


/* writes a UUID from its 16 bytes; returns its length */
static size_t
ll_segment_uuid(char *dst, const uint8_t *bytes)
{
    int                i;
    char              *p = dst;
    static const char  hex[] = "0123456789abcdef";

    for (i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10) {
            *p++ = '-';
        }

        *p++ = hex[bytes[i] >> 4];
        *p++ = hex[bytes[i] & 15];
    }

    return (size_t) (p - dst);
}


/* writes the n characters of an id from their 6 bits each; returns n */
static size_t
ll_segment_id(char *dst, size_t n, const uint8_t *bytes)
{
    size_t             i, bit;
    unsigned           value;
    static const char  characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    for (i = 0; i < n; i++) {
        bit = i * 6;
        value = (unsigned) bytes[bit / 8] << 8;

        if (bit % 8 > 2) {
            value |= bytes[bit / 8 + 1];
        }

        dst[i] = characters[value >> (10 - bit % 8) & 63];
    }

    return n;
}


/* the client_id of a message: its length, or 0 if the record is malformed */
static size_t
ll_segment_client_id(ll_segment_t *segment, unsigned kind, char *dst)
{
    const uint8_t  *p;

    if (kind == LL_SEGMENT_UUID) {
        p = ll_segment_take(segment, 16);
        return p == NULL ? 0 : ll_segment_uuid(dst, p);
    }

    p = ll_segment_take(segment, 1);
    if (p == NULL || *p == 0 || *p > LL_SEGMENT_ID_MAX
        || ll_segment_take(segment, ((size_t) *p * 6 + 7) / 8) == NULL)
    {
        return 0;
    }

    return ll_segment_id(dst, *p, p + 1);
}


static char *
ll_segment_add(char *p, const void *s, size_t len)
{
    memcpy(p, s, len);

    return p + len;
}


/* whether "from" is of the user of its row, whom Redis functions count */
static int
ll_segment_is_from(const uint8_t *row, size_t from_len)
{
    static const char  begin[] = "{\"user\":\"";

    return from_len > sizeof(begin) - 1 + row[0]
           && memcmp(row + 3 + row[0], begin, sizeof(begin) - 1) == 0
           && memcmp(row + 3 + row[0] + sizeof(begin) - 1, row + 1, row[0])
              == 0
           && row[3 + row[0] + sizeof(begin) - 1 + row[0]] == '"';
}


/* writes a message from its parts */
static int
ll_segment_message(ll_segment_t *segment, const char *text, size_t len,
    const uint8_t *row, char *buf, ll_segment_entry_t *entry)
{
    char      *p, id[LL_SEGMENT_ID_MAX], at[LL_DATE_LEN + 1];
    size_t     id_len, from_len;
    uint64_t   ms;

    if (row == NULL || ll_segment_number(segment, &ms) == -1
        || ms > (uint64_t) (LL_DATE_MAX - segment->time))
    {
        return -1;
    }

    id_len = ll_segment_client_id(segment, entry->kind, id);
    from_len = (size_t) ll_segment_fixed(row + 1 + row[0], 2);

    if (id_len == 0 || len + from_len > LL_ENTRY_MAX - 256
        || !ll_segment_is_from(row, from_len))
    {
        return -1;
    }

    segment->time += (int64_t) ms;
    ll_date_format(at, segment->time);

#define add(s)  p = ll_segment_add(p, s, sizeof(s) - 1)

    p = buf + sprintf(buf, "{\"seq\":%llu", (unsigned long long) entry->seq);
    add(",\"kind\":\"message\",\"from\":");
    p = ll_segment_add(p, row + 3 + row[0], from_len);
    add(",\"text\":\"");
    p = ll_segment_add(p, text, len);
    add("\",\"at\":\"");
    p = ll_segment_add(p, at, LL_DATE_LEN);
    add("\",\"client_id\":\"");
    p = ll_segment_add(p, id, id_len);
    add("\"}");

#undef add

    entry->entry = buf;
    entry->len = (size_t) (p - buf);

    return 0;
}


/* the row of a sender, from 1; NULL for 0 */
static const uint8_t *
ll_segment_sender(const ll_segment_t *segment, unsigned i)
{
    const uint8_t  *p;

    if (i == 0) {
        return NULL;
    }

    for (p = segment->table; i > 1; i--) {
        p += ll_segment_row(p, segment->frame);
    }

    return p;
}


static int
ll_segment_is_zero(const uint8_t *hash)
{
    static const uint8_t  none[LL_SEGMENT_HASH];

    return memcmp(hash, none, LL_SEGMENT_HASH) == 0;
}


/* salt, digest and a given hash, which may be NULL: 0 or -1 */
static int
ll_segment_salted(ll_segment_t *segment, unsigned kind,
    ll_segment_entry_t *entry, const uint8_t **given)
{
    *given = NULL;
    entry->salt = NULL;
    entry->digest = NULL;

    if (kind & LL_SEGMENT_GIVEN) {
        *given = ll_segment_take(segment, LL_SEGMENT_HASH);
        if (*given == NULL) {
            return -1;
        }
    }

    if (entry->kind == LL_SEGMENT_LOST) {
        return 0;
    }

    if (entry->kind == LL_SEGMENT_ERASED) {
        entry->digest = ll_segment_take(segment, LL_SEGMENT_HASH);
        return entry->digest == NULL ? -1 : 0;
    }

    entry->salt = ll_segment_take(segment, LL_SEGMENT_SALT);

    return entry->salt == NULL ? -1 : 0;
}


/*
 * The hash of an entry: computed from the one before, or given after a lost
 * one, which for its part has the hash of the entry before it.  0 or -1.
 */
static int
ll_segment_hashed(ll_segment_t *segment, const uint8_t *given,
    ll_segment_sha_pt sha, ll_segment_entry_t *entry)
{
    uint8_t  digest[LL_SEGMENT_HASH], *hash = segment->hash;

    entry->hash = hash;

    if (entry->kind == LL_SEGMENT_LOST) {
        if (!given != !segment->known
            || (given && memcmp(given, hash, LL_SEGMENT_HASH) != 0))
        {
            return -1;
        }

        segment->known = 0;
        entry->hash = NULL;

        return 0;
    }

    if (!given == !segment->known) {
        return -1;
    }

    if (given) {
        memcpy(hash, given, LL_SEGMENT_HASH);
        segment->known = 1;

        return 0;
    }

    if (entry->salt && sha(digest, entry->salt, LL_SEGMENT_SALT, entry->entry,
                           entry->len) != 0)
    {
        return -1;
    }

    return sha(hash, hash, LL_SEGMENT_HASH,
               entry->digest ? entry->digest : digest, LL_SEGMENT_HASH);
}


/* 0 if all was read and the hashes end as they have to, else -1 */
static int
ll_segment_end(const ll_segment_t *segment)
{
    if (segment->pos != segment->frame
        || segment->text_pos != segment->text_len)
    {
        return -1;
    }

    if (!segment->known) {
        return ll_segment_is_zero(segment->after) ? 0 : -1;
    }

    return memcmp(segment->hash, segment->after, LL_SEGMENT_HASH) == 0 ? 0 : -1;
}


int
ll_segment_next(ll_segment_t *segment, const char *text,
    ll_segment_sha_pt sha, char *buf, ll_segment_entry_t *entry)
{
    size_t          len;
    uint64_t        n;
    unsigned        kind;
    const uint8_t  *row, *given;

    if (segment->n == segment->count) {
        return ll_segment_end(segment);
    }

    if (ll_segment_number(segment, &n) == -1) {
        return -1;
    }

    kind = (unsigned) (n & 15);
    entry->kind = kind & ~(unsigned) LL_SEGMENT_GIVEN;

    if (entry->kind >= LL_SEGMENT_KINDS || n >> 4 > LL_ENTRY_MAX
        || n >> 4 > segment->text_len - segment->text_pos
        || ll_segment_salted(segment, kind, entry, &given) == -1)
    {
        return -1;
    }

    len = (size_t) (n >> 4);
    text += segment->text_pos;

    row = ll_segment_sender(segment, segment->senders[segment->n]);
    entry->sender = row ? (const char *) row + 1 : "";
    entry->sender_len = row ? row[0] : 0;
    entry->seq = segment->first + segment->n;
    entry->entry = text;
    entry->len = len;

    if ((entry->kind == LL_SEGMENT_UUID || entry->kind == LL_SEGMENT_ID)
        && ll_segment_message(segment, text, len, row, buf, entry) == -1)
    {
        return -1;
    }

    if (ll_segment_hashed(segment, given, sha, entry) == -1) {
        return -1;
    }

    segment->text_pos += len;
    segment->n++;

    return 1;
}


void
ll_segment_rewind(ll_segment_t *segment)
{
    segment->pos = segment->records;
    segment->time = (int64_t) ll_segment_fixed(segment->data + 110, 8);
    segment->text_pos = 0;
    segment->n = 0;
    segment->known = !ll_segment_is_zero(segment->before);
    memcpy(segment->hash, segment->before, LL_SEGMENT_HASH);
}
