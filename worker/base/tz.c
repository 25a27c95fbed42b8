
/* Looks time zones up in the system's tz database. */

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tz.h"


#define TZ_DIR   "/usr/share/zoneinfo"
#define TZ_NAME  64


/*
 * Not names of zones: copies of the database with other leap seconds, and the
 * zone of this machine.
 */

static const char  *tz_excluded[] = {
    "posix/", "right/", "localtime", "posixrules"
};


/* 1 if the name cannot leave the directory of the database */
static int
tz_name_valid(const char *name)
{
    size_t       i, len;
    const char  *p;

    len = strlen(name);

    if (len == 0 || len >= TZ_NAME || name[0] == '/' || name[len - 1] == '/')
    {
        return 0;
    }

    for (p = name; *p; p++) {
        if (!((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z')
              || (*p >= '0' && *p <= '9')
              || *p == '_' || *p == '-' || *p == '+' || *p == '/'))
        {
            return 0;
        }

        if (*p == '/' && p[1] == '/') {
            return 0;
        }
    }

    for (i = 0; i < sizeof(tz_excluded) / sizeof(tz_excluded[0]); i++) {
        if (strncmp(name, tz_excluded[i], strlen(tz_excluded[i])) == 0) {
            return 0;
        }
    }

    return 1;
}


int
tz_is_known(const char *name)
{
    int      fd;
    char     path[sizeof(TZ_DIR) + 1 + TZ_NAME], magic[4];
    ssize_t  n;

    if (!tz_name_valid(name)) {
        return 0;
    }

    (void) snprintf(path, sizeof(path), "%s/%s", TZ_DIR, name);

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, magic, sizeof(magic));

    (void) close(fd);

    return n == 4 && memcmp(magic, "TZif", 4) == 0;
}
