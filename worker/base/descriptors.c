
/* Opens missing standard descriptors. */

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
