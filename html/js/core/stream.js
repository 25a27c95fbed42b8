/*
 * One live stream.  It is closed at its first error and opened again from the
 * last cursor, after a wait with jitter, without limit.  Silence and data that
 * is not from this server count as errors.
 */

import { isEntry } from './api.js';
import { Backoff, between } from './clock.js';
import { report } from './emitter.js';

/* without a hello, and without two pings, a connection is dead */
const CONNECT = 10000;
const SILENCE = 35000;
const STALE = 20000;
const NAMES = ['hello', 'thread', 'read', 'lease', 'erased', 'ping', 'reset',
               'bye'];


export class Stream {
    #lastReceived = -Infinity;
    #deferred = false;

    /**
     * url() includes the cursor to resume from; onEvent() gets each event, an
     * unnamed one as "entry"; onState() is called after any change of state.
     * @param {{open: (url: string) => import('./source.js').Source,
     *          url: () => string, clock: Clock,
     *          onEvent: (event: StreamEvent) => void,
     *          onState: () => void}} parts
     */
    constructor({ open, url, clock, onEvent, onState }) {
        this.open = open;
        this.url = url;
        this.clock = clock;
        this.onEvent = onEvent;
        this.onState = onState;
        this.backoff = new Backoff(clock);

        this.state = 'idle';
        this.live = false;
        this.failures = 0;
        this.source = null;
        this.timer = null;
    }

    start() {
        if (this.state === 'idle') {
            this.connect();
        }
    }

    stop() {
        this.#drop();
        this.#set('idle', false);
    }

    failing() {
        return this.failures >= 2;
    }

    /*
     * The network may be back, or the page is visible again: connect now, and
     * replace a connection that has been silent for longer than a ping.
     */
    reconnect() {
        /* the monotonic clock may stand still while the device sleeps */
        const silent = Math.max(this.clock.mono() - this.#lastReceived,
                                this.clock.now() - this.lastReceivedAt) > STALE;

        if (this.state === 'waiting'
            || (this.state === 'open' && silent)
            || (this.state === 'connecting' && silent))
        {
            this.backoff.reset();
            this.connect();
        }
    }

    /* A request got through: shorten a wait that the server did not ask for. */
    retrySoon() {
        if (this.state === 'waiting' && !this.#deferred) {
            this.backoff.reset();
            this.#wait(between(this.clock, 100, 1000));
        }
    }

    connect() {
        this.#deferred = false;
        this.#drop();
        this.#received();

        const source = this.open(this.url());

        this.source = source;
        this.#arm(CONNECT, () => this.#fail());

        source.onerror = () => {
            if (source === this.source) {
                this.#fail();
            }
        };
        source.onmessage = (e) => this.#receive(source, 'entry', e);

        for (const name of NAMES) {
            source.addEventListener(name, (event) =>
                this.#receive(source, name, event));
        }

        this.#set('connecting', false);
    }

    #received() {
        this.#lastReceived = this.clock.mono();
        this.lastReceivedAt = this.clock.now();
    }

    #receive(source, name, { data, lastEventId }) {
        if (source !== this.source) {
            return;
        }

        const value = parse(name, data);

        if (value === null) {
            this.#fail();
            return;
        }

        this.#received();

        if (name === 'bye') {
            this.#bye(value);
            return;
        }

        this.#arm(SILENCE, () => this.#fail());
        this.#deliver({ name, data: value, id: lastEventId });

        if (source !== this.source) {
            return;
        }

        if (name === 'hello') {
            this.failures = 0;
            this.backoff.reset();
            this.#set('open', true);

        } else if (name === 'ping') {
            this.#set('open', value.live !== false);
        }
    }

    /* A fault in a handler does not end the stream. */
    #deliver(event) {
        try {
            this.onEvent(event);
        } catch (error) {
            report(error);
        }
    }

    /*
     * The server closes the stream with a reason.  Only overload counts as a
     * failure.  After "expired" or "removed" the stream stays closed until the
     * owner calls start().
     */
    #bye(value) {
        const { reason } = value;

        this.#drop();
        this.#deliver({ name: 'bye', data: value, id: '' });

        if (this.state === 'idle') {
            return;
        }

        if (reason === 'expired' || reason === 'removed') {
            this.#set('idle', false);
            return;
        }

        if (reason === 'overload') {
            this.failures = Math.max(this.failures, 2);
            this.#deferred = true;
            this.#wait(between(this.clock, 10000, 60000));
            return;
        }

        this.#wait(between(this.clock, 1000, 4000));
    }

    #fail() {
        this.#drop();
        this.failures++;
        this.#wait(this.backoff.next());
    }

    #wait(ms) {
        this.#arm(ms, () => this.connect());
        this.#set('waiting', false);
    }

    #set(state, live) {
        if (this.state !== state || this.live !== live
            || state === 'waiting')
        {
            this.state = state;
            this.live = live;
            this.onState();
        }
    }

    #arm(ms, fn) {
        this.clock.clearTimeout(this.timer);
        this.timer = this.clock.setTimeout(fn, ms);
    }

    #drop() {
        this.clock.clearTimeout(this.timer);

        if (this.source) {
            this.source.close();
            this.source = null;
        }
    }
}


/* An event's data, or null if it does not have the form of the contract. */
function parse(name, data) {
    let value;

    try {
        value = JSON.parse(data);
    } catch {
        return null;
    }

    return value !== null && typeof value === 'object'
           && (name !== 'entry' || isEntry(value)) ? value : null;
}
