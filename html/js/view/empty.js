/*
 * What is shown where there is nothing to show: a picture, what it means, and
 * what to do.
 */

import { h, icon } from './dom.js';


export function empty(picture, title, what) {
    return h('div', { class: 'll-empty' }, icon(picture),
             h('p', { class: 'll-empty-title' }, title),
             h('p', {}, what));
}
