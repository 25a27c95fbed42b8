/*
 * What the browser keeps: the outbox, and a shelf of what was last seen, in
 * IndexedDB, or in this tab's memory where that is forbidden (some private
 * windows).
 */

const NAME = 'leaseloft';
const VERSION = 1;
const SOON = 500;


/* Opens the database; answers one with the interface below, always. */
export async function openDb(indexedDB) {
    try {
        return new IdbStore(await open(indexedDB));
    } catch {
        return new MemoryStore();
    }
}


class IdbStore {
    constructor(db) {
        this.db = db;
    }

    add(item) {
        return this.run('outbox', 'readwrite', (s) => s.add({ ...item }));
    }

    put(item) {
        return this.run('outbox', 'readwrite', (s) => s.put({ ...item }));
    }

    remove(n) {
        return this.run('outbox', 'readwrite', (s) => s.delete(n));
    }

    list() {
        return this.run('outbox', 'readonly', (s) => s.getAll());
    }

    shelve(key, value) {
        return this.run('shelf', 'readwrite', (s) => s.put(value, key))
                   .catch(() => null);
    }

    unshelve(key) {
        return this.run('shelf', 'readonly', (s) => s.get(key))
                   .catch(() => null);
    }

    clearShelf() {
        return this.run('shelf', 'readwrite', (s) => s.clear());
    }

    /* Resolves once the transaction is on disk, not merely asked for. */
    run(name, mode, request) {
        return new Promise((resolve, reject) => {
            const tx = this.db.transaction(name, mode);
            const asked = request(tx.objectStore(name));

            tx.oncomplete = () => resolve(asked.result);
            tx.onabort = () => reject(tx.error);
        });
    }
}


export class MemoryStore {
    constructor() {
        this.items = new Map();
        this.shelf = new Map();
        this.n = 0;
    }

    async add(item) {
        this.n++;
        this.items.set(this.n, { ...item, n: this.n });

        return this.n;
    }

    async put(item) {
        this.items.set(item.n, { ...item });
    }

    async remove(n) {
        this.items.delete(n);
    }

    async list() {
        return [...this.items.values()].map((item) => ({ ...item }));
    }

    async shelve(key, value) {
        this.shelf.set(key, value);
    }

    async unshelve(key) {
        return this.shelf.get(key);
    }

    async clearShelf() {
        this.shelf.clear();
    }
}


function open(indexedDB) {
    return new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, VERSION);

        request.onupgradeneeded = () => {
            request.result.createObjectStore('outbox', {
                keyPath: 'n', autoIncrement: true,
            });
            request.result.createObjectStore('shelf');
        };
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
        request.onblocked = () => reject(new Error('blocked'));
    });
}


/*
 * What one user was last shown, to be shown again while there is no network.
 * Never the truth: whatever the server says replaces it.
 */
export class Shelf {
    /* db as from openDb(). */
    constructor({ db, clock, user }) {
        this.db = db;
        this.clock = clock;
        this.user = user;
        this.later = new Map();
    }

    get(name) {
        return this.db.unshelve(`${this.user} ${name}`);
    }

    put(name, value) {
        return this.db.shelve(`${this.user} ${name}`, value);
    }

    /* Puts what make() answers, in a moment; once for many calls. */
    soon(name, make) {
        if (!this.later.has(name)) {
            const put = () => {
                this.later.delete(name);
                this.put(name, make());
            };

            this.later.set(name, { put,
                                   timer: this.clock.setTimeout(put, SOON) });
        }
    }

    /* What is due soon, now: the page may be gone then. */
    flush() {
        for (const { put, timer } of [...this.later.values()]) {
            this.clock.clearTimeout(timer);
            put();
        }
    }
}
