
/* Opens missing standard descriptors, and closes all others. */

#include <fcntl.h>
#include <unistd.h>

#include "descriptors.h"


int
descriptors_open(void)
{
    int  fd;

    for (fd = 0; fd <= STDERR_FILENO; fd++) {

        if (fcntl(fd, F_GETFD) != -1) {
            continue;
        }

        /* open() returns the lowest free descriptor, which is this one */

        if (open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
        {
            return -1;
        }
    }

    return 0;
}


void
descriptors_close(void)
{
    int   fd;
    long  max;

    if (close_range(STDERR_FILENO + 1, ~0U, 0) == 0) {
        return;
    }

    /* an old kernel, or valgrind */

    max = sysconf(_SC_OPEN_MAX);

    for (fd = STDERR_FILENO + 1; fd < max && fd < 65536; fd++) {
        (void) close(fd);
    }
}
