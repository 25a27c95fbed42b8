/*
 * Newer versions of the pages: asks the service worker for one now and then,
 * and offers it to the user while no message is unsent.
 */

import { fill, h } from './view/dom.js';

const OFTEN = 4 * 60 * 1000;
const SOON = 5000;
const AGAIN = 30000;
const PATIENCE = 120000;


/* Asks the service worker; resolves to its answer, or null without one. */
function ask(command, clock) {
    return new Promise((resolve) => {
        const worker = navigator.serviceWorker.controller;
        const { port1, port2 } = new MessageChannel();

        port1.onmessage = ({ data }) => resolve(data);
        clock.setTimeout(() => resolve(null), PATIENCE);

        if (worker) {
            worker.postMessage(command, [port2]);
        } else {
            resolve(null);
        }
    });
}


/* bar: the element for the offer; messenger: its outbox must be empty. */
export function watchVersion({ t, bar, messenger, clock, visible }) {
    let newer = false;
    let asked = clock.now();

    const draw = () => {
        const show = newer === true && messenger.outbox.items.length === 0;

        if (show === bar.hidden) {
            bar.hidden = !show;
            fill(bar, show ? [h('span', {}, t('version.new')), ' ', button]
                           : []);
        }
    };
    const button = h('button', {
        class: 'll-small', type: 'button', onclick: async () => {
            await ask('take', clock);
            location.reload();
        },
    }, t('version.reload'));
    const check = async () => {
        asked = clock.now();
        newer = await ask('check', clock);
        draw();
    };
    const later = (ms) => clock.setTimeout(() => {
        check().finally(() => later(newer === null ? AGAIN : OFTEN));
    }, ms);

    messenger.outbox.on('change', draw);
    document.addEventListener('visibilitychange', () => {
        if (visible() && clock.now() - asked > OFTEN) {
            check();
        }
    });
    later(SOON);
}
