
/* URLs of Redis */

#include <string.h>

#include "fuzz.h"
#include "url.h"


int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char        *s;
    url_t        url;
    const char  *why;

    s = malloc(size + 1);
    CHECK(s != NULL);

    memcpy(s, data, size);
    s[size] = '\0';

    why = NULL;

    if (url_parse(s, &url, &why) == 0) {
        CHECK(!url.path[0] != !url.host[0]);
        CHECK(url.port >= 1 && url.port <= 65535);
        CHECK(!url.user[0] || url.password[0]);

    } else {
        CHECK(why != NULL);
    }

    url_mask(s);
    CHECK(strlen(s) <= size);

    free(s);

    return 0;
}
