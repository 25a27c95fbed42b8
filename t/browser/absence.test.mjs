/*
 * After a long absence: a thread with thousands of unread messages opens at
 * the first of them, and costs no more than one with a hundred.
 */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { Person, openBrowser } from './lib/people.mjs';
import { Stack, until } from './lib/stack.mjs';

const LENA = ['u-lena', 'Lena'];
const TOM = ['u-tom', 'Tom'];

let stack;
let browser;

before(async () => {
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
});

after(async () => {
    await browser?.close();
    await stack?.stop();
});


/* Counts events of streams, announcements to screen readers, and requests. */
async function counted(person) {
    const counts = { requests: 0 };

    await person.context.addInitScript(() => {
        window.counts = { events: 0, said: 0, draws: 0 };

        const { fetch } = window;

        window.fetch = async (url, options) => {
            const response = await fetch(url, options);

            if (!String(url).includes('/events')) {
                return response;
            }

            const count = new TransformStream({
                transform(bytes, out) {
                    window.counts.events += new TextDecoder().decode(bytes)
                        .split('\ndata:').length - 1;
                    out.enqueue(bytes);
                },
            });

            return new Response(response.body.pipeThrough(count), response);
        };
        document.addEventListener('DOMContentLoaded', () => {
            new MutationObserver((all) => {
                for (const { target, addedNodes } of all) {
                    if (target.ariaLive === 'polite') {
                        window.counts.said += addedNodes.length;
                    }
                }
            }).observe(document.body, { childList: true, subtree: true });
        });
    });
    person.context.on('request', (request) => {
        if (/\/messages\?/.test(request.url())) {
            counts.requests++;
        }
    });

    return async (page) => ({ ...counts,
        ...await page.evaluate(() => ({ ...window.counts,
            rows: document.querySelectorAll('.ll-rows > li').length })) });
}


test('a thread with 3000 unread opens at the first, in two requests',
     async () => {
    await stack.lease('away', { landlords: [LENA], tenants: [TOM] });
    await stack.fillUp('away', ['u-tom'], 3000, (i) => `line ${i}.`);
    await until('stored', async () => (await stack.api('u-lena', 'GET',
        'properties/away/messages?limit=1')).data.head.startsWith('3001.'),
        60000);
    await stack.api('u-lena', 'POST', 'properties/away/read', { upto: 101 });

    const lena = await Person.arrive(browser, stack, ...LENA,
                                     { reducedMotion: 'reduce' });
    const counts = await counted(lena);
    const page = await lena.tab('/');

    await lena.page.close();
    await lena.status('live', page);

    const before_ = await counts(page);

    await lena.open('away', page);
    await page.locator('.ll-divider').waitFor();
    await lena.sees('line 101.', page);
    await page.locator('.ll-down', { hasText: /2,?900 new/ }).waitFor();
    await lena.status('live', page);

    /* a live message is received, and is the only one announced */
    await stack.say('u-tom', 'away', 'are you back?');
    await page.locator('[aria-live]').getByText('Tom: are you back?')
              .waitFor({ state: 'attached' });
    await page.locator('.ll-down', { hasText: /2,?901 new/ }).waitFor();

    const { events, said, requests, rows } = await counts(page);

    assert.ok(events > before_.events && events - before_.events < 12,
              `${events} events`);
    assert.equal(said, 1);
    assert.equal(requests - before_.requests, 2);
    assert.ok(rows < 160, `${rows} rows`);
    assert.equal((await stack.api('u-lena', 'GET',
        'properties/away/messages?limit=1')).data.you.unread, 2901,
        'messages off screen stay unread');

    /* scrolling fills the gap, a page at a time */
    const timeline = page.locator('.ll-timeline');

    await timeline.evaluate((el) => el.scrollTo(0, el.scrollHeight));
    await lena.sees('line 160.', page);
    await until('the number of rows is stable', async () => {
        const n = (await counts(page)).rows;

        await page.waitForTimeout(300);

        return n === (await counts(page)).rows;
    });
    assert.ok((await counts(page)).requests - before_.requests <= 6);

    /* a burst is announced by one sentence */
    const said2 = (await counts(page)).said;

    await Promise.all(Array.from({ length: 8 },
        (_, i) => stack.say('u-tom', 'away', `burst ${i}`)));

    await page.locator('[aria-live]').getByText(/^\d new messages$/)
              .first().waitFor({ state: 'attached' });
    assert.ok((await counts(page)).said - said2 <= 2,
              'a burst is announced at most twice');

    await page.click('.ll-down');
    await lena.sees('burst 7', page);
    await lena.badgeIs('away', 0, page);
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});
