
/* segments: what is encoded is decoded, and damage is found */

#include <stdlib.h>

#include "t/tap.h"
#include "pack.h"
#include "unpack.h"


#define N  128


static thread_entry_t  entries[N];
static unsigned char   salts[N][CHAIN_SALT], digests[N][CHAIN_HASH];
static unsigned char   hashes[N + 1][CHAIN_HASH];
static char            texts[N][512];


static void
make_text(unsigned i, uint64_t seq)
{
    static const char  *ids[] = {
        "c-1", "018f2d3a-9bcd-4eef-8a01-23456789abcd",
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
        "a", "018F2D3A-9bcd-4eef-8a01-23456789abcd"
    };

    if (i % 9 == 8) {
        (void) sprintf(texts[i], "{\"seq\":%llu,\"kind\":\"lease\",\"event\":"
                       "\"opened\",\"lease_id\":\"L-1\","
                       "\"at\":\"2026-11-22T12:00:%02u.123Z\"}",
                       (unsigned long long) seq, i % 60);
        return;
    }

    (void) sprintf(texts[i], "{\"seq\":%llu,\"kind\":\"message\",\"from\":"
                   "{\"user\":\"u-%s\",\"role\":\"tenant\",\"name\":\"%s\"},"
                   "\"text\":\"The heating is \\\"out\\\" %u\","
                   "\"at\":\"2026-11-22T12:%02u:00.%03uZ\",\"client_id\":"
                   "\"%s\"}", (unsigned long long) seq, i % 2 ? "tom" : "lena",
                   i % 3 ? "Tom },\\\"text\\\":\\\"" : "T", i, i / 60 + 1,
                   i % 60, ids[i % 5]);
}


/* N entries from "first" on, of which lost and erased have these numbers */
static void
make(uint64_t first, unsigned lost, unsigned erased)
{
    unsigned         i;
    thread_entry_t  *e;

    memset(hashes[0], 0xab, CHAIN_HASH);

    for (i = 0; i < N; i++) {
        e = &entries[i];
        memset(e, 0, sizeof(thread_entry_t));
        memset(salts[i], (int) i, CHAIN_SALT);
        make_text(i, first + i);

        e->seq = first + i;
        e->salt = salts[i];
        e->sender = i % 9 == 8 ? "" : i % 2 ? "u-tom" : "u-lena";
        e->sender_len = strlen(e->sender);
        e->hash = hashes[i + 1];

        (void) chain_digest(digests[i], salts[i], texts[i], strlen(texts[i]));
        (void) chain_join(hashes[i + 1], hashes[i], digests[i]);

        if (i == erased) {
            e->kind = PACK_ERASED;
            e->digest = digests[i];
            e->salt = NULL;
            (void) sprintf(texts[i], "{\"seq\":%u,\"kind\":\"erased\","
                           "\"at\":\"2026-11-22T12:00:00.000Z\","
                           "\"erased_at\":\"2026-11-23T12:00:00.000Z\"}",
                           (unsigned) e->seq);
        }

        if (i == lost) {
            e->kind = PACK_LOST;
            e->hash = NULL;
            e->salt = NULL;
            e->sender_len = 0;
            (void) strcpy(texts[i], "{\"seq\":1,\"kind\":\"lost\","
                                    "\"at\":\"2026-11-22T12:00:00.000Z\"}");
        }

        e->entry = texts[i];
        e->len = strlen(texts[i]);
    }
}


static int
same_bytes(const unsigned char *a, const unsigned char *b, size_t len)
{
    return a == NULL || b == NULL ? a == b : memcmp(a, b, len) == 0;
}


/* the number of entries that come back as they were */
static unsigned
back(unpack_t *pack)
{
    unsigned         i, good;
    thread_entry_t   e;

    good = 0;

    for (i = 0; unpack_next(pack, &e); i++) {
        good += e.seq == entries[i].seq && e.kind == entries[i].kind
                && e.len == entries[i].len
                && memcmp(e.entry, entries[i].entry, e.len) == 0
                && same_bytes(e.salt, entries[i].salt, CHAIN_SALT)
                && same_bytes(e.digest, entries[i].digest, CHAIN_HASH)
                && same_bytes(e.hash, entries[i].hash, CHAIN_HASH)
                && e.sender_len == entries[i].sender_len
                && memcmp(e.sender, entries[i].sender, e.sender_len) == 0;
    }

    return good;
}


static void
test_round_trip(void)
{
    buf_t    buf = BUF_INIT;
    unpack_t  *pack = unpack_create();

    make(385, N, N);
    is_num(pack_encode(&buf, entries, N, hashes[0]), 0, "entries are encoded");
    is_num(unpack_open(pack, buf.data, buf.len, 385, N), 0, "and verified");
    is_num(back(pack), N, "all are as before");
    unpack_rewind(pack);
    is_num(back(pack), N, "also the second time");

    is_num(unpack_open(pack, buf.data, buf.len, 513, N), -1,
           "a segment in the place of another is damaged");
    is_num(unpack_open(pack, buf.data, buf.len, 385, N - 1), -1,
           "so is one of another size");

    buf_reset(&buf);
    make(1, 5, 7);
    is_num(pack_encode(&buf, entries, N, hashes[0]), 0,
           "a lost and an erased entry are encoded");
    is_num(unpack_open(pack, buf.data, buf.len, 1, N), 0, "and verified");
    is_num(back(pack), N, "and are as before");

    buf_reset(&buf);
    make(1, N - 1, 0);
    is_num(pack_encode(&buf, entries, N, NULL), 0,
           "the entry before is lost, and the last one");
    is_num(unpack_open(pack, buf.data, buf.len, 1, N), 0, "verified");
    is_num(back(pack), N, "as before");

    buf_reset(&buf);
    is_num(pack_encode(&buf, entries, 1, hashes[0]), 0, "one entry");
    is_num(unpack_open(pack, buf.data, buf.len, 1, 1), 0, "verified");

    is_num(pack_encode(&buf, entries, N + 1, hashes[0]), -1, "too many");

    buf_free(&buf);
    unpack_free(pack);
}


static void
test_damage(void)
{
    buf_t     buf = BUF_INIT;
    size_t    i, missed;
    unpack_t   *pack = unpack_create();

    make(129, N, 50);
    is_num(pack_encode(&buf, entries, N, hashes[0]), 0, "encoded");

    missed = 0;

    for (i = 0; i < buf.len; i++) {
        buf.data[i] ^= 0x10;

        /* the last time, and senders of others than messages, are not hashed */

        if ((i < 86 || i >= 110)
            && (i < 118 || i >= 118 + N
                || ((i - 118) % 9 != 8 && i - 118 != 50))
            && unpack_open(pack, buf.data, buf.len, 129, N) == 0)
        {
            missed++;
        }

        buf.data[i] ^= 0x10;
    }

    /* unused bits of the last byte of a client_id, an erased entry's sender */

    ok(missed < 40, "each changed byte is noticed");

    missed = 0;

    for (i = 0; i < buf.len; i++) {
        missed += unpack_open(pack, buf.data, i, 129, N) == 0;
    }

    is_num(missed, 0, "a segment that was cut off is noticed");

    buf_free(&buf);
    unpack_free(pack);
}


int
main(void)
{
    test_round_trip();
    test_damage();
    pack_cleanup();
    unpack_cleanup();
    chain_cleanup();

    return tap_done();
}
