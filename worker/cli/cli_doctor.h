
/*
 * What the parts of "leaseloft doctor" share: cli_doctor.c asks about queues,
 * cli_doctor_workers.c about workers and nginx, cli_doctor_redis.c about Redis
 * itself.
 */


#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H


#include "cli_redis.h"


typedef enum {
    DOCTOR_FINE = 0,
    DOCTOR_ADVICE,
    DOCTOR_FAULT
} doctor_level_e;


typedef struct {
    cli_t        *cli;
    args_t        args;
    redisReply   *info;            /* to INFO */
    int           n;
    int           faults;
    long long     workers;         /* heard of, that lack no right */
    uint64_t      reads;           /* the queues that these read: bit k */
    buf_t         out;
} doctor_t;


/* Runs the command "leaseloft doctor" and returns the exit status. */
int cli_doctor(cli_t *cli);

/* a finding; fmt is as printf's, a sentence without a full stop */
void doctor_say(doctor_t *doctor, doctor_level_e level, const char *check,
    const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * A reply to the command in doctor->args, or NULL for an error, which is said
 * as advice: what cannot be asked (managed services rename CONFIG) need not be
 * wrong
 */
redisReply *doctor_ask(doctor_t *doctor, const char *check);

/* the number after a name in a flat list of names and values, or -1 */
long long doctor_field(const redisReply *list, const char *name);

/* those heard of, what they and nginx say of themselves, and who is refused */
void doctor_workers(doctor_t *doctor);

/* whom Redis has refused in the last minute, and why: 1 if anybody */
int doctor_refusals(doctor_t *doctor);

/* version, role, persistence, memory, buffers, clients */
void doctor_redis(doctor_t *doctor);


#endif /* CLI_DOCTOR_H */
