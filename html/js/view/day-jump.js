/* A date, and the way to the first message of that day in the open thread. */

import { entryOfDay, pickDay, startOfDay } from '../core/day.js';
import { attr, h } from './dom.js';

const DAY = 24 * 3600 * 1000;


export class DayJump {
    #turn = 0;

    /* show(seq) goes to a message. */
    constructor(app, t, show) {
        this.app = app;
        this.t = t;
        this.show = show;
        this.store = null;
        this.input = h('input', { class: 'll-date', type: 'date',
                                  id: 'll-date', required: true });
        this.button = h('button', { class: 'll-small', type: 'submit' },
                        t('find.day.go'));
        this.element = h('form', {
            class: 'll-day-form',
            onsubmit: (e) => {
                e.preventDefault();
                this.#go();
            },
        }, h('label', { for: 'll-date' }, t('find.day')), this.input,
                         this.button);
    }

    open(store) {
        this.#turn++;
        this.store = store;
        this.#busy(false);
    }

    #busy(on) {
        attr(this.button, 'aria-disabled', on);
        attr(this.element, 'aria-busy', on);
    }

    async #go() {
        const { store, t } = this;
        const day = this.input.value;
        const turn = ++this.#turn;

        if (!store || day === '') {
            return;
        }

        const format = this.app.format.in(store.timeZone);
        const dayKey = (at) => format.dayKey(at);
        const from = startOfDay(day, dayKey);

        /* the next day's noon is in it, whatever the clocks do */
        const until = startOfDay(dayKey(from + 1.5 * DAY), dayKey);

        this.#busy(true);

        const entry = await this.#find(store, from, until);

        if (turn !== this.#turn) {
            return;
        }

        this.#busy(false);

        if (!entry) {
            this.app.note(t('find.day.failed'));
            return;
        }

        if (dayKey(entry.at) !== day) {
            this.app.note(t(Date.parse(entry.at) < from
                            ? 'find.day.last' : 'find.day.next', {
                date: format.date(from), other: format.date(entry.at),
            }));
        }

        this.show(entry.seq);
    }

    /* Without a request where the loaded messages tell. */
    #find(store, from, until) {
        const { entries } = store;
        const starts = !store.moreBefore || Date.parse(entries[0]?.at) < from;
        const ends = store.atHead || Date.parse(entries.at(-1)?.at) >= until;

        if (starts && ends && entries.length) {
            return pickDay(entries, from, until);
        }

        const { api } = this.app.messenger.threads;

        return entryOfDay({
            property: store.property, head: store.headSeq, from, until,
            messages: (...query) => api.messages(...query),
        });
    }
}
