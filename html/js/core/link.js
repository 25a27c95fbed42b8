/* A sign-in link: its token is exchanged for the session's cookie, once. */

import { Backoff } from './clock.js';


/*
 * Answers {session, reason}: whom this page is for now, as {user, name}, or
 * null; and what is wrong with the link, "old", "bad", or null.
 * ask(now, next) resolves to whether to go on as another user than the one
 * who is signed in; waiting() is called when the server does not answer.
 */
export async function followLink({ token, api, clock, ask, waiting }) {
    const next = parseToken(token);
    const insist = (request) => until(request, clock, waiting);
    const { data: now, status } = await insist(() => api.session());
    const session = status === 200 ? now : null;

    if (next === null) {
        return { session, reason: 'bad' };
    }

    if (session && session.user !== next.user && !await ask(session, next)) {
        return { session, reason: null };
    }

    const answer = await insist(() => api.signIn(token));

    return answer.status === 204
        ? { session: next, reason: null }
        : { session, reason: next.expires <= answer.date ? 'old' : 'bad' };
}


/* The answer, however long it takes. */
async function until(request, clock, waiting) {
    const backoff = new Backoff(clock, { cap: 10000 });

    for (;;) {
        const answer = await request();

        if (answer.status !== 0 && answer.status !== 429
            && answer.status < 500)
        {
            return answer;
        }

        waiting();
        await new Promise((done) => clock.setTimeout(done, backoff.next()));
    }
}


/*
 * The claims of a JWT as {user, name, expires (ms)}, or null where it is not
 * one.  For display only: the server checks the token.
 */
export function parseToken(token) {
    try {
        const base64 = token.split('.')[1].replace(/-/g, '+')
                                          .replace(/_/g, '/');
        const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
        const { sub, name, exp } = JSON.parse(new TextDecoder().decode(bytes));

        return typeof sub === 'string' && sub !== ''
            ? { user: sub, name: typeof name === 'string' && name || sub,
                expires: Number(exp) * 1000 || 0 }
            : null;

    } catch {
        return null;
    }
}
