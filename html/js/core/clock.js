/*
 * Time and chance, gathered in one object so that tests can give their own.
 * now() is the device's idea of the time, for display; mono() only ever goes
 * on, for intervals.  Both in milliseconds.
 */

export const realClock = {
    now: () => Date.now(),
    mono: () => performance.now(),
    random: () => Math.random(),
    setTimeout: (fn, ms) => setTimeout(fn, ms),
    clearTimeout: (id) => clearTimeout(id),
};


/*
 * Waits that double, with jitter, for ever: between half and the whole of
 * base * 2^n, at most cap, in milliseconds.  Jitter keeps a crowd of clients
 * that lost the same server from coming back in step.
 */
export class Backoff {
    #tries = 0;

    constructor(clock, { base = 1000, cap = 30000 } = {}) {
        this.clock = clock;
        this.base = base;
        this.cap = cap;
    }

    /* The next wait in milliseconds. */
    next() {
        const full = Math.min(this.cap, this.base * 2 ** this.#tries);

        this.#tries = Math.min(this.#tries + 1, 16);

        return full * (0.5 + this.clock.random() / 2);
    }

    reset() {
        this.#tries = 0;
    }
}


/* A random wait between two numbers of milliseconds. */
export function between(clock, low, high) {
    return low + clock.random() * (high - low);
}


/* What a promise comes to, or a rejection after ms: nothing waits for ever. */
export function within(clock, ms, promise) {
    let timer;

    return Promise.race([
        promise,
        new Promise((resolve, reject) => {
            timer = clock.setTimeout(() => reject(new Error('no answer')),
                                     ms);
        }),
    ]).finally(() => clock.clearTimeout(timer));
}
