
/*
 * Verifies a record.
 *
 * All input is hostile.  Each line is parsed strictly, must have exactly the
 * members of its kind, each once, and is hashed or compared with what is known.
 * Nothing of a line is repeated in an error, except numbers.
 */

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "record_check.h"
#include "record_value.h"


void
record_check_init(record_check_t *check, const note_key_t *key,
    const note_t *older)
{
    memset(check, 0, sizeof(record_check_t));

    check->key = key;
    check->older = older;
}


static int __attribute__((format(printf, 3, 4)))
record_check_fail(record_check_t *check, uint64_t seq, const char *fmt, ...)
{
    va_list  args;

    va_start(args, fmt);
    (void) vsnprintf(check->why, sizeof(check->why), fmt, args);
    va_end(args);

    check->failed = seq;

    return -1;
}


/* "reader": null, or {"user","role","name"} */
static int
record_check_reader(record_check_t *check, const cJSON *value)
{
    const char   *role;
    const cJSON  *m[3];

    static const char *const  names[] = { "user", "role", "name" };

    if (cJSON_IsNull(value)) {
        return 1;
    }

    if (!record_value_members(value, names, m, 3)
        || !record_value_id(m[0], check->reader)
        || !cJSON_IsString(m[1])
        || (!cJSON_IsString(m[2]) && !cJSON_IsNull(m[2])))
    {
        return 0;
    }

    role = m[1]->valuestring;
    check->tenant = strcmp(role, "tenant") == 0;

    return check->tenant || strcmp(role, "landlord") == 0;
}


/* the members of the first line that are not compared with anything */
static int
record_check_head_members(record_check_t *check, const cJSON *tree)
{
    const char   *version;
    const cJSON  *m[8], *window[2];

    static const char *const  names[] = {
        "record", "property", "label", "time_zone", "reader", "window", "base",
        "made_at"
    };
    static const char *const  window_names[] = { "first", "last" };

    if (!record_value_members(tree, names, m, 8)) {
        return record_check_fail(check, 0, "the first line is not that of a "
                                 "record");
    }

    version = cJSON_GetStringValue(m[0]);

    if (version == NULL || strcmp(version, "leaseloft/1") != 0) {
        return record_check_fail(check, 0, "the record is not of version "
                                 "leaseloft/1");
    }

    if (!record_value_id(m[1], check->property) || !cJSON_IsString(m[2])
        || !cJSON_IsString(m[3]) || !record_check_reader(check, m[4])
        || !record_value_members(m[5], window_names, window, 2)
        || !record_value_number(window[0], &check->first)
        || !record_value_number(window[1], &check->last)
        || !record_value_hex(m[6], check->hash, CHAIN_HASH)
        || !record_value_time(m[7]))
    {
        return record_check_fail(check, 0, "a member of the first line is "
                                 "malformed");
    }

    return 0;
}


static int
record_check_head(record_check_t *check, const cJSON *tree)
{
    unsigned char  first[CHAIN_HASH];

    if (record_check_head_members(check, tree) != 0) {
        return -1;
    }

    if (check->first < 1 || check->last + 1 < check->first
        || (check->last + 1 == check->first && check->first != 1))
    {
        return record_check_fail(check, 0, "the window is not one");
    }

    if (check->first > 1 && !check->tenant) {
        return record_check_fail(check, check->first - 1, "is missing: only a "
                                 "tenant's record may begin after entry 1");
    }

    if (check->first == 1) {
        if (chain_first(first, check->property, strlen(check->property)) != 0) {
            return record_check_fail(check, 0, "out of memory");
        }

        if (memcmp(first, check->hash, CHAIN_HASH) != 0) {
            return record_check_fail(check, 0, "the base is not the hash of "
                                     "the property's id");
        }
    }

    check->seq = check->first - 1;
    check->state = check->last >= check->first ? RECORD_CHECK_ENTRIES
                                               : RECORD_CHECK_READS;

    return 0;
}


