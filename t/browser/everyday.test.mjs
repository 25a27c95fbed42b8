/*
 * Small things of every day: drafts in several tabs, keys, what is refused
 * and comes back, who is found by name.
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


test('a draft is one in all tabs, and gone everywhere once sent',
     async () => {
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


test('on a touch keyboard Enter is a new line', async () => {
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


test('what cannot be sent is cleaned; what is refused comes back',
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
    await until('it is back', async () =>
        await tom.page.inputValue('.ll-input') === 'with something odd');
    await until('nothing waits', async () =>
        await tom.count('with something odd') === 0);
    assert.match(await tom.page.locator('.ll-alerts').textContent(),
                 /characters that cannot be sent/);
    await tom.page.fill('.ll-input', '');
    await tom.leave();
});


test('a text that turns around leaves links and times alone', async () => {
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
