
/* slots of a Redis Cluster, and which queue serves a property */

#include <stdlib.h>

#include "common/keys.h"
#include "common/slots.h"
#include "t/tap.h"


static ll_slots_t  map;


static unsigned
slot(const char *key)
{
    return ll_slots_of(key, strlen(key));
}


/* the examples of the specification, and what CLUSTER KEYSLOT says */
static void
test_slot(void)
{
    is_num(slot("123456789"), 0x31c3, "the check value of CRC-16 is right");
    is_num(slot(""), 0, "an empty key is in slot 0");
    is_num(slot("{user1000}.following"), slot("user1000"),
           "only the hash tag counts");
    is_num(slot("foo{bar}{zap}"), slot("bar"), "only the first tag counts");
    is_num(slot("foo{{bar}}zap"), slot("{bar"),
           "a tag ends with the first closing brace");
    is_num(slot("foo{}{bar}"), 8363, "an empty tag is none");
    is_num(slot("{bar"), 4015, "a brace that is not closed is no tag");
    is_num(slot("\xff\x00z"), slot("\xff"), "the key is that long");
    ok(ll_slots_of("\xff\0z", 3) != ll_slots_of("\xff", 1),
       "a NUL is part of a key");
}


static void
in_one_slot(int same, const char *mode, const char *what)
{
    char  name[128];

    (void) snprintf(name, sizeof(name), "%s: %s", mode, what);
    ok(same, name);
}


/* what one function touches is in one slot */
static void
test_ids(const char *mode)
{
    char      key[LL_KEY_MAX];
    size_t    len;
    unsigned  i, same;

    same = 1;

    for (i = 0; i < LL_PROPERTY_KEYS; i++) {
        len = ll_keys_property(key, (ll_property_key_e) i, "P-1", 3);
        same &= ll_slots_of(key, len) == slot("p:P-1");
    }

    len = ll_keys_sent(key, "P-1", 3, 7);
    same &= ll_slots_of(key, len) == slot("p:P-1");
    len = ll_keys_copy(key, "P-1", 3, 7);
    same &= ll_slots_of(key, len) == slot("p:P-1");
    len = ll_keys_purge(key, "P-1", 3);
    same &= ll_slots_of(key, len) == slot("p:P-1");
    len = ll_keys_property_channel(key, "P-1", 3);
    same &= ll_slots_of(key, len) == slot("p:P-1");

    in_one_slot((int) same, mode, "all of a property is in one slot");

    same = 1;

    for (i = 0; i < LL_USER_KEYS; i++) {
        len = ll_keys_user(key, (ll_user_key_e) i, "U", 1);
        same &= ll_slots_of(key, len) == slot("u:U");
    }

    len = ll_keys_user_channel(key, "U", 1);
    same &= ll_slots_of(key, len) == slot("u:U");

    in_one_slot((int) same, mode, "all of a user is in one slot");
}


static void
test_service(const char *mode)
{
    char      key[LL_KEY_MAX];
    size_t    len;
    unsigned  i, k, same;

    same = 1;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        len = ll_keys_queue(key, k);
        same &= ll_slots_of(key, len) == ll_slots_queue_slot(k);
        len = ll_keys_dead(key, k);
        same &= ll_slots_of(key, len) == ll_slots_queue_slot(k);
        len = ll_keys_owed(key, k);
        same &= ll_slots_of(key, len) == ll_slots_queue_slot(k);
    }

    in_one_slot((int) same, mode,
                "queues, dead letters and debts are in the slots of the table");

    same = 1;

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        len = ll_keys_due(key, k);
        i = ll_slots_of(key, len);
        len = ll_keys_due_vers(key, k);
        same &= ll_slots_of(key, len) == i;

        len = ll_keys_workers(key, k);
        i = ll_slots_of(key, len);
        len = ll_keys_nginx(key, k);
        same &= ll_slots_of(key, len) == i;
        len = ll_keys_layout(key, k);
        same &= ll_slots_of(key, len) == i;
    }

    in_one_slot((int) same, mode,
                "due times and heartbeats are in one slot each");

    len = ll_keys_revoked(key);
    i = ll_slots_of(key, len);
    len = ll_keys_service_channel(key);

    in_one_slot(ll_slots_of(key, len) == i, mode,
                "revoked tokens and their channel are in one slot");
}


