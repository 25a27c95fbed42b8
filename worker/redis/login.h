
/* Logging in to a Redis or a sentinel. */


#ifndef LOGIN_H
#define LOGIN_H


#include "server.h"
#include "wire.h"


/*
 * Sends AUTH, if there is a password.  Returns 0, or -1 if it is refused, which
 * closes the wire.
 */
int login_auth(wire_t *wire, const server_login_t *login);


#endif /* LOGIN_H */
