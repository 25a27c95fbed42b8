
/* of the worker and the command line, as --version prints it */

#ifndef VERSION_H
#define VERSION_H


#define LEASELOFT_VERSION  "1.0.0"


#endif /* VERSION_H */