/*
 * A tenant's window begins with the entry that let them in: the lease opened,
 * or they joined.
 */
static int
record_check_lets_in(const record_check_t *check, const cJSON *entry)
{
    const char   *kind, *event, *user;
    const cJSON  *party;

    kind = cJSON_GetStringValue(
               cJSON_GetObjectItemCaseSensitive(entry, "kind"));
    event = cJSON_GetStringValue(
                cJSON_GetObjectItemCaseSensitive(entry, "event"));

    if (kind == NULL || event == NULL || strcmp(kind, "lease") != 0) {
        return 0;
    }

    if (strcmp(event, "opened") == 0) {
        return 1;
    }

    party = cJSON_GetObjectItemCaseSensitive(entry, "party");
    user = cJSON_GetStringValue(
               cJSON_GetObjectItemCaseSensitive(party, "user"));

    return strcmp(event, "joined") == 0 && user
           && strcmp(user, check->reader) == 0;
}


/* the entry's own bytes */
static int
record_check_inner(record_check_t *check, uint64_t seq, const char *bytes)
{
    int          ok;
    cJSON       *entry;
    size_t       i, len;
    uint64_t     n;
    const char  *why;

    len = strlen(bytes);

    for (i = 0; i < len; i++) {
        if ((unsigned char) bytes[i] < 0x20) {
            return record_check_fail(check, seq, "contains a control "
                                     "character");
        }
    }

    entry = json_parse(bytes, len, &why);

    if (entry == NULL) {
        return record_check_fail(check, seq, "its text %s", why);
    }

    ok = cJSON_IsObject(entry) && record_value_unique(entry)
         && record_value_number(
                cJSON_GetObjectItemCaseSensitive(entry, "seq"), &n)
         && n == seq;

    if (!ok) {
        (void) record_check_fail(check, seq, "its text is not that of entry "
                                 "%llu", (unsigned long long) seq);

    } else if (seq == check->first && seq > 1
               && !record_check_lets_in(check, entry))
    {
        ok = 0;
        (void) record_check_fail(check, seq, "does not let the reader in, so "
                                 "the entries before it are missing");
    }

    cJSON_Delete(entry);

    return ok ? 0 : -1;
}


/* sets digest from the entry's line: the entry, or what is left of an erased */
static int
record_check_digest(record_check_t *check, uint64_t seq, const cJSON *tree,
    unsigned char *digest, unsigned char *hash)
{
    const char     *bytes;
    const cJSON    *m[4];
    unsigned char   salt[CHAIN_SALT];

    static const char *const  names[] = { "seq", "entry", "salt", "hash" };
    static const char *const  erased[] = {
        "seq", "digest", "hash", "erased_at"
    };

    if (record_value_members(tree, names, m, 4)) {
        bytes = cJSON_GetStringValue(m[1]);

        if (bytes == NULL || !record_value_hex(m[2], salt, CHAIN_SALT)
            || !record_value_hex(m[3], hash, CHAIN_HASH))
        {
            return record_check_fail(check, seq, "its line is malformed");
        }

        if (chain_digest(digest, salt, bytes, strlen(bytes)) != 0) {
            return record_check_fail(check, seq, "out of memory");
        }

        return record_check_inner(check, seq, bytes);
    }

    if (!record_value_members(tree, erased, m, 4)) {
        return record_check_fail(check, seq, cJSON_GetObjectItemCaseSensitive(
                                     tree, "lost")
                                 ? "the service has lost it"
                                 : "its line is malformed");
    }

    if (!record_value_hex(m[1], digest, CHAIN_HASH)
        || !record_value_hex(m[2], hash, CHAIN_HASH)
        || !record_value_time(m[3]))
    {
        return record_check_fail(check, seq, "its line is malformed");
    }

    if (seq == check->first && seq > 1) {
        return record_check_fail(check, seq, "is erased, so it does not show "
                                 "that the record begins here");
    }

    check->erased++;

    return 0;
}


