/*
 * Hashes, and checkpoints: signed notes (docs/record.md), by WebCrypto.
 */

import { isTime } from './record-json.js';

const NOTE = 16384;
const KEY = /^([!-*,-~]{1,128})\+([0-9a-f]{8})\+([A-Za-z0-9+/]{44})$/;
const CHECKPOINT = /^([!-*,-~]{1,128})\/([A-Za-z0-9_-]{1,64})\n(0|[1-9]\d{0,14})\n([A-Za-z0-9+/]{43}=)\n([^\n]{24})\n\n((?:\u2014 [^ \n]+ [^\n]+\n)+)$/;

export const utf8 = new TextEncoder();


/* The bytes of n bytes in lower-case HEX, else null. */
export function fromHex(value, n) {
    return typeof value === 'string' && value.length === 2 * n
           && /^[0-9a-f]*$/.test(value)
        ? Uint8Array.from(value.match(/../g), (pair) => parseInt(pair, 16))
        : null;
}


/* The bytes of base64 in the only form that an encoder writes, else null. */
function fromBase64(text, n) {
    let bytes;

    try {
        bytes = atob(text);
    } catch {
        return null;
    }

    return bytes.length === n && btoa(bytes) === text
        ? Uint8Array.from(bytes, (c) => c.charCodeAt(0)) : null;
}


export function toHex(bytes) {
    return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}


export function same(a, b) {
    return a.length === b.length && a.every((byte, i) => byte === b[i]);
}


export async function sha256(...parts) {
    const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
    let at = 0;

    for (const part of parts) {
        all.set(part, at);
        at += part.length;
    }

    return new Uint8Array(await crypto.subtle.digest('SHA-256', all));
}


/* A public key, NAME+ID+KEY: {name, id, key}; null if it is none. */
export async function parseKey(text) {
    const [, name, id, base64] = KEY.exec(text) ?? [];
    const typed = base64 && fromBase64(base64, 33);

    if (!typed || typed[0] !== 1) {
        return null;
    }

    const hash = await sha256(utf8.encode(`${name}\n`), typed);

    return toHex(hash.slice(0, 4)) === id
        ? { name, id: hash.slice(0, 4), key: typed.slice(1) } : null;
}


/* A checkpoint, its signatures not verified; null if it is malformed. */
export function parseNote(text) {
    const [, origin, property, seq, hash, time, lines] =
        CHECKPOINT.exec(text) ?? [];
    const bytes = hash && fromBase64(hash, 32);

    if (!bytes || !isTime(time) || utf8.encode(text).length > NOTE
        || [...text].some((c) => c < ' ' && c !== '\n'))
    {
        return null;
    }

    return {
        origin, property, seq: Number(seq), hash: bytes, time,
        text: text.slice(0, text.indexOf('\n\n') + 1),
        signatures: lines.split('\n').slice(0, -1).map((line) => {
            const [name, ...rest] = line.slice(2).split(' ');

            return { name, base64: rest.join(' ') };
        }),
    };
}


/*
 * Whether the key has signed the note: true or false; undefined if this
 * browser has no Ed25519.
 */
export async function isSigned(note, { name, id, key }) {
    const signatures = note.signatures.filter((s) => s.name === name)
        .map((s) => fromBase64(s.base64, 68))
        .filter((bytes) => bytes && same(bytes.slice(0, 4), id));

    if (note.origin !== name || signatures.length === 0) {
        return false;
    }

    let pub;

    try {
        pub = await crypto.subtle.importKey('raw', key, 'Ed25519', false,
                                            ['verify']);
    } catch (/** @type {any} */ error) {
        if (error.name === 'NotSupportedError') {
            return undefined;
        }

        return false;
    }

    for (const bytes of signatures) {
        if (!await crypto.subtle.verify('Ed25519', pub, bytes.slice(4),
                                        utf8.encode(note.text)))
        {
            return false;
        }
    }

    return true;
}
