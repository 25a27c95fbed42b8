/*
 * Addresses: "/" is the dashboard, "/?p=PROPERTY" a thread,
 * "/?p=PROPERTY#m482" a message of it.  A query rather than a path, so that
 * any static file server will do.
 */

const ID = /^[A-Za-z0-9_-]{1,64}$/;


/* What an address names: {property, seq}, each null if absent. */
export function parseLocation({ search = '', hash = '' }) {
    const property = new URLSearchParams(search).get('p');
    const message = /^#m([1-9]\d{0,14})$/.exec(hash);

    return {
        property: property !== null && ID.test(property) ? property : null,
        seq: message ? Number(message[1]) : null,
    };
}


/* The address of a thread, of one of its messages, or of the dashboard. */
export function hrefFor(property, seq = null) {
    if (property === null) {
        return './';
    }

    return `?p=${encodeURIComponent(property)}${seq ? `#m${seq}` : ''}`;
}
