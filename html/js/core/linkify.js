/*
 * Cuts a text into pieces {text} and {text, href}.  Only http and https
 * addresses become links, and what is shown is always what was written: a
 * character that turns the direction of text ends an address.
 */

const TURNS = '\\u061c\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069';
const CANDIDATE = new RegExp(
    `\\bhttps?://[^\\s<>"'\`\\\\\\u0000-\\u0020${TURNS}]+`, 'gi');
const CLOSERS = { ')': '(', ']': '[', '}': '{' };


export function linkify(text) {
    const pieces = [];
    let done = 0;

    for (const match of text.matchAll(CANDIDATE)) {
        const address = trimEnd(match[0]);

        if (!isPlain(address)) {
            continue;
        }

        if (match.index > done) {
            pieces.push({ text: text.slice(done, match.index) });
        }

        pieces.push({ text: address, href: address });
        done = match.index + address.length;
    }

    if (done < text.length || pieces.length === 0) {
        pieces.push({ text: text.slice(done) });
    }

    return pieces;
}


/*
 * A safe address: it is valid, and has no user name, which would make
 * "https://bank.example@evil.example" misleading.
 */
function isPlain(address) {
    try {
        const url = new URL(address);

        return (url.protocol === 'http:' || url.protocol === 'https:')
               && url.hostname !== '' && url.username === ''
               && url.password === '';

    } catch {
        return false;
    }
}


/* Without the sentence's own punctuation, and unpaired brackets. */
function trimEnd(address) {
    let end = address;

    for (;;) {
        const last = end.at(-1);
        const opener = CLOSERS[last];

        if (/[.,;:!?*_~\u2026\u201d\u2019\u00bb]/.test(last)
            || (opener && count(end, last) > count(end, opener)))
        {
            end = end.slice(0, -1);

        } else {
            return end;
        }
    }
}


function count(text, char) {
    return text.split(char).length - 1;
}
