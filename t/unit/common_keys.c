
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
        "ll:{p:P}:snaps", "ll:{p:P}:leases", "ll:{p:P}:segments"
    };

    static const char  *user[] = {
        "ll:{u:U}:inbox", "ll:{u:U}:order"
    };

    for (i = 0; i < LL_PROPERTY_KEYS; i++) {
        len = ll_keys_property(key, (ll_property_key_e) i, "P", 1);
        is_str(key, property[i], property[i]);
        is_num(len, strlen(key), "the length of the key is returned");
    }

    for (i = 0; i < LL_USER_KEYS; i++) {
        (void) ll_keys_user(key, (ll_user_key_e) i, "U", 1);
        is_str(key, user[i], user[i]);
    }

    (void) ll_keys_copy(key, "P", 1, 482);
    is_str(key, "ll:{p:P}:copy:482", "the key of a copy of a thread");

    (void) ll_keys_sent(key, "P", 1, 687);
    is_str(key, "ll:{p:P}:sent:687", "the key of client_ids");
    (void) ll_keys_queue(key, 0);
    is_str(key, "ll:{q:0}:requests", "the key of a queue");
    (void) ll_keys_dead(key, 3);
    is_str(key, "ll:{q:3}:dead", "the key of dead letters");
    (void) ll_keys_due(key, 0);
    is_str(key, "ll:{due}:due", "the key of due times");
    (void) ll_keys_due_vers(key, 0);
    is_str(key, "ll:{due}:vers", "the key of due versions");
    (void) ll_keys_workers(key, 0);
    is_str(key, "ll:{w}:workers", "the key of workers");
    (void) ll_keys_property_channel(key, "P", 1);
    is_str(key, "ll:{p:P}:ch", "the channel of a property");
    (void) ll_keys_user_channel(key, "U", 1);
    is_str(key, "ll:{u:U}:ch", "the channel of a user");
    (void) ll_keys_reply_channel(key, "n-1", 3);
    is_str(key, "ll:{r:n-1}:ch", "the channel of replies");

    memset(id, 'x', sizeof(id));
    len = ll_keys_sent(key, id, LL_KEY_ID_MAX, UINT64_MAX);
    ok(len < LL_KEY_MAX && strlen(key) == len, "the longest key fits");
}


static void
refused(const char *prefix, size_t len)
{
    char  key[LL_KEY_MAX];

    ok(ll_keys_set_prefix(prefix, len) == -1,
       len ? prefix : "an empty prefix");
    (void) ll_keys_due(key, 0);
    is_str(key, "ll:{due}:due", "a refused prefix changes nothing");
}


static void
test_prefix(void)
{
    char    key[LL_KEY_MAX], id[LL_KEY_ID_MAX];
    size_t  len;

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
    ok(len < LL_KEY_MAX && strlen(key) == len,
       "the longest key with the longest prefix fits");
    ok(memcmp(key, "a-z_0-9-b-c-d-ef:{p:xx", 22) == 0,
       "the longest key has the prefix");

    (void) ll_keys_property(key, LL_KEY_META, "P", 1);
    is_str(key, "a-z_0-9-b-c-d-ef:{p:P}:meta",
           "the key of a property has the prefix");
    (void) ll_keys_user(key, LL_KEY_USER_ORDER, "U", 1);
    is_str(key, "a-z_0-9-b-c-d-ef:{u:U}:order",
           "the key of a user has the prefix");
    (void) ll_keys_queue(key, 7);
    is_str(key, "a-z_0-9-b-c-d-ef:{q:7}:requests",
           "the key of a queue has the prefix");
    (void) ll_keys_dead(key, 7);
    is_str(key, "a-z_0-9-b-c-d-ef:{q:7}:dead",
           "the key of dead letters has the prefix");
    (void) ll_keys_due(key, 0);
    is_str(key, "a-z_0-9-b-c-d-ef:{due}:due",
           "the key of due times has the prefix");
    (void) ll_keys_due_vers(key, 0);
    is_str(key, "a-z_0-9-b-c-d-ef:{due}:vers",
           "the key of due versions has the prefix");
    (void) ll_keys_workers(key, 0);
    is_str(key, "a-z_0-9-b-c-d-ef:{w}:workers",
           "the key of workers has the prefix");
    (void) ll_keys_nginx(key, 0);
    is_str(key, "a-z_0-9-b-c-d-ef:{w}:nginx",
           "the key of nginx processes has the prefix");
    (void) ll_keys_search(key);
    is_str(key, "a-z_0-9-b-c-d-ef:{search}:requests",
           "the key of the lane of searches has the prefix");
    (void) ll_keys_pattern(key, 'p', "meta");
    is_str(key, "a-z_0-9-b-c-d-ef:{p:*}:meta", "a pattern has the prefix");
    (void) ll_keys_reply_channel(key, "n", 1);
    is_str(key, "a-z_0-9-b-c-d-ef:{r:n}:ch",
           "the channel of replies has the prefix");
}


