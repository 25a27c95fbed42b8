/*
 * The leading tab's part: it holds the pair of streams (the inbox, and the
 * thread that was opened last), polls while they fail, and reports the status.
 * It emits what it receives as messages for all tabs; docs/ui.md lists them.
 */

import { threadPath } from './api.js';
import { report } from './emitter.js';
import { Stream } from './stream.js';
import { isFar } from './thread-store.js';

const POLL = 10000;
const POLL_AGAIN = 1500;


export class Live {
    #running = false;
    #polling = false;
    #polled = -Infinity;
    #retried = -Infinity;
    #pollOk = false;
    #reached = false;
    #etags = new Map();
    #announced = null;

    /**
     * online(): navigator.onLine, a hint; emit(message) takes what all tabs
     * should know; refused() is called at a 401 and when the session ends.
     * @param {{api: import('./api.js').Api, clock: Clock,
     *          open: (url: string) => import('./source.js').Source,
     *          emit: (message: any) => void, online: () => boolean,
     *          refused: () => void}} parts
     */
    constructor({ api, open, clock, emit, online, refused }) {
        this.api = api;
        this.clock = clock;
        this.emit = emit;
        this.online = online;
        this.open = open;
        this.refused = refused;
        this.paused = false;
        this.expired = false;
        this.property = null;
        this.cursor = '0';
        this.thread = null;
        this.timer = null;

        this.inbox = new Stream({
            open, clock,
            url: () => '/api/inbox/events',
            onEvent: (event) => this.#handle({ t: 'inbox', ...event }),
            onState: () => this.#changed(),
        });
    }

    start() {
        this.#running = true;

        if (!this.paused) {
            this.inbox.start();
        }

        this.#changed();
    }

    stop() {
        this.#running = false;
        this.inbox.stop();
        this.follow(null);
        this.clock.clearTimeout(this.timer);
        this.timer = null;
        this.#announced = null;
    }

    /* Stream this thread from now on, from the cursor given; null for none. */
    follow(property, cursor) {
        if (property === this.property) {
            return;
        }

        if (this.thread) {
            this.thread.stop();
            this.thread = null;
        }

        this.property = property;
        this.cursor = cursor || '0';

        if (property !== null && this.#running) {
            this.thread = this.#threadStream(property);

            if (!this.paused) {
                this.thread.start();
            }
        }

        this.#changed();
    }

    #threadStream(property) {
        const stream = new Stream({
            open: this.open,
            clock: this.clock,
            url: () => `${threadPath(property)}/events?after=${this.cursor}`,
            onEvent: (event) => {
                if (event.name === 'entry' && event.id) {
                    this.cursor = event.id;

                } else if (event.name === 'reset') {
                    this.cursor = event.data.head;
                }

                this.#handle({ t: 'thread', property, ...event });

                if (event.name === 'hello'
                    && isFar(this.cursor, event.data.head))
                {
                    /* a long absence: no replay, pages fill the hole */
                    this.cursor = event.data.head;
                    stream.connect();
                }
            },
            onState: () => this.#changed(),
        });

