/*
 * Read marks of this user that the server has not confirmed yet, the newest
 * for each property.  Each is sent until the server has answered.
 */

const RETRY = 10000;


export class ReadMarks {
    #api;
    #clock;
    #refused;
    #marks = new Map();
    #timer = null;

    /**
     * refused() is called at a 401.
     * @param {{api: import('./api.js').Api, clock: Clock,
     *          refused: () => void}} parts
     */
    constructor({ api, clock, refused }) {
        this.#api = api;
        this.#clock = clock;
        this.#refused = refused;
    }

    /**
     * @param {string} property
     * @param {number} upto
     */
    add(property, upto) {
        this.#marks.set(property, upto);
        this.flush();
    }

    async flush() {
        for (const [property, upto] of this.#marks) {
            const { status } = await this.#api.read(property, upto);

            if (status === 401) {
                this.#refused();
                return;
            }

            if (status === 0 || status === 429 || status >= 500) {
                this.#clock.clearTimeout(this.#timer);
                this.#timer = this.#clock.setTimeout(() => this.flush(),
                                                     RETRY);
                return;
            }

            if (this.#marks.get(property) === upto) {
                this.#marks.delete(property);
            }
        }
    }

    stop() {
        this.#clock.clearTimeout(this.#timer);
    }
}
