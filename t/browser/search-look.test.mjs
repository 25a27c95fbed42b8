/*
 * The search on a phone, and for everyone: what it covers, and axe-core on each
 * of its states.
 */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { clean } from './lib/axe.mjs';
import { Person, openBrowser } from './lib/people.mjs';
import { LENA, PHONE, find, hits, onScreen, prepare, says }
    from './lib/search.mjs';
import { Stack, until } from './lib/stack.mjs';

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


test('on a phone the search covers the page, and going back closes it',
     async () => {
    const lena = await Person.arrive(browser, stack, ...LENA, PHONE);
    const { page } = lena;
    const wide = () => page.evaluate(() => [...document.querySelectorAll(
        '.ll-app *')].filter((el) => {
        const box = el.getBoundingClientRect();

        return box.width > 1 && box.height > 1
            && !el.closest('.ll-spoken, .ll-skip')
            && (box.right > innerWidth + 1 || box.left < -1);
    }).map((el) => el.className));
    const small = () => page.evaluate(() => [...document
        .querySelectorAll('button, a, input')].filter((el) => {
        const box = el.getBoundingClientRect();

        return box.width > 1 && el.checkVisibility()
            && (box.height < 43.5 || box.width < 43.5)
            && !el.closest('.ll-spoken, .ll-skip');
    }).map((el) => el.className));

    await page.tap('.ll-inbox .ll-finder');
    await find(page, 'boiler');
    await says(page, '4 messages found');
    assert.deepEqual(await wide(), []);
    assert.deepEqual(await small(), []);
    await page.goBack();
    await page.locator('.ll-filter#ll-filter').waitFor();
    assert.equal(await page.locator('.ll-find').isVisible(), false);

    await lena.open('elm');
    await lena.sees('Another BOILER');
    await page.tap('.ll-head .ll-finder');
    assert.equal(await page.locator('.ll-timeline').isVisible(), false);

    /* what arrives under it is not read */
    await stack.say('u-tom', 'elm', 'under the search');
    await page.waitForTimeout(500);
    assert.equal((await stack.api('u-lena', 'GET',
        'properties/elm/messages?limit=1')).data.you.unread, 1);
    await find(page, 'kuche');
    await says(page, '1 message found');
    assert.deepEqual(await wide(), []);
    assert.deepEqual(await small(), []);
    await hits(page).tap();
    await until('on screen', () => onScreen(page, 101));
    assert.equal(await page.locator('.ll-find').isVisible(), false);
    await page.tap('.ll-down');
    await lena.sees('under the search');
    await until('read', async () => (await stack.api('u-lena', 'GET',
        'properties/elm/messages?limit=1')).data.you.unread === 0);
    await page.goBack();
    await page.locator('[data-property="elm"]').waitFor();
    assert.equal(await page.locator('.ll-thread').isVisible(), false,
                 'one step back from the thread is the list');
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


for (const [look, options] of Object.entries({
    light: {}, dark: { colorScheme: 'dark' }, phone: PHONE,
    contrast: { forcedColors: 'active' },
    still: { reducedMotion: 'reduce', locale: 'de-DE' },
})) {
    test(`axe finds no violation in the search: ${look}`, async () => {
        const lena = await Person.arrive(browser, stack, ...LENA,
                                         { bypassCSP: true, ...options });
        const { page } = lena;

        await lena.open('elm');
        await lena.sees('under the search');
        await page.keyboard.press('Control+k');
        await clean(page, `${look}: no words`);
        await find(page, 'line 1');
        await page.locator('.ll-hit').first().waitFor();
        await clean(page, `${look}: hits`);
        await find(page, 'kuche');
        await until('one', async () => await hits(page).count() === 1);
        await hits(page).click();
        await until('on screen', () => onScreen(page, 101));
        await page.locator('#m101.ll-flash').waitFor();
        await clean(page, `${look}: a message`);
        await page.keyboard.press('Control+k');
        await find(page, 'submarine');
        await says(page, /No message found|Keine Nachricht gefunden/);
        await clean(page, `${look}: none`);
        await find(page, '"open');
        await clean(page, `${look}: an open quote`);
        assert.deepEqual(lena.complaints, []);
        await lena.leave();
    });
}


test('a reload closes the search', async () => {
    const lena = await Person.arrive(browser, stack, ...LENA, PHONE);
    const { page } = lena;

    await lena.open('elm');
    await page.tap('.ll-head .ll-finder');
    await page.reload();
    await lena.sees('under the search');
    assert.equal(await page.locator('.ll-find').isVisible(), false);
    await page.tap('.ll-head .ll-finder');
    await page.tap('.ll-find .ll-search .ll-button');
    await lena.sees('under the search');
    assert.equal(await page.locator('.ll-app').getAttribute('data-thread'),
                 'elm');
    await lena.leave();
});
