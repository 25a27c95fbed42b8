
/* What replaces a message that is erased, and calls of functions_erase.lua. */

#include <stdlib.h>
#include <string.h>

#include "common/keys.h"
#include "entry.h"
#include "fcall.h"
#include "json.h"
#include "store_erase.h"


/* sets both times: 0, or -1 if the entry has none */
static int
store_erase_times(store_erase_t *erase, const thread_entry_t *entry)
{
    int          rc;
    cJSON       *tree;
    int64_t      at;
    const char  *why, *text;

    tree = json_parse(entry->entry, entry->len, &why);
    text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(tree, "at"));

    rc = text && clock_parse(text, strlen(text), &at) == 0 ? 0 : -1;

    if (rc == 0) {
        clock_format(erase->at, at);
        clock_format(erase->erased_at, erase->now > at ? erase->now : at);
    }

    cJSON_Delete(tree);

    return rc;
}


/* the field of an entry that is not sealed (functions_segment.lua) */
static void
store_erase_field(buf_t *buf, const thread_entry_t *erased)
{
    char  len;

    len = (char) erased->sender_len;

    buf_add(buf, (const char *) erased->digest, CHAIN_HASH);
    buf_add(buf, (const char *) erased->hash, CHAIN_HASH);
    buf_add(buf, &len, 1);
    buf_add(buf, erased->sender, erased->sender_len);
    buf_add(buf, erased->entry, erased->len);
}


/* makes the segment, and checks that it can be read: 0 or -1 */
static int
store_erase_segment(buf_t *segment, const thread_entry_t *entries, unsigned n,
    const unsigned char *before)
{
    int        rc;
    unpack_t  *unpack;

    if (pack_encode(segment, entries, n, before) == -1) {
        return -1;
    }

    unpack = unpack_create();

    rc = unpack ? unpack_open(unpack, segment->data, segment->len,
                              entries[0].seq, n)
                : -1;

    unpack_free(unpack);

    return rc;
}


int
store_erase_make(store_erase_t *erase, thread_entry_t *entries, size_t i,
    unsigned n, const unsigned char *before)
{
    int              rc;
    buf_t            entry = BUF_INIT;
    unsigned char    digest[CHAIN_HASH];
    thread_entry_t  *erased = &entries[i];

    if (erased->salt == NULL || erased->hash == NULL
        || store_erase_times(erase, erased) == -1
        || chain_digest(digest, erased->salt, erased->entry, erased->len) == -1)
    {
        return -1;
    }

    entry_erased(&entry, erase->seq, erase->at, erase->erased_at);
    entry_erased_last(&erase->last, erase->seq, erase->at);

    erased->kind = PACK_ERASED;
    erased->salt = NULL;
    erased->digest = digest;
    erased->entry = entry.data;
    erased->len = entry.len;

    rc = buf_failed(&entry) || buf_failed(&erase->last) ? -1 : 0;

    if (rc == 0 && n) {
        rc = store_erase_segment(&erase->segment, entries, n, before);

    } else if (rc == 0) {
        store_erase_field(&erase->field, erased);
        rc = buf_failed(&erase->field) ? -1 : 0;
    }

    buf_free(&entry);

    return rc;
}


void
store_erase_call(args_t *args, const store_erase_t *erase, int begin)
{
    char    key[LL_KEY_MAX];
    size_t  len;

    len = strlen(erase->property);

    fcall_begin(args, "ll1_erase", LL_PROPERTY_KEYS + 1);
    fcall_property_keys(args, erase->property, len);
    args_copy(args, key, ll_keys_copy(key, erase->property, len, erase->seq));

    args_number(args, (int64_t) erase->seq);
    args_adds(args, erase->sealed);
    args_adds(args, erase->erasures);
    args_number(args, STORE_ERASE_LIMIT);
    args_number(args, begin ? 1 : 0);
    args_copy(args, key, ll_keys_property_channel(key, erase->property, len));
    args_add(args, erase->last.data, erase->last.len);
    args_add(args, erase->field.data ? erase->field.data : "",
             erase->field.len);
    args_add(args, erase->segment.data ? erase->segment.data : "",
             erase->segment.len);
    args_adds(args, erase->erased_at);
}


store_erase_result_e
store_erase_read(const redisReply *reply)
{
    long long  result;

    if (conn_number(conn_element(reply, 0), &result) == -1 || result < 0
        || result >= STORE_ERASE_BROKEN)
    {
        return STORE_ERASE_BROKEN;
    }

    return (store_erase_result_e) result;
}


void
store_erase_free(store_erase_t *erase)
{
    buf_free(&erase->last);
    buf_free(&erase->field);
    buf_free(&erase->segment);
}
