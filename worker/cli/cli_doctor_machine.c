
/*
 * The checks of "leaseloft doctor" of the machine that Redis runs on.
 *
 * INFO has the memory of the machine.  The disk and the kernel's setting are
 * looked at if Redis is reached by a socket or a loopback address, and if its
 * directory is there; otherwise they are not checked.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "cli_doctor_machine.h"
#include "cli_redis.h"


/* free bytes below which the disk is about to be full */
#define DOCTOR_DISK         (64 << 20)

/* where the shipped unit of Redis has its files */
#define DOCTOR_DIR          "/var/lib/leaseloft"

#define DOCTOR_OVERCOMMIT   "/proc/sys/vm/overcommit_memory"


/* 1 if Redis is on this machine, as far as its URL tells */
static int
cli_doctor_machine_own(const cli_report_t *report)
{
    const ll_str_t        *host;
    const ll_redis_url_t  *url;

    url = &report->cli->redis.url;

    if (url->kind == LL_REDIS_URL_UNIX) {
        return 1;
    }

    host = &url->addrs[0].host;

    return url->kind == LL_REDIS_URL_SINGLE
           && ((host->len == 9 && memcmp(host->data, "localhost", 9) == 0)
               || (host->len > 4 && memcmp(host->data, "127.", 4) == 0)
               || (host->len == 3 && memcmp(host->data, "::1", 3) == 0));
}


/* a rewrite of the append-only file writes at most its size once more */
static void
cli_doctor_machine_disk(cli_report_t *report, const char *info)
{
    long long       free, need;
    redisReply     *reply;
    const char     *dir;
    struct statvfs  disk;

    dir = cli_report_config(report, "disk", "dir", NULL, &reply);

    if (dir == NULL || statvfs(dir, &disk) == -1) {
        freeReplyObject(reply);
        return;
    }

    free = (long long) disk.f_bavail * (long long) disk.f_frsize;
    need = cli_redis_number(info, "aof_current_size");

    if (free < DOCTOR_DISK || free < need) {
        cli_report_add(report, CLI_REPORT_FAULT, "disk",
                       "%lld MiB free in \"%s\", too few to rewrite the "
                       "append-only file of %lld MiB, and Redis stops when the "
                       "disk is full: free some, or enlarge it", free >> 20,
                       dir, need >> 20);

    } else if (free / 2 < need) {
        cli_report_add(report, CLI_REPORT_ADVICE, "disk",
                       "%lld MiB free in \"%s\", less than twice the "
                       "append-only file of %lld MiB, which a rewrite copies: "
                       "free some, or enlarge the disk", free >> 20, dir,
                       need >> 20);

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "disk", "%lld MiB free",
                       free >> 20);
    }

    freeReplyObject(reply);
}


static void
cli_doctor_machine_overcommit(cli_report_t *report)
{
    int    mode;
    FILE  *file;

    file = fopen(DOCTOR_OVERCOMMIT, "r");

    if (file == NULL) {
        return;
    }

    if (fscanf(file, "%d", &mode) != 1) {
        mode = -1;
    }

    (void) fclose(file);

    if (mode == 1) {
        cli_report_add(report, CLI_REPORT_FINE, "overcommit",
                       "vm.overcommit_memory is 1");

    } else if (mode != -1) {
        cli_report_add(report, CLI_REPORT_ADVICE, "overcommit",
                       "vm.overcommit_memory is %d, so a rewrite of the "
                       "append-only file can fail when half of the memory is "
                       "used: set \"vm.overcommit_memory = 1\" in "
                       "/etc/sysctl.d", mode);
    }
}


/* a rewrite copies what is written meanwhile */
static void
cli_doctor_machine_memory(cli_report_t *report, const char *info)
{
    long long  max, all;

    max = cli_redis_number(info, "maxmemory");
    all = cli_redis_number(info, "total_system_memory");

    if (max == 0 || all == 0) {
        return;
    }

    if (max > all) {
        cli_report_add(report, CLI_REPORT_FAULT, "machine",
                       "\"maxmemory\" is %lld MiB, the machine of Redis has "
                       "%lld MiB, so the kernel kills Redis before it refuses "
                       "anything: set \"maxmemory %lldmb\"", max >> 20,
                       all >> 20, all / 100 * 75 >> 20);

    } else if (max > all / 100 * 75) {
        cli_report_add(report, CLI_REPORT_ADVICE, "machine",
                       "\"maxmemory\" is %lld MiB of the %lld MiB of the "
                       "machine of Redis, which leaves little for rewrites of "
                       "the append-only file: set \"maxmemory %lldmb\"",
                       max >> 20, all >> 20, all / 100 * 75 >> 20);

    } else {
        cli_report_add(report, CLI_REPORT_FINE, "machine",
                       "%lld MiB of memory", all >> 20);
    }
}


void
cli_doctor_machine(cli_report_t *report, const char *info)
{
    cli_doctor_machine_memory(report, info);

    if (cli_doctor_machine_own(report)) {
        cli_doctor_machine_disk(report, info);
        cli_doctor_machine_overcommit(report);
    }
}


void
cli_doctor_machine_down(cli_report_t *report, const char *dir)
{
    long long       free;
    struct statvfs  disk;

    if (dir == NULL) {
        dir = DOCTOR_DIR;
    }

    if (!cli_doctor_machine_own(report) || statvfs(dir, &disk) == -1) {
        return;
    }

    free = (long long) disk.f_bavail * (long long) disk.f_frsize;

    cli_report_add(report, free < DOCTOR_DISK ? CLI_REPORT_FAULT
                                              : CLI_REPORT_FINE, "disk",
                   "%lld MiB free in \"%s\"%s", free >> 20, dir,
                   free < DOCTOR_DISK ? ", and Redis stops when the disk is "
                                        "full: free some, or enlarge it" : "");
}
