
/*
 * The descriptors of standard input, output and error.
 *
 * If one of them is closed when a program starts, the next file or socket that
 * it opens gets that number, and the log would be written into it.
 */


#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H


/*
 * Opens each of the descriptors 0 to 2 that is closed, in a mode in which
 * reading or writing fails as if it were closed.  To be called first.
 * Returns 0 or -1.
 */
int descriptors_open(void);

/* Closes all others, which a new process got from the one that made it. */
void descriptors_close(void);


#endif /* DESCRIPTORS_H */
