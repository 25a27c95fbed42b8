
/*
 * The syntax of ids.
 */


#include "id.h"


int
ll_id_valid(const char *s, size_t len)
{
    size_t         i;
    unsigned char  ch, lower;

    if (len == 0 || len > LL_ID_MAX) {
        return 0;
    }

    for (i = 0; i < len; i++) {
        ch = (unsigned char) s[i];
        lower = ch | 0x20;

        if (!((lower >= 'a' && lower <= 'z') || (ch >= '0' && ch <= '9')
              || ch == '_' || ch == '-'))
        {
            return 0;
        }
    }

    return 1;
}
