/*
 * What is on this device, for a search without a server: the entries of the
 * open thread that are loaded, and the newest ones of each thread that was
 * seen, as db.js keeps them.
 */

import { findWords } from './fold.js';

const MOST = 200;


/**
 * The messages in which all words occur, in the order of the server: newest
 * first, and threads in the order of the inbox.
 * @param {import('./messenger.js').Messenger} messenger
 * @param {string | null} property a thread, or null for all
 * @param {string[]} words
 * @returns {Promise<Hit[]>}
 */
export async function searchDevice(messenger, property, words) {
    const threads = await threadsHere(messenger, property);
    const order = messenger.inbox.sorted().map((thread) => thread.property);
    const place = (id) => order.includes(id) ? order.indexOf(id) : Infinity;

    return [...threads.values()]
        .sort((a, b) => place(a.property) - place(b.property))
        .flatMap((thread) => hitsOf(thread, words)).slice(0, MOST);
}


/* By property: {property, label, entries}, entries by their seq. */
async function threadsHere({ thread: open, threads: { shelf } }, property) {
    const pages = property === null ? await shelf.all('thread ')
                                    : [await shelf.get(`thread ${property}`)];
    const threads = new Map();

    /* what is open is newer than what is kept */
    for (const page of [...pages, open]) {
        if (page && (property === null || page.property === property)) {
            const held = threads.get(page.property) ?? new Map();

            page.entries.forEach((entry) => held.set(entry.seq, entry));
            threads.set(page.property, held);
        }
    }

    for (const [id, held] of threads) {
        const { label } = [open, ...pages].find((page) =>
            page?.property === id);

        threads.set(id, { property: id, label, entries: held });
    }

    return threads;
}


function hitsOf({ property, label, entries }, words) {
    return [...entries.values()].sort((a, b) => b.seq - a.seq)
        .filter(({ kind, text }) => kind === 'message'
                                    && findWords(text, words) !== null)
        .map((entry) => ({ property, label, entry }));
}
