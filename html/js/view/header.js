/*
 * The top of the inbox: name, number of unread messages, state of the
 * connection, user. Also the title of the page, its icon, and the badge of the
 * installed app.
 */

import { badge, hue, initials } from '../core/format.js';
import { LANGUAGES } from '../core/i18n.js';
import { attr, fill, h, spoken } from './dom.js';


export class Header {
    /* app: {t, language, messenger, pill(), signOut(), setLanguage(l)} */
    constructor(app) {
        this.app = app;
        this.total = h('span', { class: 'll-badge', hidden: true });
        this.account = this.#menu();
        this.element = h('header', { class: 'll-top' },
            h('p', { class: 'll-brand' },
              app.logo && h('img', { class: 'll-logo', src: app.logo,
                                     alt: '' }),
              app.t('app.name'), ' ', this.total),
            app.pill(),
            this.account);

        app.messenger.inbox.on('change', () => this.draw());
        app.messenger.on('thread', () => this.draw());
        this.draw();
    }

    #menu() {
        const { app } = this;
        const { name, user } = app.messenger.session;
        const language = h('select', {
            id: 'll-language',
            onchange: (e) => app.setLanguage(e.target.value),
        }, Object.entries(LANGUAGES).map(([code, words]) =>
            h('option', { value: code, lang: code,
                          selected: code === app.language }, words)));
        const details = h('details', { class: 'll-account' },
            h('summary', { class: 'll-button' },
              h('span', { class: `ll-face ll-hue${hue(user, 8)}`,
                          'aria-hidden': 'true' }, initials(name)),
              spoken(app.t('account.open', { name }))),
            h('div', { class: 'll-panel' },
              h('p', {}, app.t('account.as', { name })),
              h('label', { for: 'll-language' }, app.t('account.language')),
              language,
              h('button', { type: 'button', class: 'll-small',
                            onclick: () => app.signOut() },
                app.t('account.out'))));

        return details;
    }

    draw() {
        const { inbox, thread } = this.app.messenger;
        const { total } = inbox;
        const label = thread?.label || this.app.t('app.messages');

        if (total === this.drawn && label === this.label) {
            return;
        }

        this.drawn = total;
        this.label = label;
        this.total.hidden = total === 0;
        fill(this.total,
             h('span', { 'aria-hidden': 'true' }, badge(total)),
             spoken(this.app.t('inbox.unread', { n: total })));
        this.#outside(total);
    }

    #outside(total) {
        const name = `${this.label} · ${this.app.t('app.name')}`;

        document.title = total > 0 ? `(${badge(total)}) ${name}` : name;
        attr(document.querySelector('link[rel~="icon"]'), 'href',
             total > 0 ? 'img/icon-unread.svg' : 'img/icon.svg');

        if (navigator.setAppBadge) {
            const asked = total > 0 ? navigator.setAppBadge(total)
                                    : navigator.clearAppBadge();

            asked.catch(() => {});
        }
    }
}


/* Closes menus on Escape and on a click elsewhere. */
export function closeMenus() {
    document.addEventListener('click', (e) => {
        for (const menu of openMenus()) {
            if (!e.composedPath().includes(menu)) {
                menu.open = false;
            }
        }
    });
    document.addEventListener('keydown', (e) => {
        const [menu] = openMenus();

        if (e.key === 'Escape' && menu) {
            e.stopPropagation();
            menu.open = false;
            menu.querySelector('summary').focus();
        }
    }, true);
}


/** @returns {NodeListOf<HTMLDetailsElement>} */
function openMenus() {
    return document.querySelectorAll('details[open]');
}