/* the map of n primaries with equal ranges, at ports from 7000 on */
static void
deal(unsigned n)
{
    unsigned  i;

    ll_slots_clear(&map);

    for (i = 0; i < n; i++) {
        (void) ll_slots_add(&map, i * LL_SLOTS / n,
                            (i + 1) * LL_SLOTS / n - 1, "127.0.0.1", 9,
                            7000 + i);
    }
}


static void
test_map(void)
{
    unsigned  i;

    deal(3);
    is_num(map.nnodes, 3, "a node for each address");
    is_num(map.covered, LL_SLOTS, "all slots are covered");
    is_num(ll_slots_node(&map, 0), 0, "the first slot");
    is_num(ll_slots_node(&map, 5461), 1, "the first slot of the second node");
    is_num(ll_slots_node(&map, LL_SLOTS - 1), 2, "the last slot");

    ok(ll_slots_add(&map, 5, 5, "::1", 3, 7000) == 0, "a slot moves");
    is_num(ll_slots_node(&map, 5), 3, "to a new node");
    is_num(ll_slots_node(&map, 4), 0, "its neighbour stays");
    is_num(map.nodes[0].slots, 5460, "the former node has one less");
    is_num(map.covered, LL_SLOTS, "as many slots are covered as before");
    is_str(map.nodes[3].host, "::1", "the host is stored");

    ok(ll_slots_add(&map, 5, 5, "127.0.0.1", 9, 7000) == 0, "it moves back");
    ok(ll_slots_add(&map, 7, 7, "other", 5, 1) == 0, "another one moves");
    is_num(ll_slots_node(&map, 7), 3, "a node without slots is replaced");
    is_num(map.nnodes, 4, "it takes no new place");

    ok(ll_slots_add(&map, -1, 5, "h", 1, 1) == -1
       && ll_slots_add(&map, 5, LL_SLOTS, "h", 1, 1) == -1
       && ll_slots_add(&map, 6, 5, "h", 1, 1) == -1,
       "a range that is none is refused");
    ok(ll_slots_add(&map, 5, 5, "h", 1, 0) == -1
       && ll_slots_add(&map, 5, 5, "h", 1, 65536) == -1
       && ll_slots_add(&map, 5, 5, "", 0, 1) == -1
       && ll_slots_add(&map, 5, 5, "h\0", 2, 1) == -1,
       "an address that is none is refused");
    is_num(ll_slots_node(&map, 5), 0, "what is refused changes nothing");

    ll_slots_clear(&map);
    is_num(map.covered, 0, "a map can be cleared");
    is_num(ll_slots_node(&map, 0), -1, "a slot that nobody has");

    for (i = 0; i < LL_SLOTS_NODES; i++) {
        if (ll_slots_add(&map, i, i, "h", 1, 1 + i) == -1) {
            break;
        }
    }

    is_num(i, LL_SLOTS_NODES, "a map has so many nodes");
    is_num(ll_slots_add(&map, i, i, "h", 1, 1 + i), -1, "and no more");
    is_num(map.covered, LL_SLOTS_NODES, "the map is unchanged then");
}


static void
redirects(const char *text, int ask, unsigned slot, const char *host,
    unsigned port)
{
    ll_slots_redirect_t  r;

    ok(ll_slots_redirect(&r, text, strlen(text)) == 0 && r.ask == ask
       && r.slot == slot && r.port == port && r.host_len == strlen(host)
       && memcmp(r.host, host, r.host_len) == 0, text);
}


static void
no_redirect(const char *text)
{
    char                *copy;
    size_t               len;
    ll_slots_redirect_t  r;

    /* without a terminator, so that a sanitizer sees who reads too far */

    len = strlen(text);
    copy = malloc(len ? len : 1);

    if (copy != NULL) {
        memcpy(copy, text, len);
    }

    ok(copy != NULL && ll_slots_redirect(&r, copy, len) == -1,
       len ? text : "an empty text");
    free(copy);
}