/* compares with a checkpoint that was kept from before */
static int
record_check_older(record_check_t *check)
{
    if (check->older == NULL || check->older->seq != check->seq) {
        return 0;
    }

    if (memcmp(check->older->hash, check->hash, CHAIN_HASH) != 0) {
        return record_check_fail(check, check->seq, "is another than the "
                                 "given checkpoint says: it or an entry before "
                                 "was changed since");
    }

    check->older = NULL;

    return 0;
}


static int
record_check_entry(record_check_t *check, const cJSON *tree)
{
    uint64_t       seq, n;
    unsigned char  digest[CHAIN_HASH], hash[CHAIN_HASH];

    seq = check->seq + 1;

    if (!record_value_number(cJSON_GetObjectItemCaseSensitive(tree, "seq"),
                             &n))
    {
        return record_check_fail(check, seq, "is missing");
    }

    if (n != seq) {
        return record_check_fail(check, seq, "is missing: entry %llu is in its "
                                 "place", (unsigned long long) n);
    }

    if (record_check_digest(check, seq, tree, digest, hash) != 0) {
        return -1;
    }

    if (chain_join(digest, check->hash, digest) != 0) {
        return record_check_fail(check, seq, "out of memory");
    }

    if (memcmp(digest, hash, CHAIN_HASH) != 0) {
        return record_check_fail(check, seq, seq == check->first
                                 ? "its hash is another: it was changed"
                                 : "its hash is another: it or the entry "
                                   "before was changed");
    }

    memcpy(check->hash, hash, CHAIN_HASH);
    check->seq = seq;
    check->entries++;

    if (seq == check->last) {
        check->state = RECORD_CHECK_READS;
    }

    return record_check_older(check);
}


static int
record_check_read(record_check_t *check, const cJSON *value)
{
    char          user[LL_ID_MAX + 1];
    uint64_t      upto;
    const cJSON  *m[3];

    static const char *const  names[] = { "user", "upto", "at" };

    if (!record_value_members(value, names, m, 3)
        || !record_value_id(m[0], user) || !record_value_number(m[1], &upto)
        || !record_value_time(m[2]))
    {
        return record_check_fail(check, 0, "a read mark is malformed");
    }

    if (upto < 1 || upto > check->last) {
        return record_check_fail(check, 0, "a read mark is outside the record");
    }

    if (strcmp(m[2]->valuestring, check->read_at) < 0) {
        return record_check_fail(check, 0, "the read marks are not in order of "
                                 "time");
    }

    memcpy(check->read_at, m[2]->valuestring, LL_SIGN_TIME + 1);
    check->reads++;

    return 0;
}


/* the checkpoint in the last line */
static int
record_check_note(record_check_t *check, const cJSON *value)
{
    note_t       note;
    const char  *s;

    s = cJSON_GetStringValue(value);

    if (s == NULL || note_parse(&note, s, strlen(s)) != 0) {
        return record_check_fail(check, 0, "the checkpoint is malformed");
    }

    if (strcmp(note.property, check->property) != 0) {
        return record_check_fail(check, 0, "the checkpoint is of another "
                                 "property");
    }

    if (note.seq != check->last
        || memcmp(note.hash, check->hash, CHAIN_HASH) != 0)
    {
        return record_check_fail(check, check->last, "is not the entry that "
                                 "the checkpoint signs: entries were changed "
                                 "or removed");
    }

    if (check->key
        && (strlen(check->key->name) != note.origin_len
            || memcmp(note.origin, check->key->name, note.origin_len) != 0
            || note_verify(&note, check->key) != NOTE_VERIFIED))
    {
        return record_check_fail(check, 0, "the checkpoint is not signed with "
                                 "the given key");
    }

    check->checkpoint = 1;
    memcpy(check->origin, note.origin, note.origin_len);
    memcpy(check->time, note.time, LL_SIGN_TIME);

    return 0;
}


