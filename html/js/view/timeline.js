/*
 * The loaded messages and their scrolling. A reader at the end stays at the
 * end; for any other reader the messages do not move.
 */

import { linkify } from '../core/linkify.js';
import { hrefFor } from '../core/router.js';
import { KeyedList, attr, fill, h, icon, spoken } from './dom.js';

/* pixels: NEAR the end counts as the end; more is loaded within AHEAD */
const NEAR = 48;
const AHEAD = 500;

/* milliseconds for which a message is highlighted, as in the style sheet */
const FLASH = 2000;

const LONG = 1500;
const LINES = 20;


export class Timeline {
    #stick = true;
    #ctx = {};
    #texts = new WeakMap();

    /*
     * on: {older(), newer(), end(), moved(), retry(n), discard(n)}. end() is
     * called when the end is on screen.
     */
    constructor({ t, on }) {
        this.t = t;
        this.on = on;
        this.target = null;

        this.rows = h('ol', { class: 'll-rows' });
        this.older = h('p', { class: 'll-older', hidden: true },
                       t('thread.older'));
        this.element = h('div', {
            class: 'll-timeline', tabindex: 0, role: 'region',
            'aria-label': t('thread.messages'),
            onscroll: () => this.#scrolled(),
            onkeydown: (e) => this.#key(e),
            onpointerover: (e) => this.#offer(e),
            onfocusin: (e) => this.#offer(e),
            oncontextmenu: (e) => this.#pressed(e),
        }, this.older, this.rows);
        this.list = new KeyedList(this.rows, {
            render: (li, row) => this.#render(li, row),
        });

        /*
         * one menu button for all messages, on the one under the pointer or
         * focus
         */
        this.more = h('button', {
            class: 'll-more', type: 'button', title: t('message.actions'),
            'aria-haspopup': 'true',
            onclick: () => this.#act(this.more.closest('li')),
        }, icon('more'), spoken(t('message.actions')));

        /* a keyboard opens, the input grows, or a text wraps */
        this.observer = new ResizeObserver(() => this.#keepEnd());
        this.observer.observe(this.element);
        this.observer.observe(this.rows);
    }

    /* Shows another thread, at its end, or where show() says. */
    reset() {
        this.list.update([]);
        this.#stick = true;
        this.target = null;
    }

    /*
     * rows: from buildRows(), with a signature in `sig`; ctx: {property, hole};
     * hole is true if entries are missing after the last row.
     */
    update(rows, ctx) {
        this.#ctx = ctx;
        this.#stick &&= !ctx.hole;

        const anchor = this.#stick ? null : this.#anchor();

        this.list.update(rows);
        this.lastSeq = rows.findLast((row) => row.entry)?.entry.seq ?? 0;

        if (this.target !== null) {
            this.#goTo(this.target);

        } else if (anchor?.element.isConnected) {
            const moved = anchor.element.getBoundingClientRect().top
                          - anchor.top;

            if (moved) {
                this.#scrollTo(this.element.scrollTop + moved);
            }

        } else if (this.#stick) {
            this.#scrollTo(this.element.scrollHeight);
        }

        this.#settled();
    }

    /* Scrolls without the scroll being counted as the reader's. */
    #scrollTo(top) {
        this.element.scrollTop = top;
        this.ownTop = this.element.scrollTop;
    }

    /* The first row on screen, and its position. */
    #anchor() {
        const rows = this.rows.children;

        /* reading a size forces a layout */
        if (rows.length === 0) {
            return null;
        }

        const { top } = this.element.getBoundingClientRect();
        let low = 0;
        let high = rows.length - 1;

        while (low < high) {
            const mid = (low + high) >> 1;

            if (rows[mid].getBoundingClientRect().bottom <= top) {
                low = mid + 1;
            } else {
                high = mid;
            }
        }

