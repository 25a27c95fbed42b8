/*
 * Drafts in several tabs, touch keyboards, refused texts, a message's actions,
 * folding, and threads that need a reply.
 */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { Person, openBrowser } from './lib/people.mjs';
import { Stack, until } from './lib/stack.mjs';

const LENA = ['u-lena', 'Lena'];
const TOM = ['u-tom', 'Tom'];
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true,
                isMobile: true };

let stack;
let browser;

before(async () => {
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
});

after(async () => {
    await browser?.close();
    await stack?.stop();
});


test('tabs share a draft, and clear it once it is sent', async () => {
    await stack.lease('tabs', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM);
    const second = await tom.tab('/?p=tabs');
    const draft = (text) => until(`draft ${text}`, async () =>
        await second.inputValue('.ll-input') === text);

    await tom.open('tabs');
    await tom.page.fill('.ll-input', 'half a thought');
    await draft('half a thought');
    await tom.page.press('.ll-input', 'Enter');
    await tom.sees('half a thought', second);
    await draft('');

    /* Escape while typing stays where it is */
    await second.fill('.ll-input', 'not yet');
    await second.press('.ll-input', 'Escape');
    assert.match(second.url(), /p=tabs/);
    assert.equal(await second.inputValue('.ll-input'), 'not yet');
    assert.deepEqual(tom.complaints, []);
    await second.fill('.ll-input', '');
    await tom.leave();
});


test('Enter on a touch keyboard starts a new line', async () => {
    await stack.lease('touch', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM, PHONE);

    await tom.open('touch');
    assert.equal(await tom.page.getAttribute('.ll-input', 'enterkeyhint'),
                 'enter');
    await tom.page.tap('.ll-input');
    await tom.page.keyboard.type('one');
    await tom.page.keyboard.press('Enter');
    await tom.page.keyboard.type('two');
    assert.equal(await tom.page.inputValue('.ll-input'), 'one\ntwo');
    await tom.page.tap('.ll-send');
    await tom.sees('two');
    await tom.leave();
});


test('the dialog of keys opens from the list on a phone', async () => {
    await stack.lease('keys', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM, PHONE);

    await tom.page.focus('[data-property="keys"]');
    await tom.page.keyboard.press('?');
    await tom.page.getByRole('dialog').waitFor();
    await tom.leave();
});


