/*
 * The page for a user who is not signed in: the reason, and the link to sign
 * in. Also the question that a sign-in link of another user asks.
 */

import { fill, h, icon } from './dom.js';


/*
 * reason: "none", "expired", "bad", "out" or "wait"; href: the sign-in page, or
 * null.
 */
export function showSignIn(root, { t, reason, href = null, logo }) {
    page(root, t, t(reason === 'wait' ? 'signin.wait' : 'signin.title'), logo,
         reason === 'wait' ? null
         : h('p', { role: 'alert' }, t(`signin.${reason}`)),
         reason === 'wait' ? h('p', {}, t('signin.waiting'))
         : href ? h('p', {}, h('a', { class: 'll-small ll-go', href },
                               t('signin.go')))
         : h('p', {}, t('signin.ask')));
}


/* "You are Lena. Continue as Tom?" Resolves to true for Tom. */
export function askWho(root, { t, logo, now, next }) {
    return new Promise((resolve) => {
        const button = (words, answer) => h('button', {
            type: 'button', class: answer ? 'll-small ll-go' : 'll-small',
            onclick: () => resolve(answer),
        }, words);

        page(root, t, t('signin.other', { name: next.name }), logo,
             h('p', {}, t('signin.other.what', { now: now.name,
                                                 next: next.name })),
             h('p', { class: 'll-choice' },
               button(t('signin.stay', { name: now.name }), false),
               button(t('signin.change', { name: next.name }), true)));
    });
}


function page(root, t, title, logo, ...what) {
    const heading = h('h1', { tabindex: -1 }, title);

    document.title = `${title} · ${t('app.name')}`;
    fill(root, h('div', { class: 'll-signin' },
        h('div', { class: 'll-empty' },
          logo ? h('img', { class: 'll-logo', src: logo, alt: '' })
               : icon('home'),
          heading, what)));
    heading.focus();
}
