
/*
 * Makes sealed segments, with zstd.  A message that has the form that
 * entry.c writes is taken apart: what is equal in all of them, what is random
 * and what is text.  Any other entry is kept as a whole.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "clock.h"
#include "pack.h"


/* 1.0 ms for 128 messages of 120 bytes; 12 takes twice as long for 1 % less */
#define PACK_LEVEL  9

#define PACK_FROM_MAX  4096


/* a message, taken apart; pointers are into the entry */

typedef struct {
    unsigned     kind;
    const char  *from;
    size_t       from_len;
    const char  *text;
    size_t       text_len;
    int64_t      at;
    const char  *id;
    size_t       id_len;
} pack_message_t;


/* a row of the table of senders */

typedef struct {
    const char  *user;
    size_t       user_len;
    const char  *from;
    size_t       from_len;
} pack_row_t;


/* what is being made */

typedef struct {
    buf_t          *records;
    buf_t          *text;
    pack_row_t   rows[LL_SEGMENT_MAX];
    unsigned        nrows;
    unsigned char   senders[LL_SEGMENT_MAX];
    int64_t         first_time;
    int64_t         time;          /* of the message before */
    int             timed;         /* there was one */
} pack_writer_t;


static ZSTD_CCtx  *pack_cctx;


static int
pack_starts(const char **p, const char *end, const char *s, size_t len)
{
    if ((size_t) (end - *p) < len || memcmp(*p, s, len) != 0) {
        return 0;
    }

    *p += len;

    return 1;
}


static int
pack_ends(const char *p, const char **end, const char *s, size_t len)
{
    if ((size_t) (*end - p) < len || memcmp(*end - len, s, len) != 0) {
        return 0;
    }

    *end -= len;

    return 1;
}


static int
pack_hex(char c)
{
    return c >= '0' && c <= '9' ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}


static int
pack_is_uuid(const char *id, size_t len)
{
    size_t  i;

    if (len != 36) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23
            ? id[i] != '-' : pack_hex(id[i]) == -1)
        {
            return 0;
        }
    }

    return 1;
}


/* the 6 bits of a character of an id; -1 if it is none */
static int
pack_bits(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '-' ? 62 : c == '_' ? 63 : -1;
}


/*
 * Takes a message apart: 0, or -1 if the entry has another form.  Within JSON's
 * strings quotes are escaped, so that a name cannot end "from".
 */
static int
pack_parse(const thread_entry_t *entry, pack_message_t *message)
{
    int          n;
    char         seq[32], at[CLOCK_LEN + 1];
    const char  *p, *end;

    p = entry->entry;
    end = p + entry->len;

    n = snprintf(seq, sizeof(seq), "%llu", (unsigned long long) entry->seq);

#define starts(s)  pack_starts(&p, end, s, sizeof(s) - 1)
#define ends(s)    pack_ends(p, &end, s, sizeof(s) - 1)

    if (!starts("{\"seq\":") || !pack_starts(&p, end, seq, (size_t) n)
        || !starts(",\"kind\":\"message\",\"from\":") || !ends("\"}"))
    {
        return -1;
    }

    message->id_len = 0;

    while (end > p && pack_bits(end[-1]) != -1) {
        message->id_len++;
        end--;
    }

    message->id = end;

    if (message->id_len == 0 || message->id_len > 64
        || !ends("\",\"client_id\":\"") || end - p < CLOCK_LEN
        || clock_parse(end - CLOCK_LEN, CLOCK_LEN, &message->at) == -1)
    {
        return -1;
    }

    end -= CLOCK_LEN;
    clock_format(at, message->at);

    if (memcmp(end, at, CLOCK_LEN) != 0 || !ends("\",\"at\":\"")) {
        return -1;
    }

    message->from = p;
    p = memmem(p, (size_t) (end - p), "},\"text\":\"",
               sizeof("},\"text\":\"") - 1);

    if (p == NULL || p + 1 - message->from > PACK_FROM_MAX) {
        return -1;
    }

    message->from_len = (size_t) (p + 1 - message->from);
    (void) starts("},\"text\":\"");

    message->text = p;
    message->text_len = (size_t) (end - p);
    message->kind = pack_is_uuid(message->id, message->id_len)
                    ? LL_SEGMENT_UUID : LL_SEGMENT_ID;

#undef starts
#undef ends

    return message->text_len + message->from_len > LL_ENTRY_MAX - 256 ? -1 : 0;
}


static void
pack_byte(buf_t *buf, unsigned byte)
{
    char  c = (char) byte;

    buf_add(buf, &c, 1);
}


