/*
 * The token of a sign-in link, "#token=JWT", or null.  The first module that
 * runs: it takes the token out of the address before any other can see it.
 */

const MARK = '#token=';

export const token = location.hash.startsWith(MARK)
    ? location.hash.slice(MARK.length) : null;

if (token !== null) {
    history.replaceState(null, '', location.pathname + location.search);
}
