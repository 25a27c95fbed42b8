/*
 * The people of each thread, for the dashboard.  The inbox does not carry
 * them, so they are asked for, a few at a time: what is on screen first.
 * What was learnt is kept until the lease or its parties are seen to change.
 */

import { Emitter } from './emitter.js';

const AT_ONCE = 2;


export class Names extends Emitter {
    /* fetch(property): resolves to {parties, ...} or null. */
    constructor({ fetch }) {
        super();
        this.fetch = fetch;
        this.known = new Map();
        this.queue = new Map();
        this.busy = 0;
    }

    /* The parties of a thread as [{user, role, name}], or null. */
    of(property) {
        return this.known.get(property)?.parties ?? null;
    }

    learn(property, parties, lease) {
        const old = this.known.get(property);
        const people = parties.map(({ user, role, name }) =>
            ({ user, role, name }));

        this.known.set(property, { parties: people, lease, asked: true });

        if (JSON.stringify(old?.parties) !== JSON.stringify(people)) {
            this.emit('change', property);
        }
    }

    /*
     * Asks for those that are not known, or that a newer lease or lease
     * event makes doubtful.  The last call's go first.
     */
    want(threads) {
        const first = new Map();

        for (const { property, lease, last } of threads) {
            const mark = `${lease?.id} ${lease?.state} `
                         + (last?.kind === 'lease' ? last.seq : '');
            const known = this.known.get(property);

            if (!known || (last?.kind === 'lease' && known.mark !== mark)
                || known.lease !== lease?.id)
            {
                first.set(property, { mark, lease: lease?.id });
            }
        }

        this.queue = new Map([...first, ...this.queue]);
        this.work();
    }

    work() {
        while (this.busy < AT_ONCE && this.queue.size) {
            const [property, wanted] = this.queue.entries().next().value;

            this.queue.delete(property);
            this.ask(property, wanted);
        }
    }

    async ask(property, { mark, lease }) {
        this.busy++;

        const page = await this.fetch(property);

        this.busy--;

        if (page) {
            this.learn(property, page.parties, lease);
            this.known.get(property).mark = mark;
        }

        this.work();
    }
}
