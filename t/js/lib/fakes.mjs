/*
 * Stand-ins for what the pages' core is given by a browser and a server: a
 * clock that moves when told to, an EventSource that hears what a test says,
 * Web Locks and a BroadcastChannel for several tabs, and a server with one
 * thread, as the wire contract has it.
 */

import assert from 'node:assert/strict';

export class FakeClock {
    constructor(now = Date.parse('2026-11-22T12:00:00Z')) {
        this.time = now;
        this.base = now;
        this.timers = new Map();
        this.next = 1;
    }

    now() {
        return this.time;
    }

    mono() {
        return this.time - this.base;
    }

    random() {
        return 0.5;
    }

    setTimeout(fn, ms) {
        this.timers.set(this.next, { fn, at: this.time + ms });

        return this.next++;
    }

    clearTimeout(id) {
        this.timers.delete(id);
    }

    /* Lets time pass, running what falls due and what follows from it. */
    async tick(ms) {
        const end = this.time + ms;

        await settle();

        for (;;) {
            const due = [...this.timers].filter(([, t]) => t.at <= end)
                .sort((a, b) => a[1].at - b[1].at)[0];

            if (!due) {
                break;
            }

            this.timers.delete(due[0]);
            this.time = Math.max(this.time, due[1].at);
            due[1].fn();
            await settle();
        }

        this.time = end;
    }
}


/* Lets every promise that can go on do so. */
export async function settle(rounds = 40) {
    for (let i = 0; i < rounds; i++) {
        await new Promise((resolve) => setImmediate(resolve));
    }
}


/* A Source; `all` collects those that were made. */
export class FakeSource {
    constructor(url, all) {
        this.url = url;
        this.closed = false;
        this.listeners = new Map();
        all.push(this);
    }

    addEventListener(name, fn) {
        this.listeners.set(name, fn);
    }

    close() {
        this.closed = true;
    }

    say(name, data, id = '') {
        const event = { data: JSON.stringify(data), lastEventId: id };

        if (name === null) {
            this.onmessage(event);
        } else {
            this.listeners.get(name)(event);
        }
    }

    break() {
        this.onerror();
    }
}


/* What the browser keeps, as Db has it, in memory. */
export class MemoryStore {
    constructor() {
        this.items = new Map();
        this.shelf = new Map();
        this.lost = () => {};
    }

    on(name, fn) {
        this.lost = fn;
    }

    async put(item) {
        this.items.set(item.n, { ...item });
    }

    async remove(n) {
        this.items.delete(n);
    }

    async list(user) {
        return [...this.items.values()].filter((i) => i.user === user)
            .map((item) => ({ ...item }));
    }

    async reshelve(key, change) {
        const value = this.shelf.has(key) ? change(this.shelf.get(key)) : null;

        if (value) {
            this.shelf.set(key, value);
        }
    }

    async shelve(key, value) {
        this.shelf.set(key, value);
    }

    async unshelve(key) {
        return this.shelf.get(key);
    }

    async discard(key) {
        this.shelf.delete(key);
    }

    async shelved(start) {
        return [...this.shelf].filter(([key]) => key.startsWith(start))
            .map(([, value]) => value);
    }
}


/* Web Locks with exclusive locks and steal, for one name. */
export class FakeLocks {
    constructor() {
        this.held = null;
        this.line = [];
    }

    request(name, { steal }, fn) {
        return new Promise((resolve, reject) => {
            const lock = { fn, resolve, reject };

            if (steal && this.held) {
                const old = this.held;

                this.held = null;
                old.reject(new Error('stolen'));
                this.line.unshift(lock);
            } else {
                this.line.push(lock);
            }

            queueMicrotask(() => this.next());
        });
    }

    next() {
        if (this.held || this.line.length === 0) {
            return;
        }

        const lock = this.line.shift();

        this.held = lock;
        lock.fn().then(() => {
            if (this.held === lock) {
                this.held = null;
                lock.resolve();
                this.next();
            }
        });
    }
}


/* A BroadcastChannel between those made by one makeChannels(). */
export function makeChannels() {
    const all = [];

    return () => {
        const channel = {
            onmessage: null,
            postMessage(data) {
                const copy = structuredClone(data);

                for (const other of all) {
                    if (other !== channel) {
                        queueMicrotask(() => other.onmessage({ data: copy }));
                    }
                }
            },
        };

        all.push(channel);

        return channel;
    };
}


/*
 * What Api answers, from a thread in memory.  `me` reads as tenant; set
 * `down` to have nothing answered, `status` to have everything refused.
 */
export class FakeServer {
    constructor({ me = 'u-tom', clock = new FakeClock() } = {}) {
        this.me = me;
        this.signedIn = me;
        this.clock = clock;
        this.entries = [];
        this.first = 1;
        this.read_ = new Map();
        this.down = false;
        this.status = 0;
        this.sendStatus = 0;
        this.calls = [];
        this.aborted = 0;
        this.rev = 1;
        this.lease = { id: 'L-1', state: 'active',
                       starts_at: '2026-11-01T00:00:00.000Z',
                       ends_at: null };
        this.people = [
            { user: 'u-tom', role: 'tenant', name: 'Tom' },
            { user: 'u-lena', role: 'landlord', name: 'Lena' },
        ];
    }

