
/*
 * What is wrong with a body: every fault at once, each with its place.
 */


#ifndef FAULT_H
#define FAULT_H


#include <stddef.h>


/* more than a person would mend at once; the last one says how it goes on */
#define FAULT_MAX  200


typedef struct {
    char     *field;               /* "tenants[3].user"; "" is the body */
    char     *detail;              /* what is wrong with it */
} fault_t;


typedef struct {
    fault_t  *list;
    size_t    n;
    int       failed;              /* a fault was lost to lack of memory */
} faults_t;


#define FAULTS_INIT  { NULL, 0, 0 }


/*
 * adds a fault; field is copied, detail is made as by printf.  The one after
 * FAULT_MAX says that there are more, those after it are dropped.
 */
void fault_add(faults_t *faults, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* empties the list; NULL is fine */
void faults_free(faults_t *faults);


#endif /* FAULT_H */
