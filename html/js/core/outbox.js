/*
 * Messages of our own that are not known to be stored, in a database that
 * outlives the tab.  One tab sends them, per property one at a time, oldest
 * first.  An item: {n, user, property, client_id, text, at, state, reason};
 * state is "queued" or "failed".
 */

import { Backoff } from './clock.js';
import { Emitter } from './emitter.js';
import { newClientId } from './session.js';

/* answers that no repetition can change */
const FINAL = new Set([400, 403, 404, 405, 409, 413, 415, 422]);
const ACCEPTED_WAIT = 3000;


export class Outbox extends Emitter {
    /*
     * db: {add(item) -> n, put(item), remove(n), list()}, all async.  Emits
     * "change" when items differ, "stored" {property, client_id, entry},
     * "failed" item, "signed-out".
     */
    constructor({ db, api, clock, user, newId = newClientId }) {
        super();
        this.db = db;
        this.api = api;
        this.clock = clock;
        this.user = user;
        this.newId = newId;
        this.items = [];
        this.lanes = new Map();
        this.active = false;
        this.held = false;
    }

    /* Reads the database again: at start, and when another tab changed it. */
    async reload() {
        const all = await this.db.list().catch(() => []);
        const loose = this.items.filter((item) => item.loose);

        this.items = all.filter((item) => item.user === this.user)
                        .concat(loose).sort((a, b) => a.n - b.n);
        this.emit('change');
    }

    of(property) {
        return this.items.filter((item) => item.property === property);
    }

    waiting() {
        return this.items.filter((item) => item.state === 'queued').length;
    }

    async add(property, text) {
        const item = {
            user: this.user, property, client_id: this.newId(), text,
            at: new Date(this.clock.now()).toISOString(),
            state: 'queued', reason: null,
        };

        try {
            item.n = await this.db.add(item);
        } catch {
            /* a full disk: it lives as long as this tab */
            item.n = this.clock.now() + this.items.length;
            item.loose = true;
        }

        this.items.push(item);
        this.emit('change');
        this.drain();

        return item;
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
        await this.save(item);
        this.emit('change');
        this.drain();
    }

    async remove(n) {
        this.items = this.items.filter((item) => item.n !== n);
        await this.db.remove(n).catch(() => {});
        this.emit('change');
    }

    async save(item) {
        if (!item.loose) {
            await this.db.put(item).catch(() => {});
        }
    }

    /* An entry of ours was seen: it is stored, whatever a send answers. */
    async confirm(property, clientId) {
        const item = this.items.find((i) => i.property === property
                                            && i.client_id === clientId);

        if (item) {
            await this.remove(item.n);
        }
    }

    /* Become, or cease to be, the tab that sends. */
    setActive(active) {
        this.active = active;
        this.held = false;

        if (active) {
            this.drain();

        } else {
            for (const lane of this.lanes.values()) {
                this.clock.clearTimeout(lane.timer);
                lane.timer = null;
            }
        }
    }

    /* The network may be back: do not sit out the waits. */
    kick() {
        this.held = false;

        for (const lane of this.lanes.values()) {
            this.clock.clearTimeout(lane.timer);
            lane.timer = null;
            lane.backoff.reset();
        }

        this.drain();
    }

    drain() {
        if (!this.active || this.held) {
            return;
        }

        for (const { property } of this.items) {
            this.step(property);
        }
    }

    lane(property) {
        if (!this.lanes.has(property)) {
            this.lanes.set(property, {
                busy: false, timer: null,
                backoff: new Backoff(this.clock, { cap: 15000 }),
            });
        }

        return this.lanes.get(property);
    }

    async step(property) {
        const lane = this.lane(property);
        const item = this.items.find((i) => i.property === property
                                            && i.state === 'queued');

        if (!item || lane.busy || lane.timer || !this.active || this.held) {
            return;
        }

        lane.busy = true;

        const answer = await this.api.send(property, item.client_id,
                                           item.text);

        lane.busy = false;
        await this.verdict(lane, item, answer);
    }

    async verdict(lane, item, answer) {
        const { status } = answer;

        if (status === 201 || status === 200) {
            lane.backoff.reset();
            this.emit('stored', { property: item.property,
                                  client_id: item.client_id,
                                  entry: answer.data });
            await this.remove(item.n);
            this.step(item.property);
            return;
        }

        if (status === 401) {
            this.held = true;
            this.emit('signed-out');
            return;
        }

        if (FINAL.has(status)) {
            await this.fail(item, answer);
            this.step(item.property);
            return;
        }

        this.later(lane, item.property, wait(lane, answer));
    }

    async fail(item, answer) {
        const { n } = item;

        item = this.items.find((i) => i.n === n);

        /* deleted meanwhile: nothing to say */
        if (!item) {
            return;
        }

        item.state = 'failed';
        item.reason = answer.type || String(answer.status);
        await this.save(item);
        this.emit('change');
        this.emit('failed', item);
    }

    later(lane, property, ms) {
        this.clock.clearTimeout(lane.timer);

        if (!this.active) {
            return;
        }

        lane.timer = this.clock.setTimeout(() => {
            lane.timer = null;
            this.step(property);
        }, ms);
    }
}


/* A 202 is durably queued: asking again later tells what became of it. */
function wait(lane, { status, retryAfter }) {
    if (status === 202) {
        return ACCEPTED_WAIT;
    }

    const ms = lane.backoff.next();

    return status === 429 ? Math.max(ms, retryAfter * 1000) : ms;
}
