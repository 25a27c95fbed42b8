/*
 * Signing in and out, and the end of a session on an open page. Loaded when it
 * is needed; `page` is what main.js has created.
 */

import { within } from './core/clock.js';
import { askSignOut, drawSession } from './view/session-bar.js';
import { askWho, showSignIn } from './view/sign-in.js';

const PATIENCE = 2000;


/* The sign-in page, with the address to return to. */
function signInHref({ sign_in: address }) {
    return address ? address.replace('{return}',
                                     encodeURIComponent(location.href))
                   : null;
}


/*
 * Restarts the page for the user who is signed in then, or with the reason if
 * there is none. After a sign-out the address names no thread.
 */
function startAgain(reason = null) {
    history.replaceState({ ...history.state, reason }, '',
                         reason === 'out' ? location.pathname : undefined);
    location.reload();
}


/*
 * For a sign-in link: "Continue as Tom?", also while the server does not
 * answer.
 */
export function ask({ root, t, config: { logo } }, now, next) {
    return askWho(root, { t, logo, now, next });
}


export function wait({ root, t, config: { logo } }) {
    showSignIn(root, { t, logo, reason: 'wait' });
}


/*
 * Shows that nobody is signed in, and restarts the page when somebody is.
 * "wait": the server has not answered.
 */
export function signIn({ root, t, config, session }, reason) {
    showSignIn(root, { t, reason, logo: config.logo,
                       href: signInHref(config) });
    session.on('state', () => {
        if (session.state !== 'ended' || reason === 'wait') {
            startAgain();
        }
    });
}


/*
 * The session of an open page has ended, or belongs to another user: the
 * content stays. A page that was opened before the server had confirmed its
 * user restarts, as does one that was signed out in another tab.
 */
export function sessionChanged(page, confirmed) {
    const { session, t, config } = page;
    const { state, other } = session;

    if (state !== 'ours') {
        /* signed out in a tab whose message did not arrive */
        if (page.keeps && page.remembered() === null) {
            startAgain('out');
            return;
        }

        page.remember(state === 'other' && !confirmed ? other : session);

        if (!confirmed) {
            startAgain(state === 'ended' ? 'expired' : null);
            return;
        }
    }

    drawSession(page.app.sessionBar, {
        t, session, href: signInHref(config),
        reload: () => {
            page.remember(other);
            location.reload();
        },
    });
}


/* Deletes the user's data in this browser, and restarts the page. */
export async function forget({ session: { user }, keep, messenger }) {
    messenger.stop();

    /* all keys with the user in them: "draft.USER.…", "done.USER.…" */
    keep.keys('').filter((key) => key.split('.')[1] === user)
        .forEach((key) => keep.set(key, ''));
    keep.set('session', '');
    navigator.clearAppBadge?.().catch(() => {});
    await messenger.db.clear(user).catch(() => {});
    startAgain('out');
}


export async function signOut(page) {
    const { t, config, api, keep, messenger, session: { user } } = page;
    const messages = messenger.outbox.items.length;
    const drafts = keep.keys(`draft.${user}.`).length;

    if ((messages || drafts) && !await askSignOut(t, { messages, drafts })) {
        return;
    }

    const { status } = await api.signOut();

    if (status !== 204) {
        page.app.alert(t('signout.failed'));
        return;
    }

    page.everyone.postMessage({ t: 'signed-out', user });
    await forget(page);

    if (config.sign_out) {
        location.replace(config.sign_out);
    }
}


/*
 * Asks the service, on the same origin, for a new session: it sets the cookie,
 * or answers {"token"}.
 */
export async function renew({ api, clock, config }) {
    try {
        const response = await within(clock, PATIENCE, fetch(config.renew, {
            method: 'POST', redirect: 'error',
        }));
        const { token } = await response.json();

        if (token) {
            await api.signIn(token);
        }

    } catch {
        /* then the session ends at its time, and the page tells so */
    }
}