        return stream;
    }

    #handle(message) {
        this.#reached = true;

        if (message.name === 'bye') {
            /* the token has expired; there may be a renewed one */
            if (message.data.reason === 'expired') {
                this.expired = true;
                this.refused();
                return;
            }

            /* a poll shows what the user may still read */
            this.#polled = -Infinity;
            this.#poll();
        }

        this.emit(message);
    }

    /* The browser reports no network: a poll shows whether that is true. */
    networkLost() {
        this.#reached = false;
        this.#polled = -Infinity;
        this.#poll();
        this.#changed();
    }

    /* The network may be back, or the page is visible again. */
    reconnect() {
        if (!this.#running || this.paused) {
            return;
        }

        for (const stream of this.#streams()) {
            stream.reconnect();
        }

        if (this.#streams().some((s) => s.state !== 'open')) {
            this.#poll();
        }

        this.#changed();
    }

    /* A request got through: retry the streams soon, but not too often. */
    retrySoon() {
        const now = this.clock.mono();

        if (now - this.#retried > POLL / 2) {
            this.#retried = now;
            this.#streams().forEach((stream) => stream.retrySoon());
        }
    }

    /* The streams that should be open. */
    #streams() {
        return this.thread && this.thread.state !== 'idle'
            ? [this.inbox, this.thread] : [this.inbox];
    }

    #failing() {
        return this.#streams().some((stream) => stream.failing());
    }

    #changed() {
        if (!this.#running) {
            return;
        }

        if (!this.paused) {
            /* poll at once after each failure, and regularly from the
             * second one on */
            const failed = this.#streams().some(
                (s) => s.state === 'waiting' && s.failures > 0);

            if (failed) {
                this.#poll();
            }

            this.#schedule();
        }

        this.#announce();
    }

    #schedule() {
        if (this.#failing() && this.timer === null) {
            this.timer = this.clock.setTimeout(() => {
                this.timer = null;
                this.#poll().then(() => this.#pollOk && this.retrySoon());
                this.#schedule();
            }, POLL);

        } else if (!this.#failing() && this.timer !== null) {
            this.clock.clearTimeout(this.timer);
            this.timer = null;
        }
    }

    async #poll() {
        const now = this.clock.mono();

        if (this.#polling || this.paused || now - this.#polled < POLL_AGAIN) {
            return;
        }

        this.#polling = true;
        this.#polled = now;

        try {
            await Promise.all([this.#pollInbox(), this.#pollThread()]);
        } catch (error) {
            report(error);
        }

        this.#polling = false;
        this.#announce();
    }

    async #pollInbox() {
        const { status, data, etag } = await this.api.inbox({
            limit: 50, etag: this.#etags.get('inbox'),
        });

        this.#pollOk = status === 200 || status === 304;
        this.#reached = this.#pollOk;

        if (status === 200) {
            this.#etags.set('inbox', etag);
            this.emit({ t: 'inbox-page', page: data });

        } else if (status === 401) {
            this.refused();
        }
    }

    async #pollThread() {
        const { property, cursor } = this;

        if (property === null) {
            return;
        }

        const key = `${property} ${cursor}`;
        const answer = await this.api.messages(property, {
            after: cursor, limit: 200, etag: this.#etags.get(key),
        });

        if (answer.status === 200) {
            this.#etags.clear();
            this.#etags.set(key, answer.etag);
            this.emit({ t: 'thread-page', property, page: answer.data });

            if (property === this.property && !answer.data.reset) {
                this.cursor = placeAfter(answer.data, this.cursor);
                this.#reopen(answer.data);
            }

        } else if (answer.status === 404) {
            this.emit({ t: 'gone', property });

            if (property === this.property) {
                this.thread.stop();
            }
        }
    }

    /* Restarts a stream that ended with "removed", as new entries may come. */
    #reopen({ lease }) {
        if (this.thread.state === 'idle' && lease.state !== 'ended') {
            this.thread.start();
        }
    }

    /* Not signed in, or as another user: sends no request until resume(). */
    pause() {
        this.paused = true;
        this.inbox.stop();
        this.thread?.stop();
        this.clock.clearTimeout(this.timer);
        this.timer = null;
        this.#announce();
    }

    /* The session belongs to this user, again or still. */
    resume() {
        const again = this.paused || this.expired;

        this.paused = this.expired = false;

        if (this.#running && again) {
            this.inbox.start();
            this.thread?.start();
            this.#changed();
        }
    }

    /*
     * "live": both streams are open and the server reaches its backend;
     * "checking": they fail, but polls succeed; "offline": the browser reports
     * it, and no poll succeeds; "signed-out"; "connecting": anything else.
     */
    #status() {
        if (this.paused) {
            return 'signed-out';
        }

        if (!this.online() && !this.#reached) {
            return 'offline';
        }

        if (this.#streams().every((s) => s.state === 'open' && s.live)) {
            return 'live';
        }

        return this.#failing() && this.#pollOk ? 'checking' : 'connecting';
    }

    #announce() {
        const status = this.#status();

        if (this.#running && status !== this.#announced) {
            this.#announced = status;
            this.emit({ t: 'status', status });
        }
    }
}


/* The cursor after a page that was fetched with `after`. */
function placeAfter(page, cursor) {
    if (!page.more || isFar(cursor, page.head)) {
        return page.head;
    }

    const last = page.entries.at(-1);

    return last ? String(last.seq) : cursor;
}