static void
pack_fixed(buf_t *buf, uint64_t n, unsigned bytes)
{
    while (bytes--) {
        pack_byte(buf, (unsigned) (n >> 8 * bytes) & 0xff);
    }
}


static void
pack_number(buf_t *buf, uint64_t n)
{
    while (n >= 0x80) {
        pack_byte(buf, (unsigned) (n & 0x7f) | 0x80);
        n >>= 7;
    }

    pack_byte(buf, (unsigned) n);
}


static void
pack_id(buf_t *buf, const pack_message_t *message)
{
    size_t    i;
    unsigned  bits, n;

    if (message->kind == LL_SEGMENT_UUID) {
        for (i = 0; i < message->id_len; i++) {
            if (message->id[i] != '-') {
                pack_byte(buf, (unsigned) pack_hex(message->id[i]) << 4
                                  | (unsigned) pack_hex(message->id[i + 1]));
                i++;
            }
        }

        return;
    }

    pack_byte(buf, (unsigned) message->id_len);

    bits = 0;
    n = 0;

    for (i = 0; i < message->id_len; i++) {
        bits = bits << 6 | (unsigned) pack_bits(message->id[i]);
        n += 6;

        if (n >= 8) {
            n -= 8;
            pack_byte(buf, bits >> n & 0xff);
        }
    }

    if (n) {
        pack_byte(buf, bits << (8 - n) & 0xff);
    }
}


/* the row of a sender, from 1; "from" is empty if the entry is no message */
static unsigned
pack_row(pack_writer_t *writer, const thread_entry_t *entry,
    const char *from, size_t from_len)
{
    unsigned        i;
    pack_row_t  *row;

    if (entry->sender_len == 0) {
        return 0;
    }

    for (i = 0; i < writer->nrows; i++) {
        row = &writer->rows[i];

        if (row->user_len == entry->sender_len && row->from_len == from_len
            && memcmp(row->user, entry->sender, row->user_len) == 0
            && memcmp(row->from, from, from_len) == 0)
        {
            return i + 1;
        }
    }

    row = &writer->rows[writer->nrows++];
    row->user = entry->sender;
    row->user_len = entry->sender_len;
    row->from = from;
    row->from_len = from_len;

    return writer->nrows;
}


/*
 * The form of an entry that is stored, and if it is one of a message, its
 * parts; for another one, parts that are empty but for the text.
 */
static void
pack_take(pack_writer_t *writer, const thread_entry_t *entry,
    pack_message_t *message)
{
    if (entry->kind == PACK_ENTRY && entry->sender_len
        && pack_parse(entry, message) == 0
        && (!writer->timed || message->at >= writer->time))
    {
        if (!writer->timed) {
            writer->timed = 1;
            writer->first_time = message->at;
            writer->time = message->at;
        }

        return;
    }

    memset(message, 0, sizeof(pack_message_t));

    message->kind = entry->kind == PACK_LOST ? LL_SEGMENT_LOST
                    : entry->kind == PACK_ERASED ? LL_SEGMENT_ERASED
                    : LL_SEGMENT_WHOLE;
    message->from = "";
    message->text = entry->entry;
    message->text_len = entry->len;
}


static int
pack_write(pack_writer_t *writer, unsigned i,
    const thread_entry_t *entry, const unsigned char *given)
{
    unsigned             kind;
    pack_message_t    message;

    if (entry->len > LL_ENTRY_MAX || entry->sender_len > 64) {
        return -1;
    }

    pack_take(writer, entry, &message);

    kind = message.kind;
    writer->senders[i] = (unsigned char) pack_row(writer, entry,
                                                     message.from,
                                                     message.from_len);

    pack_number(writer->records, (uint64_t) message.text_len << 4 | kind
                                    | (given ? LL_SEGMENT_GIVEN : 0));

    if (given) {
        buf_add(writer->records, (const char *) given, CHAIN_HASH);
    }

    if (kind == LL_SEGMENT_ERASED) {
        buf_add(writer->records, (const char *) entry->digest, CHAIN_HASH);

    } else if (kind != LL_SEGMENT_LOST) {
        buf_add(writer->records, (const char *) entry->salt, CHAIN_SALT);
    }

    if (kind == LL_SEGMENT_UUID || kind == LL_SEGMENT_ID) {
        pack_number(writer->records,
                       (uint64_t) (message.at - writer->time));
        pack_id(writer->records, &message);
        writer->time = message.at;
    }

    buf_add(writer->text, message.text, message.text_len);

    return 0;
}