/* with the prefix of test_prefix(), then with the default one */
static void
test_id(void)
{
    char         key[LL_KEY_MAX], kind;
    size_t       len, id_len;
    const char  *p;

    len = ll_keys_reply_channel(key, "n", 1);
    ok(ll_keys_id(key, len, &kind, &p, &id_len) == 0 && kind == 'r'
       && id_len == 1 && *p == 'n', "kind and id of a channel are found");
    ok(ll_keys_id("ll:{p:P}:ch", 11, &kind, &p, &id_len) == -1,
       "a channel of another prefix is refused");

    ok(ll_keys_set_prefix(LL_PREFIX, sizeof(LL_PREFIX) - 1) == 0,
       "the default prefix is set again");

    ok(ll_keys_id("ll:{p:P-1}:ch", 13, &kind, &p, &id_len) == 0 && kind == 'p'
       && id_len == 3 && memcmp(p, "P-1", 3) == 0,
       "kind and id of a property's channel are found");
    ok(ll_keys_id("ll:{p:P-1}:ch", 9, &kind, &p, &id_len) == -1,
       "a name without a closing brace is refused");
    ok(ll_keys_id("ll:{p:", 6, &kind, &p, &id_len) == -1,
       "a name without an id is refused");
    ok(ll_keys_id("ll:{due}:due", 12, &kind, &p, &id_len) == -1,
       "a key of no property or user is refused");
    ok(ll_keys_id("ll:{", 4, &kind, &p, &id_len) == -1,
       "the prefix alone is refused");
}


static void
test_queue_of(void)
{
    is_num(ll_keys_queue_of("anything", 8, 1), 0,
           "with one queue every property is in queue 0");

    /* CRC-32 of "123456789" is cbf43926, the usual check value */

    is_num(ll_keys_queue_of("123456789", 9, 1000), 0xcbf43926u % 1000,
           "the queue is the CRC-32 modulo the number of queues");
    is_num(ll_keys_queue_of("123456789", 9, 16), 6,
           "the queue with 16 queues is right");
}


/* with the default prefix */
static void
test_cluster(void)
{
    char  key[LL_KEY_MAX];

    is_str(ll_keys_publish(), "PUBLISH", "a single server: PUBLISH");

    ll_keys_set_cluster(1);

    is_str(ll_keys_publish(), "SPUBLISH", "a cluster: SPUBLISH");
    (void) ll_keys_property_channel(key, "P", 1);
    is_str(key, "ll:{p:P}:shard", "the sharded channel of a property");
    (void) ll_keys_user_channel(key, "U", 1);
    is_str(key, "ll:{u:U}:shard", "the sharded channel of a user");
    (void) ll_keys_reply_channel(key, "n-1", 3);
    is_str(key, "ll:{r:n-1}:shard", "the sharded channel of replies");
    (void) ll_keys_service_channel(key);
    is_str(key, "ll:{w}:shard", "the sharded channel of all nginx processes");
    (void) ll_keys_queue(key, 7);
    is_str(key, "ll:{q:7}:requests", "queues have the same names");
    (void) ll_keys_due(key, 7);
    is_str(key, "ll:{q:7}:due", "due times are beside a queue");
    (void) ll_keys_due_vers(key, 7);
    is_str(key, "ll:{q:7}:vers", "so are their versions");
    (void) ll_keys_workers(key, 7);
    is_str(key, "ll:{q:7}:workers", "so are workers");
    (void) ll_keys_nginx(key, 7);
    is_str(key, "ll:{q:7}:nginx", "so are nginx processes");
    (void) ll_keys_layout(key, 7);
    is_str(key, "ll:{q:7}:layout", "so is the layout");
    (void) ll_keys_other_due(key, 7);
    is_str(key, "ll:{due}:due", "a single server has other due times");
    (void) ll_keys_other_due_vers(key, 7);
    is_str(key, "ll:{due}:vers", "and versions");
    (void) ll_keys_other_layout(key, 7);
    is_str(key, "ll:{w}:layout", "and another layout");

    ll_keys_set_cluster(0);

    (void) ll_keys_workers(key, 7);
    is_str(key, "ll:{w}:workers", "a single server has one key of workers");
    (void) ll_keys_property_channel(key, "P", 1);
    is_str(key, "ll:{p:P}:ch", "and its channels are not sharded");
    (void) ll_keys_other_due(key, 7);
    is_str(key, "ll:{q:7}:due", "a cluster has other due times");
    (void) ll_keys_other_due_vers(key, 7);
    is_str(key, "ll:{q:7}:vers", "and versions");
    (void) ll_keys_other_layout(key, 7);
    is_str(key, "ll:{q:7}:layout", "and another layout");
}


int
main(void)
{
    test_names();
    test_prefix();
    test_id();
    test_queue_of();
    test_cluster();

    return tap_done();
}
