/*
 * Accessibility: axe-core on every state of the pages, in light and dark, on a
 * phone and wide.
 */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { clean } from './lib/axe.mjs';
import { ANA, LENA, PHONE, TOM, fits, furnish } from './lib/look.mjs';
import { Person, openBrowser } from './lib/people.mjs';

let stack;
let browser;

before(async () => {
    [stack, browser] = await Promise.all([furnish(), openBrowser()]);
});

after(async () => {
    await browser?.close();
    await stack?.stop();
});


const LOOKS = {
    light: {},
    dark: { colorScheme: 'dark' },
    phone: PHONE,
};

/* these differ in layout or colours only: two states are enough */
const VARIANTS = {
    wide: { viewport: { width: 1900, height: 1000 } },
    contrast: { forcedColors: 'active' },
    zoomed: { viewport: { width: 590, height: 380 } },
};

for (const [look, options] of Object.entries({ ...LOOKS, ...VARIANTS })) {
    test(`axe finds no violation, nothing is cut off: ${look}`, async () => {
        const lena = await Person.arrive(browser, stack, ...LENA,
                                         { bypassCSP: true, ...options });
        const { page } = lena;
        const back = async () => {
            if (await page.locator('.ll-back').isVisible()) {
                await page.click('.ll-back');
            }
        };

        await page.locator('.ll-names', { hasText: 'Ana' }).first().waitFor();
        await lena.status('live');
        await clean(page, `${look}: dashboard`);
        await fits(page, `${look}: dashboard`);
        await lena.open('elm');
        await lena.sees('The heating is out');
        await clean(page, `${look}: thread`);
        await fits(page, `${look}: thread`);

        assert.ok((await page.screenshot()).length > 10000,
                  'the screenshot has content');

        if (look in VARIANTS) {
            await lena.leave();
            return;
        }

        await page.locator('.ll-time').first().focus();
        await page.locator('.ll-more').click();
        await page.getByRole('menu').waitFor();
        await clean(page, `${look}: a message's actions`);
        await fits(page, `${look}: a message's actions`);
        await page.keyboard.press('Escape');
        await page.focus('.ll-timeline');
        await page.keyboard.press('?');
        await page.getByRole('dialog').waitFor();
        await clean(page, `${look}: keys`);
        await fits(page, `${look}: keys`);
        await page.keyboard.press('Escape');
        await page.click('.ll-people summary');
        await clean(page, `${look}: people`);
        await fits(page, `${look}: people`);
        await page.keyboard.press('Escape');
        await back();
        await lena.open('oak');
        await page.locator('.ll-divider').waitFor();
        await clean(page, `${look}: unread`);
        await page.click('.ll-done');
        await page.locator('.ll-done[aria-pressed="true"]').waitFor();
        await clean(page, `${look}: no reply needed`);
        await page.click('.ll-done');
        await back();
        await lena.open('seen');
        await page.click('.ll-seen summary');
        await page.locator('.ll-seen p').waitFor();
        await clean(page, `${look}: seen by all`);
        await fits(page, `${look}: seen by all`);
        await back();
        await lena.open('later');
        await clean(page, `${look}: pending`);
        await back();
        await page.fill('.ll-filter', 'nothing like this');
        await page.getByText('Nothing found').waitFor();
        await clean(page, `${look}: nothing found`);
        await page.fill('.ll-filter', '');
        await page.click('.ll-account summary');
        await clean(page, `${look}: account`);
        await page.keyboard.press('Escape');
        await lena.leave();
    });
}


test('axe finds no violation: offline, unsent, failed, signed out',
     async () => {
    const tom = await Person.arrive(browser, stack, ...TOM,
                                    { bypassCSP: true });

    await stack.lease('fail', { landlords: [LENA], tenants: [TOM] });
    await tom.open('fail');
    await tom.context.setOffline(true);
    await tom.status('offline');
    await tom.write('in the tunnel');
    await tom.page.locator('.ll-banner', { hasText: '1 message waits' })
             .waitFor();
    await clean(tom.page, 'offline');
    await stack.lease('fail', { landlords: [LENA], tenants: [ANA] });
    await tom.context.setOffline(false);
    await tom.page.locator('.ll-remedy').waitFor();
    await clean(tom.page, 'failed');
    await tom.context.clearCookies();
    await tom.page.goto(`${stack.url}/#token=no`);
    await tom.page.locator('.ll-signin').waitFor();
    await clean(tom.page, 'signed out');
    await tom.leave();
});


for (const colorScheme of ['light', 'dark']) {
    test(`axe finds no violation: signing in and out, ${colorScheme}`,
         async () => {
        const tom = await Person.arrive(browser, stack, ...TOM,
                                        { bypassCSP: true, colorScheme });
        const { page } = tom;
        const other = await tom.context.newPage();

        await tom.open('elm');
        await other.goto(`${stack.url}/#token=${await stack.token(...ANA)}`);
        await other.locator('.ll-choice').waitFor();
        await clean(other, 'another user\'s link');
        await other.getByRole('button', { name: 'Continue as Ana' }).click();
        await page.locator('.ll-session', { hasText: 'Ana' }).waitFor();
        await clean(page, 'another user');
        await fits(page, 'another user');
        await tom.context.clearCookies();
        await page.evaluate(() => window.dispatchEvent(new Event('focus')));
        await page.locator('.ll-session', { hasText: 'ended' }).waitFor();
        await clean(page, 'ended');
        await other.goto(`${stack.url}/?x#token=${tom.token}`);
        await page.locator('.ll-session').waitFor({ state: 'hidden' });
        await page.bringToFront();
        await page.fill('.ll-input', 'a draft');
        await page.click('.ll-account summary');
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.locator('.ll-dialog').waitFor();
        await clean(page, 'a question before signing out');
        await page.getByRole('button', { name: 'Sign out and delete' })
                  .click();
        await page.locator('.ll-signin').waitFor();
        await clean(page, 'signed out');
        await tom.leave();
    });
}
