/*
 * The search: its words, where to search, the hits, and a date to go to. It
 * takes the place of the list and stays open while one looks at the hits in
 * their thread; on a phone it covers the page until one is chosen.
 */

import { searchDevice } from '../core/device.js';
import { findWords, marked } from '../core/fold.js';
import { translator } from '../core/i18n.js';
import { hrefFor } from '../core/router.js';
import { Search } from '../core/search.js';
import { DayJump } from './day-jump.js';
import { KeyedList, attr, fill, h, icon, loadStyle, spoken }
    from './dom.js';

/* characters of a message that a hit shows */
const EXCERPT = 220;


/* The panel with its words and its style, which are loaded with it. */
export async function loadPanel(app) {
    const [words] = await Promise.all([
        import(`../strings/search-${app.language}.js`),
        loadStyle('css/search.css'),
    ]);

    return new SearchPanel(app, translator(app.language, words.default));
}


class SearchPanel {
    #from = null;
    #hits = [];
    #off = null;
    #said = '';

    /* how many hits there were when more were asked for */
    #atMore = null;

    /* app: {format, messenger, clock, visit(property, seq), finding(on)} */
    constructor(app, t) {
        const { messenger } = app;

        this.app = app;
        this.t = t;
        this.search = new Search({
            api: messenger.threads.api, clock: app.clock,
            refused: () => messenger.session.check(),
            device: (property, words) => searchDevice(messenger, property,
                                                      words),
        });
        this.#build();
        this.search.on('change', () => this.#draw());
        messenger.names.on('change', () => this.#drawHits());
        messenger.on('thread', (store) => this.#follow(store));
        messenger.inbox.on('change', () => this.#drop());
        messenger.threads.on('erased', ({ property, seq }) =>
            this.search.drop(property, seq));
        messenger.on('status', (status) => {
            if (status === 'live' && this.search.local === 'network') {
                this.#again();
            }
        });
        this.#follow(messenger.thread);
    }

    #build() {
        const { t } = this;

        this.input = h('input', {
            class: 'll-filter', type: 'search', id: 'll-find', dir: 'auto',
            placeholder: t('find.label'), autocomplete: 'off',
            enterkeyhint: 'search', 'aria-label': t('find.label'),
            'aria-describedby': 'll-find-hint',
            oninput: () => this.#set(),
            onkeydown: (e) => this.#inputKey(e),
        });
        this.here = this.#chip('find.here', () => this.#within(true));
        this.everywhere = this.#chip('find.all', () => this.#within(false));
        this.scope = h('div', { class: 'll-chips', role: 'group',
                                'aria-label': t('find.where') },
                       this.here, this.everywhere);
        this.day = new DayJump(this.app, t, (seq) =>
            this.visit(this.thread.property, seq));
        this.local = h('p', { class: 'll-notice', hidden: true });
        this.says = h('p', { class: 'll-find-says' });
        this.hint = h('p', { class: 'll-find-hint', id: 'll-find-hint' },
                      t('find.hint'));
        this.heard = h('p', { class: 'll-spoken', role: 'status' });
        this.rows = h('ol', { class: 'll-hits', role: 'list' });
        this.list = new KeyedList(this.rows, {
            render: (li, row) => this.#render(li, row),
        });
        this.earlier = h('button', {
            class: 'll-small ll-earlier', type: 'button', hidden: true,
            onclick: () => this.#more(),
        });
        this.element = h('section', {
            class: 'll-find', role: 'search', hidden: true,
            'aria-label': t('find.title'),
            onkeydown: (e) => this.#key(e),
        },
            h('div', { class: 'll-search' },
              h('div', { class: 'll-filterbox' }, icon('search'), this.input),
              h('button', { class: 'll-button', type: 'button',
                            title: t('find.close'),
                            onclick: () => this.close() },
                icon('close'), spoken(t('find.close')))),
            this.scope, this.day.element, this.heard,
            h('div', { class: 'll-found' }, this.local, this.says, this.hint,
              this.rows, this.earlier));
    }

    #chip(key, act) {
        return h('button', { class: 'll-chip', type: 'button',
                             'aria-pressed': 'false', onclick: act },
                 this.t(key));
    }

    /* ---- opening and closing ---- */

    /* Searches a thread, or all; words: instead of the last ones. */
    open(property, words = this.input.value) {
        const opens = this.element.hidden;

        if (opens) {
            this.#from = document.activeElement;
            this.#cover();
        }

        this.input.value = words;
        this.#within(property !== null, opens);
        this.input.focus();
        this.input.select();
    }

    /* On a phone, going back in the browser's history leaves the search. */
    #cover() {
        this.element.hidden = false;
        this.app.finding(true);

        if (this.app.narrow()) {
            history.pushState({ ...history.state, finding: true }, '');
        }
    }

    /* The focus returns where it was, unless it is in the thread by now. */
    close() {
        if (!this.element.hidden) {
            const inside = this.element.contains(document.activeElement);

            this.#uncover();

            if (inside) {
                this.#giveBack();
            }
        }
    }

    /* Shows what the panel has covered; resolves once history has followed. */
    async #uncover() {
        this.search.stop();
        this.element.hidden = true;
        this.app.finding(false);

        if (history.state?.finding) {
            await new Promise((done) => {
                window.addEventListener('popstate', done, { once: true });
                history.back();
            });
        }
    }

