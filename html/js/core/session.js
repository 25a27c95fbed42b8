/*
 * Who is signed in.  The token travels as a cookie, since an EventSource
 * cannot send headers.  Its claims are read for display only: the server
 * checks the token, and the lease decides what its bearer may do.
 */

export const COOKIE = 'leaseloft_session';


/*
 * The claims of a JWT as {user, name, expires (ms), token}, or null where it
 * is not one.
 */
export function parseToken(token) {
    const parts = String(token || '').split('.');

    if (parts.length !== 3) {
        return null;
    }

    try {
        const base64 = parts[1].replace(/-/g, '+').replace(/_/g, '/');
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        const claims = JSON.parse(new TextDecoder().decode(bytes));

        if (typeof claims.sub !== 'string' || claims.sub === '') {
            return null;
        }

        return {
            user: claims.sub,
            name: typeof claims.name === 'string' && claims.name !== ''
                  ? claims.name : claims.sub,
            expires: Number(claims.exp) * 1000 || 0,
            token,
        };

    } catch {
        return null;
    }
}


/* The session in a cookie string as document.cookie gives it, or null. */
export function readCookie(cookies) {
    for (const pair of String(cookies || '').split(';')) {
        const [name, ...rest] = pair.trim().split('=');

        if (name === COOKIE) {
            return parseToken(rest.join('='));
        }
    }

    return null;
}


/* What to assign to document.cookie to sign in. */
export function cookieFor(session, { secure, now }) {
    const age = Math.max(0, Math.floor((session.expires - now) / 1000));

    return `${COOKIE}=${session.token}; Path=/; SameSite=Strict`
           + `; Max-Age=${age}${secure ? '; Secure' : ''}`;
}


/* What to assign to document.cookie to sign out. */
export function cookieGone(secure) {
    return `${COOKIE}=; Path=/; SameSite=Strict; Max-Age=0`
           + (secure ? '; Secure' : '');
}


/*
 * An id for a message of one's own: 26 characters of [a-z0-9], from 128
 * random bits.
 */
export function newClientId(crypto = globalThis.crypto) {
    const bytes = crypto.getRandomValues(new Uint8Array(26));

    return Array.from(bytes, (b) => (b % 32).toString(32)).join('');
}
