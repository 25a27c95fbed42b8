/* The head of a thread: address, lease, and who is in it. */

import { hue, initials } from '../core/format.js';
import { fill, h, icon, spoken } from './dom.js';


export class ThreadHead {
    /* app: {t, back(event), pill()} */
    constructor(app) {
        const { t } = app;

        this.t = t;
        this.title = h('h2', { class: 'll-title', id: 'll-title',
                               dir: 'auto' });
        this.lease = h('p', { class: 'll-lease' });
        this.people = h('details', { class: 'll-people' });
        this.element = h('header', { class: 'll-head' },
            h('a', { class: 'll-button ll-back', href: './',
                     title: t('thread.back'),
                     onclick: (e) => app.back(e) },
              icon('back'), spoken(t('thread.back'))),
            h('div', { class: 'll-heading' }, this.title, this.lease),
            app.pill(),
            this.people);
    }

    draw(store, format) {
        const { t } = this;
        const sig = JSON.stringify([store.label, store.lease,
            store.parties.map((p) => [p.user, p.role, p.name])]);

        if (sig === this.sig) {
            return;
        }

        this.sig = sig;
        fill(this.title, store.label);
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
               h('ul', {}, store.parties.map((p) => this.person(p, store.me))),
               h('p', { class: 'll-dim' }, t('people.all'))));
    }

    person({ user, name, role }, me) {
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
