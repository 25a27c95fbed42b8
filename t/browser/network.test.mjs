/*
 * Networks that lie or say nothing: the pages open all the same, believe
 * nobody but their own server, and lose nothing.
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
});

after(async () => {
    await browser?.close();
    await proxy?.stop();
    await stack?.stop();
});


/* Tom behind the proxy, with an open thread, and the shell kept. */
async function arrive(property) {
    await stack.lease(property, { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM,
                                    { url: proxy.url });

    await tom.open(property);
    await tom.status('live');
    await until('the shell is kept', () => tom.page.evaluate(async () =>
        Boolean(navigator.serviceWorker.controller
                && await caches.match('./')
                && await caches.match('/js/view/app.js'))));

    return tom;
}


async function stored(property) {
    const { data } = await stack.api('u-lena', 'GET',
        `properties/${property}/messages`);

    return data.entries.filter((e) => e.kind === 'message')
        .map((e) => e.text);
}


test('a network that accepts and never answers: the page opens from the '
     + 'cache', async () => {
    const tom = await arrive('mute');

    await tom.write('said before');
    await tom.page.locator('.ll-state-sent').waitFor();
    proxy.set('mute');

    const began = Date.now();
    const page = await tom.context.newPage();

    await page.goto(`${proxy.url}/?p=mute`, { waitUntil: 'commit' });
    await page.locator('.ll-inbox').waitFor();

    const took = Date.now() - began;

    assert.ok(took < 10000, `within a few seconds, not ${took} ms`);
    proxy.set('open');
    await tom.leave();
});


test('a manifest opened in a tab does not become the page', async () => {
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


test('a sign-on page in place of the shell is neither kept nor shown',
     async () => {
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