static void
test_redirect(void)
{
    redirects("MOVED 3999 127.0.0.1:6381", 0, 3999, "127.0.0.1", 6381);
    redirects("ASK 16383 h-1.example:1", 1, 16383, "h-1.example", 1);
    redirects("MOVED 0 2001:db8::1:65535", 0, 0, "2001:db8::1", 65535);
    redirects("MOVED 7 :6381", 0, 7, "", 6381);

    no_redirect("");
    no_redirect("MOVED ");
    no_redirect("MOVED 1");
    no_redirect("MOVED 1 ");
    no_redirect("MOVED 1 h");
    no_redirect("MOVED 1 h:");
    no_redirect("MOVED 1 h:0");
    no_redirect("MOVED 1 h:65536");
    no_redirect("MOVED 1 h:1x");
    no_redirect("MOVED 16384 h:1");
    no_redirect("MOVED 99999999999999999999 h:1");
    no_redirect("MOVED -1 h:1");
    no_redirect("MOVED x h:1");
    no_redirect("ASK");
    no_redirect("ASKING 1 h:1");
    no_redirect("CLUSTERDOWN Hash slot not served");
}


/* how many of 64 queues the node with the fewest has, of n with equal ranges */
static unsigned
fewest(unsigned n)
{
    unsigned  i, k, least, count[64];

    memset(count, 0, sizeof(count));
    deal(n);

    for (k = 0; k < LL_QUEUES_MAX; k++) {
        count[ll_slots_node(&map, ll_slots_queue_slot(k))]++;
    }

    least = LL_QUEUES_MAX;

    for (i = 0; i < n; i++) {
        least = count[i] < least ? count[i] : least;
    }

    return least;
}


static void
test_names(void)
{
    unsigned  n, least;

    least = LL_QUEUES_MAX;

    for (n = 1; n <= 9; n++) {
        least = fewest(n) < least ? fewest(n) : least;
    }

    is_num(least, 5, "each of up to nine primaries has five queues or more");

    for (n = 1; n <= 64 && fewest(n) > 0; n++) { /* void */ }

    is_num(n, 17, "each of up to 16 primaries has one or more");
}


static void
test_queue(void)
{
    char      id[32], tag[40];
    int       len, k, home, right;
    unsigned  i, n, far;

    deal(3);
    right = 1;
    far = 0;

    for (i = 0; i < 10000; i++) {
        len = snprintf(id, sizeof(id), "P-%u", i);
        (void) snprintf(tag, sizeof(tag), "p:%s", id);

        k = ll_slots_queue(&map, id, (size_t) len);
        n = (unsigned) ll_slots_node(&map, slot(tag));
        home = ll_slots_home(&map, n);

        right &= k == home
                 && ll_slots_node(&map, ll_slots_queue_slot((unsigned) k))
                    == (int) n;

        k = (int) ll_slots_due(id, (size_t) len);
        far += ll_slots_node(&map, ll_slots_queue_slot((unsigned) k))
               != (int) n;
    }

    ok(right, "the queue of a property is the home queue of its node");
    ok(far < 200, "fewer than 2 in 100 due times are on another node");
}


static void
test_no_queue(void)
{
    char      id[32], tag[40];
    int       len, k, right;
    unsigned  i, n;

    /* a node with slots, but with none of a queue: 18 to 148 have none */

    deal(3);
    (void) ll_slots_add(&map, 18, 148, "h", 1, 1);
    is_num(ll_slots_home(&map, 3), -1, "a node need not have a queue");

    right = 1;
    n = 0;

    for (i = 0; i < 10000; i++) {
        len = snprintf(id, sizeof(id), "P-%u", i);
        (void) snprintf(tag, sizeof(tag), "p:%s", id);

        if (ll_slots_node(&map, slot(tag)) == 3) {
            k = ll_slots_queue(&map, id, (size_t) len);
            n |= 1u << (k & 31);
            right &= k == ll_slots_home(&map, 0) || k == ll_slots_home(&map, 1)
                     || k == ll_slots_home(&map, 2);
        }
    }

    ok(right, "its properties use the home queues of other nodes");
    ok((n & (n - 1)) != 0, "not all of them the same one");

    ll_slots_clear(&map);
    is_num(ll_slots_queue(&map, "P", 1), -1,
           "there is no queue for a property that nobody has");
    (void) ll_slots_add(&map, slot("p:P"), slot("p:P"), "h", 1, 1);
    is_num(ll_slots_queue(&map, "P", 1), -1,
           "there is none while no queue is covered");
}


int
main(void)
{
    test_slot();
    test_ids("single server");
    test_service("single server");
    ll_keys_set_cluster(1);
    test_ids("cluster");
    test_service("cluster");
    test_map();
    test_redirect();
    test_names();
    test_queue();
    test_no_queue();

    return tap_done();
}
