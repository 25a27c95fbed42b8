/*
 * Outages under open pages: messages are neither lost nor doubled, and the
 * page shows the state of its connection.
 */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { Person, openBrowser } from './lib/people.mjs';
import { Proxy } from './lib/proxy.mjs';
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


/* A landlord and a tenant with an open thread. */
async function pair(property, options = {}) {
    await stack.lease(property, { landlords: [LENA], tenants: [TOM] });

    const [lena, tom] = await Promise.all([
        Person.arrive(browser, stack, ...LENA),
        Person.arrive(browser, stack, ...TOM, options)]);

    await Promise.all([lena.open(property), tom.open(property)]);
    await Promise.all([lena.status('live'), tom.status('live')]);

    return { lena, tom };
}


async function stored(property, texts) {
    const { data } = await stack.api('u-tom', 'GET',
        `properties/${property}/messages`);

    assert.deepEqual(data.entries.filter((e) => e.kind === 'message')
                                 .map((e) => e.text), texts);
}


async function shows(person, texts) {
    await until(`${person.user} sees ${texts}`, async () =>
        JSON.stringify(await person.page.locator('.ll-words')
            .allTextContents()) === JSON.stringify(texts), 20000);
}


test('restarts of worker, Redis and nginx neither lose nor double messages',
     async () => {
    const { lena, tom } = await pair('faults');
    const all = [];

    const during = async (text, stop, start) => {
        await stop();
        await tom.write(`${text}, Tom`);
        await tom.page.locator('.ll-msg .ll-state-sending').waitFor();
        await lena.write(`${text}, Lena`);
        await start();
        await stack.healthy();
        await lena.sees(`${text}, Tom`);
        await tom.sees(`${text}, Lena`);
        await until('all messages are sent', async () =>
            await tom.page.locator('.ll-state-sending').count() === 0
            && await lena.page.locator('.ll-state-sending').count() === 0,
            20000);
    };

    await tom.write('before');
    await lena.sees('before');
    await during('without a worker', () => stack.kill('worker-1'),
                 () => stack.startWorker());
    await during('without Redis', () => stack.kill('redis'),
                 () => stack.startRedis());
    await during('without nginx', () => stack.stopNginx(),
                 () => stack.startNginx());
    await tom.write('after');
    await lena.sees('after');
    await Promise.all([lena.status('live'), tom.status('live')]);

    const { data } = await stack.api('u-tom', 'GET',
                                     'properties/faults/messages');

    for (const entry of data.entries.filter((e) => e.kind === 'message')) {
        all.push(entry.text);
    }

    assert.equal(all.length, 8, 'each message is stored once');
    assert.equal(new Set(all).size, 8);
    await shows(lena, all);
    await shows(tom, all);
    assert.deepEqual([lena.complaints, tom.complaints], [[], []]);
    await Promise.all([lena.leave(), tom.leave()]);
});


test('messages written offline are sent once, in order, by a later tab',
     async () => {
    /*
     * A browser that is told to be offline may still let out what a new tab
     * asks for at once, so the network is gone as well.
     */
    const proxy = await Proxy.start(stack.port);

    try {
        await offline(proxy);

    } finally {
        await proxy.stop();
    }
});


