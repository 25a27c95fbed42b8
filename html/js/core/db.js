/*
 * What is stored in the browser, in IndexedDB: the outbox, and a shelf of the
 * pages that were shown last.  Each item belongs to one user.
 *
 * Storage may be full, forbidden, cleared under an open page, or never answer
 * (a browser that checks its disk): each call is rejected after a while, and a
 * handle is closed when the browser asks for it.
 */

import { Emitter } from './emitter.js';
import { within } from './clock.js';

const NAME = 'leaseloft';
const VERSION = 1;
const SOON = 500;

/* time limits: for the first answer, and after one that did not come */
const PATIENCE = 1500;
const IMPATIENCE = 100;


export class Db extends Emitter {
    #opening = null;
    #mute = false;

    /* Emits "lost" when stored items were deleted, or may have been. */
    constructor({ indexedDB, clock }) {
        super();
        this.indexedDB = indexedDB;
        this.clock = clock;
    }

    put(item) {
        return this.#run('outbox', 'readwrite', (s) => s.put({ ...item }));
    }

    remove(n) {
        return this.#run('outbox', 'readwrite', (s) => s.delete(n));
    }

    async list(user) {
        const all = await this.#run('outbox', 'readonly', (s) => s.getAll());

        return all.filter((item) => item.user === user);
    }

    shelve(key, value) {
        return this.#run('shelf', 'readwrite', (s) => s.put(value, key))
                   .catch(() => null);
    }

    unshelve(key) {
        return this.#run('shelf', 'readonly', (s) => s.get(key))
                   .catch(() => null);
    }

    /* Replaces a value by change(value) at one moment; null: not at all. */
    reshelve(key, change) {
        return this.#run('shelf', 'readwrite', (s) => {
            const asked = s.get(key);

            asked.onsuccess = () => {
                const value = asked.result ? change(asked.result) : null;

                if (value) {
                    s.put(value, key);
                }
            };

            return asked;
        }).catch(() => null);
    }

    discard(key) {
        return this.#run('shelf', 'readwrite', (s) => s.delete(key))
                   .catch(() => null);
    }

    /* The values whose keys begin with `start`. */
    shelved(start) {
        return this.#run('shelf', 'readonly', (s) => s.getAll(
            IDBKeyRange.bound(start, `${start}\uffff`))).catch(() => []);
    }

    /* Deletes everything of a user. */
    async clear(user) {
        const keys = IDBKeyRange.bound(`${user} `, `${user} \uffff`);

        await this.#run('shelf', 'readwrite', (s) => s.delete(keys));

        for (const { n } of await this.list(user)) {
            await this.remove(n);
        }
    }

    async #run(name, mode, request) {
        const attempt = this.#attempt(name, mode, request)
            .catch(() => this.#attempt(name, mode, request));

        attempt.then(() => {
            this.#mute = false;
        }, () => {});

        try {
            return await within(this.clock,
                                this.#mute ? IMPATIENCE : PATIENCE, attempt);

        } catch (error) {
            this.#mute = true;
            throw error;
        }
    }

    /* Resolves once the transaction is on disk. */
    async #attempt(name, mode, request) {
        this.#opening ??= this.#open();

        const opening = this.#opening;
        const db = await opening.catch((error) => {
            this.#opening = null;
            throw error;
        });

        return new Promise((resolve, reject) => {
            let tx;

            try {
                tx = db.transaction(name, mode);
            } catch (error) {
                /* closed without a "close" event */
                this.#forget(opening);
                throw error;
            }

            const asked = request(tx.objectStore(name));

            tx.oncomplete = () => resolve(asked.result);
            tx.onabort = () => reject(tx.error);
        });
    }

    #open() {
        const opening = new Promise((resolve, reject) => {
            const request = this.indexedDB.open(NAME, VERSION);

            request.onupgradeneeded = () => {
                request.result.createObjectStore('outbox', {
                    keyPath: 'n', autoIncrement: true,
                });
                request.result.createObjectStore('shelf');
            };
            request.onerror = () => reject(request.error);
            request.onsuccess = () => {
                const db = request.result;

                db.onclose = () => this.#forget(opening);
                db.onversionchange = () => {
                    db.close();
                    this.#forget(opening);
                };
                resolve(db);
            };
        });

        return opening;
    }

    /* Forgets a handle that no longer works; the next call opens another. */
    #forget(opening) {
        if (opening === this.#opening) {
            this.#opening = null;
            this.emit('lost');
        }
    }
}


/*
 * The pages that a user was shown last, to be shown while there is no network.
 * Whatever the server sends replaces them.
 */
export class Shelf {
    #later = new Map();

    constructor({ db, clock, user }) {
        this.db = db;
        this.clock = clock;
        this.user = user;
    }

    get(name) {
        return this.db.unshelve(`${this.user} ${name}`);
    }

    /* The stored values whose names begin with `start`. */
    all(start) {
        return this.db.shelved(`${this.user} ${start}`);
    }

    /* Stores the result of make() soon, once for many calls. */
    soon(name, make) {
        if (!this.#later.has(name)) {
            this.#later.set(name, this.clock.setTimeout(() => {
                this.#later.delete(name);
                this.db.shelve(`${this.user} ${name}`, make());
            }, SOON));
        }
    }

    /*
     * Changes a stored value, if there is one: change() returns null for no
     * change.  Nothing that is stored meanwhile is overwritten.
     */
    change(name, change) {
        return this.db.reshelve(`${this.user} ${name}`, change);
    }

    put(name, value) {
        return this.db.shelve(`${this.user} ${name}`, value);
    }

    remove(name) {
        return this.db.discard(`${this.user} ${name}`);
    }

    /*
     * Stores no more. A transaction that a page starts as it is left may block
     * the database for minutes.
     */
    stop() {
        this.#later.forEach((timer) => this.clock.clearTimeout(timer));
        this.#later.clear();
    }
}