        return { element: rows[low],
                 top: rows[low].getBoundingClientRect().top };
    }

    /*
     * Scrolls a row to the upper third at the next update: {key, flash, focus}.
     */
    show(target) {
        this.target = target;
        this.#stick = false;
    }

    #goTo({ key, flash, focus }) {
        const row = this.list.get(key);

        if (!row) {
            return;
        }

        this.target = null;
        this.#scrollTo(this.element.scrollTop
            + row.getBoundingClientRect().top
            - this.element.getBoundingClientRect().top
            - this.element.clientHeight / 4);
        this.#stick = this.atEnd() && !this.#ctx.hole;

        if (flash) {
            row.classList.remove('ll-flash');
            void row.offsetWidth;
            row.classList.add('ll-flash');
            setTimeout(() => row.classList.remove('ll-flash'), FLASH);
        }

        if (focus) {
            (row.querySelector('.ll-time') ?? this.element)
                .focus({ preventScroll: true });
        }
    }

    atEnd() {
        const { scrollHeight, scrollTop, clientHeight } = this.element;

        return scrollHeight - scrollTop - clientHeight < NEAR;
    }

    toEnd() {
        this.#stick = true;
        this.target = null;
        this.#scrollTo(this.element.scrollHeight);
        this.#settled();
    }

    #keepEnd() {
        if (this.#stick) {
            this.#scrollTo(this.element.scrollHeight);
        }

        this.#settled();
    }

    #scrolled() {
        this.#stick = this.atEnd() && !this.#ctx.hole;
        this.#settled(this.element.scrollTop === this.ownTop ? NEAR : AHEAD);
    }

    /*
     * Loads more if fewer than `near` pixels are left. A reader who scrolls
     * gets more in advance, any other reader only what is on screen.
     */
    #settled(near = NEAR) {
        const { scrollHeight, scrollTop, clientHeight } = this.element;

        /* the search covers it: nothing of it is on screen */
        if (clientHeight === 0) {
            return;
        }

        this.on.moved();

        if (scrollTop < near) {
            this.on.older();
        }

        if (scrollHeight - scrollTop - clientHeight < near) {
            this.on.newer();
        }

        if (this.atEnd()) {
            this.on.end();
        }
    }

    /* Up and Down move the focus between messages. */
    #key(event) {
        const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];

        if (!step || event.altKey || event.ctrlKey || event.metaKey) {
            return;
        }

        const times = [...this.rows.querySelectorAll('.ll-time')];
        const at = times.indexOf(document.activeElement);
        const next = at < 0 ? times.at(-1) : times[at + step];

        if (next && (at >= 0 || event.target === this.element)) {
            event.preventDefault();
            next.focus({ preventScroll: true });
            next.closest('li').scrollIntoView({ block: 'nearest' });
        }
    }

    /* ---- the menu of a message ---- */

    #offer({ target }) {
        const li = target.closest('.ll-msg[id]');

        if (li && this.more.parentNode !== li) {
            li.append(this.more);
        }
    }

    /* A long press or the menu key; a mouse opens the browser's own menu. */
    #pressed(event) {
        const li = event.target.closest('.ll-msg[id]');

        if (li && event.pointerType !== 'mouse'
            && !event.target.closest('.ll-words a'))
        {
            event.preventDefault();
            this.#act(li);
        }
    }

    async #act(li) {
        const { actions } = await import('./extras.js');
        const seq = Number(li.id.slice(1));

        this.#offer({ target: li });
        actions({ t: this.t, by: this.more, text: this.#texts.get(li),
                  link: new URL(hrefFor(this.#ctx.property, seq),
                                location.href).href,
                  quote: this.on.quote, announce: this.on.announce });
    }

    /* ---- rows ---- */

    #render(li, row) {
        switch (row.type) {

        case 'day':
            li.className = 'll-day';
            fill(li, h('span', {}, row.words));
            break;

        case 'divider':
            li.className = 'll-divider';
            fill(li, h('span', {}, this.t('thread.new')));
            break;

        case 'lease':
            li.className = 'll-event';
            li.id = `m${row.entry.seq}`;
            fill(li, h('span', {}, row.words, ' ',
                       h('time', { datetime: row.entry.at, dir: 'auto',
                                   title: row.absolute }, row.time)));
            break;

        default:
            this.#message(li, row);
        }
    }

    #message(li, row) {
        li.className = ['ll-msg', row.own ? 'll-own' : 'll-other',
                        row.first ? 'll-first' : '',
                        row.last ? 'll-last' : '',
                        row.state === 'failed' ? 'll-failed' : '']
            .filter(Boolean).join(' ');
        attr(li, 'id', row.entry ? `m${row.entry.seq}` : null);

        const text = row.entry ? row.entry.text : row.item.text;
        const long = text.length > LONG || text.split('\n').length > LINES;

        this.#texts.set(li, text);

        fill(li,
             row.first && !row.own
             ? h('p', { class: 'll-who' },
                 h('bdi', {}, row.name), ' ',
                 h('span', { class: 'll-role' }, row.role))
             : spoken(`${row.own ? row.you : row.name}: `),
             h('div', { class: 'll-bubble', dir: 'auto' },
               h('span', { class: 'll-words', dir: 'auto' }, pieces(text)),
               long ? this.#fold(li) : null,
               this.#meta(row)),
             this.#state(row));
    }

    #fold(li) {
        li.classList.add('ll-folded');

        const button = h('button', {
            class: 'll-unfold', type: 'button', 'aria-expanded': 'false',
            onclick: () => {
                const folded = li.classList.toggle('ll-folded');

                attr(button, 'aria-expanded', String(!folded));
                fill(button, this.t(folded ? 'message.more'
                                           : 'message.less'));
            },
        }, this.t('message.more'));

        return button;
    }

    /* The time, and the state of own messages as an icon. */
    #meta(row) {
        const time = h('time', { datetime: row.at, dir: 'auto' }, row.time);
        const link = row.entry
            ? h('a', {
                class: 'll-time', tabindex: -1, title: row.absolute,
                href: hrefFor(this.#ctx.property, row.entry.seq),
                'aria-label': this.t('thread.link', { at: row.absolute }),
            }, time)
            : time;
        const quiet = row.own && !row.says
            ? h('span', { class: 'll-quiet', title: row.words },
                icon(row.icon), spoken(row.words))
            : null;

        return h('span', { class: 'll-meta' }, link, quiet);
    }

    #state(row) {
        if (!row.own || !row.says) {
            return null;
        }

        const words = h('span', { class: `ll-state ll-state-${row.state}` },
                        icon(row.icon),
                        h('span', { dir: 'auto' }, row.words));

        if (row.all) {
            return h('details', { class: 'll-seen' },
                     h('summary', {}, words), h('p', { dir: 'auto' }, row.all));
        }

        if (row.state !== 'failed') {
            return words;
        }

        return h('div', { class: 'll-remedy' }, words,
                 h('button', { type: 'button', class: 'll-small',
                               onclick: () => this.on.retry(row.item.n) },
                   this.t('state.retry')),
                 h('button', { type: 'button', class: 'll-small',
                               onclick: () => this.on.discard(row.item.n) },
                   this.t('state.delete')));
    }
}


/* A text with its links; everything else stays text. */
function pieces(text) {
    return linkify(text).map((piece) => piece.href
        ? h('a', { href: piece.href, dir: 'ltr', target: '_blank',
                   rel: 'noopener noreferrer nofollow' }, piece.text)
        : piece.text);
}
