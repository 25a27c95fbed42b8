
/* URLs of Redis */

#include <string.h>

#include "common/redis_url.h"
#include "fuzz.h"


/* the part lies in the input */
static void
url_check_inside(const ll_str_t *part, const char *s, size_t size)
{
    CHECK(part->len == 0
          || (part->data >= s && part->data + part->len <= s + size));
}


static void
url_check(const ll_redis_url_t *url, const char *s, size_t size)
{
    char      text[LL_REDIS_URL_PART + 1];
    unsigned  i;

    CHECK((url->kind == LL_REDIS_URL_UNIX) == (url->path.len != 0));
    CHECK((url->kind == LL_REDIS_URL_UNIX) == (url->naddrs == 0));
    CHECK((url->kind == LL_REDIS_URL_SENTINEL) == (url->name.len != 0));
    CHECK(url->path.len <= LL_REDIS_URL_PATH);
    CHECK(url->name.len <= LL_REDIS_URL_NAME);
    CHECK(url->naddrs <= LL_REDIS_URL_ADDRS);

    url_check_inside(&url->path, s, size);
    url_check_inside(&url->name, s, size);
    url_check_inside(&url->user, s, size);
    url_check_inside(&url->password, s, size);

    for (i = 0; i < url->naddrs; i++) {
        url_check_inside(&url->addrs[i].host, s, size);
        url_check_inside(&url->addrs[i].text, s, size);
        CHECK(url->addrs[i].host.len >= 1
              && url->addrs[i].host.len <= LL_REDIS_URL_HOST);
        CHECK(url->addrs[i].port >= 1 && url->addrs[i].port <= 65535);
    }

    CHECK(ll_redis_url_decode(text, &url->user) == strlen(text));
    CHECK(ll_redis_url_decode(text, &url->password) == strlen(text));
    CHECK((url->password.len == 0) == (text[0] == '\0'));
}


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char            *s;
    ll_redis_url_t   url;

    /* parsed without a terminator, masked with one */

    if (ll_redis_url_parse(&url, (const char *) data, size) == 0) {
        url_check(&url, (const char *) data, size);
        CHECK(url.fault[0] == '\0');

        if (ll_redis_url_check(&url, 0) == 0) {
            CHECK(url.user.len == 0 || url.password.len);

        } else {
            CHECK(url.fault[0] != '\0');
        }

    } else {
        CHECK(url.fault[0] != '\0');
    }

    s = malloc(size + 1);
    CHECK(s != NULL);

    memcpy(s, data, size);
    s[size] = '\0';

    ll_redis_url_mask(s);
    CHECK(strlen(s) <= size);

    free(s);

    return 0;
}