/* the time of an entry as its JSON has it */
static const char *
pack_at(const thread_entry_t *entry)
{
    const char  *p, *found, *end;

    p = entry->entry;
    end = p + entry->len;
    found = NULL;

    /* a text cannot contain it, as its quotes are escaped */

    while ((p = memmem(p, (size_t) (end - p), "\"at\":\"", 6)) != NULL) {
        p += 6;

        if (end - p >= CLOCK_LEN + 1 && p[CLOCK_LEN] == '"') {
            found = p;
        }
    }

    return found ? found : "1970-01-01T00:00:00.000Z";
}


static void
pack_finish(buf_t *buf, const pack_writer_t *writer,
    const thread_entry_t *entries, unsigned n, const unsigned char *before)
{
    buf_t                    table = BUF_INIT;
    unsigned                 i;
    const pack_row_t     *row;
    const thread_entry_t   *last = &entries[n - 1];
    static const char        none[CHAIN_HASH];

    for (i = 0; i < writer->nrows; i++) {
        row = &writer->rows[i];
        pack_byte(&table, (unsigned) row->user_len);
        buf_add(&table, row->user, row->user_len);
        pack_fixed(&table, row->from_len, 2);
        buf_add(&table, row->from, row->from_len);
    }

    buf_lit(buf, "LS\1");
    pack_byte(buf, LL_SEGMENT_DICTIONARY);
    pack_byte(buf, n);
    pack_byte(buf, writer->nrows);
    pack_fixed(buf, 118 + n + table.len + writer->records->len, 4);
    pack_fixed(buf, writer->text->len, 4);
    pack_fixed(buf, entries[0].seq, 8);
    buf_add(buf, before ? (const char *) before : none, CHAIN_HASH);
    buf_add(buf, last->hash ? (const char *) last->hash : none, CHAIN_HASH);
    buf_add(buf, pack_at(last), CLOCK_LEN);
    pack_fixed(buf, (uint64_t) writer->first_time, 8);
    buf_add(buf, (const char *) writer->senders, n);
    buf_add(buf, table.data, table.len);
    buf_add(buf, writer->records->data, writer->records->len);

    if (buf_failed(&table)) {
        buf->failed = 1;
    }

    buf_free(&table);
}


/* appends the compressed text: 0 or -1 */
static int
pack_compress(buf_t *buf, const buf_t *text)
{
    char        *frame;
    size_t       len, size;
    const char  *words;

    if (pack_cctx == NULL) {
        pack_cctx = ZSTD_createCCtx();
        if (pack_cctx == NULL) {
            return -1;
        }
    }

    size = ZSTD_compressBound(text->len);
    frame = malloc(size);
    words = ll_segment_dictionary(LL_SEGMENT_DICTIONARY, &len);

    if (frame == NULL) {
        return -1;
    }

    (void) ZSTD_CCtx_reset(pack_cctx, ZSTD_reset_session_and_parameters);
    (void) ZSTD_CCtx_setParameter(pack_cctx, ZSTD_c_compressionLevel,
                                  PACK_LEVEL);
    (void) ZSTD_CCtx_setParameter(pack_cctx, ZSTD_c_checksumFlag, 1);
    (void) ZSTD_CCtx_refPrefix(pack_cctx, words, len);

    size = ZSTD_compress2(pack_cctx, frame, size,
                          text->data ? text->data : "", text->len);

    if (!ZSTD_isError(size)) {
        buf_add(buf, frame, size);
    }

    free(frame);

    return ZSTD_isError(size) || buf_failed(buf) ? -1 : 0;
}


int
pack_encode(buf_t *buf, const thread_entry_t *entries, unsigned n,
    const unsigned char *before)
{
    int                rc;
    buf_t              records = BUF_INIT, text = BUF_INIT;
    unsigned           i;
    pack_writer_t      writer;

    const unsigned char  *hash, *given;

    if (n == 0 || n > LL_SEGMENT_MAX) {
        return -1;
    }

    memset(&writer, 0, sizeof(writer));
    writer.records = &records;
    writer.text = &text;

    rc = 0;
    hash = before;

    for (i = 0; i < n && rc == 0; i++) {
        given = entries[i].hash == NULL ? hash
                : hash == NULL ? entries[i].hash : NULL;
        hash = entries[i].hash;

        rc = pack_write(&writer, i, &entries[i], given);
    }

    if (rc == 0 && !buf_failed(&records) && !buf_failed(&text)) {
        pack_finish(buf, &writer, entries, n, before);
        rc = pack_compress(buf, &text);

    } else {
        rc = -1;
    }

    buf_free(&records);
    buf_free(&text);

    return rc;
}


void
pack_cleanup(void)
{
    ZSTD_freeCCtx(pack_cctx);
    pack_cctx = NULL;
}