async function offline(proxy) {
    const { lena, tom } = await pair('offline', { url: proxy.url });

    await tom.write('before');
    await lena.sees('before');
    await until('the shell is cached', () => tom.page.evaluate(async () =>
        Boolean(navigator.serviceWorker.controller
                && await caches.match('./used')
                && await caches.match('/js/view/app.js'))));
    await until('the thread is stored', () => tom.page.evaluate(() =>
        new Promise((done) => {
            indexedDB.open('leaseloft').onsuccess = ({ target }) => {
                const db = target.result;

                db.transaction('shelf').objectStore('shelf')
                  .get('u-tom thread offline').onsuccess = (e) => {
                      db.close();
                      done(JSON.stringify(e.target.result ?? '')
                          .includes('before'));
                  };
            };
        })));
    proxy.set('gone');
    await tom.context.setOffline(true);
    await tom.status('offline');
    await tom.write('from the tunnel');
    await tom.write('still in it');
    await tom.page.locator('.ll-banner', { hasText: '2 messages wait' })
             .waitFor();
    await tom.page.close();
    await stored('offline', ['before']);

    const again = await tom.tab('/?p=offline');

    await tom.sees('before', again);
    await tom.sees('still in it', again);
    assert.equal(await again.locator('.ll-state-sending').count(), 2);
    await stored('offline', ['before']);
    proxy.set('open');
    await tom.context.setOffline(false);
    await lena.sees('still in it');
    await tom.status('live', again);
    await until('all messages are sent', async () =>
        await again.locator('.ll-state-sending').count() === 0);
    await stored('offline', ['before', 'from the tunnel', 'still in it']);
    assert.equal(await tom.count('from the tunnel', again), 1);
    await until('the banner is gone', async () =>
        !await again.locator('.ll-banner').isVisible());
    await until('no notice is shown', async () =>
        await again.locator('.ll-notice:visible').count() === 0);
    await Promise.all([lena.leave(), tom.leave()]);
}


/* mostly waiting, so side by side */
test('pages work on unreliable networks', { concurrency: 2 }, (t) =>
    Promise.all([
        t.test('polls deliver messages in ten seconds if a proxy holds streams',
               heldBack),
        t.test('a network that comes and goes loses and doubles no message',
               comesAndGoes),
    ]));


async function heldBack() {
    const proxy = await Proxy.start(stack.port);

    try {
        const { lena, tom } = await pair('held', { url: proxy.url });

        proxy.set('hold');
        await tom.status('checking', tom.page, 40000);
        await tom.page.locator('.ll-pill', { hasText: 'Checking every 10 s' })
                 .first().waitFor();

        const began = Date.now();

        await lena.write('by poll');
        await tom.sees('by poll', tom.page, { timeout: 12000 });
        assert.ok(Date.now() - began < 11000);
        await tom.write('and back');
        await lena.sees('and back');
        proxy.set('open');
        await tom.status('live', tom.page, 40000);
        await lena.write('live again');
        await tom.sees('live again');
        await Promise.all([lena.leave(), tom.leave()]);

    } finally {
        await proxy.stop();
    }
}


async function comesAndGoes() {
    const proxy = await Proxy.start(stack.port);

    try {
        const { lena, tom } = await pair('flaky', { url: proxy.url });
        const texts = [];

        for (let i = 0; i < 4; i++) {
            proxy.set('gone');
            await tom.write(`Tom ${i}`);
            await lena.write(`Lena ${i}`);
            proxy.set('open');
            await lena.sees(`Tom ${i}`);
            await tom.sees(`Lena ${i}`);
        }

        const { data } = await stack.api('u-tom', 'GET',
                                         'properties/flaky/messages');

        for (const entry of data.entries) {
            if (entry.kind === 'message') {
                texts.push(entry.text);
            }
        }

        assert.equal(texts.length, 8);
        await shows(tom, texts);
        await shows(lena, texts);
        await Promise.all([lena.leave(), tom.leave()]);

    } finally {
        await proxy.stop();
    }
}


test('an entry lost in Redis is shown as a line in its place', async () => {
    const { lena, tom } = await pair('lost');

    for (const text of ['one', 'two', 'three']) {
        await tom.write(text);
        await lena.sees(text);
    }

    await stack.pipe('XDEL ll:{p:lost}:thread 3-0\r\nECHO done\r\n', 1);
    await lena.leave();

    const again = await Person.arrive(browser, stack, ...LENA);

    await again.open('lost');
    await again.status('live');
    await shows(again, ['one', 'three']);
    assert.equal(await again.page.locator('#m3').innerText()
        .then((words) => words.includes('no longer available')), true);

    await tom.write('four');
    await shows(again, ['one', 'three', 'four']);
    await Promise.all([again.leave(), tom.leave()]);
});
