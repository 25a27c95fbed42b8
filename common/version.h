
/* The versions of what nginx, the workers and the command line share. */

#ifndef VERSION_H
#define VERSION_H


/* of the module, the worker and the command line */
#define LEASELOFT_VERSION   "1.1.0"

/*
 * The revision of the Redis functions (worker/lua/functions.lua) that they are
 * built for.  Later ones serve them too, earlier ones lack something.
 */
#define LEASELOFT_REVISION  35


#endif /* VERSION_H */
