
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tz.h"


#define ZONE_DIR   "/usr/share/zoneinfo"
#define ZONE_NAME  64


/*
 * Copies of the whole database that count seconds otherwise, and names that
 * stand for whatever this machine is set to.
 */

static const char  *zone_not[] = {
    "posix/", "right/", "localtime", "posixrules"
};


/* the form of the database's names: no way out of its directory */

static int
zone_name_valid(const char *name)
{
    size_t       i, len;
    const char  *p;

    len = strlen(name);

    if (len == 0 || len >= ZONE_NAME || name[0] == '/' || name[len - 1] == '/')
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

    for (i = 0; i < sizeof(zone_not) / sizeof(zone_not[0]); i++) {
        if (strncmp(name, zone_not[i], strlen(zone_not[i])) == 0) {
            return 0;
        }
    }

    return 1;
}


int
zone_known(const char *name)
{
    int      fd;
    char     path[sizeof(ZONE_DIR) + 1 + ZONE_NAME], magic[4];
    ssize_t  n;

    if (!zone_name_valid(name)) {
        return 0;
    }

    (void) snprintf(path, sizeof(path), "%s/%s", ZONE_DIR, name);

    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd == -1) {
        return 0;
    }

    n = read(fd, magic, sizeof(magic));

    (void) close(fd);

    return n == 4 && memcmp(magic, "TZif", 4) == 0;
}
