
/*
 * Names of time zones: those of the system's tz database.
 */


#ifndef ZONE_H
#define ZONE_H


/*
 * 1 if the terminated name is that of a zone or of a link to one in the tz
 * database ("America/New_York"), else 0.  Reads one file.
 */
int zone_known(const char *name);


#endif /* ZONE_H */
