/*
 * Synchronizes the inbox store with the server: by live events, by polled
 * pages, and by reading all pages again if a revision was missed.
 */

import { report } from './emitter.js';

const PAGE = 50;
const MOST = 200;
const AGAIN = 10000;


export class InboxSync {
    #running = null;
    #again = false;

    /**
     * shelf: what to show while there is no network; refused() is called at a
     * 401.
     * @param {{api: import('./api.js').Api, clock: Clock,
     *          store: import('./inbox-store.js').InboxStore,
     *          shelf: import('./db.js').Shelf, refused: () => void}} parts
     */
    constructor({ api, store, shelf, clock, refused }) {
        this.api = api;
        this.store = store;
        this.shelf = shelf;
        this.clock = clock;
        this.refused = refused;
        this.timer = null;
    }

    /* Shows what was stored last, until something newer arrives. */
    async unshelve() {
        const page = await this.shelf.get('inbox');

        if (page && this.store.status === 'loading') {
            page.threads.forEach((thread) => this.store.put(thread, 0));
            this.store.total = page.total_unread;
            this.store.setStatus('stale');
        }
    }

    /* An event of the inbox stream. */
    handle({ name, data, id }) {
        if (name === 'thread') {
            this.store.event(data, Number(id));
            this.#keep();

        } else if (name === 'hello' || name === 'ping') {
            if (data.rev !== this.store.rev || !this.store.complete) {
                this.sync();
            } else {
                this.store.setStatus('ready');
            }
        }
    }

    /* The first page, polled by the leading tab. */
    page(page) {
        if (!this.store.page(page)) {
            this.sync();
        }

        this.#keep();
    }

    /* Reads all pages; one run at a time, and once more if asked meanwhile. */
    sync() {
        if (this.#running) {
            this.#again = true;
            return this.#running;
        }

        this.clock.clearTimeout(this.timer);
        this.#running = this.#read().catch(report).finally(() => {
            this.#running = null;

            if (this.#again) {
                this.#again = false;
                this.sync();
            }
        });

        return this.#running;
    }

    async #read() {
        const seen = new Set();
        let cursor = null;
        let rev = 0;

        do {
            const { status, data } = await this.api.inbox({
                limit: cursor ? MOST : PAGE, cursor,
            });

            if (status !== 200) {
                this.#failed(status);
                return;
            }

            if (!cursor) {
                rev = data.rev;
            }

            data.threads.forEach((thread) => seen.add(thread.property));
            this.store.page(data);
            cursor = data.next;
        } while (cursor);

        this.store.finish(seen, rev);
        this.#keep();
    }

    #keep() {
        this.shelf.soon('inbox', () => ({
            threads: this.store.sorted().slice(0, PAGE),
            total_unread: this.store.total,
        }));
    }

    #failed(status) {
        if (status === 401) {
            this.refused();
            return;
        }

        this.store.setStatus('error');
        this.timer = this.clock.setTimeout(() => this.sync(), AGAIN);
    }

    stop() {
        this.clock.clearTimeout(this.timer);
    }
}
