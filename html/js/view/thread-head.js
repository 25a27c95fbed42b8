/* The head of a thread: label, lease, parties. */

import { hue, initials } from '../core/format.js';
import { needsReply } from '../core/inbox-store.js';
import { attr, fill, h, icon, spoken } from './dom.js';


export class ThreadHead {
    /* app: {t, back(event), pill()} */
    constructor(app) {
        const { t } = app;

        this.t = t;
        this.title = h('h2', { class: 'll-title', id: 'll-title',
                               dir: 'auto' });
        this.lease = h('p', { class: 'll-lease' });
        this.people = h('details', { class: 'll-people' });
        this.app = app;
        this.done = h('button', {
            class: 'll-button ll-done', type: 'button', hidden: true,
            onclick: () => this.#setDone(),
        }, icon('done'), spoken(t('thread.done')));
        /* hidden until the first draw sets the title */
        this.element = h('header', { class: 'll-head', hidden: true },
            h('a', { class: 'll-button ll-back', href: './',
                     title: t('thread.back'),
                     onclick: (e) => app.back(e) },
              icon('back'), spoken(t('thread.back'))),
            h('div', { class: 'll-heading' }, this.title, this.lease),
            app.pill(),
            h('button', {
                class: 'll-button ll-finder', type: 'button',
                title: t('find.thread.what'),
                'aria-keyshortcuts': 'Control+K Meta+K',
                onclick: () => app.find(this.property),
            }, icon('search'), spoken(t('find.thread.what'))),
            this.done,
            this.people);
        this.#loadMenu();
    }

    /* The menu of the record, which nothing waits for. */
    async #loadMenu() {
        const { loadRecordMenu } = await import('./record-menu.js');

        this.menu = await loadRecordMenu(this.app);
        this.done.after(this.menu.element);

        if (this.property) {
            this.menu.draw(this.property);
        }
    }

    /* "Needs reply" can be marked as done, until the next message. */
    #drawDone() {
        const { messenger, done } = this.app;
        const thread = messenger.inbox.threads.get(this.property);
        const open = thread && needsReply(thread, messenger.me,
                                          messenger.names.of(thread));
        const is = Boolean(open && done.is(thread));

        this.done.hidden = !open;
        attr(this.done, 'aria-pressed', String(is));
        attr(this.done, 'title', this.t(is ? 'thread.undone.what'
                                           : 'thread.done.what'));
    }

    #setDone() {
        const { messenger, done, inboxView } = this.app;
        const thread = messenger.inbox.threads.get(this.property);

        if (thread) {
            done.set(this.property, done.is(thread) ? '' : thread.last.seq);
            this.#drawDone();
            inboxView.draw();
        }
    }

    draw(store, format) {
        const { t } = this;

        if (this.property !== store.property) {
            this.property = store.property;
            this.menu?.draw(this.property);
        }

        this.#drawDone();

        const sig = JSON.stringify([store.label, store.lease,
            store.parties.map((p) => [p.user, p.role, p.name])]);

        if (sig === this.sig) {
            return;
        }

        this.sig = sig;
        fill(this.title, store.label || t('thread.loading'));
        attr(this.title, 'title', store.label);
        fill(this.lease, store.lease ? leaseLine(store.lease, t, format) : []);
        this.people.hidden = store.parties.length === 0;
        fill(this.people,
             h('summary', { class: 'll-button',
                            title: t('people.title') },
               icon('people'),
               h('bdi', { class: 'll-peoplenames' },
                 format.list(store.parties.map((p) => p.name))),
               spoken(t('people.count', { n: store.parties.length }))),
             h('div', { class: 'll-panel' },
               h('h3', {}, t('people.title')),
               h('ul', {}, store.parties.map((p) => this.#person(p, store.me))),
               h('p', { class: 'll-dim' }, t('people.all'))));
    }

    #person({ user, name, role }, me) {
        const you = user === me;

        return h('li', {},
                 h('span', { class: `ll-face ll-hue${hue(user, 8)}`,
                             'aria-hidden': 'true' }, initials(name)),
                 h('span', {},
                   h('bdi', {}, you ? this.t('people.you', { name }) : name),
                   h('span', { class: 'll-dim' }, this.t(`role.${role}`))));
    }
}


/* "Active · Lease from 1 November 2026" */
function leaseLine(lease, t, format) {
    const from = format.date(lease.starts_at);
    const dates = lease.ends_at
        ? t('lease.range', { from, to: format.date(lease.ends_at) })
        : t('lease.from', { from });
    const next = lease.next
        ? t('lease.next', { date: format.date(lease.next.starts_at) }) : null;

    return [
        h('span', { class: `ll-tag ll-lease-${lease.state}` },
          t(`lease.${lease.state}`)),
        h('span', {}, dates),
        next ? h('span', {}, next) : null,
    ];
}
