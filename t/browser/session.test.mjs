/*
 * Sessions: messages are sent only as their author; a session ends, is renewed
 * or changes its user under an open page; signing in and out.
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
let proxy;

before(async () => {
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
    proxy = await Proxy.start(stack.port);
    await stack.lease('home', { landlords: [LENA], tenants: [TOM] });
});

after(async () => {
    await browser?.close();
    await proxy?.stop();
    await stack?.stop();
});


/* Tom, signed in in a browser context of his own. */
function tenant(options = {}) {
    return Person.arrive(browser, stack, ...TOM, { locale: 'en-GB',
                                                   ...options });
}


async function stored() {
    const { data } = await stack.api('u-lena', 'GET',
                                     'properties/home/messages');

    return data.entries.filter((e) => e.kind === 'message')
        .map((e) => `${e.from.user}: ${e.text}`);
}


/* Opens another user's sign-in link in a new tab, and accepts it. */
async function signInAs(person, user, name, url = stack.url) {
    const page = await person.context.newPage();

    await page.goto(`${url}/#token=${await stack.token(user, name)}`);
    await page.getByRole('button', { name: `Continue as ${name}` }).click();
    await page.locator('.ll-inbox').waitFor();

    return page;
}


/*
 * Signs in for 8 s, which is longer than a busy machine takes to open a page,
 * reloads the page, and returns the token.
 */
async function briefly(person) {
    const token = await stack.token(...TOM, 8);

    await person.context.request.post(`${stack.url}/api/session`,
                                      { data: { token } });
    await person.page.reload();
    await person.page.locator('.ll-foot:not([hidden])').waitFor();

    return token;
}


async function hasEnded(token) {
    await until('the token has expired', async () => (await fetch(
        `${stack.url}/api/session`, { headers: {
            Authorization: `Bearer ${token}` } })).status === 401);
}


test('an outbox entry is sent only while its author is signed in', async () => {
    const tom = await tenant({ url: proxy.url });
    const before = await stored();

    await tom.open('home');
    await tom.status('live');
    proxy.set('gone');
    await tom.write('Tom\'s own words');
    await tom.page.locator('.ll-state-sending').waitFor();

    /* in the same browser, but not through the failing network */
    const lena = await signInAs(tom, ...LENA);

    await lena.bringToFront();
    proxy.set('open');
    await tom.page.locator('.ll-session', {
        hasText: 'Lena has signed in in this browser' }).waitFor();
    await tom.page.locator('.ll-state-sending').waitFor();
    assert.deepEqual(await stored(), before);

    await signInAs(tom, ...TOM);
    await until('the message is sent', async () =>
        (await stored()).length > before.length, 30000);
    assert.deepEqual((await stored()).slice(before.length),
                     ['u-tom: Tom\'s own words']);
    await tom.page.locator('.ll-session').waitFor({ state: 'hidden' });
    assert.deepEqual(tom.complaints, []);
    await tom.leave();
});


test('another user\'s sign-in link asks before it changes the user',
     async () => {
    const tom = await tenant();
    const page = await tom.context.newPage();

    await page.goto(`${stack.url}/#token=${await stack.token(...LENA)}`);
    await page.getByText('You are signed in as Tom. This link signs you in '
                         + 'as Lena.').waitFor();
    assert.equal(page.url(), `${stack.url}/`,
                 'the token is removed from the address');
    await page.getByRole('button', { name: 'Stay signed in as Tom' }).click();
    await page.locator('.ll-inbox').waitFor();
    await page.locator('.ll-account', { hasText: 'Account: Tom' }).waitFor();

    /* accepted: the other tab keeps its user, and shows a notice */
    await page.goto(`${stack.url}/?x#token=${await stack.token(...LENA)}`);
    await page.getByRole('button', { name: 'Continue as Lena' }).click();
    await page.locator('.ll-account', { hasText: 'Account: Lena' }).waitFor();
    await tom.page.locator('.ll-session', { hasText: 'Lena has signed in' })
             .waitFor();
    await tom.page.getByRole('button', { name: 'Continue as Lena' }).click();
    await tom.page.locator('.ll-account', { hasText: 'Account: Lena' })
             .waitFor();
    await tom.leave();
});


test('a page keeps its state when the session ends, resumes on sign-in',
     async () => {
    const tom = await tenant();

    await tom.open('home');
    await briefly(tom);
    await tom.page.evaluate(() => {
        window.same = true;
    });
    await tom.page.fill('.ll-input', 'half a thought');
    await tom.page.locator('.ll-session', {
        hasText: 'Your sign-in has ended' }).waitFor();
    assert.equal(await tom.page.inputValue('.ll-input'), 'half a thought');
    assert.ok(await tom.page.locator('.ll-title').isVisible());
    await tom.page.press('.ll-input', 'Enter');
    await tom.page.locator('.ll-state-sending').waitFor();

    /* a link of the same user does not ask */
    const page = await tom.context.newPage();

    await page.goto(`${stack.url}/#token=${await stack.token(...TOM)}`);
    await page.locator('.ll-inbox').waitFor();
    await tom.page.locator('.ll-session').waitFor({ state: 'hidden' });
    await until('the message is sent', async () =>
        (await stored()).includes('u-tom: half a thought'));
    await tom.status('live');
    assert.equal(await tom.page.evaluate(() => window.same), true,
                 'the page is not reloaded');
    await tom.leave();
});