test('control characters are removed, a refused text returns to the input',
     async () => {
    await stack.lease('clean', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.open('clean');
    await tom.page.evaluate(() => {
        const input = document.querySelector('.ll-input');

        input.value = 'bell\u0007 and half \ud83d of it';
        input.dispatchEvent(new Event('input', { bubbles: true }));
    });
    await tom.page.press('.ll-input', 'Enter');
    await tom.page.locator('.ll-state-sent, .ll-state-seen').waitFor();
    assert.equal((await stack.api('u-tom', 'GET',
        'properties/clean/messages?limit=1')).data.entries[0].text,
        'bell and half  of it');

    await tom.page.route(/\/messages$/, (route) => route.fulfill({
        status: 422, contentType: 'application/problem+json',
        body: JSON.stringify({ type: '/problems/invalid-body', status: 422,
                               title: 'Invalid body', detail: '' }),
    }));
    await tom.write('with something odd');
    await until('the text is in the input', async () =>
        await tom.page.inputValue('.ll-input') === 'with something odd');
    await until('the message is removed', async () =>
        await tom.count('with something odd') === 0);
    assert.match(await tom.page.locator('.ll-alerts').textContent(),
                 /characters that cannot be sent/);
    await tom.page.fill('.ll-input', '');
    await tom.leave();
});


test('a message that is not sent within seconds is named while live',
     async () => {
    await stack.lease('stuck', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM);
    const banner = tom.page.locator('.ll-banner',
                                    { hasText: '1 message waits' });

    await tom.open('stuck');
    await tom.page.route(/\/messages$/, (route) => route.abort());
    await tom.write('hello');
    await banner.waitFor();
    await tom.status('live');
    await tom.page.unroute(/\/messages$/);
    await tom.page.locator('.ll-state-sent, .ll-state-seen').waitFor();
    await banner.waitFor({ state: 'hidden' });
    await tom.leave();
});


test('direction controls in a text do not affect links and times', async () => {
    await stack.lease('bidi', { landlords: [LENA],
                                tenants: [['u-bob', '\u202Ebob']] });
    await stack.say('u-bob', 'bidi',
                    '\u202Esee https://good.example/a\u202Ebc now');

    const lena = await Person.arrive(browser, stack, ...LENA,
                                     { locale: 'en-US' });

    await lena.open('bidi');

    const row = await lena.sees('good.example');
    const link = row.locator('.ll-words a');

    assert.equal(await link.getAttribute('href'), 'https://good.example/a');
    assert.equal(await link.evaluate((el) =>
        `${getComputedStyle(el).direction} ${getComputedStyle(el)
            .unicodeBidi}`), 'ltr isolate');
    assert.equal(await row.locator('time').getAttribute('dir'), 'auto');
    assert.doesNotMatch(await lena.page.locator('.ll-names').first()
        .textContent(), /\u202e/);
    await lena.leave();
});


test('a message\'s actions open by pointer, keyboard and long press',
     async () => {
    await stack.lease('acts', { label: '7 Act Rd', landlords: [LENA],
                                tenants: [TOM] });
    await stack.say('u-tom', 'acts', 'first line\nsecond line');

    const lena = await Person.arrive(browser, stack, ...LENA,
        { permissions: ['clipboard-read', 'clipboard-write'] });
    const { page } = lena;

    await lena.open('acts');

    const row = await lena.sees('first line');
    const item = (name) => page.getByRole('menuitem', { name });
    const clip = () => page.evaluate(() => navigator.clipboard.readText());

    await row.locator('.ll-bubble').hover();
    await row.locator('.ll-more').click();
    await item('Copy text').click();
    await until('the text is copied', async () =>
        await clip() === 'first line\nsecond line');

    /* keys only: to the message, then to its button */
    await page.focus('.ll-timeline');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await item('Copy text').waitFor();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await until('the link is copied', async () =>
        await clip() === `${stack.url}/?p=acts#m2`);
    await page.focus('.ll-timeline');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await item('Quote').waitFor();
    await page.keyboard.press('Escape');
    await item('Quote').waitFor({ state: 'detached' });
    assert.match(page.url(), /p=acts/, 'Escape only closes the menu');

    /* a long press */
    await row.locator('.ll-bubble').evaluate((el) => el.dispatchEvent(
        new PointerEvent('contextmenu', { pointerType: 'touch', bubbles: true,
                                          cancelable: true })));
    await item('Quote').click();
    assert.equal(await page.inputValue('.ll-input'),
                 '> first line\n> second line\n');

    assert.match(await page.title(), /7 Act Rd · LeaseLoft$/);
    assert.equal(await page.locator('.ll-title').getAttribute('title'),
                 '7 Act Rd');

    /* an image is refused with a notice, and does not replace the page */
    const words = page.getByText('Photos cannot be sent yet');

    for (const [type, where] of [['paste', '.ll-input'],
                                 ['drop', '.ll-input'],
                                 ['drop', '.ll-timeline']]) {
        assert.equal(await page.locator(where).evaluate((el, how) => {
            const data = new DataTransfer();
            const all = { bubbles: true, cancelable: true };

            data.items.add(new File(['x'], 'x.png', { type: 'image/png' }));

            return el.dispatchEvent(how === 'paste'
                ? new ClipboardEvent(how, { clipboardData: data, ...all })
                : new DragEvent(how, { dataTransfer: data, ...all }));
        }, type), false, `${type} is handled by the page`);
        await words.waitFor();
        await page.locator('.ll-alerts p').evaluateAll((all) =>
            all.forEach((p) => p.remove()));
    }

    await page.fill('.ll-input', '');
    await page.focus('.ll-timeline');
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Filter the list').waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    assert.match(page.url(), /p=acts/);
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


test('long messages and long lists of readers are folded', async () => {
    const others = ['a', 'b', 'c', 'd', 'e'].map((x) => [`u-f${x}`, `F${x}`]);

    await stack.lease('fold', { landlords: [LENA], tenants: others });

    const lena = await Person.arrive(browser, stack, ...LENA);

    await lena.open('fold');
    await lena.write('many words '.repeat(200));

    const row = await lena.sees('many words');
    const height = () => row.evaluate((el) => el.offsetHeight);

    await row.locator('.ll-state-sent').waitFor();

    const folded = await height();

    await row.getByRole('button', { name: 'more', exact: true }).click();
    assert.ok(await height() > folded + 100);

    for (const [user] of others) {
        await stack.api(user, 'POST', 'properties/fold/read', { upto: 2 });
    }

    await row.locator('summary', { hasText: /and 2 others/ }).click();
    await row.locator('.ll-seen p', { hasText: /Fd.*Fe/ }).waitFor();
    await lena.leave();
});


test('"No reply needed" hides a thread until its next message',
     async () => {
    const max = ['u-max', 'Max'];

    await stack.lease('done', { landlords: [max], tenants: [TOM] });
    await stack.say('u-tom', 'done', 'thank you!');

    const person = await Person.arrive(browser, stack, ...max);
    const { page } = person;
    const card = page.locator('[data-property="done"]');

    await page.getByRole('button', { name: 'Needs reply', exact: true })
              .click();
    await card.waitFor();
    await person.open('done');
    await page.getByRole('button', { name: 'No reply needed' }).click();
    await page.mouse.move(900, 300);
    await page.getByText('Nobody is waiting for you').waitFor();
    await page.reload();
    await page.getByRole('button', { name: 'Needs reply', exact: true })
              .click();
    await page.getByText('Nobody is waiting for you').waitFor();
    await stack.say('u-tom', 'done', 'one more thing');
    await card.waitFor();
    await person.leave();
});


test('a message answered 202 is shown as queued', async () => {
    await stack.lease('queue', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.open('queue');
    await stack.kill('worker-1');
    await tom.write('in the queue');
    await tom.page.getByText('Queued at the server').waitFor();
    stack.startWorker();
    await tom.page.locator('.ll-state-sent, .ll-state-seen').waitFor();
    await tom.leave();
});
