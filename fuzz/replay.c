
/*
 * Runs a fuzz target over the files, and the files of the directories, given as
 * arguments; without any, over fuzz/corpus/NAME for a program fuzz_NAME.  It
 * prints a TAP line for each file; a fault ends the program without the plan.
 * It replaces libFuzzer, and its driver has the same name.
 */

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"


#define REPLAY_PATH  4096


typedef int (*replay_pt)(const uint8_t *data, size_t size);


static int  replay_run;


/* a copy of the exact size of the input, so that sanitizers see its end */
static int
replay_file(const char *path, size_t size, replay_pt run)
{
    FILE     *file;
    uint8_t  *data;

    file = fopen(path, "rb");
    data = malloc(size ? size : 1);

    if (file == NULL || data == NULL || fread(data, 1, size, file) != size) {
        fprintf(stderr, "cannot read \"%s\": %s\n", path, strerror(errno));
        return -1;
    }

    (void) fclose(file);
    (void) run(data, size);

    free(data);

    printf("ok %d - %s\n", ++replay_run, path);

    return 0;
}


static int
replay_path(const char *path, replay_pt run)
{
    int             rc;
    DIR            *dir;
    char            name[REPLAY_PATH];
    struct stat     st;
    struct dirent  *entry;

    if (stat(path, &st) != 0) {
        fprintf(stderr, "cannot stat \"%s\": %s\n", path, strerror(errno));
        return -1;
    }

    if (!S_ISDIR(st.st_mode)) {
        return replay_file(path, (size_t) st.st_size, run);
    }

    dir = opendir(path);
    if (dir == NULL) {
        return -1;
    }

    rc = 0;

    while (rc == 0 && (entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] != '.') {
            (void) snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
            rc = replay_path(name, run);
        }
    }

    (void) closedir(dir);

    return rc;
}


int
LLVMFuzzerRunDriver(int *argc, char ***argv, replay_pt run)
{
    int          i, rc;
    char         path[REPLAY_PATH];
    const char  *name;

    rc = 0;

    for (i = 1; i < *argc; i++) {
        rc |= replay_path((*argv)[i], run);
    }

    if (*argc == 1) {
        name = strstr(**argv, "fuzz_");

        while (name && strstr(name + 1, "fuzz_")) {
            name = strstr(name + 1, "fuzz_");
        }

        (void) snprintf(path, sizeof(path), "fuzz/corpus/%s",
                        name ? name + 5 : **argv);
        rc = replay_path(path, run);
    }

    if (rc != 0) {
        return 1;
    }

    printf("1..%d\n", replay_run);

    return 0;
}


int
main(int argc, char **argv)
{
    return LLVMFuzzerRunDriver(&argc, &argv, LLVMFuzzerTestOneInput);
}
