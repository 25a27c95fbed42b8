/*
 * Puts the pieces together: who is signed in, in which language, with which
 * of the browser's own parts.
 */

import { Api } from './core/api.js';
import { realClock } from './core/clock.js';
import { openDb } from './core/db.js';
import { Formatter } from './core/format.js';
import { LANGUAGES, directionOf, pickLanguage, pickLocale, translator }
    from './core/i18n.js';
import { Messenger } from './core/messenger.js';
import { parseLocation } from './core/router.js';
import { cookieFor, cookieGone, newClientId, parseToken, readCookie }
    from './core/session.js';
import { Tabs } from './core/tabs.js';
import english from './strings/en.js';
import { App } from './view/app.js';
import { fill } from './view/dom.js';

const root = document.getElementById('ll-app');
const secure = location.protocol === 'https:';


/* What this browser keeps for us in words; forgotten where it forbids it. */
const keep = {
    get(key) {
        try {
            return localStorage.getItem(`leaseloft.${key}`);
        } catch {
            return null;
        }
    },
    set(key, value) {
        try {
            if (value) {
                localStorage.setItem(`leaseloft.${key}`, value);
            } else {
                localStorage.removeItem(`leaseloft.${key}`);
            }
        } catch {
            /* a draft that is not kept is no reason to stop typing */
        }
    },
};


async function loadLanguage() {
    const language = pickLanguage([keep.get('language'),
                                   ...navigator.languages].filter(Boolean));
    const strings = language === 'en' ? english
        : (await import(`./strings/${language}.js`)).default;

    document.documentElement.lang = language;
    document.documentElement.dir = directionOf(language);

    return {
        language,
        locale: pickLocale(language, navigator.languages),
        t: translator(language, strings, english),
    };
}


/* The session of a sign-in link, else of the cookie: {session, reason}. */
function signIn() {
    const { token } = parseLocation(location);
    const now = Date.now();

    if (location.hash.startsWith('#token=')) {
        const session = parseToken(token);

        history.replaceState(null, '', location.pathname + location.search);

        if (!session) {
            return { session: null, reason: 'bad' };
        }

        document.cookie = cookieFor(session, { secure, now });
    }

    const session = readCookie(document.cookie);

    return session && session.expires > now
        ? { session, reason: null }
        : { session: null, reason: session ? 'expired' : null };
}


function draftsOf(user) {
    return {
        get: (property) => keep.get(`draft.${user}.${property}`) || '',
        set: (property, text) => keep.set(`draft.${user}.${property}`, text),
    };
}


/* Another sign-in in another tab, or none any more: start again. */
function watchSession(user) {
    const check = () => {
        if (document.visibilityState === 'visible'
            && readCookie(document.cookie)?.user !== user)
        {
            location.reload();
        }
    };

    document.addEventListener('visibilitychange', check);
    window.addEventListener('focus', check);
    window.addEventListener('hashchange', () => {
        if (location.hash.startsWith('#token=')) {
            location.reload();
        }
    });
}


function makeMessenger(session, db) {
    const clock = realClock;
    const api = new Api({ fetch: (...args) => fetch(...args), clock });
    const visible = () => document.visibilityState === 'visible';
    const name = `leaseloft ${session.user}`;
    const tabs = new Tabs({
        locks: navigator.locks ?? null,
        channel: new BroadcastChannel(name),
        visible, clock, id: newClientId(), name,
    });

    return new Messenger({
        session, api, db, tabs, clock, visible,
        open: (url) => new EventSource(url),
        online: () => navigator.onLine,
    });
}


async function showSignIn(t, reason) {
    const { signInPage } = await import('./view/sign-in.js');

    fill(root, signInPage(t, reason));
}


async function signOut(db) {
    document.cookie = cookieGone(secure);
    await db.clearShelf().catch(() => {});
    location.replace(location.pathname);
}


async function start() {
    const { session, reason } = signIn();
    const { language, locale, t } = await loadLanguage();

    document.title = `${t('app.messages')} · ${t('app.name')}`;

    if (!session) {
        await showSignIn(t, reason);
        window.addEventListener('hashchange', () => location.reload());
        return;
    }

    const db = await openDb(globalThis.indexedDB);
    const messenger = makeMessenger(session, db);

    watchSession(session.user);
    messenger.on('signed-out', () => {
        messenger.stop();

        /* the site may have renewed the cookie meanwhile */
        const now = readCookie(document.cookie);

        if (now && now.token !== session.token && now.expires > Date.now()) {
            location.reload();
            return;
        }

        showSignIn(t, 'expired');
    });

    new App({
        root, t, language, messenger, clock: realClock,
        format: new Formatter({ language: locale, t, clock: realClock }),
        drafts: draftsOf(session.user),
        signOut: () => signOut(db),
        setLanguage: (code) => {
            if (Object.hasOwn(LANGUAGES, code)) {
                keep.set('language', code);
                location.reload();
            }
        },
    });
    await messenger.start();
    await keepShell();
}


/*
 * The service worker keeps what it sees being loaded; what was loaded before
 * it came is asked for once more, through it, from the browser's own cache.
 */
async function keepShell() {
    const workers = navigator.serviceWorker;

    if (!workers || workers.controller) {
        workers?.register('sw.js').catch(() => {});
        return;
    }

    const controlled = new Promise((resolve) =>
        workers.addEventListener('controllerchange', resolve));

    try {
        await workers.register('sw.js');
        await controlled;

        const paths = performance.getEntriesByType('resource')
            .map((entry) => new URL(entry.name))
            .filter((url) => url.origin === location.origin
                             && !url.pathname.startsWith('/api/'))
            .map((url) => url.pathname);

        await Promise.all([...new Set(['./', ...paths])].map(
            (path) => fetch(path, { cache: 'force-cache' })));

    } catch {
        /* without it, the pages need a network to open: no more than that */
    }
}


start();
