
/*
 * The command line of the load generator.
 */


#ifndef OPTIONS_H
#define OPTIONS_H


#include "gets.h"
#include "target.h"


typedef struct {
    target_t     target;
    int          tls;
    unsigned     streams;
    unsigned     ahead;                 /* streams being opened at a time */
    unsigned     senders;
    unsigned     rate;                  /* messages a second; 0: closed loop */
    int          mixed;
    unsigned     gets;                  /* connections */
    gets_kind_e  kind;
    const char  *query;
    unsigned     expect;
    double       warm;                  /* seconds before it counts */
    double       seconds;
    double       drain;                 /* seconds to wait for the rest */
    int          storm;                 /* after the warm-up */
    int          round;                 /* at the end */
    int          wait;                  /* for input, between phases */
    int          timeline;
} options_t;


/* 0, or -1 after a word to standard error */
int options_parse(options_t *options, int argc, char **argv);


#endif /* OPTIONS_H */
