/*
 * Named events, by which core notifies the views.  on() returns a function
 * that ends the subscription.
 */

export class Emitter {
    #listeners = new Map();

    constructor() {
    }

    on(name, fn) {
        const set = this.#listeners.get(name) || new Set();

        this.#listeners.set(name, set);
        set.add(fn);

        return () => set.delete(fn);
    }

    emit(name, value) {
        for (const fn of [...(this.#listeners.get(name) || [])]) {
            try {
                fn(value);
            } catch (error) {
                report(error);
            }
        }
    }
}


/*
 * Reports an unexpected error to the console, and lets the caller continue, so
 * that a fault in one listener does not end a loop.
 */
export function report(error) {
    queueMicrotask(() => {
        throw error;
    });
}
