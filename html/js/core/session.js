/*
 * Who is signed in, by GET /api/session: the token is in a cookie that scripts
 * cannot read, and the device's clock is not used.
 */

import { Backoff } from './clock.js';
import { Emitter } from './emitter.js';

/* the time before the end in which to renew; the longest timer */
const AHEAD = 60000;
const SOONEST = 1000;
const LONGEST = 2 ** 31 - 1;


export class Session extends Emitter {
    #asking = null;

    /**
     * renew() renews the cookie silently.  state: "unknown", "ours", "ended",
     * or "other" (with `other`, as {user, name}).  Emits "state" after each
     * answer of the server, with the answer's data if the session is ours.
     * @param {{api: Pick<import('./api.js').Api, 'session'>, clock: Clock,
     *          renew?: (() => Promise<void>) | null}} parts
     */
    constructor({ api, clock, renew = null }) {
        super();
        this.api = api;
        this.clock = clock;
        this.renew = renew;
        this.user = null;
        this.name = null;
        this.other = null;
        this.state = 'unknown';
        this.timer = null;
        this.backoff = new Backoff(clock, { base: 4000, cap: 60000 });
    }

    /* The user whose page this is; unconfirmed. */
    assume({ user, name }) {
        this.user = user;
        this.name = name || user;
    }

    /* Asks the server, once at a time; resolves to the state. */
    check() {
        this.#asking ??= this.#ask().finally(() => {
            this.#asking = null;
        });

        return this.#asking;
    }

    async #ask() {
        const { status, data, date } = await this.api.session();

        if (status === 200) {
            if (this.user === null || this.user === data.user) {
                this.assume(data);
                this.state = 'ours';
                this.#until(data.expires_at === null
                    ? Infinity : Date.parse(data.expires_at) - date);
                this.emit('state', data);

                return this.state;
            }

            this.other = { user: data.user, name: data.name || data.user };
            this.state = 'other';

        } else if (status === 401) {
            this.state = 'ended';
        }

        this.#later(this.backoff.next());

        if (status) {
            this.emit('state', null);
        }

        return this.state;
    }

    /*
     * ms are left: renews the session before its end, or checks whether it was.
     */
    #until(ms) {
        const left = ms || 0;

        this.backoff.reset();
        this.#later(left > 2 * AHEAD ? left - AHEAD
                                     : Math.max(left / 2, SOONEST),
                    this.renew);
    }

    #later(ms, renew) {
        this.clock.clearTimeout(this.timer);
        this.timer = this.clock.setTimeout(async () => {
            await renew?.();
            this.check();
        }, Math.min(ms, LONGEST));
    }

    stop() {
        this.clock.clearTimeout(this.timer);
        this.check = async () => this.state;
    }
}


/* A client_id: 26 characters of [a-z0-9], from 128 random bits. */
export function newClientId(crypto = globalThis.crypto) {
    const bytes = crypto.getRandomValues(new Uint8Array(26));

    return Array.from(bytes, (b) => (b % 32).toString(32)).join('');
}
