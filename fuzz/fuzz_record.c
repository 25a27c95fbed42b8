
/* records, as leaseloft verify reads them; the first line may name a key */

#include <string.h>

#include "fuzz.h"
#include "record_check.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    note_t           note;
    size_t           n;
    uint64_t         before;
    const char      *p, *end, *feed;
    note_key_t       key;
    record_check_t   check;

    p = (const char *) data;
    end = p + size;

    (void) note_parse(&note, p, size);

    feed = size ? memchr(p, '\n', size) : NULL;
    n = feed ? (size_t) (feed - p) : 0;

    if (n && note_key_parse(&key, p, n) == 0) {
        record_check_init(&check, &key, NULL);
        p = feed + 1;

    } else {
        record_check_init(&check, NULL, NULL);
    }

    while (p < end && (feed = memchr(p, '\n', (size_t) (end - p))) != NULL) {
        before = check.entries;

        if (record_check_line(&check, p, (size_t) (feed - p)) != 0) {
            CHECK(check.why[0] != '\0');
            return 0;
        }

        CHECK(check.entries == before || check.entries == before + 1);
        p = feed + 1;
    }

    if (record_check_end(&check) == 0) {
        CHECK(check.entries == check.last + 1 - check.first);
    }

    return 0;
}
