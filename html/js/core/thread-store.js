/*
 * A run of a thread's entries without a gap, merged by seq from pages and
 * stream. It ends at the head, unless it is "detached": then a gap follows,
 * which pages fill as the reader gets there. Entries after a small gap wait in
 * `ahead`.
 */

import { Emitter } from './emitter.js';

/* a gap of more entries than this is left to pages */
const FAR = 200;


export class ThreadStore extends Emitter {
    /**
     * @param {string} property
     * @param {string} me the reader
     */
    constructor(property, me) {
        super();
        this.property = property;
        this.me = me;
        this.status = 'loading';
        this.label = '';
        /** @type {Lease | null} */
        this.lease = null;
        this.timeZone = null;
        /** @type {Reader} */
        this.you = { role: null, read: 0, unread: 0, can_write: false };
        /** @type {Party[]} */
        this.parties = [];
        this.marks = new Map();
        this.stale = false;

        /* for the owner: requests under way, and the last page's ETag */
        this.busy = false;
        this.fetching = false;
        this.etag = undefined;

        /* the last page that showed that no entry was erased */
        /** @type {{before: number, etag: string} | null} */
        this.checked = null;

        /*
         * the number of the run: responses to requests of another one are
         * ignored
         */
        this.run = 0;
        this.clear();
    }

    clear() {
        this.run++;
        /** @type {Entry[]} */
        this.entries = [];
        /** @type {Map<number, Entry>} */
        this.ahead = new Map();
        this.headSeq = 0;
        this.headTag = '';
        this.highTag = '';
        this.moreBefore = false;
        this.detached = false;
    }

    get low() {
        return this.entries.length ? this.entries[0].seq : 0;
    }

    get high() {
        return this.entries.length ? this.entries.at(-1).seq : 0;
    }

    get atHead() {
        return this.high >= this.headSeq;
    }

    /* The cursor to stream from: entries in a gap are not streamed. */
    get streamFrom() {
        return this.detached && this.headTag
            ? `${this.headSeq}.${this.headTag}` : this.cursor;
    }

    get cursor() {
        return this.highTag ? `${this.high}.${this.highTag}`
                            : String(this.high);
    }

    /** @param {Partial<ThreadPage>} data */
    meta(data) {
        this.label = data.label ?? this.label;
        this.lease = data.lease ?? this.lease;
        this.timeZone = data.time_zone ?? data.lease?.time_zone
                        ?? this.timeZone;

        if (data.parties) {
            this.parties = this.#latest(data.parties);
        }

        if (data.you) {
            /* the own mark may not have reached the server yet */
            const ahead = this.you.read > data.you.read;

            this.you = ahead
                ? { ...data.you, read: this.you.read, unread: this.you.unread }
                : data.you;
        }

        if (data.head) {
            this.head(data.head);
        }
    }

    /* After a long absence the run ends before a gap. Returns whether. */
    detach() {
        if (!this.detached && this.high > 0
            && isFar(this.high, this.headSeq))
        {
            this.detached = true;
            this.highTag = '';
            this.ahead.clear();
        }

        return this.detached;
    }

    /* Parties of a page, with newer marks that events have brought. */
    #latest(parties) {
        const marks = new Map(this.parties.map((p) => [p.user, p.read]));

