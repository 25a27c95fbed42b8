/*
 * The inbox: all threads, newest first, with filters. Only the rows on screen
 * are in the document, so that thousands scroll smoothly.
 */

import { badge, hue, initials } from '../core/format.js';
import { filterThreads } from '../core/inbox-store.js';
import { hrefFor } from '../core/router.js';
import { KeyedList, attr, empty, fill, h, icon, spoken } from './dom.js';

const FILTERS = ['all', 'unread', 'reply', 'ended'];
const OVERSCAN = 8;


export class InboxView {
    #order = [];
    #current = null;
    #focused = null;
    #pointer = false;

    /* app: {t, format, messenger, go(property)} */
    constructor(app) {
        this.app = app;
        this.t = app.t;
        this.filter = 'all';

        this.#build();

        const { inbox, names } = app.messenger;

        inbox.on('change', () => this.draw());
        names.on('change', () => this.draw());
    }

    #build() {
        const { t } = this;

        this.input = h('input', {
            class: 'll-filter', type: 'search', id: 'll-filter', dir: 'auto',
            placeholder: t('inbox.filter'), autocomplete: 'off',
            'aria-label': t('inbox.filter'), 'aria-keyshortcuts': '/',
            oninput: () => this.#refilter(),
            onkeydown: (e) => this.#inputKey(e),
        });
        this.chips = FILTERS.map((name) => h('button', {
            class: 'll-chip', type: 'button',
            'aria-pressed': name === 'all' ? 'true' : 'false',
            onclick: () => this.#choose(name),
        }, t(name === 'all' ? 'inbox.all' : `inbox.only.${name}`)));
        this.words = h('button', {
            class: 'll-words-too', type: 'button', hidden: true,
            onclick: () => this.app.find(null, this.input.value.trim()),
        });
        this.moved = h('button', {
            class: 'll-moved', type: 'button', hidden: true,
            onclick: () => this.#resort(),
        }, t('inbox.moved'));
        this.notice = h('p', { class: 'll-notice', hidden: true });
        this.rows = h('ul', { class: 'll-list', role: 'list' });
        this.blank = h('div', { class: 'll-blank' });
        this.scroller = h('div', {
            class: 'll-threads', onscroll: () => this.#window(),
            onpointerenter: () => this.#hold(true),
            onpointerleave: () => this.#hold(false),
            onfocusout: () => queueMicrotask(() => this.draw()),
            onkeydown: (e) => this.#key(e),
        }, this.rows, this.blank);
        this.list = new KeyedList(this.rows, {
            render: (li, row) => this.#render(li, row),
        });
        this.element = h('nav', {
            class: 'll-inbox', 'aria-label': t('inbox.title'),
        },
            h('div', { class: 'll-search' },
              h('div', { class: 'll-filterbox' }, icon('filter'), this.input),
              h('button', {
                  class: 'll-button ll-finder', type: 'button',
                  title: t('find.all.what'), 'aria-keyshortcuts':
                  'Control+K Meta+K', onclick: () => this.app.find(null),
              }, icon('search'), spoken(t('find.all.what')))),
            h('div', { class: 'll-chips', role: 'group',
                       'aria-label': t('inbox.filters') }, this.chips),
            this.words, this.notice, this.moved, this.scroller);
        new ResizeObserver(() => this.#window()).observe(this.scroller);
    }

    /* ---- content and order ---- */

    draw() {
        if (!this.drawing) {
            this.drawing = true;
            requestAnimationFrame(() => {
                this.drawing = false;
                this.#drawNow();
            });
        }
    }

    #drawNow() {
        const { inbox, names, me } = this.app.messenger;
        const shown = filterThreads(inbox.sorted(), {
            filter: this.filter, text: this.input.value, me,
            names: (thread) => names.of(thread),
            isDone: this.app.done.is,
        });

