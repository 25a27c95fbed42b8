/* The open thread: head, messages, input. */

import { buildRows, spokenKeys } from '../core/rows.js';
import { seenBy } from '../core/thread-store.js';
import { Composer } from './composer.js';
import { empty, fill, h, icon, spoken } from './dom.js';
import { ThreadHead } from './thread-head.js';
import { Timeline } from './timeline.js';

const QUIET = 400;
const BURST = 3000;
const NAMES = 3;


export class ThreadView {
    #off = [];

    /* app: {t, format, messenger, drafts, back(), announce, pill} */
    constructor(app) {
        this.app = app;
        this.t = app.t;
        this.store = null;

        this.#build();
        app.messenger.outbox.on('change', () => this.#draw());
        app.messenger.on('thread', (store) => this.open(store));
        app.messenger.on('received', (entry) => this.#received(entry));
    }

    #build() {
        const { t, app } = this;

        this.head = new ThreadHead(app);
        this.notice = h('p', { class: 'll-notice', hidden: true });
        this.timeline = new Timeline({ t, on: {
            older: () => this.#older(),
            newer: () => app.messenger.threads.loadNewer(),
            end: () => this.#end(),
            moved: () => this.#pillState(),
            retry: (n) => app.messenger.retry(n),
            discard: (n) => app.messenger.discard(n),
            quote: (text) => this.composer.quote(text),
            announce: (words) => app.announce(words),
        } });
        this.down = h('button', {
            class: 'll-down', type: 'button', hidden: true,
            onclick: () => this.#toNewest(),
        });
        this.blank = h('div', { class: 'll-blank' });
        this.composer = new Composer({
            t, drafts: app.drafts, touch: app.touch,
            onSend: (text) => this.#send(text),
            onPhoto: () => app.alert(t('compose.photo')),
        });
        this.body = h('div', { class: 'll-body' }, this.timeline.element,
                      this.blank, this.down);
        this.element = h('section', {
            class: 'll-thread', id: 'll-thread', tabindex: -1,
            'aria-labelledby': 'll-title',
        }, this.head.element, this.notice, this.body, this.composer.element);
    }

    open(store) {
        this.#off.forEach((off) => off());
        this.#off = [];
        this.store = store;
        this.divider = null;
        this.placed = false;
        this.seenSeq = 0;
        this.timeline.reset();
        this.head.people.open = false;

        if (store) {
            this.composer.open(store.property);
            this.#off.push(store.on('change', () => this.#draw()));
        }

        this.#draw();
    }

    /* Draws once a frame, however many changes there are. */
    #draw() {
        if (!this.drawing) {
            this.drawing = true;
            requestAnimationFrame(() => this.#drawNow());
        }
    }

    #drawNow() {
        const { store, t } = this;

        this.drawing = false;

        if (!store) {
            this.head.element.hidden = true;
            this.composer.element.hidden = true;
            this.notice.hidden = true;
            this.down.hidden = true;
            this.timeline.element.hidden = true;
            fill(this.blank, empty('chat', t('empty.pick'),
                                   t('empty.pick.what')));
            this.blank.hidden = false;
            return;
        }

        this.format = this.app.format.in(store.timeZone);
        this.head.element.hidden = false;
        this.head.draw(store, this.format);
        this.app.header.draw();
        this.#drawFoot();
        this.#drawBlank();
        this.#place();
        this.#drawRows();
        this.notice.hidden = !store.stale || store.status !== 'ready';
        fill(this.notice, t('thread.stale'));
    }

    /* Sets the first scroll position, once the entries have arrived. */
    #place() {
        const { store } = this;

        if (this.placed || store.status !== 'ready') {
            return;
        }

        this.placed = !store.stale;
        this.divider = store.firstUnread();
        this.seenSeq = this.divider ? this.divider - 1 : store.headSeq;

        const { wanted } = this.app;

