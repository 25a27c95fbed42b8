/*
 * A record as sheets of paper, laid out here and not by the browser, so that
 * each sheet can say which entries it has. A sheet has the size of the paper;
 * blocks are put into it until it is full, and a long text is cut between two
 * sheets. All that comes from the record is set as text.
 */

import { isolate } from '../core/i18n.js';
import { cutText, fingerprint } from '../core/record-pages.js';
import { fill, h } from './dom.js';

/* sheets between two notes of progress, which let the page breathe */
const STEP = 5;

/* a text higher than this part of a sheet is cut rather than moved */
const CUT = 0.3;

/* regions that write on Letter */
const LETTER = /-(US|CA|MX|PH|CL|CO|VE)\b/;


export class PrintView {
    /**
     * again(): starts over after a failure.
     * @param {{root: HTMLElement, t: Translate, locale: string,
     *          property: string, again: () => void}} parts
     */
    constructor({ root, t, locale, property, again }) {
        this.t = t;
        this.locale = locale;
        this.property = property;
        this.again = again;
        this.status = h('p', { class: 'status', role: 'status' });
        this.paper = h('select', { id: 'paper',
                                   onchange: () => this.#layOut() },
            h('option', { value: 'a4' }, 'A4'),
            h('option', { value: 'letter',
                          selected: LETTER.test(locale) },
              t('print.letter')));
        this.print = h('button', { type: 'button', disabled: true,
                                   onclick: () => window.print() },
                       t('print.print'));
        this.sheets = h('div', { class: 'sheets' });
        fill(root,
             h('nav', { class: 'bar', 'aria-label': t('print.title') },
               h('a', { href: property === null ? './' : `./?p=${property}` },
                 t('print.back')),
               this.status,
               h('label', {}, t('print.paper'), ' ', this.paper),
               this.print),
             this.sheets);
        document.title = t('print.title');
    }

    say(key, values = {}) {
        fill(this.status, this.t(key, values));
    }

    refuse(key, values) {
        fill(this.sheets, h('p', { class: 'refusal', role: 'alert' },
            this.t(key, values), ' ',
            h('button', { type: 'button', onclick: this.again },
              this.t('print.retry'))));
        fill(this.status);
    }

    /* Shows a verified record: pages and result, and the poll for the lease. */
    async show({ pages, result, poll }) {
        this.pages = pages;
        this.result = result;
        this.poll = poll;
        this.#formats(result.zone);
        document.title = `${result.label} · ${this.t('print.title')}`;
        await this.#layOut();
    }

    #formats(zone) {
        /** @type {Intl.DateTimeFormatOptions} */
        const parts = { day: 'numeric', month: 'short', year: 'numeric',
                        hour: 'numeric', minute: '2-digit', second: '2-digit',
                        timeZoneName: 'shortOffset' };

        try {
            this.times = new Intl.DateTimeFormat(this.locale,
                                                 { ...parts, timeZone: zone });
            this.zone = zone;
        } catch {
            this.times = new Intl.DateTimeFormat(this.locale,
                                                 { ...parts, timeZone: 'UTC' });
            this.zone = 'UTC';
        }

        this.dates = new Intl.DateTimeFormat(this.locale, {
            dateStyle: 'long', timeZone: this.zone });
    }

    time(at) {
        return this.times.format(new Date(at));
    }

    /* ---- layout ---- */

    async #layOut() {
        const mine = Symbol('layout');

        this.running = mine;
        this.print.disabled = true;
        this.sheets.className = `sheets ${this.paper.value}`;
        fill(this.sheets);
        this.drawn = [];
        this.#sheet();

        const blocks = [this.#title(), ...this.#blocks(), this.#end()];

        for (const block of blocks) {
            if (this.#place(block) && this.drawn.length % STEP === 0) {
                this.say('print.drawing', { n: this.drawn.length });
                await new Promise((done) => setTimeout(done));
            }

            if (this.running !== mine) {
                return;
            }
        }

        this.#number();
        this.print.disabled = false;
        this.say('print.ready', { n: this.drawn.length });
        this.sheets.dataset.ready = this.paper.value;
    }

