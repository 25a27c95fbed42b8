/*
 * What one user was last shown, kept to be shown again while there is no
 * network.  Never the truth: whatever the server says replaces it.
 */

const SOON = 500;


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
