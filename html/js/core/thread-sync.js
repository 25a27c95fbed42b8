/* Synchronizes the open thread's store: opens it, merges, fills gaps. */

import { Emitter } from './emitter.js';
import { ThreadStore, eraseFrom, seqOf } from './thread-store.js';

const PAGE = 50;
const MOST = 200;
const CONTEXT = 12;
const RUN = 600;
const AGAIN = 3000;


export class ThreadSync extends Emitter {
    /**
     * Emits "thread" (another store, or null), "ready" (it has been loaded),
     * "received" (an entry that came live), "own" (an entry of this user was
     * seen), "parties" (they may have changed), "erased" (an entry, of any
     * thread that a tab streams), "refused" (a 401).
     * @param {{api: import('./api.js').Api, clock: Clock, me: string,
     *          shelf: import('./db.js').Shelf}} parts
     */
    constructor({ api, shelf, clock, me }) {
        super();
        this.api = api;
        this.shelf = shelf;
        this.clock = clock;
        this.me = me;
        /** @type {ThreadStore | null} */
        this.store = null;
        this.timer = null;
        this.jumps = 0;
    }

    /* At a message where seq is given, else at the first unread, or the end. */
    open(property, seq = null) {
        this.clock.clearTimeout(this.timer);
        this.store = new ThreadStore(property, this.me);
        this.emit('thread', this.store);

        return this.#load(this.store, seq);
    }

    close() {
        this.clock.clearTimeout(this.timer);
        this.store = null;
        this.emit('thread', null);
    }

    async #load(store, seq) {
        const answer = await this.api.messages(store.property,
                                               { limit: PAGE });

        if (store !== this.store) {
            return;
        }

        if (answer.status !== 200) {
            await this.#loadFailed(store, answer.status, seq);
            return;
        }

        const page = answer.data;
        const wanted = seq === null ? null
            : await this.#runAt(store, seq, page);
        const run = holds(wanted, seq) ? wanted
            : await this.#runAt(store, startOf(page), page);

        if (store !== this.store) {
            return;
        }

