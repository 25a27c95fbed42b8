/*
 * An event stream, read by fetch(). It has the interface of an EventSource, but
 * sends LeaseLoft-User, rejects a response that is not the server's, and ends
 * at once when closed. It never reconnects by itself.
 */

/* longer than any event of the contract */
const MOST = 1 << 20;


export class Source {
    #listeners = new Map();

    constructor(url, { fetch, user }) {
        this.onmessage = null;
        this.onerror = null;
        this.id = '';
        this.abort = new AbortController();
        this.#read(fetch, url, user).catch(() => {}).then(() => {
            if (!this.abort.signal.aborted) {
                this.close();
                this.onerror();
            }
        });
    }

    addEventListener(name, fn) {
        this.#listeners.set(name, fn);
    }

    close() {
        this.abort.abort();
    }

    async #read(fetch, url, user) {
        const { status, headers, body } = await fetch(url, {
            headers: { Accept: 'text/event-stream', 'LeaseLoft-User': user },
            cache: 'no-store', credentials: 'same-origin', redirect: 'error',
            signal: this.abort.signal,
        });
        const type = headers.get('Content-Type') ?? '';

        if (status !== 200 || !type.startsWith('text/event-stream')) {
            return;
        }

        const reader = body.pipeThrough(new TextDecoderStream()).getReader();
        let rest = '';

        for (;;) {
            const { done, value } = await reader.read();

            if (done || rest.length > MOST) {
                return;
            }

            const blocks = (rest + value).split('\n\n');

            rest = blocks.pop();
            blocks.forEach((block) => this.#dispatch(block));
        }
    }

    /* One event: its lines are fields, "name: value"; ": ..." is a comment. */
    #dispatch(block) {
        let name = '';
        const data = [];

        for (const line of block.split('\n')) {
            const [, field, value] = /^(\w+)(?:: ?(.*))?$/s.exec(line) ?? [];

            if (field === 'data') {
                data.push(value ?? '');
            } else if (field === 'event') {
                name = value;
            } else if (field === 'id') {
                this.id = value;
            }
        }

        if (data.length && !this.abort.signal.aborted) {
            const event = { data: data.join('\n'), lastEventId: this.id };

            (name ? this.#listeners.get(name) : this.onmessage)?.(event);
        }
    }
}
