
/* The version of the module, the worker and the command line. */

#ifndef VERSION_H
#define VERSION_H


#define LEASELOFT_VERSION  "1.1.0"


#endif /* VERSION_H */
