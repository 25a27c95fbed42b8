/*
 * The whole page: the inbox and the open thread, side by side, or one at a time
 * on a phone. Handles addresses, keys and what screen readers announce.
 */

import { hrefFor, parseLocation } from '../core/router.js';
import { attr, empty, fill, h, loadStyle } from './dom.js';
import { Header, closeMenus } from './header.js';
import { InboxView } from './inbox-view.js';
import { StatusView } from './status-view.js';

const ALERT = 8000;


export class App {
    #alerts;
    #eager = false;
    #finder = null;
    #loading = null;
    #main;
    #polite;
    #root;
    #side;
    #status;
    #threadView = null;

    /**
     * root: the element to fill; drafts, done, signOut(), setLanguage(code):
     * from main.js, which keeps them in the browser.
     * @param {{root: HTMLElement, t: Translate, language: string,
     *          format: import('../core/format.js').Formatter,
     *          messenger: import('../core/messenger.js').Messenger,
     *          clock: Clock, drafts: any, done: any, signOut: () => void,
     *          setLanguage: (code: string) => void, logo?: string}} parts
     */
    constructor({ root, t, language, format, messenger, clock, drafts, done,
                  signOut, setLanguage, logo })
    {
        this.#root = root;
        this.t = t;
        this.language = language;
        this.format = format;
        this.messenger = messenger;
        this.clock = clock;
        this.drafts = drafts;
        this.done = done;
        this.signOut = signOut;
        this.setLanguage = setLanguage;
        this.logo = logo;
        this.wanted = null;
        this.focusWanted = false;
        this.touch = matchMedia('(pointer: coarse)').matches;
        this.#build();
        this.#listen();
        this.#route();
    }

    #build() {
        const { t } = this;