        if (wanted && store.entries.some((e) => e.seq === wanted)) {
            this.#aim(wanted);

        } else {
            if (wanted) {
                this.app.alert(this.t('thread.missing'));
            }

            if (this.divider !== null) {
                this.timeline.show({ key: 'new' });

            } else if (store.detached) {
                this.#aim(store.entries.find(
                    (e) => e.seq > store.you.read)?.seq);
            }
        }

        this.app.opened();
    }

    /* While the thread is loading, #place() shows what is wanted. */
    async showMessage(seq) {
        if (this.store.status === 'loading') {
            return;
        }

        const there = await this.app.messenger.threads.jumpTo(seq);

        if (there) {
            this.#aim(seq);
            this.#drawNow();
        } else if (there === false) {
            this.app.alert(this.t('thread.missing'));
        }
    }

    #aim(seq) {
        const row = this.#rows().find((r) => r.entry?.seq === seq);
        const focus = this.app.focusWanted;

        this.app.focusWanted = false;

        if (row) {
            this.timeline.show({ key: row.key, flash: true, focus });
        }
    }

    /* ---- around the messages ---- */

    #drawFoot() {
        const { store, t, format } = this;
        const { lease, you, status } = store;
        let sentence = null;

        this.composer.element.hidden = status === 'gone'
            || (status !== 'ready' && lease === null
                && this.app.messenger.outbox.of(store.property).length === 0);

        if (lease && !you.can_write) {
            if (lease.state === 'pending') {
                sentence = t('compose.pending',
                             { date: format.date(lease.starts_at) });

            } else if (lease.state === 'ended' && lease.ends_at) {
                sentence = t('compose.ended',
                             { date: format.date(lease.ends_at) });

            } else {
                sentence = t('compose.closed');
            }
        }

        this.composer.closed(sentence);
    }

    #drawBlank() {
        const { store, t, format } = this;
        const blank = this.#blankWords();

        this.timeline.element.hidden = blank !== null;
        this.blank.hidden = blank === null;

        if (blank === 'loading') {
            fill(this.blank, skeleton(t));

        } else if (blank === 'pending') {
            fill(this.blank, empty('clock', t('thread.opens', {
                date: format.date(store.lease.starts_at),
            }), t('thread.opens.what')));

        } else if (blank !== null) {
            const others = store.parties.filter((p) => p.user !== store.me);

            fill(this.blank, empty(
                blank === 'empty' ? 'chat' : 'warn', t(`thread.${blank}`),
                t(`thread.${blank}.what`,
                  { names: format.list(others.map((p) => p.name)) })));
        }
    }

    #blankWords() {
        const { store } = this;
        const pending = this.app.messenger.outbox.of(store.property);

        if (store.status === 'gone') {
            return 'gone';
        }

        if (store.entries.length || pending.length) {
            return null;
        }

        if (store.status !== 'ready') {
            return store.status;
        }

        return store.lease?.state === 'pending' ? 'pending' : 'empty';
    }

    /* ---- messages ---- */

    #rows() {
        const { store, format } = this;

        return buildRows({
            entries: store.entries,
            waiting: store.waiting(),
            pending: store.detached
                ? [] : this.app.messenger.outbox.of(store.property),
            me: store.me,
            divider: this.divider,
            dayKey: (at) => format.dayKey(at),
        });
    }

    #drawRows() {
        const { store } = this;
        const rows = this.#rows();
        const says = spokenKeys(rows, store.parties, store.me);

        for (const row of rows) {
            this.#describe(row, says.has(row.key));
        }

        this.timeline.older.hidden = !store.moreBefore;
        this.timeline.update(rows, { property: store.property,
                                     hole: store.detached });
    }

    /* The content of a row, and its signature. */
    #describe(row, says) {
        const { t, format } = this;

        if (row.type === 'day') {
            row.words = format.day(row.at);

        } else if (row.type === 'lease') {
            row.words = eventWords(row.entry, t);
            row.time = format.time(row.entry.at);
            row.absolute = format.absolute(row.entry.at);

        } else if (row.type === 'message') {
            row.time = format.time(row.at);
            row.absolute = format.absolute(row.at);
            row.you = this.app.messenger.session.name;

            if (row.entry) {
                row.name = row.entry.from.name;
                row.role = t(`role.${row.entry.from.role}`);
            }

            if (row.own) {
                row.says = says;
                Object.assign(row, this.#stateOf(row));
            }
        }

        row.sig = [row.type, row.words, row.time, row.absolute, row.first,
                   row.last, row.says, row.state, row.all,
                   row.entry?.seq].join('\n');
    }

    #stateOf({ item, entry, time }) {
        const { t, store } = this;

        if (item && item.state === 'failed') {
            return { state: 'failed', icon: 'warn',
                     words: t('state.failed', { why: this.#why(item) }) };
        }

        if (item) {
            return { state: 'sending', icon: 'clock',
                     words: t(item.accepted ? 'state.queued'
                                            : 'state.sending') };
        }

        const seen = seenBy(store, entry.seq);

        if (seen.length === 0) {
            return { state: 'sent', icon: 'sent',
                     words: t('state.sent', { time }) };
        }

        const names = seen.map(({ name, at }) =>
            at ? `${name} ${this.format.time(at)}` : name);
        const words = (list) => t('state.seen',
                                  { names: this.format.list(list) });

        if (names.length <= NAMES) {
            return { state: 'seen', icon: 'seen', words: words(names) };
        }

        return { state: 'seen', icon: 'seen', all: words(names),
                 words: words([...seen.slice(0, NAMES).map((x) => x.name),
                               t('state.others',
                                 { n: names.length - NAMES })]) };
    }

    /*
     * Explains a refused message. A text that the user can correct goes back
     * into the input.
     */
    failed(item) {
        if (item.property === this.store?.property && this.app.visible()
            && (item.reason === 'invalid-body' || item.reason === '413'))
        {
            this.composer.giveBack(item.text);
            this.app.messenger.discard(item.n);
        }

        return this.#why(item);
    }

    #why(item) {
        const key = `why.${item.reason}`;
        const words = this.t(key);

        return words === key ? this.t('why.other') : words;
    }

    /* ---- reading and scrolling ---- */

    #older() {
        if (this.store && this.store.moreBefore) {
            this.app.messenger.threads.loadOlder();
        }
    }

    /* Called when the end of the loaded entries is on screen. */
    #end() {
        const { store } = this;

        if (!store || store.status !== 'ready' || !store.atHead
            || this.drawing || this.timeline.element.hidden || !this.placed)
        {
            return;
        }

        if (this.app.visible()) {
            this.seenSeq = this.timeline.lastSeq;
            this.app.messenger.markRead(this.seenSeq);
        }
    }

    /* A live entry arrived: moves the divider and announces the entry. */
    #received(entry) {
        const { store } = this;
        const fromOther = store.isUnread(entry)
            || (entry.kind === 'message' && entry.from.user !== store.me);

        if (fromOther && !this.app.visible()
            && (this.divider === null || this.divider <= this.seenSeq))
        {
            this.divider = entry.seq;
        }

        if (entry.kind === 'lease') {
            this.#say(eventWords(entry, this.t));

        } else if (fromOther) {
            this.#say(this.t('say.message', {
                name: entry.from.name, text: entry.text,
            }));
        }
    }

    /* Announces a burst of messages in one sentence, after it has ended. */
    #say(words) {
        const { clock } = this.app;
        const now = clock.now();

        this.unsaid ??= { n: 0, began: now };
        this.unsaid.n++;
        clock.clearTimeout(this.unsaid.timer);
        this.unsaid.timer = clock.setTimeout(() => {
            const { n } = this.unsaid;

            this.unsaid = null;
            this.app.announce(n > 1 ? this.t('say.many', { n }) : words);
        }, Math.min(QUIET, this.unsaid.began + BURST - now));
    }

    #pillState() {
        const { store, t } = this;

        if (!store || store.status !== 'ready') {
            this.down.hidden = true;
            return;
        }

        const away = store.detached || !this.timeline.atEnd();
        const unseen = away ? this.#newCount() : 0;

        this.down.hidden = !away;
        this.down.classList.toggle('ll-has-new', unseen > 0);

        const words = unseen > 0 ? t('thread.newer', { n: unseen }) : '';

        if (this.downWords !== words) {
            this.downWords = words;
            fill(this.down, icon('down'), words
                 || spoken(t('thread.newest')));
        }
    }

    #newCount() {
        const { store } = this;

        if (store.detached) {
            return store.you.unread;
        }

        return store.entries.filter((e) => e.seq > this.seenSeq
            && e.kind === 'message' && e.from.user !== store.me).length;
    }

    async #toNewest() {
        await this.app.messenger.threads.jumpToNewest();
        this.#drawNow();
        this.timeline.toEnd();
        this.composer.focus();
    }

    /* Stores the message first: the end of the thread may not be loaded. */
    async #send(text) {
        const kept = this.app.messenger.send(text);

        await this.app.messenger.threads.jumpToNewest();
        this.#drawNow();
        this.timeline.toEnd();
        await kept;
    }

    /* The page is visible again: what is on screen counts as read. */
    seen() {
        if (this.store && this.timeline.atEnd()) {
            this.#end();
        }
    }

    focus() {
        if (this.composer.form.hidden) {
            this.element.focus({ preventScroll: true });
        } else {
            this.composer.focus();
        }
    }
}


function eventWords(entry, t) {
    const { kind, event, party } = entry;

    if (kind === 'erased') {
        return t('event.erased');
    }

    /* lost, or of a kind that this version does not know */
    if (kind !== 'lease') {
        return t('event.gone');
    }

    return party ? t(`event.${event}`, { name: party.name })
                 : t(`event.${event}`);
}


function skeleton(t) {
    return h('div', { class: 'll-skeleton' },
             spoken(t('thread.loading')),
             [0, 1, 2, 3].map(() => h('div', { class: 'll-bone' })));
}
