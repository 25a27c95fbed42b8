
/*
 * Standard input, output and error are there.
 *
 * A program that is started with one of them closed would get its number for
 * the next file or socket that it opens, and then write its log into that.
 */


#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H


/*
 * Opens those of the descriptors 0 to 2 that are closed, so that they cannot be
 * used: reading and writing fail as on a closed one.  Call it first.  0, or -1
 * if that is impossible.
 */
int descriptors_open(void);


#endif /* DESCRIPTORS_H */
