/*
 * The user's threads, each with the revision at which it was received, so that
 * an older page does not undo a live change.
 */

import { Emitter } from './emitter.js';


export class InboxStore extends Emitter {
    constructor() {
        super();
        this.threads = new Map();
        this.rev = 0;
        this.total = 0;
        this.complete = false;
        this.status = 'loading';
        this.etag = null;
    }

    /*
     * A page. Returns true if threads beyond it cannot have changed: each step
     * of rev is explained by a thread of the page that changed.
     */
    page(page) {
        const steps = page.rev - this.rev;
        const known = this.complete;
        const keys = sortKeys(page.threads);
        let changes = 0;

        page.threads.forEach((thread, i) => {
            changes += this.put(thread, page.rev, keys[i]) ? 1 : 0;
        });

        this.#settle(page);

        return known && changes >= steps;
    }

    #settle(page) {
        if (page.rev >= this.rev) {
            this.rev = page.rev;
            this.total = page.total_unread;
        }

        this.status = 'ready';
        this.emit('change');
    }

    /* key: its position in the order, the newest highest. */
    put(thread, rev, key = thread.last?.at) {
        const old = this.threads.get(thread.property);

        if (old && old.rev > rev) {
            return false;
        }

        this.threads.set(thread.property,
                         { ...thread, rev, key: key ?? this.top() });

        return !old || !same(old, thread);
    }

    /* The highest key, for a lease that was declared now. */
    top() {
        return [...this.threads.values()].reduce(
            (top, { key }) => key > top ? key : top, '') + '~';
    }

    /*
     * The last page of a complete sync has arrived: removes threads that were
     * not in it.
     */
    finish(seen, rev) {
        for (const [property, thread] of this.threads) {
            if (!seen.has(property) && thread.rev <= rev) {
                this.threads.delete(property);
            }
        }

        this.complete = true;
        this.emit('change');
    }

    /* A live change: the thread and the total. */
    event(data, rev) {
        const { total_unread: total, ...thread } = data;

        if (rev < this.rev) {
            return;
        }

        if (thread.property) {
            this.put(thread, rev);
        }

        this.rev = rev;
        this.total = total ?? this.total;
        this.emit('change');
    }

    /* Our own reading, before the server confirms it. */
    read(property, upto) {
        const thread = this.threads.get(property);

        if (thread && thread.unread > 0 && !(thread.last?.seq > upto)) {
            this.total = Math.max(0, this.total - thread.unread);
            this.threads.set(property, { ...thread, unread: 0 });
            this.emit('change');
        }
    }

    setStatus(status) {
        if (this.status !== status) {
            this.status = status;
            this.emit('change');
        }
    }

    /* All threads, newest first as the server orders them. */
    sorted() {
        return [...this.threads.values()].sort(newestFirst);
    }
}


function same(a, b) {
    const { rev, key, ...rest } = a;

    return JSON.stringify(rest) === JSON.stringify(b);
}


/* Newest visible entry first; ties by property id. */
function newestFirst(a, b) {
    if (a.key !== b.key) {
        return a.key > b.key ? -1 : 1;
    }

    return a.property < b.property ? -1 : 1;
}


/*
 * The sort keys of a page's threads.  One without a visible entry stands where
 * its declaration's time put it, which only its neighbours tell.
 */
function sortKeys(threads) {
    const keys = threads.map((thread) => thread.last?.at ?? null);

    for (let i = keys.length - 1; i >= 0; i--) {
        const above = keys.slice(0, i).findLast((key) => key);

        keys[i] ??= keys[i + 1] ? `${keys[i + 1]}~`
                                : (above ?? '~').slice(0, -1);
    }

    return keys;
}


/*
 * Those that a filter ("all", "unread", "reply", "ended") and a text let
 * through.  names(thread) answers the parties of a thread where known, as
 * [{user, role, name}].
 */
export function filterThreads(threads, { filter, text, me, names,
                                         isDone = () => false })
{
    const words = fold(text || '').split(/\s+/).filter(Boolean);

    return threads.filter((thread) =>
        passes(thread, filter, me, names, isDone)
        && (words.length === 0 || matches(thread, words, names)));
}


function passes(thread, filter, me, names, isDone) {
    switch (filter) {

    case 'unread':
        return thread.unread > 0;

    case 'reply':
        return !isDone(thread) && needsReply(thread, me, names(thread));

    case 'ended':
        return thread.lease?.state === 'ended';

    default:
        return true;
    }
}


/*
 * The last word is a message from the other side.  Before the parties are
 * known, anybody but oneself counts as the other side.
 */
export function needsReply(thread, me, parties) {
    const { last, lease, role } = thread;

    if (!last || last.kind !== 'message' || last.from === me
        || lease?.state !== 'active')
    {
        return false;
    }

    const sender = (parties || []).find((p) => p.user === last.from);

    return !sender || sender.role !== role;
}


function matches(thread, words, names) {
    const people = (names(thread) || []).map((p) => p.name);
    const hay = fold([thread.label, thread.property, ...people].join(' '));

    return words.every((word) => hay.includes(word));
}


/* Lower case without accents, so that "jose" finds "José". */
export function fold(text) {
    return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}
