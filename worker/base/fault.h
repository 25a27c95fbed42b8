
/*
 * The faults of a body: all of them, each with the path of its field.
 */


#ifndef FAULT_H
#define FAULT_H


#include <stddef.h>


/* one more, the last, says that there are others */
#define FAULT_MAX  200


typedef struct {
    char     *field;               /* "tenants[3].user"; "" for the body */
    char     *detail;              /* a sentence without subject */
} fault_t;


typedef struct {
    fault_t  *list;
    size_t    n;
    int       failed;              /* memory was short; a fault is missing */
} faults_t;


#define FAULTS_INIT  { NULL, 0, 0 }


/*
 * Adds a fault; field is copied, detail is formatted as by printf().  Fault
 * FAULT_MAX + 1 is replaced by one that says that there are more; later ones
 * are dropped.
 */
void fault_add(faults_t *faults, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Frees the faults and empties the list; NULL is allowed. */
void fault_free(faults_t *faults);


#endif /* FAULT_H */
