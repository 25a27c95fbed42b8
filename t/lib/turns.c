
/*
 * A library to preload: the most calls of writev() between two of epoll_wait()
 * are written to the file TURNS, 8 bytes that may be reset.
 */

#define _GNU_SOURCE

#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>


static uint64_t   turns_count;
static uint64_t  *turns_most;


static void __attribute__((constructor))
turns_init(void)
{
    int          fd;
    const char  *path;

    path = getenv("TURNS");
    fd = path != NULL ? open(path, O_RDWR) : -1;

    if (fd != -1) {
        turns_most = mmap(NULL, sizeof(uint64_t), PROT_READ|PROT_WRITE,
                          MAP_SHARED, fd, 0);
        (void) close(fd);
    }
}


int
epoll_wait(int fd, struct epoll_event *events, int n, int timeout)
{
    static int  (*real)(int, struct epoll_event *, int, int);

    if (real == NULL) {
        *(void **) &real = dlsym(RTLD_NEXT, "epoll_wait");
    }

    if (turns_most != NULL && turns_count > *turns_most) {
        *turns_most = turns_count;
    }

    turns_count = 0;

    return real(fd, events, n, timeout);
}


ssize_t
writev(int fd, const struct iovec *iov, int n)
{
    static ssize_t  (*real)(int, const struct iovec *, int);

    if (real == NULL) {
        *(void **) &real = dlsym(RTLD_NEXT, "writev");
    }

    turns_count++;

    return real(fd, iov, n);
}