    write(user, text, clientId = `c${this.entries.length}`) {
        const { role, name } = this.people.find((p) => p.user === user);
        const entry = {
            seq: this.entries.length + 1, kind: 'message',
            from: { user, role, name }, text,
            at: new Date(this.clock.now()).toISOString(),
            client_id: clientId,
        };

        this.entries.push(entry);
        this.rev++;

        return entry;
    }

    erase(seq) {
        const { at } = this.entries[seq - 1];
        const erased_at = new Date(this.clock.now()).toISOString();

        this.entries[seq - 1] = { seq, kind: 'erased', at, erased_at };
        this.rev++;

        return { seq, erased_at };
    }

    cursor(seq = this.entries.length) {
        return `${seq}.${seq.toString(16).padStart(8, '0')}`;
    }

    meta(property = 'elm') {
        const read = this.read_.get(this.me) || 0;

        return {
            property, label: '12 Elm St', lease: this.lease,
            you: { role: 'tenant', read, can_write: true,
                   unread: this.unread() },
            parties: this.people.map((p) =>
                ({ ...p, read: this.read_.get(p.user) || 0 })),
            head: this.cursor(),
        };
    }

    unread() {
        const read = this.read_.get(this.me) || 0;

        return this.entries.filter((e) => e.seq > read
            && e.kind === 'message' && e.from.user !== this.me).length;
    }

    inboxThread() {
        const last = this.entries.at(-1);

        return {
            property: 'elm', label: '12 Elm St', role: 'tenant',
            lease: this.lease, unread: this.unread(),
            last: last ? { seq: last.seq, kind: last.kind, event: null,
                           from: last.from?.user ?? null,
                           preview: last.text ?? null, at: last.at } : null,
        };
    }

    async answer(name, fn) {
        this.calls.push(name);
        await settle(2);

        const status = this.down ? 0 : this.status;

        if (this.down || this.status) {
            return { status, data: null, etag: null,
                     retryAfter: this.retryAfter ?? 0, type: null };
        }

        return { etag: `"${this.rev}"`, retryAfter: 0, type: null, ...fn() };
    }

    session() {
        return this.answer('session', () => ({
            status: 200, date: this.clock.now(),
            data: { user: this.signedIn, name: null, expires_at:
                    new Date(this.clock.now() + 3600000).toISOString() },
        }));
    }

    messages(property, { after, before, limit = 50, etag: known } = {}) {
        const name = `messages ${after ?? ''} ${before ?? ''}`.trim();

        return this.answer(name, () => {
            const etag = `"${this.rev} ${name} ${limit}"`;

            if (known === etag) {
                return { status: 304, data: null, etag };
            }

            let entries = this.entries.filter((e) => e.seq >= this.first);
            let more;

            if (after !== undefined) {
                const seq = parseInt(after, 10);

                if (seq > this.entries.length) {
                    return { status: 200, etag,
                             data: { ...this.meta(property), reset: true,
                                     entries: [] } };
                }

                entries = entries.filter((e) => e.seq > seq);
                more = entries.length > limit;
                entries = entries.slice(0, limit);

            } else {
                entries = before ? entries.filter((e) => e.seq < before)
                                 : entries;
                more = entries.length > limit;
                entries = entries.slice(-limit);
            }

            return { status: 200, etag,
                     data: { ...this.meta(property), entries,
                             ...(more ? { more } : {}) } };
        });
    }

    /* `scan`: how many entries one request looks at. */
    async get(path, form, { signal }) {
        const url = new URL(path, 'http://localhost');
        const inThread = url.pathname === '/api/properties/elm/search';
        const q = url.searchParams.get('q');
        const limit = Number(url.searchParams.get('limit'));
        const place = url.searchParams.get(inThread ? 'before' : 'cursor');
        const from = place && Number(place);
        const words = q.toLowerCase().split(' ');
        const answer = await this.answer(`search ${q} ${from ?? ''}`.trim(),
                                         () => {
            const first = Math.min(from ?? Infinity, this.entries.length + 1);
            const last = Math.max(1, first - (this.scan ?? Infinity));
            const scanned = this.entries.slice(last - 1, first - 1).reverse();
            const found = scanned.filter(({ kind, text }) =>
                kind === 'message' && words.every((word) =>
                    text.toLowerCase().includes(word)));
            const hits = found.slice(0, limit);
            const end = found.length > limit ? hits.at(-1).seq : last;

            return { status: 200, data: {
                next: end <= 1 ? null : inThread ? end : String(end),
                hits: inThread ? hits : hits.map((entry) =>
                    ({ property: 'elm', label: '12 Elm St', entry })),
            } };
        });

        assert.ok(answer.status !== 200 || form(answer.data));

        this.aborted += signal?.aborted ? 1 : 0;

        return signal?.aborted ? { status: 0, data: null } : answer;
    }

    inbox() {
        return this.answer('inbox', () => ({
            status: 200,
            data: { total_unread: this.unread(), rev: this.rev,
                    threads: [this.inboxThread()], next: null },
        }));
    }

    send(property, clientId, text) {
        return this.answer(`send ${text}`, () => {
            if (this.sendStatus) {
                return { status: this.sendStatus, data: null,
                         type: this.sendType };
            }

            const old = this.entries.find((e) => e.client_id === clientId);

            return old ? { status: 200, data: old }
                       : { status: 201,
                           data: this.write(this.me, text, clientId) };
        });
    }

    read(property, upto) {
        return this.answer(`read ${upto}`, () => {
            this.read_.set(this.me, upto);
            this.rev++;

            return { status: 204, data: null };
        });
    }
}
