
/*
 * Loaded before a program (LD_PRELOAD), it says what the program holds: on
 * SIGRTMIN+5, the bytes that malloc() has given out and not got back go to the
 * file HEAP_DIR/heap.PID.  Resident memory tells less, as it comes in pages,
 * and stays where there are holes in it.
 *
 * A handler is no place for mallinfo2(), which takes a lock; it is asked only
 * while the program waits for events, and holds none.
 */


#define _GNU_SOURCE

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>


static char  heap_dir[4096];


static void
heap_handler(int signo)
{
    int               fd;
    char              name[4200], new[4200];
    struct mallinfo2  info;

    (void) signo;

    info = mallinfo2();

    snprintf(new, sizeof(new), "%s/heap.%d.new", heap_dir, (int) getpid());
    snprintf(name, sizeof(name), "%s/heap.%d", heap_dir, (int) getpid());

    fd = open(new, O_WRONLY|O_CREAT|O_TRUNC, 0600);

    if (fd != -1) {
        dprintf(fd, "%zu\n", info.uordblks + info.hblkhd);
        close(fd);
        rename(new, name);
    }
}


__attribute__((constructor))
static void
heap_init(void)
{
    const char  *dir;

    dir = getenv("HEAP_DIR");

    if (dir) {
        snprintf(heap_dir, sizeof(heap_dir), "%s", dir);
        signal(SIGRTMIN + 5, heap_handler);
    }
}
