/*
 * What is rarely needed: the menu of a message, the list of keyboard shortcuts.
 */

import { fill, h } from './dom.js';


/*
 * Opens the menu of a message below the button `by`: copy its text, copy its
 * link, quote(text). announce(words) tells what was done.
 */
export function actions({ t, by, text, link, quote, announce }) {
    const copy = async (what) => {
        try {
            await navigator.clipboard.writeText(what);
            announce(t('message.copied'));
        } catch {
            announce(t('message.uncopied'));
        }
    };
    const item = (words, act) => h('button', {
        type: 'button', role: 'menuitem', onclick: () => {
            menu.hidePopover();
            act();
        },
    }, words);
    const menu = h('div', {
        class: 'll-menu', popover: 'auto', role: 'menu',
        'aria-label': t('message.actions'),
        onkeydown: (event) => step(menu, event),
        ontoggle: (event) => {
            if (event.newState === 'closed') {
                if (menu.contains(document.activeElement)) {
                    by.focus();
                }

                menu.remove();
            }
        },
    },
        item(t('message.copy'), () => copy(text)),
        item(t('message.copylink'), () => copy(link)),
        item(t('message.quote'), () => quote(text)));

    document.querySelector('.ll-main').append(menu);
    menu.showPopover();

    const { left, bottom, top } = by.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = menu;
    const below = bottom + height < innerHeight;

    const x = Math.max(8, Math.min(left, innerWidth - width - 8));
    const y = below ? bottom : Math.max(8, top - height);

    menu.style.left = `${x}px`;
    menu.style.top = `${y}px`;
    menu.firstChild.focus();
}


function step(menu, event) {
    const items = [...menu.children];
    const at = items.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0,
                 End: items.length - 1 }[event.key];

    /* Escape closes the dialog, and must not leave the thread too */
    event.stopPropagation();

    if (to !== undefined) {
        event.preventDefault();
        items.at(to % items.length).focus();
    }
}


const KEYS = [['Ctrl+K', 'find'], ['/', 'filter'], ['↑ ↓', 'move'],
              ['Enter', 'open'], ['Esc', 'back'],
              ['Shift+Enter', 'line'], ['Ctrl+Enter', 'send'],
              ['?', 'keys']];


export function shortcuts(t) {
    const dialog = h('dialog', {
        class: 'll-keys', 'aria-labelledby': 'll-keys',
        onclose: () => dialog.remove(),
        onkeydown: (event) => event.stopPropagation(),
    });

    fill(dialog, h('h2', { id: 'll-keys' }, t('keys.title')),
         h('dl', {}, KEYS.map(([key, what]) => h('div', {},
             h('dt', {}, h('kbd', {}, key)), h('dd', {}, t(`keys.${what}`))))),
         h('button', { type: 'button', class: 'll-small', autofocus: true,
                       onclick: () => dialog.close() }, t('keys.close')));

    /* .ll-main may be hidden, and is replaced when the thread view loads */
    document.querySelector('.ll-app').append(dialog);
    dialog.showModal();
}
