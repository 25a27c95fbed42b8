/*
 * What one sees who is not signed in: why, and what to do.
 */

import { h, icon } from './dom.js';


export function signInPage(t, reason) {
    return h('div', { class: 'll-signin' },
        h('div', { class: 'll-empty' }, icon('home'),
          h('h1', {}, t('signin.title')),
          reason ? h('p', { role: 'alert' }, t(`signin.${reason}`)) : null,
          h('p', {}, t('signin.what')),
          h('p', {}, h('code', {}, `${location.origin}/#token=…`)),
          h('p', { class: 'll-dim' }, t('signin.demo'))));
}
