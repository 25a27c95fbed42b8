/*
 * This user's messages that are not known to be stored, in a database that
 * outlives the tab.  The leading tab sends them, one at a time for each
 * property, oldest first.  An item that the database did not store is "loose":
 * it lives as long as its tab, which sends it itself.
 *
 * A message is sent as the user who wrote it or not at all: the request names
 * that user, and the server refuses it if another one is signed in.
 */

import { Backoff } from './clock.js';
import { Emitter } from './emitter.js';
import { newClientId } from './session.js';

/* answers that no repetition can change */
const FINAL = new Set([400, 403, 404, 405, 409, 413, 415, 422]);
const ACCEPTED_WAIT = 3000;


export class Outbox extends Emitter {
    #lanes = new Map();

    /**
     * Emits "change" when items differ, "stored" {property, client_id, entry},
     * "accepted", "failed" item, and "refused" at a 401.
     * @param {{db: Pick<import('./db.js').Db, 'put' | 'remove' | 'list'>,
     *          api: Pick<import('./api.js').Api, 'send'>, clock: Clock,
     *          user: string, newId?: () => string}} parts
     */
    constructor({ db, api, clock, user, newId = newClientId }) {
        super();
        this.db = db;
        this.api = api;
        this.clock = clock;
        this.user = user;
        this.newId = newId;
        /** @type {OutboxItem[]} */
        this.items = [];
        this.active = false;
        this.paused = false;
    }

    /* Reads the database again: at start, and when another tab changed it. */
    async reload() {
        let all;

        try {
            all = await this.db.list(this.user);
        } catch {
            /* without an answer of the database, items in memory are kept */
            return;
        }

        const kept = new Set(all.map((item) => item.n));
        const ours = this.items.filter((item) => !kept.has(item.n)
                                                 && (item.loose || item.busy));

        this.items = all.concat(ours).sort((a, b) => a.n - b.n);
        this.emit('change');
    }

    /* The database may have lost its content: store all items again. */
    async restore() {
        await Promise.all(this.items.map((item) => this.#save(item)));
        this.emit('change');
    }

    of(property) {
        return this.items.filter((item) => item.property === property);
    }

    /* How many wait to be sent; not yet those that are being stored. */
    waiting() {
        return this.items.filter((item) => item.state === 'queued'
                                           && !item.busy).length;
    }

    /* For how many milliseconds the oldest waits to reach the server, or -1. */
    age() {
        const item = this.items.find((i) => i.state === 'queued'
                                            && !i.accepted);

        return item ? this.clock.now() - Date.parse(item.at) : -1;
    }

    /* How many are lost when this tab is closed. */
    loose() {
        return this.items.filter((item) => item.loose).length;
    }

    async add(property, text) {
        /** @type {OutboxItem} */
        const item = {
            n: this.#number(), user: this.user, property,
            client_id: this.newId(), text,
            at: new Date(this.clock.now()).toISOString(),
            state: 'queued', reason: null, busy: true,
        };

        this.items.push(item);
        this.emit('change');
        await this.#save(item);
        item.busy = false;
        this.emit('change');
        this.drain();

        return item;
    }

    /* In the order of writing, and another in each tab. */
    #number() {
        const now = Math.floor(this.clock.now()) * 1000;

        return Math.max(now, (this.items.at(-1)?.n ?? 0) + 1000)
               + Math.floor(this.clock.random() * 1000);
    }

    async retry(n) {
        const item = this.items.find((i) => i.n === n);

        if (!item) {
            return;
        }

        if (item.reason === 'client-id-reused') {
            item.client_id = this.newId();
        }

        item.state = 'queued';
        item.reason = null;
        await this.#save(item);
        this.emit('change');
        this.drain();
    }

    async remove(n) {
        this.items = this.items.filter((item) => item.n !== n);
        this.emit('change');
        await this.db.remove(n).catch(() => {});
    }

    async #save(item) {
        const { busy, loose, ...kept } = item;

        try {
            await this.db.put(kept);
            item.loose = false;
        } catch {
            item.loose = true;
        }
    }

    /*
     * An entry of this user was received: it is stored, whatever its send
     * returns.
     */
    async confirm(property, clientId) {
        const item = this.items.find((i) => i.property === property
                                            && i.client_id === clientId);

        if (item) {
            await this.remove(item.n);
        }
    }

    /* Makes this tab the one that sends, or not. */
    setActive(active) {
        this.active = active;

        for (const lane of this.#lanes.values()) {
            this.clock.clearTimeout(lane.timer);
            lane.timer = null;
        }

        this.drain();
    }

    /* Not signed in, or as another user: items wait for flush(). */
    pause() {
        this.paused = true;
    }

    /* The network may be back: ends the waits. */
    flush() {
        this.paused = false;

        for (const lane of this.#lanes.values()) {
            this.clock.clearTimeout(lane.timer);
            lane.timer = null;
            lane.backoff.reset();
        }

        this.drain();
    }

    drain() {
        for (const { property } of this.items) {
            this.#step(property);
        }
    }

    #lane(property) {
        if (!this.#lanes.has(property)) {
            this.#lanes.set(property, {
                busy: false, timer: null,
                backoff: new Backoff(this.clock, { cap: 15000 }),
            });
        }

        return this.#lanes.get(property);
    }

    async #step(property) {
        const lane = this.#lane(property);
        const item = this.items.find((i) => i.property === property
                                            && i.state === 'queued');

        if (!item || item.busy || lane.busy || lane.timer || this.paused
            || !(this.active || item.loose))
        {
            return;
        }

        lane.busy = true;

        const answer = await this.api.send(property, item.client_id,
                                           item.text);

        lane.busy = false;
        await this.#verdict(lane, item, answer);
    }

    async #verdict(lane, item, answer) {
        const { status } = answer;

        if (status === 201 || status === 200) {
            lane.backoff.reset();
            this.emit('stored', { property: item.property,
                                  client_id: item.client_id,
                                  entry: answer.data });
            await this.remove(item.n);
            this.#step(item.property);
            return;
        }

        /* nobody is signed in, or somebody else is */
        if (status === 401) {
            this.paused = true;
            this.emit('refused');
            return;
        }

        if (FINAL.has(status)) {
            await this.#fail(item, answer);
            this.#step(item.property);
            return;
        }

        if (status === 202 && !item.accepted) {
            item.accepted = true;
            await this.#save(item);
            this.emit('change');
            this.emit('accepted');
        }

        this.#later(lane, item.property, wait(lane, answer));
    }

    async #fail(item, answer) {
        const { n } = item;

        item = this.items.find((i) => i.n === n);

        /* deleted meanwhile: nothing to report */
        if (!item) {
            return;
        }

        item.state = 'failed';
        item.reason = !answer.type || answer.type === 'about:blank'
            ? String(answer.status) : answer.type;
        await this.#save(item);
        this.emit('change');
        this.emit('failed', item);
    }

    #later(lane, property, ms) {
        this.clock.clearTimeout(lane.timer);
        lane.timer = this.clock.setTimeout(() => {
            lane.timer = null;
            this.#step(property);
        }, ms);
    }
}


/* A 202 is durably queued: sending it again later returns its outcome. */
function wait(lane, { status, retryAfter }) {
    if (status === 202) {
        return ACCEPTED_WAIT;
    }

    const ms = lane.backoff.next();

    return status === 429 ? Math.max(ms, retryAfter * 1000) : ms;
}
