/*
 * The parties of each thread, for the dashboard.  The inbox lists the first
 * six; of threads that have more, all are requested, two threads at a time,
 * those on screen first.  They are kept until the lease or its parties change.
 */

import { Emitter } from './emitter.js';

const AT_ONCE = 2;
const AGAIN = 15000;
const HOUR = 3600000;


export class Names extends Emitter {
    #known = new Map();
    #queue = new Map();
    #asking = new Map();

    /**
     * @param {{fetch: (property: string) => Promise<ThreadPage | null>,
     *          clock: Clock}} parts
     */
    constructor({ fetch, clock }) {
        super();
        this.fetch = fetch;
        this.clock = clock;
        this.busy = 0;
    }

    /* The parties of the inbox's thread: [{user, role, name}], or null. */
    of(thread) {
        return allParties(thread)
            ?? this.#known.get(thread.property)?.parties
            ?? thread.parties ?? null;
    }

    /* Whether all of them are known of each thread. */
    complete(threads) {
        return threads.every((thread) => allParties(thread)
                             || this.#known.has(thread.property));
    }

    /* The time zone of a thread, undefined where it is not known. */
    zoneOf({ property }) {
        return this.#known.get(property)?.zone;
    }

    /**
     * @param {string} property
     * @param {{parties: Party[], time_zone?: string}} page
     * @param {string} [lease]
     * @param {number | null} [mark]
     */
    update(property, { parties, time_zone: zone }, lease, mark = null) {
        const old = this.#known.get(property);
        const people = parties.map(({ user, role, name }) =>
            ({ user, role, name }));

        this.#known.set(property, { parties: people, lease, zone: zone ?? null,
                                    mark: mark ?? old?.mark });

        if (JSON.stringify([old?.parties, old?.zone])
            !== JSON.stringify([people, zone ?? null]))
        {
            this.emit('change', property);
        }
    }

    /*
     * Requests those that are not known, or that another lease or a lease event
     * has outdated. Those of the last call go first. zones: only the time
     * zones, but of all.
     */
    want(threads, { zones = false } = {}) {
        const first = new Map();

        for (const thread of threads) {
            const { property, lease, last } = thread;
            const mark = last?.kind === 'lease' ? last.seq : null;
            const known = this.#known.get(property);
            const enough = zones ? this.zoneOf(thread) !== undefined
                : allParties(thread) && this.#timed(thread);

            if (!enough && !this.#resting(property)
                && (!known || known.lease !== lease?.id
                    || (mark !== null && known.mark !== mark)))
            {
                first.set(property, { mark, lease: lease?.id });
            }
        }

        this.#queue = new Map([...first, ...this.#queue]);
        this.#work();
    }

    /*
     * Whether its time can be shown: the hours between "5 min" and "Yesterday"
     * need the time zone.
     */
    #timed({ property, last }) {
        const age = this.clock.now() - Date.parse(last?.at);

        return !(age > HOUR && age < 48 * HOUR)
               || this.#known.get(property)?.zone !== undefined;
    }

    /* Under way, or failed a moment ago. */
    #resting(property) {
        const since = this.#asking.get(property);

        return since !== undefined && this.clock.mono() - since < AGAIN;
    }

    #work() {
        while (this.busy < AT_ONCE && this.#queue.size) {
            const [property, wanted] = this.#queue.entries().next().value;

            this.#queue.delete(property);
            this.#ask(property, wanted);
        }
    }

    async #ask(property, { mark, lease }) {
        this.busy++;
        this.#asking.set(property, this.clock.mono());

        const page = await this.fetch(property);

        this.busy--;

        if (page) {
            this.update(property, page, lease, mark);
            this.#asking.delete(property);
        }

        this.#work();
    }

    /* The names to store, and to restore. */
    save() {
        return [...this.#known];
    }

    restore(saved) {
        for (const [property, known] of saved || []) {
            if (!this.#known.has(property)) {
                this.#known.set(property, known);
            }
        }

        if (saved) {
            this.emit('change', null);
        }
    }
}


/* The parties that the inbox lists, if these are all. */
function allParties({ parties, more_parties: more }) {
    return more ? null : parties ?? null;
}
