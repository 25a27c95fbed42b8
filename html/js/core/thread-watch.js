/*
 * Has the leading tab stream the thread that is open in this tab.  While it
 * streams another tab's thread, this tab fetches its own when the inbox
 * stream reports a change, and every ten seconds while it is visible.
 */

const POLL = 10000;


export class ThreadWatch {
    #tabs;
    #live;
    #threads;
    #clock;
    #visible;
    #broadcast;
    #timer = null;

    /**
     * broadcast(message) reaches all tabs, this one included.
     * @param {{tabs: import('./tabs.js').Tabs, live: import('./live.js').Live,
     *          threads: import('./thread-sync.js').ThreadSync, clock: Clock,
     *          visible: () => boolean, broadcast: (message: any) => void}}
     *     parts
     */
    constructor({ tabs, live, threads, clock, visible, broadcast }) {
        this.#tabs = tabs;
        this.#live = live;
        this.#threads = threads;
        this.#clock = clock;
        this.#visible = visible;
        this.#broadcast = broadcast;

        /** the property that the leading tab streams, or null */
        this.streamed = null;
    }

    /* Asks for the stream of the open thread, where this tab is visible. */
    request() {
        const { store } = this.#threads;

        if (store && store.status === 'ready' && this.#visible()) {
            this.#send({ t: 'watch', property: store.property,
                         cursor: store.streamFrom });
        }
    }

    /* The open thread is left. */
    release() {
        const { store } = this.#threads;

        if (store) {
            this.#send({ t: 'unwatch', property: store.property });
        }
    }

    /* A thread is open, and another one is streamed. */
    get missing() {
        const { store } = this.#threads;

        return store !== null && store.property !== this.streamed;
    }

    /* A message between tabs; others than these are ignored. */
    handle(message) {
        switch (message.t) {

        case 'streamed':
            this.streamed = message.property;

            if (message.property === null) {
                this.request();
            }

            this.poll();
            break;

        case 'watch':
        case 'unwatch':
            if (this.#tabs.leading) {
                this.#apply(message);
            }

            break;

        case 'leader':
            this.request();
            break;

        case 'who':
            if (this.#tabs.leading) {
                this.#tabs.post({ t: 'streamed',
                                  property: this.#live.property });
            }

            break;
        }
    }

    /* An event of the inbox stream: does it concern the open thread? */
    refresh({ name, data }) {
        const { store } = this.#threads;

        if (name !== 'thread' || !store || data.property !== store.property) {
            return;
        }

        if (store.status === 'gone'
            || (this.missing && data.last && data.last.seq > store.headSeq))
        {
            this.#threads.catchUp();
        }
    }

    /* While the open thread is not streamed, it is fetched regularly. */
    poll() {
        this.#clock.clearTimeout(this.#timer);

        if (this.missing) {
            this.#timer = this.#clock.setTimeout(() => {
                if (this.#visible()) {
                    this.#threads.catchUp();
                }

                this.poll();
            }, POLL);
        }
    }

    stop() {
        this.#clock.clearTimeout(this.#timer);
    }

    #send(message) {
        if (this.#tabs.leading) {
            this.#apply(message);
        } else {
            this.#tabs.post(message);
        }
    }

    /* In the leading tab. */
    #apply({ t, property, cursor }) {
        if (t === 'watch') {
            this.#live.follow(property, cursor);

        } else if (property === this.#live.property) {
            this.#live.follow(null);
        }

        this.#broadcast({ t: 'streamed', property: this.#live.property });
    }
}
