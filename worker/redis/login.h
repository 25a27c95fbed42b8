
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

/*
 * Verifies that the server takes writes, by an XADD that changes nothing, to
 * the channel of that name (ROLE needs the rights of an administrator).
 * Returns 0, or -1 if it is a replica, which closes the wire.  Other errors are
 * left to the caller's own commands.
 */
int login_verify(wire_t *wire, const char *name);


#endif /* LOGIN_H */
