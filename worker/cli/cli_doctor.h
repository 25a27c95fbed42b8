
/*
 * What the two halves of "leaseloft doctor" share: cli_doctor.c asks about the
 * workers and their streams, cli_doctor_redis.c about Redis itself.
 */


#ifndef CLI_DOCTOR_H
#define CLI_DOCTOR_H


#include "cli.h"


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
    buf_t         out;
} doctor_t;


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

/* version, role, persistence, memory, buffers, clients */
void doctor_redis(doctor_t *doctor);


#endif /* CLI_DOCTOR_H */
