/*
 * The operator erases a message: every open page loses it at once, and so does
 * what the browser keeps.
 */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { Person, openBrowser } from './lib/people.mjs';
import { Proxy } from './lib/proxy.mjs';
import { erase } from './lib/search.mjs';
import { Stack, until } from './lib/stack.mjs';

const LENA = ['u-lena', 'Lena'];
const TOM = ['u-tom', 'Tom'];
const GONE = 'This message was removed';

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


/* All that the database keeps, as text. */
function kept(page) {
    return page.evaluate(() => new Promise((done) => {
        indexedDB.open('leaseloft').onsuccess = ({ target }) => {
            const db = target.result;
            const tx = db.transaction(['outbox', 'shelf']);
            const all = ['outbox', 'shelf'].map((name) =>
                tx.objectStore(name).getAll());

            tx.oncomplete = () => {
                db.close();
                done(JSON.stringify(all.map((asked) => asked.result)));
            };
        };
    }));
}


async function loses(page, text) {
    await until(`"${text}" is gone from the page`, async () =>
        !(await page.content()).includes(text));
    await until(`"${text}" is gone from the database`, async () =>
        !(await kept(page)).includes(text));
}


async function pair(property, options) {
    await stack.lease(property, { landlords: [LENA], tenants: [TOM] });

    const people = [await Person.arrive(browser, stack, ...LENA),
                    await Person.arrive(browser, stack, ...TOM, options)];

    await Promise.all(people.map((person) => person.open(property)));

    return people;
}


test('every tab loses the text, and so does what the browser keeps',
     async () => {
    const [lena, tom] = await pair('tabs');

    await stack.say('u-tom', 'tabs', 'first words');

    const { seq } = await stack.say('u-tom', 'tabs', 'my card is 4111');

    await stack.say('u-tom', 'tabs', 'last words');

    const second = await lena.tab('/?p=tabs');

    for (const page of [lena.page, second]) {
        await lena.sees('my card is 4111', page);
    }

    await until('it is kept', async () =>
        (await kept(tom.page)).includes('my card is 4111'));
    await tom.sees('my card is 4111');
    await erase(stack, 'tabs', seq);

    for (const page of [lena.page, second, tom.page]) {
        await loses(page, '4111');
        await page.locator(`#m${seq}`, { hasText: GONE }).waitFor();
        assert.equal(await page.locator('.ll-msg').count(), 2);
    }

    /* it is still one of three unread ones, or was read as one */
    await lena.badgeIs('tabs', 0);
    assert.equal((await stack.api('u-lena', 'GET',
        'properties/tabs/messages')).data.you.unread, 0);
    assert.deepEqual([lena.complaints, tom.complaints], [[], []]);
    await Promise.all([lena.leave(), tom.leave()]);
});


test('the list loses the preview of the newest message', async () => {
    const [lena, tom] = await pair('list');
    const page = await lena.tab('/');
    const card = page.locator('[data-property="list"]');
    const { seq } = await stack.say('u-tom', 'list', 'preview 4222');

    await card.getByText('preview 4222').waitFor();
    await erase(stack, 'list', seq);
    await card.getByText(GONE).waitFor();
    await loses(page, '4222');
    await Promise.all([lena.leave(), tom.leave()]);
});


test('a page that was away loses the text when it is back, and stays so '
     + 'offline', async () => {
    const [lena, tom] = await pair('away', { url: proxy.url });

    await until('the shell is cached', () => tom.page.evaluate(async () =>
        Boolean(navigator.serviceWorker.controller
                && await caches.match('./used')
                && await caches.match('/js/view/app.js'))));

    const { seq } = await stack.say('u-lena', 'away', 'secret 4333');

    await stack.say('u-lena', 'away', 'something else');
    await tom.sees('something else');
    await until('it is kept', async () =>
        (await kept(tom.page)).includes('secret 4333'));

    proxy.set('gone');
    await tom.context.setOffline(true);
    await tom.status('offline');
    await erase(stack, 'away', seq);
    await tom.sees('secret 4333');

    /* the cursor is past the message, and nothing new is said */
    proxy.set('open');
    await tom.context.setOffline(false);
    await loses(tom.page, '4333');

    proxy.set('gone');
    await tom.context.setOffline(true);

    const again = await tom.tab('/?p=away');

    await tom.sees('something else', again);
    assert.doesNotMatch(await again.content(), /4333/);
    await again.locator(`#m${seq}`, { hasText: GONE }).waitFor();
    proxy.set('open');
    await tom.context.setOffline(false);
    await Promise.all([lena.leave(), tom.leave()]);
});


test('a thread that is not open is dropped from the device', async () => {
    const [lena, tom] = await pair('shut');
    const { seq } = await stack.say('u-lena', 'shut', 'secret 4444');

    await stack.say('u-lena', 'shut', 'something else');
    await tom.sees('something else');
    await until('it is kept', async () =>
        (await kept(tom.page)).includes('secret 4444'));
    await tom.page.close();
    await erase(stack, 'shut', seq);

    const page = await tom.tab('/');

    /* pages look at what they keep once an hour */
    await page.evaluate(() => new Promise((done) => {
        indexedDB.open('leaseloft').onsuccess = ({ target }) => {
            const tx = target.result.transaction('shelf', 'readwrite');

            tx.objectStore('shelf').delete('u-tom checked');
            tx.oncomplete = done;
        };
    }));
    await page.reload();
    await loses(page, '4444');
    await Promise.all([lena.leave(), tom.leave()]);
});


test('a change of what is kept overwrites nothing that is newer', async () => {
    const [lena, tom] = await pair('newer');
    const last = await tom.page.evaluate(async () => {
        const { Db, Shelf } = await import('/js/core/db.js');
        const clock = { now: () => Date.now(),
                        setTimeout: (fn, ms) => setTimeout(fn, ms),
                        clearTimeout: (timer) => clearTimeout(timer) };
        const shelf = new Shelf({ db: new Db({ indexedDB, clock }), clock,
                                  user: 'u-test' });

        await shelf.put('page', { words: 'to be erased' });
        await Promise.all([
            shelf.change('page', (page) => ({ ...page, checked: true })),
            shelf.put('page', { words: 'erased' }),
        ]);

        return (await shelf.get('page')).words;
    });

    assert.equal(last, 'erased');
    await Promise.all([lena.leave(), tom.leave()]);
});


test('in German, too', async () => {
    const [lena, tom] = await pair('deutsch', { locale: 'de-DE' });
    const { seq } = await stack.say('u-lena', 'deutsch', 'geheim 4555');

    await tom.sees('geheim 4555');
    await erase(stack, 'deutsch', seq);
    await tom.page.locator(`#m${seq}`, {
        hasText: 'Diese Nachricht wurde entfernt' }).waitFor();
    await tom.page.locator('[data-property="deutsch"]').getByText(
        'Diese Nachricht wurde entfernt').waitFor();
    await loses(tom.page, '4555');
    await Promise.all([lena.leave(), tom.leave()]);
});