        this.#status = new StatusView(this);
        this.header = new Header(this);
        this.inboxView = new InboxView(this);
        this.#main = h('div', { class: 'll-main' },
            h('section', { class: 'll-thread ll-blank', id: 'll-thread',
                           tabindex: -1, 'aria-label': t('thread.messages') },
              empty('chat', t('empty.pick'), t('empty.pick.what'))));
        this.sessionBar = h('div', { class: 'll-session', role: 'status',
                                     hidden: true });
        this.versionBar = h('div', { class: 'll-version', role: 'status',
                                     hidden: true });
        this.#side = h('div', { class: 'll-side' }, this.header.element,
                       this.inboxView.element);
        this.#polite = h('div', { class: 'll-spoken', 'aria-live': 'polite' });
        this.#alerts = h('div', { class: 'll-alerts', role: 'alert' });

        fill(this.#root,
             h('h1', { class: 'll-spoken' }, t('app.messages')),
             h('a', { class: 'll-skip', href: '#ll-thread',
                      onclick: (e) => this.#skip(e) }, t('app.skip')),
             h('div', { class: 'll-bars' }, this.sessionBar,
               this.versionBar, this.#status.banner),
             this.#side, this.#main,
             this.#polite, this.#alerts, this.#status.words);
    }

    pill() {
        return this.#status.pill();
    }

    visible() {
        return document.visibilityState === 'visible';
    }

    #listen() {
        const { messenger } = this;
        const wake = () => {
            if (this.visible()) {
                messenger.wake();
                this.#threadView?.seen();
            }
        };

        window.addEventListener('popstate', () => {
            if (!history.state?.finding) {
                this.#finder?.left();
            }

            this.#route();
        });
        window.addEventListener('hashchange', () => this.#route());
        window.addEventListener('online', wake);
        window.addEventListener('offline', () => messenger.networkLost());
        window.addEventListener('pageshow', wake);
        window.addEventListener('pagehide', () => messenger.suspend());
        window.addEventListener('focus', wake);
        document.addEventListener('visibilitychange', wake);
        document.addEventListener('keydown', (e) => this.#key(e));
        document.addEventListener('dragover', (e) => this.#drag(e));
        document.addEventListener('drop', (e) => this.#drag(e));
        closeMenus();
        messenger.on('failed', async (item) => {
            const why = (await this.loadThread()).failed(item);

            this.alert(this.t('say.failed', { why }),
                       item.property === messenger.thread?.property
                       ? 'll-spoken' : null);
        });

        /* the list shows relative times, which grow older */
        setInterval(() => this.inboxView.draw(), 30000);
    }

    /* ---- navigation ---- */

    #route() {
        const { property, seq } = parseLocation(location);
        const open = this.messenger.thread;

        this.wanted = seq;

        if (open && open.property === property) {
            if (seq) {
                this.#threadView?.showMessage(seq);
            }

            return;
        }

        attr(this.#root, 'data-thread', property === null ? null : property);
        this.inboxView.select(property);

        if (property === null) {
            this.messenger.closeThread();
        } else {
            this.messenger.openThread(property, seq);
            this.loadThread();
        }
    }

    /* Loads the view of a thread, which the list does not need. */
    loadThread() {
        this.#loading ??= Promise.all([
            import('./thread-view.js'), loadStyle('css/thread.css'),
        ]).then(([{ ThreadView }]) => {
            this.#threadView = new ThreadView(this);
            this.#threadView.open(this.messenger.thread);
            this.#main.replaceChildren(this.#threadView.element);

            return this.#threadView;
        });
        this.#loading.catch(() => {
            this.#loading = null;
        });

        return this.#loading;
    }

    go(property) {
        const before = this.messenger.thread?.property ?? null;

        if (property !== before) {
            history.pushState({ inside: true }, '', hrefFor(property));
            this.#route();
        }

        /* at once if the view is loaded, else when it is */
        this.#eager = property !== null && !this.touch;

        if (this.#eager && property === before) {
            this.#threadView?.focus();
        }
    }

    /* Goes to a message, and so does the focus. */
    visit(property, seq) {
        const same = property === this.messenger.thread?.property;

        history[same ? 'replaceState' : 'pushState'](
            same ? history.state : { inside: true }, '',
            hrefFor(property, seq));
        this.#eager = false;
        this.focusWanted = true;
        this.#route();
    }

    /* Loads the search, which the first screen does not need. */
    async loadSearch() {
        const { loadPanel } = await import('./search-panel.js');
        const panel = await loadPanel(this);

        if (!this.#finder) {
            this.#finder = panel;
            this.#side.append(panel.element);
        }
    }

    /*
     * Opens the search of a thread, or of all (null), with these words or else
     * the last ones; at once if it is loaded, so that it gets the next key.
     */
    async find(property, words) {
        if (!this.#finder) {
            await this.loadSearch();
        }

        this.#finder.open(property, words);
    }

    /* The search takes the place of the list, and on a phone of all. */
    finding(on) {
        attr(this.#root, 'data-finding', on);
    }

    /*
     * Goes back from a thread to the list: by the browser's history if the list
     * is in it.
     */
    back(event) {
        event?.preventDefault();

        if (history.state?.inside) {
            history.back();
        } else {
            history.replaceState(null, '', hrefFor(null));
            this.#route();
        }
    }

    /* Called when the thread has its messages and its scroll position. */
    opened() {
        const idle = document.activeElement === document.body;

        this.wanted = null;

        if (!this.touch && (idle || this.#eager)) {
            this.#threadView.focus();
        }

        this.#eager = false;
    }

    #skip(event) {
        event.preventDefault();
        (this.#threadView ?? document.getElementById('ll-thread')).focus();
    }

    #key(event) {
        const typing = event.target.closest?.('input, textarea, select');

        if (event.defaultPrevented || event.isComposing) {
            return;
        }

        if ((event.ctrlKey || event.metaKey) && !event.altKey
            && !event.shiftKey && event.key.toLowerCase() === 'k')
        {
            event.preventDefault();
            this.find(this.messenger.thread?.property ?? null);

        } else if (event.key === 'Escape' && !typing
                   && this.#root.hasAttribute('data-finding'))
        {
            event.preventDefault();
            this.#finder.close();

        } else if (event.key === '/' && !typing && !event.ctrlKey
            && !event.metaKey && !event.altKey)
        {
            event.preventDefault();

            this.#finder?.close();

            if (this.messenger.thread && this.narrow()) {
                this.back();
            }

            this.inboxView.focusFilter();

        } else if (event.key === '?' && !typing) {
            import('./extras.js').then(({ shortcuts }) => shortcuts(this.t));

        } else if (event.key === 'Escape' && !typing
                   && this.messenger.thread)
        {
            const { property } = this.messenger.thread;

            this.back();
            this.inboxView.focusProperty(property);
        }
    }

    /* Without this, the browser opens a dropped file in place of the page. */
    #drag(event) {
        if (event.dataTransfer?.types.includes('Files')) {
            event.preventDefault();

            if (event.type === 'drop') {
                this.alert(this.t('compose.photo'));
            }
        }
    }

    /* Whether the list and the thread are shown one at a time. */
    narrow() {
        return [this.#side, this.#main].some((el) => el.clientWidth === 0);
    }

    /* ---- announcements for screen readers ---- */

    announce(words) {
        const line = h('p', {}, words);

        this.#polite.append(line);
        this.clock.setTimeout(() => line.remove(), ALERT);
    }

    /* Shows and announces what is no fault. */
    note(words) {
        this.alert(words, 'll-note');
    }

    /* how: "ll-spoken" where the page already shows it. */
    alert(words, how = null) {
        const line = h('p', { class: how }, words);

        this.#alerts.append(line);
        this.clock.setTimeout(() => line.remove(), ALERT);
    }
}