    /* A new sheet, the present one from now on. */
    #sheet() {
        const body = h('div', { class: 'body' });
        const foot = h('footer');
        const element = h('section', { class: 'sheet' },
            h('header', {}, h('bdi', {}, this.result.label),
              h('span', {}, this.t('print.title'))),
            body, foot);

        this.sheets.append(element);
        this.sheet = { body, foot, entries: [] };
        this.drawn.push(this.sheet);
    }

    #fits() {
        const { body } = this.sheet;

        return body.scrollHeight <= body.clientHeight;
    }

    /* Puts a block on the present sheet, or the next ones; 1 if any is new. */
    #place({ element, entry = null, text = null, more = null }) {
        const before = this.drawn.length;

        this.#add(element, entry);

        if (this.#fits()) {
            return 0;
        }

        const { body } = this.sheet;

        if (text === null || (body.children.length > 1
            && element.offsetHeight < CUT * body.clientHeight))
        {
            this.#move(element, entry);
        }

        while (text !== null && !this.#fits()) {
            ({ element, text } = this.#cut(element, entry, text, more));
        }

        return this.drawn.length - before;
    }

    #add(element, entry) {
        this.sheet.body.append(element);

        if (entry) {
            this.sheet.entries.push(entry);
        }
    }

    /* Moves the last block to a new sheet, unless it is alone there. */
    #move(element, entry) {
        if (this.sheet.body.children.length < 2) {
            return;
        }

        element.remove();

        if (entry) {
            this.sheet.entries.pop();
        }

        this.#sheet();
        this.#add(element, entry);
    }

    /* Cuts a text; the rest is a block of its own on the next sheet. */
    #cut(element, entry, text, more) {
        const place = element.querySelector('.text');
        const { head, rest } = cutText(text, (some) => {
            place.textContent = some;

            return this.#fits();
        });
        const alone = this.sheet.body.children.length < 2;

        if (head.trim() === '' && !alone) {
            place.textContent = text;
            this.#move(element, entry);

            return { element, text };
        }

        /* one grapheme at least, so that it goes on in any case */
        place.textContent = head || text.slice(0, 1);
        this.#sheet();

        const next = more(head ? rest : text.slice(1));

        this.#add(next, entry);

        return { element: next, text: head ? rest : text.slice(1) };
    }

    /* ---- what is shown ---- */

    #blocks() {
        return this.pages.items().map(({ entry, mark }) => (entry
            ? this.#entry(entry) : { element: this.#mark(mark) }));
    }

    #entry(entry) {
        const { t } = this;
        const { seq } = entry;

        if (entry.kind !== 'message') {
            return { entry, element: h('article', { class: 'event' },
                this.#head(t('print.entry', { seq }), entry, null),
                h('p', { class: 'what' }, this.#event(entry))) };
        }

        const draw = (title, text) => h('article', {},
            this.#head(title, entry, entry.from),
            h('p', { class: 'text', dir: 'auto' }, text));

        return { entry, text: entry.text,
                 element: draw(t('print.entry', { seq }), entry.text),
                 more: (text) => draw(t('print.entry.more', { seq }), text) };
    }

    #head(title, entry, from) {
        const { t } = this;

        return h('p', { class: 'about' }, h('b', {}, title),
                 from && h('span', { class: 'from' },
                           h('bdi', {}, isolate(from.name)),
                           ` (${t(`role.${from.role}`)})`),
                 entry.kind !== 'erased'
                     && h('span', { class: 'at' }, this.time(entry.at)));
    }

    #event(entry) {
        const { t } = this;

        if (entry.kind === 'erased') {
            return t('print.erased', { at: this.time(entry.at) });
        }

        return t(`event.${entry.event}`, { name: entry.party?.name ?? '' });
    }

    #mark({ user, upto, at }) {
        return h('p', { class: 'mark' }, this.t('print.mark', {
            name: this.pages.name(user), seq: upto, at: this.time(at) }));
    }

    #person({ user, name, role }) {
        return h('p', {}, this.t('print.person', {
            name: name ?? user, user, role: this.t(`role.${role}`) }));
    }

    #title() {
        const { t, result, poll } = this;
        const { lease, parties } = poll;
        const rows = [
            ['print.property', `${isolate(result.label)} (${this.property})`],
            ['print.parties', parties.map((p) => this.#person(p))],
            ['print.lease', t('print.lease.is', {
                id: lease.id, words: this.#lease(lease) })],
            ['print.reader', result.reader ? this.#person(result.reader)
                                           : null],
            ['print.entries', result.entries
                ? t('print.entries.is', { first: result.first,
                                          last: result.last,
                                          n: result.entries })
                : t('print.entries.none')],
            ['print.times', t('print.times.is', { zone: this.zone })],
            ['print.made', this.time(result.made)],
            ['print.checkpoint', this.#checkpoint()],
            ['print.fingerprint', h('code', {}, this.#fingerprint())],
        ];

        return { element: h('div', { class: 'title' },
            h('h1', {}, h('bdi', {}, result.label)),
            h('p', { class: 'kind' }, t('print.title')),
            h('dl', {}, rows.filter(([, value]) => value).flatMap(
                ([name, value]) => [h('dt', {}, t(name)),
                                    h('dd', {}, value)]))) };
    }

    #lease({ state, starts_at: starts, ends_at: ends }) {
        const from = this.dates.format(new Date(starts));
        const dates = ends
            ? this.t('lease.range', { from,
                                      to: this.dates.format(new Date(ends)) })
            : this.t('lease.from', { from });

        return `${this.t(`lease.${state}`)}. ${dates}`;
    }

    #fingerprint() {
        return this.result.hash.replace(/(.{8})(?=.)/g, '$1 ');
    }

    #checkpoint() {
        const { origin, signed, time, last } = this.result;

        if (origin === null) {
            return this.t('print.unsigned');
        }

        return this.t(signed ? 'print.signed' : 'print.unproven', {
            origin, at: this.time(time), seq: last });
    }

    #end() {
        const { t, result } = this;
        const proves = result.signed ? 'print.proves.1' : 'print.proves.none';

        return { element: h('div', { class: 'end' },
            h('h2', {}, t('print.end')),
            result.checkpoint && h('pre', {}, result.checkpoint),
            h('h3', {}, t('print.proves')),
            h('p', {}, t(proves)), h('p', {}, t('print.proves.2')),
            h('h3', {}, t('print.not')),
            h('ul', {}, [1, 2, 3, 4].map((n) =>
                h('li', {}, t(`print.not.${n}`))))) };
    }

    /* Fills in what is known once all sheets are: their number, and so on. */
    #number() {
        const { t, drawn, result } = this;
        let seen = null;

        drawn.forEach(({ foot, entries }, i) => {
            const from = entries[0];
            const to = entries.at(-1);

            seen = to ?? seen;
            fill(foot,
                 h('p', { class: 'range' },
                   h('b', {}, from ? t(from === to ? 'print.range.one'
                                                   : 'print.range',
                                       { from: from.seq, to: to.seq,
                                         last: result.last })
                                   : t('print.range.none')),
                   h('span', {}, t('print.zone', { zone: this.zone })),
                   h('span', {}, t('print.page', { n: i + 1,
                                                   all: drawn.length }))),
                 seen && h('p', {}, t('print.mine', { seq: seen.seq }), ' ',
                           h('code', {}, fingerprint(seen.hash))),
                 h('p', {}, this.#checkpoint()));
        });
    }
}