        this.both = new Set([...inbox.threads.values()].map((x) => x.role))
                        .size > 1;
        this.byId = inbox.threads;
        this.#arrange(shown.map((thread) => thread.property));
        this.#drawNotice();
        this.#drawBlank();
        this.#window();
    }

    /*
     * While the pointer or the focus is in the list, no row moves: known rows
     * keep their order, new ones are added below.
     */
    #arrange(wanted) {
        if (!this.#held()) {
            this.#order = wanted;
            this.moved.hidden = true;
            return;
        }

        const has = new Set(wanted);
        const kept = this.#order.filter((p) => has.has(p)
            || (this.filter === 'unread' && this.byId.has(p)));
        const known = new Set(kept);

        this.#order = kept.concat(wanted.filter((p) => !known.has(p)));
        this.moved.hidden = this.#order.every((p, i) => p === wanted[i])
                            || this.#order.length !== wanted.length;
    }

    #held() {
        return (this.#pointer || this.rows.contains(document.activeElement))
               && this.#order.length > 0 && !this.forced;
    }

    #hold(pointer) {
        this.#pointer = pointer;

        if (!pointer) {
            this.draw();
        }
    }

    #resort() {
        this.forced = true;
        this.#drawNow();
        this.forced = false;
        this.scroller.scrollTop = 0;
        this.#window();
    }

    #choose(name) {
        this.filter = name;
        this.chips.forEach((chip, i) =>
            attr(chip, 'aria-pressed', String(FILTERS[i] === name)));
        this.#refilter();
    }

    #refilter() {
        const text = this.input.value.trim();

        this.words.hidden = text === '';
        fill(this.words, icon('search'),
             h('span', {}, this.t('find.words', { text })));
        this.scroller.scrollTop = 0;
        this.#resort();
        this.app.messenger.names.want(
            this.input.value ? [...this.byId.values()] : []);
    }

    #drawNotice() {
        const { inbox } = this.app.messenger;
        const key = inbox.status === 'error' ? 'inbox.error'
                    : this.#searching() ? 'inbox.searching' : null;

        this.notice.hidden = !key || inbox.threads.size === 0;
        fill(this.notice, key ? this.t(key) : '');
    }

    /* A filter's text is also searched in threads that are not loaded yet. */
    #searching() {
        const { inbox, names } = this.app.messenger;

        return this.input.value.trim() !== ''
               && !(inbox.complete && names.complete([...this.byId.values()]));
    }

    #drawBlank() {
        const { inbox } = this.app.messenger;

        this.blank.hidden = this.#order.length > 0;

        if (this.#order.length > 0) {
            return;
        }

        if (inbox.status === 'loading'
            || (inbox.status === 'error' && inbox.threads.size === 0))
        {
            fill(this.blank, skeleton(this.t));
            return;
        }

        fill(this.blank, this.#nothing());
    }

    #nothing() {
        const { t } = this;
        const text = this.input.value.trim();

        if (this.app.messenger.inbox.threads.size === 0) {
            return empty('home', t('empty.none'), t('empty.none.what'));
        }

        if (this.#searching()) {
            return empty('search', t('inbox.searching'), '');
        }

        if (text !== '') {
            return empty('search', t('empty.found'),
                         t('empty.found.what', { text }));
        }

        const done = this.filter === 'ended' ? 'home' : 'done';

        return empty(done, t(`empty.${this.filter}`),
                     t(`empty.${this.filter}.what`));
    }

    /* ---- the rows on screen ---- */

    #rowHeight() {
        const rem = parseFloat(getComputedStyle(document.documentElement)
                               .fontSize);

        return Math.round(5.25 * rem);
    }

    #window() {
        const height = this.#rowHeight();
        const { scrollTop, clientHeight } = this.scroller;
        const first = Math.max(0, Math.floor(scrollTop / height) - OVERSCAN);
        const last = Math.min(this.#order.length,
                              Math.ceil((scrollTop + clientHeight) / height)
                              + OVERSCAN);
        const shown = this.#order.slice(first, last);

        this.rows.style.height = `${this.#order.length * height}px`;

        const rows = shown.map((property, i) =>
            this.#row(this.byId.get(property), first + i));

        this.list.update(rows);

        const tabbed = shown.includes(this.#focused) ? this.#focused : shown[0];

        rows.forEach((row) => {
            const li = this.list.get(row.key);

            li.style.top = `${row.index * height}px`;
            attr(li.firstElementChild, 'tabindex',
                 row.key === tabbed ? 0 : -1);
        });
        this.app.messenger.names.want(
            shown.map((property) => this.byId.get(property)));
    }

    /* The content of a row, and its signature. */
    #row(thread, index) {
        const { t, app } = this;
        const { property, last } = thread;
        const parties = app.messenger.names.of(thread) || [];
        const others = parties.filter((p) => p.role !== thread.role);
        const format = app.format.in(app.messenger.names.zoneOf(thread));
        const row = {
            key: property, index, thread,
            people: others.map((p) => p.name),
            snippet: this.#snippet(thread, parties),
            time: last ? format.relative(last.at) : '',
            absolute: last ? format.absolute(last.at) : '',
            selected: property === this.#current,
            role: this.both && thread.role === 'tenant'
                ? t('inbox.tenant') : '',
        };

        row.sig = JSON.stringify([row, this.#order.length]);

        return row;
    }

    #snippet({ last, lease }, parties) {
        const { t, app } = this;

        if (!last) {
            return lease?.state === 'pending'
                ? t('thread.opens', {
                    date: app.format.date(lease.starts_at) })
                : '';
        }

        if (last.kind === 'lease') {
            return last.event === 'opened' || last.event === 'ended'
                ? t(`event.${last.event}`)
                : t(`people.${last.event}`);
        }

        if (last.kind !== 'message') {
            return t(last.kind === 'erased' ? 'event.erased' : 'event.gone');
        }

        if (last.from === app.messenger.me) {
            return t('inbox.you', { text: last.preview });
        }

        const sender = parties.find((p) => p.user === last.from);

        return sender ? t('inbox.said', { name: sender.name,
                                          text: last.preview })
                      : last.preview;
    }

    #render(li, row) {
        const { t } = this;
        const { thread } = row;
        const names = row.people.length
            ? this.app.format.list(row.people) : '';

        li.className = 'll-item';
        attr(li, 'aria-setsize', this.#order.length);
        attr(li, 'aria-posinset', row.index + 1);

        const link = li.firstElementChild ?? this.#link(row.key);

        link.className = `ll-card${thread.unread ? ' ll-unread' : ''}`;
        attr(link, 'aria-current', row.selected ? 'true' : null);
        fill(link,
            h('span', { class: `ll-face ll-hue${hue(thread.property, 8)}`,
                        'aria-hidden': 'true' },
              names ? initials(row.people[0]) : icon('home')),
            h('span', { class: 'll-card-top' },
              h('span', { class: 'll-label', dir: 'auto',
                          title: thread.label },
                thread.label), ' ',
              h('time', { class: 'll-when', title: row.absolute, dir: 'auto',
                          datetime: thread.last?.at }, row.time)),
            h('span', { class: 'll-card-people' },
              h('span', { class: 'll-names', dir: 'auto' }, names), ' ',
              tag(row.role),
              thread.lease && thread.lease.state !== 'active'
              ? tag(t(`lease.${thread.lease.state}`)) : null),
            h('span', { class: 'll-card-last' },
              h('span', { class: 'll-snippet', dir: 'auto' }, row.snippet),
              ' ',
              thread.unread
              ? h('span', { class: 'll-badge' },
                  h('span', { 'aria-hidden': 'true' },
                    badge(thread.unread)),
                  spoken(t('inbox.unread', { n: thread.unread })))
              : null));

        if (!link.parentNode) {
            li.append(link);
        }
    }

    /* The link of a row stays the same element, so that it keeps the focus. */
    #link(property) {
        return h('a', {
            href: hrefFor(property), 'data-property': property,
            onclick: (e) => this.#pick(e, property),
            onfocus: () => {
                this.#focused = property;
            },
        });
    }

    /* ---- selection ---- */

    #pick(event, property) {
        if (event.metaKey || event.ctrlKey || event.shiftKey
            || event.button > 0)
        {
            return;
        }

        event.preventDefault();
        this.app.go(property);
    }

    select(property) {
        this.#current = property;
        this.#focused = property ?? this.#focused;
        this.draw();
    }

    #inputKey(event) {
        if (event.key === 'Escape' && this.input.value) {
            event.preventDefault();
            event.stopPropagation();
            this.input.value = '';
            this.#refilter();

        } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
            event.preventDefault();
            this.#focusRow(0);
        }
    }

    #key(event) {
        const at = this.#order.indexOf(this.#focused);
        const page = Math.max(1, Math.floor(this.scroller.clientHeight
                                            / this.#rowHeight()) - 1);
        const to = {
            ArrowDown: at + 1, ArrowUp: at - 1, Home: 0,
            End: this.#order.length - 1, PageDown: at + page,
            PageUp: at - page,
        }[event.key];

        if (to === undefined || event.altKey || event.ctrlKey
            || event.metaKey)
        {
            return;
        }

        event.preventDefault();

        if (to < 0 && event.key === 'ArrowUp') {
            this.input.focus();
        } else {
            this.#focusRow(to);
        }
    }

    #focusRow(index) {
        const to = Math.min(Math.max(index, 0), this.#order.length - 1);

        if (to < 0) {
            return;
        }

        const height = this.#rowHeight();
        const { clientHeight, scrollTop } = this.scroller;

        if (to * height < scrollTop) {
            this.scroller.scrollTop = to * height;

        } else if ((to + 1) * height > scrollTop + clientHeight) {
            this.scroller.scrollTop = (to + 1) * height - clientHeight;
        }

        this.#focused = this.#order[to];
        this.#window();
        this.list.get(this.#focused).firstElementChild
            .focus({ preventScroll: true });
    }

    focusProperty(property) {
        this.#focusRow(this.#order.indexOf(property));
    }

    focusFilter() {
        this.input.focus();
        this.input.select();
    }
}


function tag(words) {
    return words ? h('span', { class: 'll-tag' }, words) : null;
}


function skeleton(t) {
    return h('div', { class: 'll-skeleton' },
             spoken(t('inbox.loading')),
             [0, 1, 2, 3, 4, 5].map(() => h('div', { class: 'll-bone' })));
}
