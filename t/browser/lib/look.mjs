/* What tests of the pages' look share: people, threads in every state. */

import assert from 'node:assert/strict';

import { Stack } from './stack.mjs';

export const LENA = ['u-lena', 'Lena'];
export const TOM = ['u-tom', 'Tom'];
export const ANA = ['u-ana', 'Ana'];

export const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true,
                       isMobile: true };


/* Starts the servers, with threads of Lena's. */
export async function furnish() {
    const stack = await Stack.start();

    await stack.lease('elm', { label: '12 Elm St, Unit 3',
                               landlords: [LENA], tenants: [TOM, ANA] });
    await stack.lease('oak', { label: '4 Oak Ave', landlords: [LENA],
                               tenants: [ANA] });
    await stack.lease('later', { label: '5 Later St', landlords: [LENA],
                                 tenants: [TOM],
                                 from: '2036-12-01T00:00:00Z' });
    await stack.lease('past', { label: '6 Past St', landlords: [LENA],
                                tenants: [TOM], to: '2026-02-01T00:00:00Z' });
    await stack.say('u-tom', 'elm', 'The heating is out since last night');
    await stack.say('u-lena', 'elm', 'See https://example.com/heating');
    await stack.say('u-ana', 'oak', 'שלום, when can I move in?');
    await stack.fillUp('oak', ['u-ana'], 30, (i) => `line ${i}`);

    const readers = ['a', 'b', 'c', 'd'].map((x) => [`u-r${x}`, `R${x}`]);

    await stack.lease('seen', { label: '7 Seen St', landlords: [LENA],
                                tenants: readers });
    await stack.say('u-lena', 'seen', 'To all of you');

    for (const [user] of readers) {
        await stack.api(user, 'POST', 'properties/seen/read', { upto: 2 });
    }

    return stack;
}


/* Nothing on screen is cut off on the left or right. */
export async function fits(page, where) {
    const wide = await page.evaluate(() => [...document.querySelectorAll(
        '.ll-app *')].filter((el) => {
        const box = el.getBoundingClientRect();

        return box.width > 1 && box.height > 1 && el.checkVisibility()
            && !el.closest('.ll-spoken, .ll-skip, .ll-list')
            && (box.right > innerWidth + 1 || box.left < -1);
    }).map((el) => el.className));

    assert.deepEqual(wide, [], where);
}
