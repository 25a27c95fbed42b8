/*
 * Networks that answer wrongly or not at all: the pages open, accept only
 * their own server's responses, and lose no message.
 */

import assert from 'node:assert/strict';
import test, { after, afterEach, before } from 'node:test';

import { Person, openBrowser } from './lib/people.mjs';
import { Proxy } from './lib/proxy.mjs';
import { Stack, until } from './lib/stack.mjs';

const LENA = ['u-lena', 'Lena'];
const TOM = ['u-tom', 'Tom'];

let stack;
let browser;
let proxy;

before(async () => {
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
    proxy = await Proxy.start(stack.port);
});

after(async () => {
    await browser?.close();
    await proxy?.stop();
    await stack?.stop();
});


afterEach(() => {
    proxy.portal = {};
    proxy.set('open');
});


/* Tom behind the proxy, with an open thread and a cached shell. */
async function arrive(property) {
    await stack.lease(property, { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM,
                                    { url: proxy.url });

    await tom.open(property);
    await tom.status('live');
    await until('the shell is cached', () => tom.page.evaluate(async () =>
        Boolean(navigator.serviceWorker.controller
                && await caches.match('./used')
                && await caches.match('/js/view/app.js'))));

    return tom;
}


async function stored(property) {
    const { data } = await stack.api('u-lena', 'GET',
        `properties/${property}/messages`);

    return data.entries.filter((e) => e.kind === 'message')
        .map((e) => e.text);
}


test('the page opens from the cache if the network never answers', async () => {
    const tom = await arrive('mute');

    await tom.write('said before');
    await tom.page.locator('.ll-state-sent').waitFor();
    proxy.set('mute');

    const began = Date.now();
    const page = await tom.context.newPage();

    await page.goto(`${proxy.url}/?p=mute`, { waitUntil: 'commit' });
    await page.locator('.ll-inbox').waitFor();

    const took = Date.now() - began;

    assert.ok(took < 10000, `the page opened after ${took} ms`);
    proxy.set('open');
    await tom.leave();
});


test('a manifest opened in a tab is not cached as the page', async () => {
    const tom = await arrive('key');
    const page = await tom.context.newPage();

    await page.goto(`${proxy.url}/manifest.webmanifest`);
    await page.goto(`${proxy.url}/img/icon.svg`);
    proxy.set('gone');
    await page.goto(`${proxy.url}/?p=key`);
    await page.locator('.ll-inbox').waitFor();
    proxy.set('open');
    await tom.leave();
});


test('a captive portal\'s page is neither cached nor shown', async () => {
    const tom = await arrive('portal');

    proxy.set('portal');

    const page = await tom.context.newPage();

    await page.goto(`${proxy.url}/?p=portal`);
    await page.locator('.ll-inbox').waitFor();
    proxy.set('gone');
    await page.reload();
    await page.locator('.ll-inbox').waitFor();
    proxy.set('open');
    await tom.leave();
});


test('a message is stored once, whatever a captive portal answers',
     async () => {
    const tom = await arrive('liar');
    const answers = [{}, { type: 'application/json', body: '{"ok":true}' },
                     { status: 404 }, { status: 401 },
                     { status: 204, body: undefined }];

    for (const [i, answer] of answers.entries()) {
        proxy.portal = answer;
        proxy.asked.length = 0;
        proxy.set('portal');
        await tom.write(`number ${i}`);
        await until('the message is sent', () => proxy.asked.some((line) =>
            line.startsWith('POST')));
        await tom.page.locator('.ll-state-sending').waitFor();
        proxy.set('open');
        await until('the message is stored', async () =>
            (await stored('liar')).length === i + 1, 30000);
    }

    assert.deepEqual(await stored('liar'), answers.map((_, i) =>
        `number ${i}`));
    assert.equal(await tom.page.locator('.ll-session').isVisible(), false,
                 'a captive portal\'s 401 does not sign out');
    assert.deepEqual(tom.complaints, []);
    await tom.leave();
});


test('a page that is left closes its streams and starts no transaction',
     async () => {
    const tom = await arrive('left');

    await tom.context.addInitScript(() => {
        const { fetch } = window;
        const { transaction } = IDBDatabase.prototype;
        const signals = [];
        let left = false;

        window.fetch = (url, options) => {
            if (String(url).includes('/events')) {
                signals.push(options.signal);
            }

            return fetch(url, options);
        };
        IDBDatabase.prototype.transaction = function (...args) {
            if (left) {
                sessionStorage.begun = 'yes';
            }

            return transaction.apply(this, args);
        };
        addEventListener('pagehide', () => {
            left = true;
        });
        document.addEventListener('visibilitychange', () => {
            if (left) {
                sessionStorage.streams = signals.length;
                sessionStorage.open = signals.filter((s) => !s.aborted)
                    .length;
            }
        });
    });
    await tom.page.reload();
    await tom.status('live');
    await stack.say('u-lena', 'left', 'something to keep');
    await tom.sees('something to keep');
    await tom.page.reload();

    const { streams, open, begun } = await tom.page.evaluate(() =>
        ({ ...sessionStorage }));

    assert.ok(Number(streams) >= 2);
    assert.equal(open, '0');
    assert.equal(begun, undefined);
    await tom.leave();
});


test('over the limit of streams a page polls, and shows it', async () => {
    const tom = await arrive('limit');
    const token = await stack.token(...TOM);
    const abort = new AbortController();

    await tom.page.close();

    // else one of these is refused, and the page gets its place
    await until('his stream has ended', async () =>
        await stack.streams() === 0);

    // node closes the stream of a response to which there is no reference
    const streams = await Promise.all(Array.from({ length: 20 }, () =>
        fetch(`${stack.url}/api/inbox/events`, {
            headers: { Authorization: `Bearer ${token}` },
            signal: abort.signal })));

    const page = await tom.tab('/?p=limit');

    await page.locator('.ll-pill', { hasText: 'Checking every 10 s' })
              .first().waitFor();
    await stack.say('u-lena', 'limit', 'by poll');
    await tom.sees('by poll', page, { timeout: 12000 });
    assert.ok(streams.every((response) => response.ok));
    abort.abort();
    await tom.leave();
});


test('the page opens and sends if storage never answers', async () => {
    await stack.lease('store', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM,
                                    { serviceWorkers: 'block' });

    await tom.context.addInitScript(() => {
        IDBFactory.prototype.open = () => ({});
        Storage.prototype.setItem = () => {
            throw new Error('full');
        };
    });

    const page = await tom.tab('/?p=store');

    await tom.status('live', page);
    await page.fill('.ll-input', 'a');
    await page.locator('.ll-alerts', { hasText: 'cannot keep drafts' })
              .waitFor();
    await tom.context.setOffline(true);
    await tom.write('not kept', page);
    await page.locator('.ll-banner', {
        hasText: 'cannot keep your message' }).waitFor();
    await tom.context.setOffline(false);
    await until('the message is stored', async () =>
        (await stored('store')).includes('not kept'), 30000);
    await page.locator('.ll-banner').waitFor({ state: 'hidden' });
    await tom.leave();
});


test('unsent messages are stored again after storage is cleared', async () => {
    const tom = await arrive('clear');
    const { origin } = new URL(proxy.url);
    const devtools = await tom.context.newCDPSession(tom.page);

    proxy.set('gone');
    await tom.write('before');
    await tom.page.locator('.ll-state-sending').waitFor();
    await devtools.send('Storage.clearDataForOrigin', {
        origin, storageTypes: 'indexeddb' });
    await tom.write('after');
    await until('both are stored', () => tom.page.evaluate(() =>
        new Promise((done) => {
            indexedDB.open('leaseloft').onsuccess = ({ target }) => {
                const db = target.result;

                if (!db.objectStoreNames.contains('outbox')) {
                    db.close();
                    done(false);
                    return;
                }

                db.transaction('outbox').objectStore('outbox').getAll()
                  .onsuccess = (e) => {
                      db.close();
                      done(e.target.result.map((i) => i.text).join()
                           === 'before,after');
                  };
            };
        })));
    proxy.set('open');
    await until('both are sent', async () =>
        (await stored('clear')).join() === 'before,after', 30000);
    await tom.leave();
});