test('a session renewed before its end shows no notice', async () => {
    const tom = await tenant();

    await tom.open('home');

    const token = await briefly(tom);

    await tom.page.evaluate(() => {
        window.said = 0;
        new MutationObserver(() => {
            window.said += document.querySelector('.ll-session').hidden
                ? 0 : 1;
        }).observe(document, { subtree: true, attributes: true });
    });
    await tom.status('live');
    await tom.context.request.post(`${stack.url}/api/session`, {
        data: { token: await stack.token(...TOM) } });
    await hasEnded(token);
    await stack.say('u-lena', 'home', 'still heard');
    await tom.sees('still heard', tom.page, { timeout: 6000 });
    assert.equal(await tom.page.evaluate(() => window.said), 0);
    await tom.leave();
});


test('signing out asks about drafts, deletes them, signs out all tabs',
     async () => {
    const tom = await tenant();
    const second = await tom.tab('/?p=home');

    await tom.open('home');
    await tom.page.bringToFront();
    await tom.page.fill('.ll-input', 'a draft');
    await tom.page.evaluate(() =>
        localStorage.setItem('leaseloft.done.u-tom.home', '1'));
    await tom.page.click('.ll-account summary');
    await tom.page.getByRole('button', { name: 'Sign out' }).click();
    await tom.page.getByText('1 draft is kept in this browser.').waitFor();
    await tom.page.getByRole('button', { name: 'Stay signed in' }).click();
    assert.equal(await tom.page.inputValue('.ll-input'), 'a draft');

    await tom.page.click('.ll-account summary');
    await tom.page.getByRole('button', { name: 'Sign out' }).click();
    await tom.page.getByRole('button', { name: 'Sign out and delete' })
             .click();

    for (const page of [tom.page, second]) {
        await page.getByText('You have signed out.').waitFor();
        assert.equal(page.url(), `${stack.url}/`);
        assert.equal(await page.locator('.ll-app').textContent()
            .then((text) => /make/.test(text)), false);
    }

    assert.deepEqual(await tom.context.cookies(), []);
    assert.deepEqual(await tom.page.evaluate(() => new Promise((done) => {
        indexedDB.open('leaseloft').onsuccess = ({ target }) => {
            const tx = target.result.transaction(['outbox', 'shelf']);
            const asked = ['outbox', 'shelf'].map((name) =>
                tx.objectStore(name).getAllKeys());

            tx.oncomplete = () => done(asked.flatMap((r) => r.result)
                .concat(Object.keys(localStorage)));
        };
    })), []);

    /* signing in again in one tab signs in the other */
    await second.goto(`${stack.url}/#token=${tom.token}`);
    await second.locator('.ll-inbox').waitFor();
    await tom.page.locator('.ll-inbox').waitFor();
    await tom.leave();
});


test('the sign-in page gives the reason and the way to sign in', async () => {
    const context = await browser.newContext({ locale: 'en-GB',
                                               serviceWorkers: 'block' });
    const page = await context.newPage();
    const old = await stack.token(...TOM, 1);
    const forged = `${(await stack.token(...TOM)).slice(0, -8)}AAAAAAAA`;

    await page.goto(stack.url);
    await page.getByText('You are not signed in.').waitFor();
    await page.getByText('Open your sign-in link, or ask').waitFor();
    await page.goto(`${stack.url}/?a#token=no`);
    await page.getByText('That sign-in link is not valid.').waitFor();
    await page.goto(`${stack.url}/?b#token=${forged}`);
    await page.getByText('That sign-in link is not valid.').waitFor();
    await hasEnded(old);
    await page.goto(`${stack.url}/?c#token=${old}`);
    await page.getByText('That sign-in link has expired.').waitFor();

    /* name, logo, colours and sign-in page of an operator */
    await context.route('**/config.json', (route) => route.fulfill({ json: {
        name: 'Hausfrau', logo: 'img/icon.svg',
        sign_in: 'https://login.example/?next={return}',
        colors: { light: '#8a1c4a', dark: '#ff9ac4' },
    } }));
    await page.goto(`${stack.url}/?p=home`);
    assert.equal(await page.getByRole('link', { name: 'Sign in' })
                           .getAttribute('href'),
        `https://login.example/?next=${encodeURIComponent(
            `${stack.url}/?p=home`)}`);
    assert.match(await page.title(), /Hausfrau/);
    assert.equal(await page.evaluate(() => document.documentElement.style
        .getPropertyValue('--accent')), '#8a1c4a');
    await context.close();
});


test('a session is renewed at the address in config.json', async () => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const page = await context.newPage();
    const next = await stack.token(...TOM);
    let renewals = 0;

    await context.route('**/config.json', (route) => route.fulfill({
        json: { renew: '/renew' } }));
    await context.route('**/renew', async (route) => {
        renewals++;
        await route.fulfill({ json: { token: next } });
    });

    const token = await stack.token(...TOM, 12);

    await page.goto(`${stack.url}/#token=${token}`);
    await page.locator('.ll-inbox').waitFor();
    await until('the session is renewed', async () => renewals > 0);
    await hasEnded(token);
    assert.equal(await page.locator('.ll-session').isVisible(), false);
    assert.equal(renewals, 1);
    await context.close();
});


test('pages work with a fast clock, and if onLine is always false',
     async () => {
    const tom = await tenant();

    await tom.context.addInitScript(() => {
        const now = Date.now.bind(Date);

        Date.now = () => now() + 2 * 3600000;
        Object.defineProperty(Navigator.prototype, 'onLine',
                              { get: () => false });
    });

    await tom.page.close();

    const page = await tom.tab('/?p=home');

    await tom.status('live', page);
    await page.evaluate(() => window.dispatchEvent(new Event('offline')));
    await stack.say('u-lena', 'home', 'it flows');
    await tom.sees('it flows', page);
    await tom.status('live', page);
    assert.equal(await page.locator('.ll-session').isVisible(), false);
    await tom.leave();
});