    /* The browser has gone back. */
    left() {
        if (!this.element.hidden && this.app.narrow()) {
            this.close();
        }
    }

    #giveBack() {
        if (this.#from?.isConnected && this.#from !== document.body
            && this.#from.checkVisibility())
        {
            this.#from.focus({ preventScroll: true });
        }

        this.#from = null;
    }

    /* Goes to a message; where the panel covers it, the panel closes. */
    async visit(property, seq) {
        this.chosen = `${property} ${seq}`;
        this.#drawHits();

        if (this.app.narrow()) {
            await this.#uncover();
        }

        this.app.visit(property, seq);
    }

    /* ---- words ---- */

    get property() {
        return this.inThread ? this.thread?.property ?? null : null;
    }

    /* The thread that is open, if any. */
    #follow(store) {
        this.#off?.();
        this.#off = store?.on('change', () => this.#drop()) ?? null;
        this.thread = store;
        this.day.open(store);

        if (!this.element.hidden) {
            this.#within(this.inThread && store !== null);
        }
    }

    /* In the open thread or in all; again: even if nothing differs. */
    #within(inThread, again = false) {
        const words = this.input.value;

        this.inThread = inThread;
        this.scope.hidden = !this.thread;
        this.day.element.hidden = !this.thread || !inThread;
        attr(this.here, 'aria-pressed', String(inThread));
        attr(this.everywhere, 'aria-pressed', String(!inThread));

        if (again || this.search.property !== this.property
            || this.search.text !== words)
        {
            this.search.set(this.property, words, 0);
        }
    }

    #set(pause) {
        this.chosen = null;
        this.search.set(this.property, this.input.value, pause);
    }

    #again() {
        if (!this.element.hidden) {
            this.search.again();
        }
    }

    /* The next page, or the same again if no server has answered. */
    #more() {
        if (this.search.local && this.search.phase === 'ready') {
            this.search.again();
        } else {
            this.#atMore = this.search.hits.length;
            this.search.more();
        }
    }

    /* What is erased meanwhile is not shown any longer. */
    #drop() {
        for (const { seq, kind } of this.thread?.entries ?? []) {
            if (kind !== 'message') {
                this.search.drop(this.thread.property, seq);
            }
        }

        for (const { property } of this.search.hits) {
            const last = this.app.messenger.inbox.threads.get(property)?.last;

            if (last?.kind === 'erased') {
                this.search.drop(property, last.seq);
            }
        }
    }

    /* ---- what is found ---- */

    #draw() {
        const { t, search } = this;
        const { phase, local } = search;
        const busy = phase === 'searching';
        const words = this.#words();
        const where = local && phase === 'ready' ? t(`find.local.${local}`)
                                                 : '';

        this.local.hidden = where === '';
        fill(this.local, where);
        this.says.hidden = words === '';
        fill(this.says, busy ? h('span', { class: 'll-spin' }, icon('sync'))
                             : null, words);
        this.hint.hidden = phase !== 'idle';
        attr(this.element, 'aria-busy', busy);

        /* the seconds of a wait are not counted aloud */
        this.#say([where, phase === 'waiting' ? t('find.wait') : words]
                  .filter(Boolean).join(' '));
        this.#drawHits();
        this.earlier.hidden = busy ? search.hits.length === 0
            : !where && (search.next === null
                         || !['ready', 'failed'].includes(phase));
        fill(this.earlier, t(where || phase === 'failed' ? 'find.retry'
                             : search.property === null ? 'find.further'
                             : 'find.earlier'));
        this.#focusNew();
    }

    #say(words) {
        if (this.#said !== words) {
            this.#said = words;
            fill(this.heard, words);
        }
    }

    #words() {
        const { t, search } = this;
        const { phase, hits, next, back, wait } = search;
        const n = hits.length;

        switch (phase) {

        case 'idle':
            return '';

        case 'waiting':
            return t('find.waiting', { n: wait });

        case 'ready':
            if (n > 0) {
                return t(next === null ? 'find.found' : 'find.sofar', { n });
            }

            return next === null ? t('find.none')
                : back ? t('find.back', { date: this.#format().date(back) })
                : t('find.nothingyet');

        default:
            return t(`find.${phase}`);
        }
    }

    #format(property = this.property) {
        const { app, thread: open } = this;
        const zone = open && open.property === property ? open.timeZone
            : app.messenger.names.zoneOf({ property });

        return app.format.in(zone);
    }

    #drawHits() {
        const { search } = this;
        const { inbox, names } = this.app.messenger;

        if (this.element.hidden) {
            return;
        }

        this.#hits = search.hits.map(({ property, label, entry }) => {
            const row = {
                key: `${property} ${entry.seq}`, property, entry,
                label: search.property === null
                    ? inbox.threads.get(property)?.label || label : '',
                time: this.#format(property).stamp(entry.at),
            };

            row.sig = JSON.stringify([row, this.chosen === row.key,
                                      search.words]);

            return row;
        });
        this.list.update(this.#hits);

        if (search.property === null) {
            const found = new Set(search.hits.map((hit) => hit.property));

            names.want([...found].map((id) => inbox.threads.get(id))
                .filter(Boolean), { zones: true });
        }
    }

    #render(li, { key, property, label, time, entry }) {
        const { text, at, from, seq } = entry;
        const places = findWords(text, this.search.words) ?? [];
        const { pieces, before, after } = marked(text, places, EXCERPT);
        const link = li.firstElementChild
            ?? h('a', { class: 'll-hit', href: hrefFor(property, seq),
                        onclick: (e) => this.#pick(e, property, seq) });

        attr(link, 'aria-current', this.chosen === key ? 'true' : null);
        fill(link,
             h('span', { class: 'll-hit-top' },
               h('bdi', { class: 'll-hit-who' }, from.name), ' ',
               h('time', { class: 'll-when', datetime: at, dir: 'auto' },
                 time)),
             label ? h('span', { class: 'll-hit-label', dir: 'auto' }, label)
                   : null,
             ' ',
             h('span', { class: 'll-hit-text', dir: 'auto' },
               before ? '… ' : null,
               pieces.map((piece) => piece.marked
                          ? h('mark', {}, piece.text) : piece.text),
               after ? ' …' : null));

        if (!link.parentNode) {
            li.append(link);
        }
    }

    #pick(event, property, seq) {
        if (event.metaKey || event.ctrlKey || event.shiftKey
            || event.button > 0)
        {
            return;
        }

        event.preventDefault();
        this.visit(property, seq);
    }

    /* ---- keys ---- */

    #links() {
        return this.#hits.map(({ key }) =>
            this.list.get(key).firstElementChild);
    }

    #focusHit(index) {
        const links = this.#links();
        const link = links[Math.min(Math.max(index, 0), links.length - 1)];

        link?.focus({ preventScroll: true });
        link?.scrollIntoView({ block: 'nearest' });
    }

    /* Whoever asked for earlier hits by the button goes on at the first. */
    #focusNew() {
        if (this.#atMore !== null && this.search.phase !== 'searching') {
            if (this.search.hits.length > this.#atMore
                && (document.activeElement === document.body
                    || document.activeElement === this.earlier))
            {
                this.#focusHit(this.#atMore);
            }

            this.#atMore = null;
        }
    }

    #inputKey(event) {
        const at = this.#hits.findIndex(({ key }) => key === this.chosen);

        if (event.isComposing) {
            return;
        }

        if (event.key === 'Enter') {
            event.preventDefault();

            if (this.search.phase === 'ready' && this.#hits.length) {
                this.#focusHit(0);
            } else {
                this.#set(0);
            }

        } else if (event.key === 'ArrowDown') {
            event.preventDefault();
            this.#focusHit(at);
        }
    }

    #key(event) {
        if (event.defaultPrevented) {
            return;
        }

        if (event.key === 'Escape' && !event.isComposing) {
            event.preventDefault();
            event.stopPropagation();
            this.close();
            return;
        }

        const at = this.#links().indexOf(document.activeElement);
        const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0,
                     End: this.#hits.length - 1 }[event.key];

        if (at < 0 || to === undefined || event.altKey || event.ctrlKey
            || event.metaKey)
        {
            return;
        }

        event.preventDefault();

        if (to < 0) {
            this.input.focus();
        } else if (to === this.#hits.length && !this.earlier.hidden) {
            this.earlier.focus();
        } else {
            this.#focusHit(to);
        }
    }
}
