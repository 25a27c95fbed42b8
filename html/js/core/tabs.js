/*
 * Elects one tab of a browser as leader, by a Web Lock.  The leader holds the
 * streams and sends the outbox.  Browsers slow hidden tabs down or freeze
 * them, so a visible tab takes the lock from a leader that is hidden or does
 * not answer.  Without Web Locks each tab is its own leader.
 */

import { Emitter } from './emitter.js';

const PATIENCE = 700;
const LOCK_TIMEOUT = 3000;


export class Tabs extends Emitter {
    #asking = null;
    #stopped = false;
    #inLine = false;

    /**
     * Emits "lead", "follow", and "message" for what another tab posted.
     * @param {{locks: LockManager | null,
     *          channel: Pick<BroadcastChannel, 'onmessage' | 'postMessage'>,
     *          visible: () => boolean, clock: Clock, id: string,
     *          name?: string}} parts
     */
    constructor({ locks, channel, visible, clock, id, name = 'leaseloft' }) {
        super();
        this.locks = locks;
        this.channel = channel;
        this.visible = visible;
        this.clock = clock;
        this.id = id;
        this.name = name;
        this.leading = false;
        this.release = null;

        channel.onmessage = ({ data }) => this.#handle(data);
    }

    start() {
        this.#stopped = false;

        if (!this.locks) {
            this.#lead(() => {});
            return;
        }

        this.#queue({});
        this.claim();
    }

    stop() {
        this.#stopped = true;
        this.clock.clearTimeout(this.#asking);
        this.#asking = null;

        if (this.release) {
            this.release();
        }

        this.#follow();
    }

    /* Visible again, or back from the browser's cache. */
    wake() {
        if (this.#stopped) {
            this.start();
        } else {
            this.claim();
        }
    }

    /* Sends to every other tab of the same user and browser. */
    post(message) {
        this.channel.postMessage({ ...message, tab: this.id });
    }

    /*
     * Called when this tab has become visible: takes the lead unless a visible
     * leader answers.
     */
    claim() {
        if (this.leading || !this.locks || this.#stopped || !this.visible()) {
            return;
        }

        this.clock.clearTimeout(this.#asking);
        this.#asking = this.clock.setTimeout(() => {
            this.#asking = null;

            if (!this.leading && !this.#stopped && this.visible()) {
                this.#queue({ steal: true });
                this.#leadUnlocked();
            }
        }, PATIENCE);
        this.post({ t: 'who' });
    }

    /* If the lock is never granted, two leaders are better than none. */
    #leadUnlocked() {
        this.#asking = this.clock.setTimeout(() => {
            this.#asking = null;

            if (!this.leading && !this.#stopped) {
                this.#lead(() => {});
            }
        }, LOCK_TIMEOUT);
    }

    #handle(message) {
        if (message.t === 'who') {
            if (this.leading) {
                this.post({ t: 'leader', visible: this.visible() });
            }

        } else if (message.t === 'leader') {
            if (message.visible) {
                this.clock.clearTimeout(this.#asking);
                this.#asking = null;
            }
        }

        this.emit('message', message);
    }

    /* Requests the lock: at once by { steal: true }, else in line, once. */
    #queue({ steal = false }) {
        if (!steal && this.#inLine) {
            return;
        }

        this.#inLine = this.#inLine || !steal;

        let release = null;

        const hold = () => new Promise((/** @type {(x?: any) => void} */
                                        resolve) => {
            this.#inLine = steal && this.#inLine;

            if (this.#stopped) {
                resolve();
            } else {
                release = resolve;
                this.#lead(release);
            }
        });

        this.locks.request(this.name, { steal }, hold).catch(() => {
            /*
             * A visible tab has stolen the lock: wait in line again.  That tab
             * may be this one, whose first request was granted late: then it
             * still leads, by its second request.
             */
            if (release && release === this.release) {
                this.#follow();
            }

            if (!this.#stopped) {
                this.#queue({});
            }
        });
    }

    #lead(release) {
        this.release = release;
        this.clock.clearTimeout(this.#asking);
        this.#asking = null;

        if (!this.leading) {
            this.leading = true;
            this.emit('lead');
            this.post({ t: 'leader', visible: this.visible() });
        }
    }

    #follow() {
        this.release = null;

        if (this.leading) {
            this.leading = false;
            this.emit('follow');
        }
    }
}
