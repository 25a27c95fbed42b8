/*
 * Messages can be erased while nobody has their thread open, and what this
 * device keeps of it must not outlive them.  So the kept pages are compared
 * with the server's, one after the other, once the client is live and an hour
 * after the last time; only the pages of the threads that were seen last are
 * kept.
 */

const PERIOD = 3600 * 1000;
const MOST = 20;

/* between two requests, with jitter */
const GAP = 1000;


export class KeptCheck {
    #timer = null;

    /**
     * @param {{api: import('./api.js').Api, clock: Clock,
     *          shelf: import('./db.js').Shelf}} parts
     */
    constructor({ api, clock, shelf }) {
        this.api = api;
        this.clock = clock;
        this.shelf = shelf;
        this.running = false;
    }

    /* To be called when the client is live, in the leading tab. */
    start() {
        if (!this.running) {
            this.running = true;
            this.#wait(GAP, () => this.#begin());
        }
    }

    stop() {
        this.running = false;
        this.clock.clearTimeout(this.#timer);
    }

    #wait(ms, then) {
        this.clock.clearTimeout(this.#timer);
        this.#timer = this.clock.setTimeout(
            () => then(), ms * (0.5 + this.clock.random()));
    }

    async #begin() {
        const now = this.clock.now();
        const checked = await this.shelf.get('checked') ?? 0;

        if (checked > now || now - checked >= PERIOD) {
            const pages = await this.shelf.all('thread ');

            pages.sort((a, b) => (b.kept_at ?? 0) - (a.kept_at ?? 0));
            pages.splice(MOST).forEach(({ property }) =>
                this.shelf.remove(`thread ${property}`));
            await this.#check(pages);

        } else if (this.running) {
            this.#wait(checked + PERIOD - now, () => this.#begin());
        }
    }

    async #check(pages) {
        if (!this.running) {
            return;
        }

        if (pages.length === 0) {
            await this.shelf.put('checked', this.clock.now());
            this.#wait(PERIOD, () => this.#begin());
            return;
        }

        const done = await this.#compare(pages[0]);

        /* without an answer the same page is the next once more */
        this.#wait(done ? GAP : 10 * GAP,
                   () => this.#check(done ? pages.slice(1) : pages));
    }

    /* Answers whether the server did. */
    async #compare({ property, entries, etag }) {
        const name = `thread ${property}`;
        const before = (entries.at(-1)?.seq ?? 0) + 1;
        const answer = await this.api.messages(property, {
            before, limit: Math.max(1, entries.length), etag,
        });

        if (answer.status === 200) {
            const { entries: now } = answer.data;

            /* one that was put meanwhile is as new, and is left */
            await this.shelf.change(name, (page) =>
                page.entries.at(-1)?.seq + 1 === before
                    ? { ...page, entries: now, etag: answer.etag } : null);

        } else if (answer.status === 404) {
            await this.shelf.remove(name);
        }

        return [200, 304, 404].includes(answer.status);
    }
}
