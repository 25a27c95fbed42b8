/*
 * A new version of the pages: the service worker is asked now and then whether
 * there is one; where nothing waits to be sent, the reader is.
 */

import { fill, h } from './view/dom.js';

const OFTEN = 4 * 60 * 1000;
const SOON = 5000;
const PATIENCE = 120000;


/* Asks the service worker; answers what it says. */
function ask(command, clock) {
    return new Promise((resolve) => {
        const worker = navigator.serviceWorker.controller;
        const { port1, port2 } = new MessageChannel();

        port1.onmessage = ({ data }) => resolve(data);
        clock.setTimeout(() => resolve(false), PATIENCE);

        if (worker) {
            worker.postMessage(command, [port2]);
        } else {
            resolve(false);
        }
    });
}


/* bar: where to say it; messenger: whose outbox has to be empty. */
export function watchVersion({ t, bar, messenger, clock, visible }) {
    let newer = false;
    let asked = clock.now();

    const draw = () => {
        const show = newer && messenger.outbox.items.length === 0;

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
        check().finally(() => later(OFTEN));
    }, ms);

    messenger.outbox.on('change', draw);
    document.addEventListener('visibilitychange', () => {
        if (visible() && clock.now() - asked > OFTEN) {
            check();
        }
    });
    later(SOON);
}