        store.load(run.page, run);
        this.#keep(store);
        this.emit('parties', store);
        this.emit('ready', store);
    }

    #keep(store) {
        if (!store.detached) {
            this.shelf.soon(`thread ${store.property}`,
                            () => ({ ...store.snapshot(PAGE),
                                     kept_at: this.clock.now() }));
        }
    }

    /*
     * The run of entries that a seq is in: the newest page where it reaches
     * so far, else some context, then what fills a few screens.
     */
    async #runAt(store, seq, newest) {
        const run = { page: newest, moreBefore: Boolean(newest?.more) };

        if (newest && (!newest.more || seq >= newest.entries[0].seq)) {
            return run;
        }

        const after = Math.max(0, seq - CONTEXT);
        const { status, data } = await this.api.messages(store.property, {
            after, limit: 3 * CONTEXT,
        });

        if (status !== 200 || data.reset) {
            return newest ? run : null;
        }

        const first = data.entries[0];

        return { page: data, moreBefore: after > 0 && Boolean(first)
                                         && first.seq === after + 1 };
    }

    async #loadFailed(store, status, seq) {
        const refused = this.#isFinal(store, status);

        if (status === 404) {
            return;
        }

        const page = store.status === 'loading'
            ? await this.shelf.get(`thread ${store.property}`) : null;

        if (page && store === this.store) {
            store.load(page, { moreBefore: false });
        }

        store.stale = true;
        store.setStatus(store.lease ? 'ready' : 'error');

        if (refused) {
            return;
        }

        this.timer = this.clock.setTimeout(() => {
            if (store === this.store) {
                this.#load(store, seq);
            }
        }, AGAIN);
    }

    #isFinal(store, status) {
        if (status === 401) {
            this.emit('refused');

        } else if (status === 404) {
            store.setStatus('gone');
        }

        return status === 401 || status === 404;
    }

    /* ---- messages between tabs ---- */

    handle(message) {
        const { store } = this;

        if (message.name === 'erased') {
            this.#eraseKept(message);
            this.emit('erased', { property: message.property,
                                  seq: message.data.seq });
        }

        if (!store || store.property !== message.property
            || store.status === 'loading' || store.status === 'error')
        {
            return;
        }

        switch (message.t) {

        case 'thread':
            this.#event(store, message);
            break;

        case 'thread-page':
            this.#page(store, message.page);

            if (!store.atHead && !store.detach()) {
                this.catchUp();
            }

            break;

        case 'gone':
            store.setStatus('gone');
            break;

        case 'sent':
            this.#arrive(store, message.entry, '');
            break;

        case 'marked':
            this.#marked(store, { user: this.me, upto: message.upto });
            break;
        }
    }

    #marked(store, mark) {
        if (!store.read(mark)) {
            this.#refresh(store);
        }
    }

    #event(store, { name, data, id }) {
        switch (name) {

        case 'entry':
            this.#arrive(store, data, id);
            break;

        case 'hello':
        case 'lease':
            store.stale = false;
            store.meta(data);
            store.detach();
            store.changed();
            this.emit('parties', store);
            break;

        case 'read':
            this.#marked(store, data);
            break;

        case 'erased':
            this.#erase(store, data);
            break;

        case 'reset':
            this.#reset(store);
            break;

        case 'ping':
            if (seqOf(data.head) > store.headSeq) {
                this.catchUp();
            }

            break;
        }
    }

    #erase(store, erasure) {
        if (store.erase(erasure)) {
            this.#keep(store);
        }
    }

    /* Also of a thread that is not open, or whose newest page is not loaded. */
    #eraseKept({ property, data }) {
        return this.shelf.change(`thread ${property}`, (page) => {
            const held = page.entries.some((e) => e.seq === data.seq
                                                  && e.kind === 'message');

            return held ? { ...page, entries: eraseFrom(page.entries, data) }
                        : null;
        });
    }

    /*
     * A poll says that something has changed, and brings no entry: one that is
     * held may have been erased.  The server's answer to the same question as
     * before is that nothing was, or else all entries are looked at.
     */
    async #revalidate(store) {
        let before = store.high + 1;
        let etag = store.checked?.before === before ? store.checked.etag
                                                    : undefined;

        while (store.low > 0 && before > store.low) {
            const answer = await this.api.messages(store.property, {
                before, limit: MOST, etag,
            });

            if (answer.status !== 200 || store !== this.store) {
                return;
            }

            if (before === store.high + 1) {
                store.checked = { before, etag: answer.etag };
            }

            answer.data.entries.filter((e) => e.kind === 'erased')
                .forEach((entry) => this.#erase(store, entry));
            before = answer.data.entries[0]?.seq ?? 0;
            etag = undefined;
        }
    }

    #arrive(store, entry, id) {
        if (entry.kind === 'erased') {
            this.#erase(store, entry);
        }

        const known = store.ahead.has(entry.seq);
        const result = store.add(entry, id);

        this.#seen(entry);
        this.#keep(store);

        if (result !== 'old' && !known) {
            this.emit('received', entry);
        }

        if (result === 'gap') {
            this.catchUp();
        }
    }

    #seen(entry) {
        if (entry.kind === 'message' && entry.from.user === this.me) {
            this.emit('own', entry);
        }
    }

    /* A page after the cursor of another tab. */
    #page(store, page) {
        const before = store.headSeq;

        if (page.reset) {
            this.#reset(store);
            return;
        }

        if (page.entries.length === 0) {
            this.#revalidate(store);
        }

        const first = page.entries.length ? page.entries[0].seq : 0;
        const ours = !store.detached && (first <= store.high + 1
                                         || store.high === 0);

        if (!ours) {
            store.meta(page);
            store.changed();
        } else {
            store.append(page);
            this.#keep(store);
        }

        for (const entry of page.entries) {
            this.#seen(entry);

            if (entry.seq > before) {
                this.emit('received', entry);
            }
        }

        this.emit('parties', store);
    }

    #reset(store) {
        store.clear();
        store.you = { ...store.you, read: 0 };
        store.setStatus('loading');
        this.#load(store, null);
    }

    /* Requests what is after the cursor, until there is no more. */
    async catchUp() {
        const { store } = this;

        if (!store || store.fetching || store.status === 'loading') {
            return;
        }

        if (store.status !== 'ready') {
            await this.#load(store, null);
            return;
        }

        if (store.detached) {
            await this.#refresh(store);
            return;
        }

        store.fetching = true;

        const answer = await this.api.messages(store.property, {
            after: store.cursor, limit: MOST, etag: store.etag,
        });

        store.fetching = false;

        if (store === this.store) {
            this.#caughtUp(store, answer);
        }
    }

    #caughtUp(store, { status, data, etag }) {
        if (status === 200) {
            const { high } = store;

            store.etag = etag;

            if (high > 0 && data.entries[0]?.seq > high + 1) {
                /* a window of this user has ended, and this is the next one */
                this.#reset(store);
                return;
            }

            this.#page(store, data);

            if (store.high > high && !store.atHead && !store.detach()) {
                this.catchUp();
            }

        } else if (status !== 304 && !this.#isFinal(store, status)) {
            store.stale = true;
            store.changed();
        }
    }

    /* The state of a thread whose newest entries are not loaded. */
    async #refresh(store) {
        const answer = await this.api.messages(store.property, { limit: 1 });

        if (answer.status === 200 && store === this.store) {
            store.meta(answer.data);
            store.changed();
        } else {
            this.#isFinal(store, answer.status);
        }
    }

    /* ---- moving about ---- */

    /*
     * One request for the reader's moves at a time; null if one is under way.
     */
    async #fetch(query) {
        const { store } = this;

        if (store.busy) {
            return null;
        }

        const { run } = store;

        store.busy = true;

        const answer = await this.api.messages(store.property, query);

        store.busy = false;

        return answer.status === 200 && store === this.store
               && run === store.run ? answer.data : null;
    }

    async loadOlder() {
        const { store } = this;

        if (!store || !store.moreBefore || store.status !== 'ready') {
            return;
        }

        const page = await this.#fetch({ before: store.low, limit: PAGE });

        if (page) {
            store.trim(RUN, 'low');
            store.prepend(page);
        }
    }

    /* Grows a detached run towards the head. */
    async loadNewer() {
        const { store } = this;

        if (!store || !store.detached || store.status !== 'ready') {
            return;
        }

        const page = await this.#fetch({ after: String(store.high),
                                         limit: PAGE });

        if (page) {
            store.trim(RUN, 'high');

            if (store.append(page) === 'reset') {
                this.#reset(store);
            }
        }
    }

    /* Goes to the end of the thread. */
    async jumpToNewest() {
        const { store } = this;
        const turn = ++this.jumps;

        if (!store || !store.detached) {
            return;
        }

        const { status, data } = await this.api.messages(store.property,
                                                         { limit: PAGE });

        if (status === 200 && turn === this.jumps && store === this.store) {
            store.load(data, { moreBefore: Boolean(data.more) });
        }
    }

    /*
     * Loads a message and those around it, without the messages in between.
     * False if it does not exist; null if the reader went elsewhere meanwhile.
     */
    async jumpTo(seq) {
        const { store } = this;

        if (!store || seq < 1) {
            return false;
        }

        const turn = ++this.jumps;

        if (seq < store.low || seq > store.high) {
            const run = await this.#runAt(store, seq, null)
                        ?? await this.#kept(store);

            if (turn !== this.jumps || store !== this.store) {
                return null;
            }

            if (holds(run, seq)) {
                store.load(run.page, run);
            }
        }

        return store.entries.some((entry) => entry.seq === seq);
    }

    /* The stored page of a thread, if no page arrives. */
    async #kept(store) {
        const page = await this.shelf.get(`thread ${store.property}`);

        if (!page) {
            return null;
        }

        const head = store.headSeq > seqOf(page.head)
            ? `${store.headSeq}.${store.headTag}` : page.head;

        return { page: { ...page, head }, moreBefore: true };
    }
}


/* Where a thread is opened: at the first unread, or the end. */
function startOf({ head, you }) {
    return you.unread > 0 ? you.read + 1 : seqOf(head);
}


function holds(run, seq) {
    return run?.page.entries.some((entry) => entry.seq === seq) ?? false;
}
