/*
 * Time and random numbers, in one object, so that tests can replace them. now()
 * is the device's time, for display; mono() is monotonic, for intervals. Both
 * are in milliseconds.
 */

export const realClock = {
    now: () => Date.now(),
    mono: () => performance.now(),
    random: () => Math.random(),
    setTimeout: (fn, ms) => setTimeout(fn, ms),
    clearTimeout: (id) => clearTimeout(id),
};


/*
 * Exponential backoff with jitter, without an end: between half and the whole
 * of base * 2^n, at most cap, in milliseconds. Jitter keeps clients that lost
 * the same server from returning all at once.
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


/* The result of a promise, or a rejection after ms. */
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
