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
 * Says what should not have happened where errors are said, and lets whoever
 * called go on: a fault in one place ends no loop in another.
 */
export function report(error) {
    queueMicrotask(() => {
        throw error;
    });
}
