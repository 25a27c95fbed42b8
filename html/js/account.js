/*
 * Signing in and out, and what a session that is not ours any more does to an
 * open page.  Loaded when it is needed; `page` is what main.js has put
 * together.
 */

import { within } from './core/clock.js';
import { askSignOut, drawSession } from './view/session-bar.js';
import { askWho, showSignIn } from './view/sign-in.js';

const PATIENCE = 2000;


/* The address to sign in at, with the address to return to. */
function signInHref({ sign_in: address }) {
    return address ? address.replace('{return}',
                                     encodeURIComponent(location.href))
                   : null;
}


/*
 * Starts again, as whoever is signed in then; says why to who is not.  Where
 * somebody signed out, not even the address names a thread of theirs.
 */
function startAgain(reason = null) {
    history.replaceState({ ...history.state, reason }, '',
                         reason === 'out' ? location.pathname : undefined);
    location.reload();
}


/* For a sign-in link: "Continue as Tom?", and while the server is silent. */
export function ask({ root, t, config: { logo } }, now, next) {
    return askWho(root, { t, logo, now, next });
}


export function wait({ root, t, config: { logo } }) {
    showSignIn(root, { t, logo, reason: 'wait' });
}


/*
 * Nobody is signed in: says so, and starts again when somebody is.  "wait":
 * the server has not said.
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
 * The session of an open page has ended, or is another's: what is shown stays
 * and goes on by itself.  A page that was opened on trust, before anybody had
 * said whose it is, starts again, as does one that was signed out elsewhere.
 */
export function sessionChanged(page, confirmed) {
    const { session, t, config } = page;
    const { state, other } = session;

    if (state !== 'ours') {
        /* signed out, in a tab whose word did not reach this one */
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


/* Removes what a user leaves in this browser, and starts again. */
export async function forget({ session: { user }, keep, messenger }) {
    messenger.stop();

    /* whatever it is: "draft.USER.…", "done.USER.…" */
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
 * Asks the service, on our own origin, for a new session: it sets the cookie,
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
        /* then the session ends when it ends, and the page says so */
    }
}
