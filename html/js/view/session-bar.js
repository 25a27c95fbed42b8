/*
 * Tells that the session has ended or belongs to another user, above the
 * content, which stays. Also the question before signing out.
 */

import { fill, h } from './dom.js';


/*
 * In `element`. The session is that of core; href: the sign-in page, or null.
 */
export function drawSession(element, { t, session, href, reload }) {
    const { state, name, other } = session;

    element.hidden = state !== 'ended' && state !== 'other';

    if (state === 'ended') {
        fill(element, h('p', {}, t(href ? 'session.ended'
                                        : 'session.ended.link', { name })),
             href ? h('a', { class: 'll-small', href }, t('signin.go'))
                  : null);

    } else if (state === 'other') {
        fill(element,
             h('p', {}, t('session.other', { name, other: other.name })),
             h('button', { type: 'button', class: 'll-small',
                           onclick: reload },
               t('signin.change', { name: other.name })));
    }
}


/*
 * Resolves to true if the user signs out although unsent messages are deleted.
 */
export function askSignOut(t, { messages, drafts }) {
    return new Promise((resolve) => {
        const dialog = h('dialog', { class: 'll-dialog',
                                     'aria-labelledby': 'll-ask' },
            h('h2', { id: 'll-ask' }, t('signout.title')),
            messages ? h('p', {}, t('signout.messages', { n: messages }))
                     : null,
            drafts ? h('p', {}, t('signout.drafts', { n: drafts })) : null,
            h('p', { class: 'll-choice' },
              h('button', { type: 'button', class: 'll-small',
                            autofocus: true,
                            onclick: () => dialog.close() },
                t('signout.stay')),
              h('button', { type: 'button', class: 'll-small ll-delete',
                            onclick: () => dialog.close('go') },
                t('signout.delete'))));

        dialog.addEventListener('close', () => {
            dialog.remove();
            resolve(dialog.returnValue === 'go');
        });
        document.body.append(dialog);
        dialog.showModal();
    });
}
