/*
 * What the tests of the search share: threads to search, and what the page
 * shows.
 */

import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { root, until } from './stack.mjs';

export const LENA = ['u-lena', 'Lena'];
export const TOM = ['u-tom', 'Tom'];
export const EVIL = '<img src=x onerror="window.owned=1"> & <b>boiler</b>';
export const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true,
                       isMobile: true };


/*
 * A thread of 902 entries, of days 400 and 300 days ago and of today, and one
 * of today.
 */
export async function prepare(stack) {
    const stored = (property, seq) => until(`${property} has ${seq}`,
        async () => (await stack.api('u-lena', 'GET',
            `properties/${property}/messages?limit=1`))
            .data.head?.startsWith(`${seq}.`));

    await stack.shiftClock(400);
    await stack.lease('elm', { label: '12 Elm St', landlords: [LENA],
                               tenants: [TOM], from: '2020-01-01T00:00:00Z',
                               zone: 'Pacific/Auckland' });
    await stack.fillUp('elm', ['u-tom', 'u-lena'], 300, (i) => i === 100
        ? 'The Boiler in the Küche is out' : `old line ${i}.`);
    await stored('elm', 301);
    await stack.shiftClock(300);
    await stack.fillUp('elm', ['u-tom', 'u-lena'], 300, (i) =>
        `middle line ${i}.`, 'middle');
    await stored('elm', 601);
    await stack.shiftClock(0);
    await stack.fillUp('elm', ['u-tom', 'u-lena'], 300, (i) =>
        `new line ${i}.`, 'new');
    await stored('elm', 901);
    await stack.say('u-tom', 'elm', 'Another BOILER, said Ana');
    await stack.api('u-lena', 'POST', 'properties/elm/read', { upto: 902 });

    await stack.lease('oak', { label: EVIL, landlords: [LENA],
                               tenants: [['u-mia', EVIL]], zone: 'UTC' });
    await stack.say('u-mia', 'oak', EVIL);
    await stack.say('u-mia', 'oak',
                    `${'before '.repeat(90)}Boiler${' after'.repeat(90)}`);
    await stack.api('u-lena', 'POST', 'properties/oak/read', { upto: 3 });
}


/* The operator erases a message. */
export function erase(stack, property, seq) {
    return promisify(execFile)(
        join(root, process.env.BUILD || 'build', 'leaseloft'),
        ['erase', property, String(seq), '--reason', 'a test',
         '--redis', `unix:${join(stack.dir, 'redis.sock')}`]);
}


export const hits = (page) => page.locator('.ll-hit');

/* Waits for what the search says of itself. */
export const says = (page, text) =>
    page.locator('.ll-find-says, .ll-find .ll-notice', { hasText: text })
        .first().waitFor();

/* What has the focus: an id, or a class. */
export const focused = (page) => page.evaluate(() =>
    document.activeElement.id || document.activeElement.className);


/* Types words. */
export function find(page, words) {
    return page.fill('#ll-find', words);
}


/* Whether a message is within the timeline's own box. */
export function onScreen(page, seq) {
    return page.locator(`#m${seq}`).evaluate((el) => {
        const box = el.getBoundingClientRect();
        const view = el.closest('.ll-timeline').getBoundingClientRect();

        return box.top >= view.top && box.bottom <= view.bottom;
    });
}
