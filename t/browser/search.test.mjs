/*
 * Finding what was said: the search of a thread and of all threads, jumps to
 * a message and to a day, with a server and without one.
 */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { Person, openBrowser } from './lib/people.mjs';
import { EVIL, LENA, TOM, erase, find, focused, hits, onScreen, prepare, says }
    from './lib/search.mjs';
import { Stack, until } from './lib/stack.mjs';

const MIA = ['u-mia', 'Mia'];
const DAY = 86400000;

let stack;
let browser;

before(async () => {
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
    await prepare(stack);
});

after(async () => {
    await browser?.close();
    await stack?.stop();
});


test('hits of all threads are marked, HTML is text, and a click shows one',
     async () => {
    const lena = await Person.arrive(browser, stack, ...LENA);
    const { page } = lena;

    await page.locator('[data-property="elm"]').waitFor();
    await page.keyboard.press('Control+k');
    await until('the input', async () => await focused(page) === 'll-find');
    assert.equal(await page.locator('.ll-find .ll-chips').isVisible(), false,
                 'no thread is open, so there is no choice');
    await find(page, 'bOILer');
    await says(page, '4 messages found');
    assert.deepEqual(await page.locator('.ll-hit mark').allTextContents(),
                     ['Boiler', 'boiler', 'BOILER', 'Boiler']);

    const [long, evil, newest, oldest] = await hits(page).all();

    assert.match(await long.locator('.ll-hit-text').textContent(),
                 /^… before .* before Boiler after .* …$/);
    assert.equal(await evil.locator('.ll-hit-text').textContent(), EVIL);
    assert.equal(await evil.locator('.ll-hit-who').textContent(), EVIL);
    assert.equal(await evil.locator('.ll-hit-label').textContent(), EVIL);
    assert.equal(await newest.locator('.ll-hit-label').textContent(),
                 '12 Elm St');
    assert.equal(await newest.locator('.ll-hit-who').textContent(), 'Tom');

    /* in the property's zone, which is named where it differs */
    await newest.locator('time', { hasText: 'Auckland time' }).waitFor();
    assert.equal(await page.evaluate(() => window.owned), undefined);
    assert.equal(await page.locator('.ll-find img, .ll-find b').count(), 0);

    await oldest.click();
    await until('on screen', () => onScreen(page, 101));
    assert.equal(new URL(page.url()).search, '?p=elm');
    assert.equal(new URL(page.url()).hash, '#m101');
    await lena.sees('The Boiler in the Küche is out');
    await page.locator('#m101.ll-flash').waitFor();
    await until('the focus', () => page.evaluate(() =>
        document.activeElement.closest('#m101') !== null));

    /* the hits stay beside it, and the one chosen is told */
    assert.equal(await oldest.getAttribute('aria-current'), 'true');
    await page.locator('.ll-flash').waitFor({ state: 'detached' });
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


test('a hit of a thread is shown with its surroundings, and nothing is read',
     async () => {
    const lena = await Person.arrive(browser, stack, ...LENA);
    const { page } = lena;
    const asked = [];

    page.on('request', (request) => {
        const url = new URL(request.url());

        if (url.pathname.startsWith('/api/properties/')) {
            asked.push(url.pathname.split('/').pop() + url.search);
        }
    });
    await lena.open('elm');
    await lena.sees('Another BOILER');
    await page.click('.ll-head .ll-finder');
    assert.equal(await page.locator('.ll-find .ll-chip').first()
                           .getAttribute('aria-pressed'), 'true');
    await find(page, '“line 1”');
    await says(page, '20 messages so far');
    assert.equal(await page.locator('.ll-hit-label').count(), 0);

    const first = await hits(page).allTextContents();

    await page.click('.ll-earlier');
    await says(page, '40 messages so far');
    assert.deepEqual((await hits(page).allTextContents()).slice(0, 20), first);
    await until('the first of the new hits has the focus', () =>
        page.evaluate(() => document.activeElement
            === document.querySelectorAll('.ll-hit')[20]));

    const order = await page.locator('.ll-hit').evaluateAll((all) =>
        all.map((a) => Number(a.hash.slice(2))));

    assert.deepEqual(order, [...order].sort((a, b) => b - a), 'newest first');

    await find(page, 'kuche');
    await says(page, '1 message found');
    assert.equal(await page.locator('.ll-hit mark').textContent(), 'Küche');
    asked.length = 0;
    await hits(page).click();
    await until('on screen', () => onScreen(page, 101));

    /* its surroundings, both ways, and nothing of what lies between */
    await lena.sees('old line 98.');
    await lena.sees('old line 103.');
    assert.deepEqual(asked.filter((x) => x.startsWith('messages')).slice(0, 1),
                     ['messages?after=89&limit=36']);
    assert.ok(await page.locator('.ll-msg').count() < 150);
    await page.locator('.ll-timeline').evaluate((el) =>
        el.scrollTo(0, el.scrollHeight));
    await lena.sees('old line 140.');
    await page.locator('.ll-timeline').evaluate((el) => el.scrollTo(0, 0));
    await lena.sees('old line 45.');
    assert.equal(await lena.count('new line'), 0);

    /* what arrives meanwhile is not taken for read */
    await stack.say('u-tom', 'elm', 'while you were reading');
    await page.locator('.ll-down', { hasText: '1 new' }).waitFor();
    await page.locator('.ll-timeline').evaluate((el) =>
        el.scrollTo(0, el.scrollHeight));

    const { you } = (await stack.api('u-lena', 'GET',
        'properties/elm/messages?limit=1')).data;

    assert.equal(you.unread, 1);
    await page.click('.ll-down');
    await lena.sees('while you were reading');
    await until('read', async () => (await stack.api('u-lena', 'GET',
        'properties/elm/messages?limit=1')).data.you.unread === 0);

    await page.getByRole('button', { name: 'All threads' }).click();
    await find(page, 'boiler');
    await says(page, '4 messages found');
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


test('a search is sent when typing pauses, and one at a time', async () => {
    const lena = await Person.arrive(browser, stack, ...LENA);
    const { page } = lena;
    let open = 0;
    let most = 0;
    const asked = [];

    page.on('request', (request) => {
        if (/\/search\?/.test(request.url())) {
            asked.push(new URL(request.url()).searchParams.get('q'));
            most = Math.max(most, ++open);
        }
    });

    for (const end of ['requestfinished', 'requestfailed']) {
        page.on(end, (request) => {
            open -= /\/search\?/.test(request.url()) ? 1 : 0;
        });
    }

    await page.keyboard.press('Control+k');
    await page.locator('#ll-find').evaluate((input) => {
        for (const letter of 'boiler') {
            input.value += letter;
            input.dispatchEvent(new Event('input', { bubbles: true }));
        }
    });
    await says(page, '4 messages found');
    assert.deepEqual([...new Set(asked)], ['boiler']);

    for (const word of ['old', 'middle', 'new', 'küche']) {
        await find(page, word);
        await page.waitForTimeout(260);
    }

    await says(page, '1 message found');
    assert.ok(most <= 1, `${most} at once`);
    await find(page, '"open');
    await says(page, 'A quotation mark is not closed');
    await find(page, 'x'.repeat(201));
    await says(page, 'at most 200 characters');
    await find(page, 'submarine');
    await says(page, 'No message found');
    assert.equal(asked.at(-1), 'submarine');
    await lena.leave();
});


test('the search works with keys only, and gives the focus back', async () => {
    const lena = await Person.arrive(browser, stack, ...LENA);
    const { page } = lena;
    const press = (...keys) => keys.reduce((done, key) =>
        done.then(() => page.keyboard.press(key)), Promise.resolve());
    const at = () => page.evaluate(() => [...document.querySelectorAll(
        '.ll-hit')].indexOf(document.activeElement));

    await lena.open('elm');
    await lena.sees('Another BOILER');
    await page.focus('.ll-input');
    await page.keyboard.type('a draft');
    await press('Control+k');
    assert.equal(await focused(page), 'll-find');
    await press('Escape');
    assert.equal(await focused(page), 'll-text');
    assert.equal(await page.inputValue('.ll-input'), 'a draft');
    assert.equal(await page.locator('.ll-find').isVisible(), false);
    assert.equal(await page.locator('.ll-app').getAttribute('data-thread'),
                 'elm', 'Escape does not leave the thread too');

    await press('Meta+k');
    await page.keyboard.type('line 2');
    await says(page, '20 messages so far');
    await press('Enter');
    assert.equal(await at(), 0);
    await press('ArrowUp', 'ArrowDown');
    assert.equal(await at(), 0);
    await press('ArrowDown', 'ArrowDown');
    assert.equal(await at(), 2);
    await press('ArrowUp', 'ArrowUp', 'ArrowUp');
    assert.equal(await focused(page), 'll-find');
    await press('ArrowDown', 'End');
    assert.equal(await at(), 19);
    await press('ArrowDown', 'Enter');
    await until('the next page', async () => await at() === 20);

    const seq = await page.evaluate(() =>
        document.activeElement.hash.slice(2));

    await press('Enter');
    await until('on screen', () => onScreen(page, seq));
    await until('the focus', () => page.evaluate((x) =>
        document.activeElement.closest(`#m${x}`) !== null, seq));

    /* back to the hits, at the one that was chosen */
    await press('Control+k', 'ArrowDown');
    assert.equal(await at(), 20);
    await press('Enter');
    await until('the focus', () => page.evaluate((x) =>
        document.activeElement.closest(`#m${x}`) !== null, seq));
    await press('Escape');
    assert.equal(await page.locator('.ll-find').isVisible(), false);
    assert.equal(await page.evaluate((x) =>
        document.activeElement.closest(`#m${x}`) !== null, seq), true,
        'the focus stays in the thread');
    await press('Escape');
    await page.locator('.ll-app:not([data-thread])').waitFor();
    await press('Control+k');
    assert.equal(await focused(page), 'll-find');
    await press('/');
    assert.equal(await page.inputValue('#ll-find'), '/', 'typed, not obeyed');
    await press('Escape', '/');
    assert.equal(await focused(page), 'll-filter');

    /* what was meant for the messages, but typed into the filter */
    await page.keyboard.type('kuche');
    await page.getByRole('button', { name: 'Search messages for "kuche"' })
              .press('Enter');
    await says(page, '1 message found');
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


test('a date leads to its first message in the property\'s time zone',
     async () => {
    const lena = await Person.arrive(browser, stack, ...LENA,
                                     { timezoneId: 'America/New_York' });
    const { page } = lena;
    const { data } = await stack.api('u-lena', 'GET',
        'properties/elm/messages?after=301&limit=1');
    const zone = { timeZone: 'Pacific/Auckland' };
    const dayOf = (at) => new Intl.DateTimeFormat('sv', zone).format(at);
    const middle = Date.parse(data.entries[0].at);
    const go = async (day) => {
        await page.fill('#ll-date', day);
        await page.press('#ll-date', 'Enter');
    };
    const asked = [];

    page.on('request', (request) => {
        if (/messages\?/.test(request.url())) {
            asked.push(request.url());
        }
    });
    await lena.open('elm');
    await lena.sees('Another BOILER');
    await page.keyboard.press('Control+k');
    asked.length = 0;
    await go(dayOf(middle));
    await until('on screen', () => onScreen(page, 302));
    await lena.sees('middle line 1.');
    await lena.sees('old line 300.');
    assert.ok(asked.length < 12, `${asked.length} requests`);

    await go(dayOf(middle - 30 * DAY));
    await page.locator('.ll-note', { hasText: 'This is the next entry' })
              .waitFor();
    await until('the next', () => onScreen(page, 302));
    await go('2036-01-01');
    await page.locator('.ll-note', { hasText: 'This is the last entry' })
              .waitFor();
    await lena.sees('while you were reading');
    await go('2020-02-02');
    await until('the first', () => onScreen(page, 1));

    /* without a network: what is loaded, or nothing */
    await lena.context.setOffline(true);
    await go(dayOf(Date.now()));
    await page.locator('.ll-note', { hasText: 'not on this device' })
              .waitFor();
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


test('without a network the search covers this device, and says so',
     async () => {
    const mia = await Person.arrive(browser, stack, ...MIA);
    const { page } = mia;

    await stack.lease('fig', { label: '7 Fig St', landlords: [LENA],
                               tenants: [MIA] });
    await stack.lease('pine', { label: '8 Pine St', landlords: [LENA],
                                tenants: [MIA] });
    await stack.say('u-lena', 'fig', 'The Straße floods');
    await stack.say('u-lena', 'pine', 'Another straße, never opened');
    await mia.open('fig');
    await mia.sees('The Straße floods');
    await until('kept', () => page.evaluate(() => new Promise((done) => {
        const asked = indexedDB.open('leaseloft');

        asked.onsuccess = () => {
            const keys = asked.result.transaction('shelf')
                .objectStore('shelf').getAllKeys();

            keys.onsuccess = () => {
                asked.result.close();
                done(keys.result.includes('u-mia thread fig'));
            };
        };
    })));
    await mia.context.setOffline(true);
    await mia.status('offline');
    await page.keyboard.press('Control+k');
    await page.getByRole('button', { name: 'All threads' }).click();
    await find(page, 'STRASSE');
    await says(page, 'searched only what is on this device');
    await says(page, '1 message found');
    assert.equal(await page.locator('.ll-hit-label').textContent(),
                 '7 Fig St');
    await hits(page).click();
    await page.locator('#m2.ll-flash').waitFor();

    /* the network is back: the server answers instead */
    await mia.context.setOffline(false);
    await says(page, '2 messages found');
    assert.equal(await page.locator('.ll-find .ll-notice').isVisible(),
                 false);
    assert.deepEqual(mia.complaints, []);
    await mia.leave();
});


test('a hit disappears when its message is erased', async () => {
    await stack.lease('ash', { label: '9 Ash St', landlords: [LENA],
                               tenants: [TOM] });

    const first = await stack.say('u-tom', 'ash', 'a secret of mine');
    const second = await stack.say('u-tom', 'ash', 'another secret');
    const third = await stack.say('u-tom', 'ash', 'the last secret');
    const lena = await Person.arrive(browser, stack, ...LENA);
    const { page } = lena;
    const shows = (...texts) => until(`${texts}`, async () =>
        String(await page.locator('.ll-hit-text').allTextContents())
        === String(texts));

    await page.keyboard.press('Control+k');
    await find(page, 'secret');
    await shows('the last secret', 'another secret', 'a secret of mine');

    /* the inbox tells of the last one, also of a thread that is not open */
    await erase(stack, 'ash', third.seq);
    await shows('another secret', 'a secret of mine');
    await hits(page).first().click();
    await page.locator(`#m${second.seq}`).waitFor();
    await lena.status('live');
    await erase(stack, 'ash', first.seq);
    await shows('another secret');

    /* nor does the server find it */
    await find(page, '"a secret"');
    await says(page, 'No message found');
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


test('without a worker the search covers this device, and says so',
     async () => {
    const lena = await Person.arrive(browser, stack, ...LENA);
    const { page } = lena;

    await lena.open('oak');
    await lena.sees('<b>boiler</b>');
    await stack.kill('worker-1');
    await page.keyboard.press('Control+k');
    await find(page, 'boiler');
    await says(page, 'The server cannot search now');
    await says(page, '2 messages found');
    await page.getByRole('button', { name: 'Try again' }).click();
    await says(page, 'The server cannot search now');

    /* once there is a worker again, the page finds out by itself */
    stack.startWorker();
    await page.locator('.ll-find .ll-notice').waitFor({ state: 'hidden' });
    await says(page, '2 messages found');
    await page.getByRole('button', { name: 'All threads' }).click();
    await says(page, '4 messages found');
    assert.equal(await page.locator('.ll-find .ll-notice').isVisible(),
                 false);
    await lena.leave();
});


test('a search over the limit waits, and continues', async () => {
    const lena = await Person.arrive(browser, stack, ...LENA);
    const { page } = lena;
    const said = page.locator('.ll-find-says');

    await page.keyboard.press('Control+k');
    await page.locator('#ll-find').waitFor();

    /* other requests of hers, which the browser sends first, leave no room */
    await until('429', async () => {
        await page.evaluate(() => {
            const input = document.querySelector('#ll-find');

            for (let i = 0; i < 60; i++) {
                fetch('/api/properties/oak/search?q=nothing');
            }

            for (const words of ['', 'kuche']) {
                input.value = words;
                input.dispatchEvent(new Event('input', { bubbles: true }));
            }

            input.dispatchEvent(new KeyboardEvent('keydown', {
                key: 'Enter', bubbles: true }));
        });
        await until('an answer', async () =>
            !/^Searching/.test(await said.textContent()));

        return /^Too many searches .* continues in \d+ s\.$/
            .test(await said.textContent());
    });
    await says(page, '1 message found');
    await lena.leave();
});
