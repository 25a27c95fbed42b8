
/*
 * Names of time zones, as in the system's tz database.
 */


#ifndef TZ_H
#define TZ_H


/*
 * Returns 1 if the terminated name is a zone or a link in the tz database
 * ("America/New_York"), else 0.  Reads one file.
 */
int tz_is_known(const char *name);


#endif /* TZ_H */
