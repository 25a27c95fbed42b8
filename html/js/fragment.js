/*
 * The token of a sign-in link, "#token=JWT", or null. This module runs first
 * and removes the token from the address before any other can read it.
 */

const MARK = '#token=';

export const token = location.hash.startsWith(MARK)
    ? location.hash.slice(MARK.length) : null;

if (token !== null) {
    history.replaceState(null, '', location.pathname + location.search);
}
