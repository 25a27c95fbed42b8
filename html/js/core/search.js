/*
 * One search: its words, the hits so far, and how to go on.  A search is sent
 * when typing pauses; there is never more than one request for it, and one
 * that is out of date is cancelled.  What no server answers is searched on
 * this device.
 */

import { isEntry, threadPath } from './api.js';
import { Emitter } from './emitter.js';
import { codePoints } from './format.js';
import { straight, wordsOf } from './fold.js';

const PAUSE = 250;
const LONGEST = 200;
const PAGE = 20;

/* after a server that could not search, in seconds at least */
const RETRY = 5;

/*
 * A server that is busy, or has much to read, answers before a page is full.
 * So many are asked for by themselves to fill one.
 */
const PARTS = 10;


export class Search extends Emitter {
    #abort = null;
    #timer = null;

    /* a number for each thing begun: what ends after another began is void */
    #turn = 0;

    /**
     * device(property, words): hits on this device; refused(): called at a
     * 401.  Emits "change".
     * @param {{api: import('./api.js').Api, clock: Clock,
     *          refused: () => void,
     *          device: (property: string | null, words: string[])
     *              => Promise<Hit[]>}} parts
     */
    constructor({ api, clock, device, refused }) {
        super();
        this.api = api;
        this.clock = clock;
        this.device = device;
        this.refused = refused;
        this.property = null;
        this.text = '';
        this.#clear('idle');
    }

    /*
     * phase: "idle" (no words), "open" (an open quote), "long" (too many
     * characters), "searching", "waiting" (for `wait` seconds, as the server
     * asked), "ready", "failed" (the next page did not come), "refused",
     * "gone" (no such thread).
     * local: why only this device was searched, "network" or "server".
     * back: the time back to which a search without hits has come.
     */
    #clear(phase) {
        this.phase = phase;
        this.words = wordsOf(this.text) ?? [];
        /** @type {Hit[]} */
        this.hits = [];
        this.next = null;
        this.local = null;
        this.back = null;
        this.wait = 0;
    }

    /** Searches a thread, or all (null), once typing pauses. */
    set(property, text, pause = PAUSE) {
        this.stop();
        this.property = property;
        this.text = text;

        const words = wordsOf(text);
        const phase = words === null ? 'open'
            : words.length === 0 ? 'idle'
            : codePoints(text) > LONGEST ? 'long' : 'searching';

        this.#clear(phase);

        if (phase === 'searching') {
            this.#timer = this.clock.setTimeout(() => this.#run(), pause);
        }

        this.emit('change');
    }

    /* The same again, at once: typing has ended, or the network is back. */
    again() {
        this.set(this.property, this.text, 0);
    }

    /* Goes on to earlier messages. */
    more() {
        if (this.next !== null
            && (this.phase === 'ready' || this.phase === 'failed'))
        {
            this.stop();
            this.#run();
        }
    }

    /* Cancels what is under way. */
    stop() {
        this.#turn++;
        this.#abort?.abort();
        this.clock.clearTimeout(this.#timer);
    }

    /* A message is no longer to be shown. */
    drop(property, seq) {
        const left = this.hits.filter((hit) => hit.property !== property
                                               || hit.entry.seq !== seq);

        if (left.length < this.hits.length) {
            this.hits = left;
            this.emit('change');
        }
    }

    #say(phase, more = {}) {
        Object.assign(this, { phase, wait: 0, ...more });
        this.emit('change');
    }

    async #run() {
        this.#turn++;
        this.#say('searching', { back: null });
        await this.#page(this.#turn);
    }

    /* A page of hits, or all that there are. */
    async #page(turn) {
        let found = 0;

        for (let parts = 1; ; parts++) {
            this.#abort = new AbortController();

            const answer = await this.#ask(this.#abort.signal);

            if (turn !== this.#turn) {
                return;
            }

            if (answer.status !== 200) {
                await this.#failed(answer, turn);
                return;
            }

            /* a first page replaces what was found on this device */
            if (this.next === null) {
                this.hits = [];
            }

            this.local = null;

            const hits = this.#hitsOf(answer.data);

            this.hits = this.hits.concat(hits);
            this.next = answer.data.next;
            found += hits.length;

            if (found >= PAGE || this.next === null || parts === PARTS) {
                this.#say('ready');

                if (found === 0 && this.next !== null) {
                    await this.#findBack(turn);
                }

                return;
            }

            if (hits.length) {
                this.#say('searching');
            }
        }
    }

    /** @returns {Promise<Answer<HitPage>>} */
    #ask(signal) {
        const { property, next } = this;
        const query = new URLSearchParams({ q: straight(this.text),
                                            limit: String(PAGE) });

        if (next !== null) {
            query.set(property === null ? 'cursor' : 'before', String(next));
        }

        return property === null
            ? this.api.get(`/api/search?${query}`, (page) =>
                isNext(page.next) && page.hits.every((hit) =>
                    hit.property && isEntry(hit.entry)), { signal })
            : this.api.get(`${threadPath(property)}/search?${query}`, (page) =>
                isNext(page.next) && page.hits.every(isEntry), { signal });
    }

    /* Messages only, each once, whatever the server says. */
    #hitsOf({ hits }) {
        const known = new Set(this.hits.map(key));

        return hits
            .map((hit) => this.property === null ? hit
                : { property: this.property, label: '', entry: hit })
            .filter((hit) => hit.entry.kind === 'message'
                             && typeof hit.entry.text === 'string'
                             && !known.has(key(hit)) && known.add(key(hit)));
    }

    async #failed({ status, retryAfter }, turn) {
        switch (status) {

        case 429:
            this.#waitFor(Math.max(1, retryAfter));
            break;

        case 400:
            this.#say('refused');
            break;

        case 401:
            this.#say('failed');
            this.refused();
            break;

        case 404:
            this.#say('gone');
            break;

        default:
            await this.#onDevice(status === 0 ? 'network' : 'server', turn);
            this.#retry(Math.max(retryAfter, RETRY), turn);
        }
    }

    /* Asks the server again, while this device's hits are shown. */
    #retry(seconds, turn) {
        if (turn === this.#turn && this.phase === 'ready'
            && this.local === 'server')
        {
            this.#timer = this.clock.setTimeout(
                () => this.#page(turn), seconds * 1000);
        }
    }

    /* Counts down, then goes on where it was. */
    #waitFor(seconds) {
        if (seconds <= 0) {
            this.#run();
            return;
        }

        this.#say('waiting', { wait: seconds });
        this.#timer = this.clock.setTimeout(
            () => this.#waitFor(seconds - 1), 1000);
    }

    async #onDevice(local, turn) {
        if (this.next !== null) {
            this.#say('failed', { local });
            return;
        }

        const hits = await this.device(this.property, this.words);

        if (turn === this.#turn) {
            this.#say('ready', { hits, local });
        }
    }

    /* The time of the entry at which a search of a thread has stopped. */
    async #findBack(turn) {
        if (this.property === null) {
            return;
        }

        const { status, data } = await this.api.messages(this.property, {
            before: Number(this.next), limit: 1,
        });

        if (turn === this.#turn && status === 200 && data.entries.length) {
            this.#say('ready', { back: data.entries[0].at });
        }
    }
}


function key({ property, entry }) {
    return `${property} ${entry.seq}`;
}


function isNext(next) {
    return next === null || typeof next === 'string'
           || Number.isInteger(next);
}
