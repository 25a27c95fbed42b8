/*
 * Starts the page: finds the user and the language, and connects core and view
 * with the browser's interfaces.
 */

import { token } from './fragment.js';

import { Api } from './core/api.js';
import { realClock as clock, within } from './core/clock.js';
import { Db } from './core/db.js';
import { Formatter } from './core/format.js';
import { LANGUAGES, directionOf, pickLanguage, pickLocale, translator }
    from './core/i18n.js';
import { Messenger } from './core/messenger.js';
import { Session, newClientId } from './core/session.js';
import { Source } from './core/source.js';
import { Tabs } from './core/tabs.js';
import english from './strings/en.js';
import { App } from './view/app.js';

const PATIENCE = 2000;

const root = document.getElementById('ll-app');
/** @type {Fetch} */
const ask = (url, options) => fetch(url, options);
const visible = () => document.visibilityState === 'visible';
const account = () => import('./account.js');

/* to the other tabs of this browser, of whichever user */
const everyone = new BroadcastChannel('leaseloft');


/* Strings in localStorage; nothing is stored where the browser forbids it. */
const keep = {
    get(key) {
        try {
            return localStorage.getItem(`leaseloft.${key}`);
        } catch {
            return null;
        }
    },
    /* Returns whether the value was stored. */
    set(key, value) {
        try {
            if (value) {
                localStorage.setItem(`leaseloft.${key}`, value);
            } else {
                localStorage.removeItem(`leaseloft.${key}`);
            }

            return true;
        } catch {
            return false;
        }
    },
    keys(start) {
        try {
            return Object.keys(localStorage)
                .filter((key) => key.startsWith(`leaseloft.${start}`))
                .map((key) => key.slice('leaseloft.'.length));
        } catch {
            return [];
        }
    },
};


/*
 * The last user of this browser, so that the page opens offline, and the time
 * until which it may open before the server has answered.
 */
function remember({ user, name, expires_at }) {
    keep.set('session', JSON.stringify({ user, name, expires_at }));
}


function remembered() {
    try {
        const { user, name, expires_at } = JSON.parse(keep.get('session'));

        return user ? { user, name, expires: expires_at === null
            ? Infinity : Date.parse(expires_at) } : null;
    } catch {
        return null;
    }
}


/* config.json, if there is one (docs/ui.md). */
async function loadConfig() {
    try {
        const response = await within(clock, PATIENCE, fetch('config.json'));

        return Object(response.ok && await response.json());
    } catch {
        return {};
    }
}


async function loadLanguage(name) {
    const language = pickLanguage([keep.get('language'),
                                   ...navigator.languages].filter(Boolean));
    const strings = language === 'en' ? english
        : await import(`./strings/${language}.js`).then(
            (module) => module.default, () => english);
    const own = name ? { 'app.name': name } : {};

    document.documentElement.lang = language;
    document.documentElement.dir = directionOf(language);

    return {
        language,
        locale: pickLocale(language, navigator.languages,
                           keep.get('language') === language),
        t: translator(language, { ...strings, ...own }, english),
    };
}


/* unkept() is called once if a draft could not be stored. */
function draftsOf(user, unkept) {
    let warned = false;

    return {
        get: (property) => keep.get(`draft.${user}.${property}`) || '',
        set: (property, text) => {
            if (!keep.set(`draft.${user}.${property}`, text) && !warned) {
                warned = true;
                unkept();
            }
        },
        /* changed or sent in another tab */
        on: (fn) => window.addEventListener('storage', ({ key }) => {
            const start = `leaseloft.draft.${user}.`;

            if (key?.startsWith(start)) {
                fn(key.slice(start.length));
            }
        }),
    };
}


/*
 * Threads marked as needing no reply up to a message. Stored in this browser
 * only: the server does not know of it.
 */
function doneOf(user) {
    return {
        is: ({ property, last }) => last !== null
            && keep.get(`done.${user}.${property}`) === String(last.seq),
        set: (property, seq) => keep.set(`done.${user}.${property}`,
                                         seq && String(seq)),
    };
}


/*
 * Called when the tab becomes visible, or another tab reports a change of
 * session.
 */
function watch(session) {
    const look = () => visible() && session.check();

    document.addEventListener('visibilitychange', look);
    window.addEventListener('focus', look);
    window.addEventListener('online', look);
    window.addEventListener('hashchange', () => {
        if (location.hash.startsWith('#token=')) {
            location.reload();
        }
    });
    everyone.addEventListener('message', ({ data }) => {
        if (data.t === 'session') {
            session.check();
        }
    });
}