        return parties.map((p) => p.read > 0 && marks.get(p.user) > p.read
            ? { ...p, read: marks.get(p.user) } : p);
    }

    /** @param {Cursor} cursor */
    head(cursor) {
        const [seq, tag] = String(cursor).split('.');

        if (Number(seq) >= this.headSeq) {
            this.headSeq = Number(seq);
            this.headTag = tag || '';
        }
    }

    /**
     * @param {ThreadPage} page
     * @param {{moreBefore: boolean}} run
     */
    load(page, { moreBefore }) {
        this.clear();
        this.meta(page);
        this.entries = page.entries.slice();
        this.moreBefore = moreBefore;
        this.detached = !this.atHead;
        this.highTag = this.atHead ? this.headTag : '';
        this.status = 'ready';
        this.stale = false;
        this.changed();
    }

    /** @param {ThreadPage} page */
    prepend(page) {
        const older = page.entries.filter((e) => e.seq < this.low);

        if (older.length && older.at(-1).seq !== this.low - 1) {
            return;
        }

        this.entries = older.concat(this.entries);
        this.moreBefore = Boolean(page.more) && older.length > 0;
        this.changed();
    }

    /**
     * A page of what comes after high, or a poll.
     * @param {ThreadPage} page
     * @returns {'ok' | 'reset'}
     */
    append(page) {
        if (page.reset) {
            return 'reset';
        }

        this.meta(page);
        this.stale = false;

        /* a window may begin anywhere, and a page begins where it does */
        if (this.entries.length === 0 && page.entries.length) {
            this.entries.push(page.entries[0]);
        }

        for (const entry of page.entries) {
            this.#place(entry, '');
        }

        this.#drain();

        if (this.atHead) {
            this.detached = false;
            this.highTag = this.headTag;
        }

        this.changed();

        return 'ok';
    }

    /**
     * One entry; id is its cursor where known.  Answers "away" beyond a
     * detached run, "gap" where what is after the cursor has to be fetched.
     * @param {Entry} entry
     * @param {Cursor} id
     * @returns {'new' | 'old' | 'away' | 'gap'}
     */
    add(entry, id = '') {
        const tag = id.split('.')[1] || '';
        const before = this.high;

        if (entry.seq <= before) {
            return 'old';
        }

        if (entry.seq > this.headSeq) {
            this.#tally(entry);
            this.head(id || String(entry.seq));
        }

        if (this.detached) {
            this.changed();
            return 'away';
        }

        this.#place(entry, tag);
        this.#drain();
        this.changed();

        return this.ahead.size ? 'gap' : 'new';
    }

    #place(entry, tag) {
        if (entry.seq === this.high + 1) {
            this.entries.push(entry);
            this.highTag = tag;
            this.headSeq = Math.max(this.headSeq, entry.seq);

        } else if (entry.seq > this.high) {
            this.ahead.set(entry.seq, entry);
        }
    }

    #drain() {
        for (const seq of [...this.ahead.keys()].sort((a, b) => a - b)) {
            if (seq <= this.high) {
                this.ahead.delete(seq);

            } else if (seq === this.high + 1) {
                this.entries.push(this.ahead.get(seq));
                this.highTag = '';
                this.ahead.delete(seq);
            }
        }
    }

    /*
     * An entry was erased: removes what is stored of it. Returns whether any
     * was.
     */
    erase({ seq, erased_at }) {
        const ahead = this.ahead.get(seq);
        const entry = ahead ?? this.entries.find((e) => e.seq === seq);

        if (entry?.kind !== 'message') {
            return false;
        }

        if (ahead) {
            this.ahead.set(seq, erasedEntry(entry, erased_at));
        } else {
            this.entries = eraseFrom(this.entries, { seq, erased_at });
        }

        this.changed();

        return true;
    }

    waiting() {
        return [...this.ahead.values()].sort((a, b) => a.seq - b.seq);
    }

    #tally(entry) {
        if (this.isUnread(entry)) {
            this.you = { ...this.you, unread: this.you.unread + 1 };
        }
    }

    /** @param {Entry} entry */
    isUnread(entry) {
        return entry.kind === 'message' && entry.from.user !== this.me
               && entry.seq > this.you.read;
    }

    /* The seq of the oldest unread message in the run, or null. */
    firstUnread() {
        return this.entries.find((e) => this.isUnread(e))?.seq ?? null;
    }

    /*
     * A read mark of any party. Returns false if only the server knows how many
     * messages are still unread.
     */
    read({ user, upto, at }) {
        if (user === this.me) {
            /* only the server knows the sender of an erased message */
            const sure = upto >= this.headSeq
                         || (this.atHead && upto >= this.low - 1
                             && !this.entries.some((e) => e.seq > upto
                                                   && e.kind === 'erased'));

            if (upto > this.you.read) {
                const left = this.entries.filter(
                    (e) => e.seq > upto && this.isUnread(e)).length;

                this.you = { ...this.you, read: upto,
                             unread: sure ? left : this.you.unread };
                this.changed();
            }

            return sure;
        }

        const party = this.parties.find((p) => p.user === user);

        if (!party || party.read >= upto) {
            return true;
        }

        if (at) {
            const marks = this.marks.get(user) || [];

            marks.push({ from: party.read, upto, at });
            this.marks.set(user, marks);
        }

        this.parties = this.parties.map((p) =>
            p === party ? { ...p, read: upto } : p);
        this.changed();

        return true;
    }

    /* Keeps at most max entries, dropping from the end that is not in view. */
    trim(max, keepEnd) {
        if (this.entries.length <= max) {
            return;
        }

        if (keepEnd === 'high') {
            this.entries = this.entries.slice(-max);
            this.moreBefore = true;

        } else {
            this.entries = this.entries.slice(0, max);
            this.highTag = '';
            this.detached = true;
            this.ahead.clear();
        }
    }

    snapshot(limit) {
        return {
            property: this.property, label: this.label, lease: this.lease,
            time_zone: this.timeZone, you: this.you, parties: this.parties,
            head: this.cursor, entries: this.entries.slice(-limit),
        };
    }

    setStatus(status) {
        this.status = status;
        this.changed();
    }

    changed() {
        this.emit('change');
    }
}


/**
 * What the server shows of a message that was erased.
 * @returns {Entry}
 */
function erasedEntry({ seq, at }, erased_at) {
    return { seq, kind: 'erased', at, erased_at };
}


/**
 * The entries without what was erased of one of them.
 * @param {Entry[]} entries
 * @param {{seq: number, erased_at?: Time}} erasure
 * @returns {Entry[]}
 */
export function eraseFrom(entries, { seq, erased_at }) {
    return entries.map((entry) =>
        entry.seq === seq && entry.kind === 'message'
            ? erasedEntry(entry, erased_at) : entry);
}


/** @param {Cursor} cursor */
export function seqOf(cursor) {
    return Number(String(cursor).split('.')[0]);
}


/* Whether the gap between two cursors is left to pages. */
export function isFar(cursor, head) {
    return seqOf(head) - seqOf(cursor) > FAR;
}


/**
 * Who has seen an entry, but for the reader.  `at` is the time of the mark
 * that first covered it, null where it came while this page was not open.
 * @param {ThreadStore} store
 * @param {number} seq
 * @returns {{user: string, name: string, at: Time | null}[]}
 */
export function seenBy(store, seq) {
    return store.parties
        .filter((p) => p.user !== store.me && p.read >= seq)
        .map((p) => {
            const mark = (store.marks.get(p.user) || []).find(
                (m) => m.from < seq && seq <= m.upto);

            return { user: p.user, name: p.name, at: mark ? mark.at : null };
        });
}