static int
record_check_last(record_check_t *check, const cJSON *tree)
{
    uint64_t      entries;
    const cJSON  *m[2];

    static const char *const  names[] = { "entries", "checkpoint" };

    if (!record_value_members(tree, names, m, 2)
        || !record_value_number(m[0], &entries))
    {
        return record_check_fail(check, 0, "a line after the entries is "
                                 "neither a read mark nor the last line");
    }

    if (entries != check->entries) {
        return record_check_fail(check, 0, "the last line counts %llu entries, "
                                 "not %llu", (unsigned long long) entries,
                                 (unsigned long long) check->entries);
    }

    check->state = RECORD_CHECK_DONE;

    if (!cJSON_IsNull(m[1])) {
        return record_check_note(check, m[1]);
    }

    if (check->key) {
        return record_check_fail(check, 0, "the record has no checkpoint");
    }

    return 0;
}


/* an older checkpoint must be of this thread, and of an entry in the record */
static int
record_check_older_head(record_check_t *check)
{
    if (check->older == NULL) {
        return 0;
    }

    if (strcmp(check->older->property, check->property) != 0) {
        return record_check_fail(check, 0, "the given checkpoint is of another "
                                 "property");
    }

    if (check->older->seq + 1 < check->first
        || check->older->seq > check->last)
    {
        return record_check_fail(check, 0, "the given checkpoint is of entry "
                                 "%llu, which the record does not have",
                                 (unsigned long long) check->older->seq);
    }

    if (check->key
        && (check->older->origin_len != strlen(check->key->name)
            || memcmp(check->older->origin, check->key->name,
                      check->older->origin_len) != 0
            || note_verify(check->older, check->key) != NOTE_VERIFIED))
    {
        return record_check_fail(check, 0, "the given checkpoint is not signed "
                                 "with the given key");
    }

    return record_check_older(check);
}


static int
record_check_tree(record_check_t *check, const cJSON *tree)
{
    const cJSON  *read;

    static const char *const  names[] = { "read" };

    switch (check->state) {

    case RECORD_CHECK_HEAD:
        return record_check_head(check, tree) == 0
               ? record_check_older_head(check) : -1;

    case RECORD_CHECK_ENTRIES:
        return record_check_entry(check, tree);

    case RECORD_CHECK_READS:
        return record_value_members(tree, names, &read, 1)
               ? record_check_read(check, read)
               : record_check_last(check, tree);

    default:
        return record_check_fail(check, 0, "the record goes on after its last "
                                 "line");
    }
}


int
record_check_line(record_check_t *check, const char *line, size_t len)
{
    int          rc;
    cJSON       *tree;
    size_t       i;
    uint64_t     seq;
    const char  *why;

    /* what cannot be read is named as the entry that should be there */

    seq = check->state == RECORD_CHECK_ENTRIES ? check->seq + 1 : 0;

    if (len > RECORD_CHECK_LINE) {
        return record_check_fail(check, seq, "the line is longer than %d bytes",
                                 RECORD_CHECK_LINE);
    }

    for (i = 0; i < len; i++) {
        if ((unsigned char) line[i] < 0x20) {
            return record_check_fail(check, seq, "the line contains a control "
                                     "character");
        }
    }

    tree = json_parse(line, len, &why);

    if (tree == NULL) {
        return record_check_fail(check, seq, "the line %s", why);
    }

    rc = record_check_tree(check, tree);

    cJSON_Delete(tree);

    return rc;
}


int
record_check_end(record_check_t *check)
{
    if (check->state == RECORD_CHECK_DONE) {
        return 0;
    }

    if (check->state == RECORD_CHECK_ENTRIES) {
        return record_check_fail(check, check->seq + 1, "is missing: the "
                                 "record was cut off");
    }

    return record_check_fail(check, 0, check->state == RECORD_CHECK_HEAD
                             ? "the record is empty"
                             : "the last line is missing: the record was cut "
                               "off");
}
