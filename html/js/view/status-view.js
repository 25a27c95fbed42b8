/*
 * The state of the connection, as words and an icon ("Live", "Reconnecting"),
 * and a banner with the number of unsent messages.
 */

import { attr, fill, h, icon } from './dom.js';

const ICONS = { live: 'live', connecting: 'sync', checking: 'sync',
                offline: 'off', 'signed-out': 'warn' };
const PATIENCE = 3000;
const LATE = 5000;


export class StatusView {
    #shown = null;
    #pills = [];
    #late = null;

    constructor({ t, messenger, clock }) {
        this.t = t;
        this.messenger = messenger;
        this.clock = clock;
        this.timer = null;
        this.words = h('p', { class: 'll-spoken', role: 'status' });
        this.banner = h('p', { class: 'll-banner', role: 'status',
                               hidden: true });

        messenger.on('status', () => this.#changed());
        messenger.outbox.on('change', () => this.#drawBanner());
        this.#changed();
    }

    /* Creates an indicator; each place that shows the state has its own. */
    pill() {
        const pill = h('span', { class: 'll-pill', hidden: true });

        this.#pills.push(pill);
        this.#drawPill(pill);

        return pill;
    }

    /* "Reconnecting" is shown after three seconds. */
    #changed() {
        const { status } = this.messenger;

        this.clock.clearTimeout(this.timer);

        if (status === 'connecting') {
            this.timer = this.clock.setTimeout(() => this.#show(status),
                                               PATIENCE);
        } else {
            this.#show(status);
        }
    }

    #show(status) {
        const before = this.#shown;

        this.#shown = status;
        this.#pills.forEach((pill) => this.#drawPill(pill));
        this.#drawBanner();

        if (before !== null && before !== status) {
            fill(this.words, this.t(`status.${status}`));
        }
    }

    #drawPill(pill) {
        const status = this.#shown;

        pill.hidden = status === null;
        attr(pill, 'data-status', status);

        if (status !== null) {
            fill(pill, icon(ICONS[status]),
                 h('span', {}, this.t(`status.${status}`)));
        }
    }

    #drawBanner() {
        const n = this.messenger.outbox.waiting();
        const loose = this.messenger.outbox.loose();
        const age = this.messenger.outbox.age();
        let words = '';

        this.clock.clearTimeout(this.#late);

        if (loose > 0) {
            words = this.t('banner.loose', { n: loose });

        } else if (this.#shown === 'live' && age >= 0 && age < LATE) {
            this.#late = this.clock.setTimeout(() => this.#drawBanner(),
                                               LATE - age);

        } else if (this.#shown !== null && n > 0
                   && (this.#shown !== 'live' || age >= LATE))
        {
            words = this.t('banner.waiting', { n });

        } else if (this.#shown === 'offline') {
            words = this.t('banner.offline');
        }

        this.banner.hidden = words === '';

        if (this.banner.textContent !== words) {
            fill(this.banner, words);
        }
    }
}
