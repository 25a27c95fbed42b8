
/* keys and channels, as docs/data.md lists them */

#include "common/keys.h"
#include "t/tap.h"


static void
test_names(void)
{
    char    key[LL_KEY_MAX], id[LL_KEY_ID_MAX];
    size_t  i, len;

    static const char  *property[] = {
        "ll:{p:P}:thread", "ll:{p:P}:meta", "ll:{p:P}:reads",
        "ll:{p:P}:snaps", "ll:{p:P}:leases"
    };

    static const char  *user[] = {
        "ll:{u:U}:inbox", "ll:{u:U}:order"
    };

    for (i = 0; i < LL_PROPERTY_KEYS; i++) {
        len = ll_keys_property(key, (ll_property_key_e) i, "P", 1);
        is_str(key, property[i], property[i]);
        is_num(len, strlen(key), "length");
    }

    for (i = 0; i < LL_USER_KEYS; i++) {
        (void) ll_keys_user(key, (ll_user_key_e) i, "U", 1);
        is_str(key, user[i], user[i]);
    }

    (void) ll_keys_sent(key, "P", 1, 687);
    is_str(key, "ll:{p:P}:sent:687", "sent");
    (void) ll_keys_queue(key, 0);
    is_str(key, "ll:{q:0}:requests", "queue");
    (void) ll_keys_dead(key, 3);
    is_str(key, "ll:{q:3}:dead", "dead");
    (void) ll_keys_due(key);
    is_str(key, "ll:{due}:due", "due");
    (void) ll_keys_due_vers(key);
    is_str(key, "ll:{due}:vers", "due versions");
    (void) ll_keys_workers(key);
    is_str(key, "ll:{w}:workers", "workers");
    (void) ll_keys_property_channel(key, "P", 1);
    is_str(key, "ll:{p:P}:ch", "channel of a property");
    (void) ll_keys_user_channel(key, "U", 1);
    is_str(key, "ll:{u:U}:ch", "channel of a user");
    (void) ll_keys_reply_channel(key, "n-1", 3);
    is_str(key, "ll:{r:n-1}:ch", "channel of replies");

    memset(id, 'x', sizeof(id));
    len = ll_keys_sent(key, id, LL_KEY_ID_MAX, UINT64_MAX);
    ok(len < LL_KEY_MAX && strlen(key) == len, "the longest key fits");
}


static void
refused(const char *prefix, size_t len)
{
    char  key[LL_KEY_MAX];

    ok(ll_keys_set_prefix(prefix, len) == -1, len ? prefix : "empty");
    (void) ll_keys_due(key);
    is_str(key, "ll:{due}:due", "the prefix is as before");
}


static void
test_prefix(void)
{
    char         key[LL_KEY_MAX], id[LL_KEY_ID_MAX], kind;
    size_t       len, id_len;
    const char  *p;

    static const char  longest[] = "a-z_0-9-b-c-d-ef";

    refused("", 0);
    refused("a-z_0-9-b-c-d-efg", 17);
    refused("LL", 2);
    refused("l l", 3);
    refused("l*", 2);
    refused("l:", 2);
    refused("l{", 2);
    refused("l\0", 2);

    ok(ll_keys_set_prefix(longest, LL_PREFIX_MAX) == 0, longest);

    memset(id, 'x', sizeof(id));
    len = ll_keys_sent(key, id, LL_KEY_ID_MAX, UINT64_MAX);
    ok(len < LL_KEY_MAX && strlen(key) == len, "the longest key fits");
    ok(memcmp(key, "a-z_0-9-b-c-d-ef:{p:xx", 22) == 0, "and has the prefix");

    (void) ll_keys_property(key, LL_KEY_META, "P", 1);
    is_str(key, "a-z_0-9-b-c-d-ef:{p:P}:meta", "a property's key");
    (void) ll_keys_user(key, LL_KEY_USER_ORDER, "U", 1);
    is_str(key, "a-z_0-9-b-c-d-ef:{u:U}:order", "a user's key");
    (void) ll_keys_queue(key, 7);
    is_str(key, "a-z_0-9-b-c-d-ef:{q:7}:requests", "inbox");
    (void) ll_keys_dead(key, 7);
    is_str(key, "a-z_0-9-b-c-d-ef:{q:7}:dead", "dead");
    (void) ll_keys_due(key);
    is_str(key, "a-z_0-9-b-c-d-ef:{due}:due", "due");
    (void) ll_keys_due_vers(key);
    is_str(key, "a-z_0-9-b-c-d-ef:{due}:vers", "due versions");
    (void) ll_keys_workers(key);
    is_str(key, "a-z_0-9-b-c-d-ef:{w}:workers", "workers");
    (void) ll_keys_nginx(key);
    is_str(key, "a-z_0-9-b-c-d-ef:{w}:nginx", "processes of nginx");
    (void) ll_keys_pattern(key, 'p', "meta");
    is_str(key, "a-z_0-9-b-c-d-ef:{p:*}:meta", "a pattern");
    len = ll_keys_reply_channel(key, "n", 1);
    is_str(key, "a-z_0-9-b-c-d-ef:{r:n}:ch", "channel of replies");

    ok(ll_keys_id(key, len, &kind, &p, &id_len) == 0 && kind == 'r'
       && id_len == 1 && *p == 'n', "the name's kind and id");
    ok(ll_keys_id("ll:{p:P}:ch", 11, &kind, &p, &id_len) == -1,
       "a name of another prefix");

    ok(ll_keys_set_prefix(LL_PREFIX, sizeof(LL_PREFIX) - 1) == 0, "as before");

    ok(ll_keys_id("ll:{p:P-1}:ch", 13, &kind, &p, &id_len) == 0 && kind == 'p'
       && id_len == 3 && memcmp(p, "P-1", 3) == 0, "a property's");
    ok(ll_keys_id("ll:{p:P-1}:ch", 9, &kind, &p, &id_len) == -1, "no brace");
    ok(ll_keys_id("ll:{p:", 6, &kind, &p, &id_len) == -1, "no id");
    ok(ll_keys_id("ll:{due}:due", 12, &kind, &p, &id_len) == -1,
       "a name without an id");
    ok(ll_keys_id("ll:{", 4, &kind, &p, &id_len) == -1, "the prefix alone");
}


static void
test_inbox_of(void)
{
    is_num(ll_keys_queue_of("anything", 8, 1), 0, "one queue");

    /* CRC-32 of "123456789" is cbf43926, the usual check value */

    is_num(ll_keys_queue_of("123456789", 9, 1000), 0xcbf43926u % 1000,
           "CRC-32, modulo");
    is_num(ll_keys_queue_of("123456789", 9, 16), 6, "a power of two");
}


int
main(void)
{
    test_names();
    test_prefix();
    test_inbox_of();

    return tap_done();
}