/*
 * The user of this page: {user, name, reason}; user is null if nobody is signed
 * in.
 */
async function whoIsIt(page) {
    const { session } = page;
    const { reason = null, finding, ...state } = history.state ?? {};

    history.replaceState(state, '');

    if (token !== null) {
        const { followLink } = await import('./core/link.js');
        const { session: now, reason: why } = await followLink({
            token, api: page.api, clock,
            ask: async (...people) => (await account()).ask(page, ...people),
            waiting: async () => (await account()).wait(page),
        });

        everyone.postMessage({ t: 'session' });

        return { ...now, reason: why };
    }

    const last = remembered();

    /* the clock of the device only decides whether to wait for the server */
    if (last && last.expires > clock.now() && reason === null) {
        return last;
    }

    switch (await within(clock, PATIENCE, session.check()).catch(() => null)) {

    case 'ours':
        return { user: session.user, name: session.name };

    case 'ended':
        return { reason: reason ?? (last ? 'expired' : 'none') };

    default:
        return last ?? { reason: 'wait' };
    }
}


function makeMessenger({ api, session }) {
    const name = `leaseloft ${session.user}`;
    const tabs = new Tabs({
        locks: navigator.locks ?? null,
        channel: new BroadcastChannel(name),
        visible, clock, id: newClientId(), name,
    });

    return new Messenger({
        session, api, tabs, clock, visible,
        db: new Db({ indexedDB, clock }),
        open: (url) => new Source(url, { fetch: ask, user: session.user }),
        online: () => navigator.onLine,
    });
}


function followSession(page) {
    const { session, api } = page;
    let confirmed = false;

    session.on('state', async (info) => {
        const before = confirmed;

        if (info) {
            confirmed = true;
            remember(info);
            page.keeps = remembered() !== null;
        }

        if (!info || !page.app.sessionBar.hidden) {
            (await account()).sessionChanged(page, before);
        }
    });
    everyone.addEventListener('message', async ({ data }) => {
        if (data.t === 'signed-out' && data.user === api.user) {
            (await account()).forget(page);
        }
    });

    if (page.config.renew) {
        session.renew = async () => (await account()).renew(page);
    }

    session.check();
}


async function start() {
    const configured = loadConfig();
    const api = new Api({ fetch: ask, clock });
    const session = new Session({ api, clock });
    const config = await configured;
    const page = { root, clock, api, session, config, keep, everyone,
                   remember, remembered,
                   messenger: null, app: null, keeps: false,
                   ...await loadLanguage(config.name) };
    const { t, language, locale } = page;

    if (config.colors) {
        import('./view/brand.js').then(({ paint }) => paint(config.colors));
    }

    watch(session);

    const { user, name, reason } = await whoIsIt(page);

    if (!user) {
        (await account()).signIn(page, reason);
        session.check();
        return;
    }

    document.title = `${t('app.messages')} · ${t('app.name')}`;
    session.assume({ user, name });
    api.user = user;

    const messenger = makeMessenger(page);

    page.messenger = messenger;
    page.app = new App({
        root, t, language, messenger, clock, logo: config.logo,
        format: new Formatter({ language: locale, words: language, t, clock }),
        drafts: draftsOf(user, () => page.app.alert(t('say.unkept'))),
        done: doneOf(user),
        signOut: async () => (await account()).signOut(page),
        setLanguage: (code) => {
            if (Object.hasOwn(LANGUAGES, code)) {
                keep.set('language', code);
                location.reload();
            }
        },
    });
    followSession(page);

    if (reason) {
        page.app.alert(t(`signin.${reason}`));
    }

    await messenger.start();

    /* the list is drawn first; a hidden page draws no frames */
    await within(clock, PATIENCE, new Promise(requestAnimationFrame))
        .catch(() => {});

    /*
     * Loads the remaining modules now, so that they are of the same version
     * even if another tab or the server changes to a newer one.
     */
    page.app.loadThread();
    Promise.allSettled([account(), import('./view/extras.js'),
                        page.app.loadSearch(),
                        import('./core/kept-check.js').then((module) =>
                            messenger.checkKept(module.KeptCheck))]);
    keepShell(page);
}


/* The service worker stores the shell, and detects a newer version. */
async function keepShell({ t, app, messenger }) {
    try {
        await navigator.serviceWorker.register('sw.js');
    } catch {
        /* without a service worker the pages need a network to open */
        return;
    }

    const { watchVersion } = await import('./version.js');

    watchVersion({ t, bar: app.versionBar, messenger, clock, visible });
}


start();
