/*
 * Accessibility: axe-core on every state of the pages, in light and dark, on a
 * phone and wide, left to right and right to left; zoom, targets, contrast
 * modes, motion.  And the size of the first load.
 */

import assert from 'node:assert/strict';
import http from 'node:http';
import test, { after, before } from 'node:test';

import { clean } from './lib/axe.mjs';
import { Person, openBrowser } from './lib/people.mjs';
import { Stack, until } from './lib/stack.mjs';

const LENA = ['u-lena', 'Lena'];
const TOM = ['u-tom', 'Tom'];
const ANA = ['u-ana', 'Ana'];

let stack;
let browser;

before(async () => {
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
    await stack.lease('elm', { label: '12 Elm St, Unit 3',
                               landlords: [LENA], tenants: [TOM, ANA] });
    await stack.lease('oak', { label: '4 Oak Ave', landlords: [LENA],
                               tenants: [ANA] });
    await stack.lease('later', { label: '5 Later St', landlords: [LENA],
                                 tenants: [TOM],
                                 from: '2036-12-01T00:00:00Z' });
    await stack.lease('past', { label: '6 Past St', landlords: [LENA],
                                tenants: [TOM], to: '2026-02-01T00:00:00Z' });
    await stack.say('u-tom', 'elm', 'The heating is out since last night');
    await stack.say('u-lena', 'elm', 'See https://example.com/heating');
    await stack.say('u-ana', 'oak', 'שלום, when can I move in?');
    await stack.fillUp('oak', ['u-ana'], 30, (i) => `line ${i}`);

    const readers = ['a', 'b', 'c', 'd'].map((x) => [`u-r${x}`, `R${x}`]);

    await stack.lease('seen', { label: '7 Seen St', landlords: [LENA],
                                tenants: readers });
    await stack.say('u-lena', 'seen', 'To all of you');

    for (const [user] of readers) {
        await stack.api(user, 'POST', 'properties/seen/read', { upto: 2 });
    }
});

after(async () => {
    await browser?.close();
    await stack?.stop();
});


/* Nothing on screen is cut off on the left or right. */
async function fits(page, where) {
    const wide = await page.evaluate(() => [...document.querySelectorAll(
        '.ll-app *')].filter((el) => {
        const box = el.getBoundingClientRect();

        return box.width > 1 && box.height > 1 && el.checkVisibility()
            && !el.closest('.ll-spoken, .ll-skip, .ll-list')
            && (box.right > innerWidth + 1 || box.left < -1);
    }).map((el) => el.className));

    assert.deepEqual(wide, [], where);
}


const LOOKS = {
    light: {},
    dark: { colorScheme: 'dark' },
    phone: { viewport: { width: 360, height: 640 }, hasTouch: true,
             isMobile: true },
};

/* these differ in layout or colours only: two states are enough */
const VARIANTS = {
    wide: { viewport: { width: 1900, height: 1000 } },
    contrast: { forcedColors: 'active' },
    zoomed: { viewport: { width: 590, height: 380 } },
};

test('a thread\'s head is not shown before it has a title', async () => {
    const lena = await Person.arrive(browser, stack, ...LENA);

    await lena.context.addInitScript(() => {
        new MutationObserver(() => {
            const head = document.querySelector('.ll-head');

            if (head && !head.hidden
                && head.querySelector('h2').textContent === '')
            {
                window.emptyHead = true;
            }
        }).observe(document, { childList: true, subtree: true });
    });

    const page = await lena.tab('/');

    await page.locator('.ll-head').waitFor({ state: 'attached' });
    assert.equal(await page.evaluate(() => window.emptyHead ?? false), false);
    await lena.leave();
});


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


test('pages work in German and from right to left', async () => {
    const ana = await Person.arrive(browser, stack, ...ANA,
                                    { bypassCSP: true, locale: 'de-AT' });
    const { page } = ana;

    await page.getByPlaceholder('Nach Adresse oder Name filtern').waitFor();
    assert.equal(await page.getAttribute('html', 'lang'), 'de');
    await ana.open('elm');
    await page.getByPlaceholder('Nachricht schreiben').waitFor();
    await page.getByText('Heute').first().waitFor();
    await page.click('.ll-account summary');
    await page.selectOption('#ll-language', 'en');
    await page.getByPlaceholder('Write a message').waitFor();

    await page.evaluate(() => {
        document.documentElement.dir = 'rtl';
    });
    await clean(page, 'right to left');
    await fits(page, 'right to left');

    const { side, main, own, other } = await page.evaluate(() => {
        const x = (q) => document.querySelector(q).getBoundingClientRect().x;

        return { side: x('.ll-side'), main: x('.ll-main'),
                 own: x('.ll-msg.ll-other .ll-bubble'),
                 other: innerWidth };
    });

    assert.ok(side > main, 'the list is on the right');
    assert.ok(own > 0 && own < other);
    await ana.leave();
});


test('touch targets are at least 44 pixels wide and high', async () => {
    const lena = await Person.arrive(browser, stack, ...LENA, LOOKS.phone);
    const small = () => lena.page.evaluate(() => [...document
        .querySelectorAll('button, a, summary, select, input, textarea')]
        .filter((el) => {
            const box = el.getBoundingClientRect();

            return box.width > 1 && el.checkVisibility()
                && getComputedStyle(el).pointerEvents !== 'none'
                && !el.closest('.ll-words, .ll-spoken, .ll-skip')
                && (box.height < 43.5 || box.width < 43.5);
        }).map((el) => el.className));

    assert.deepEqual(await small(), []);
    await lena.page.tap('.ll-account summary');
    await lena.page.locator('#ll-language').waitFor();
    await lena.page.keyboard.press('Escape');
    await lena.open('elm');
    await lena.sees('The heating is out');
    assert.deepEqual(await small(), []);
    assert.notEqual(await lena.page.evaluate(() =>
        document.activeElement.className), 'll-input',
        'opening a thread does not open the keyboard');
    await lena.leave();
});


test('nothing is animated with reduced motion', async () => {
    const lena = await Person.arrive(browser, stack, ...LENA,
                                     { reducedMotion: 'reduce' });

    await lena.open('elm');
    await lena.sees('The heating is out');
    assert.equal(await lena.page.evaluate(() =>
        document.getAnimations().length), 0);
    await lena.leave();
});


test('times in a thread are in its property\'s time zone', async () => {
    const tom = await Person.arrive(browser, stack, ...TOM,
                                    { timezoneId: 'Asia/Tokyo' });

    await tom.open('elm');

    const row = await tom.sees('The heating is out');
    const at = await row.locator('time').getAttribute('datetime');
    const wanted = new Intl.DateTimeFormat('en-GB', {
        timeStyle: 'short', timeZone: 'Europe/Berlin',
    }).format(new Date(at));

    assert.equal(await row.locator('time').textContent(),
                 `${wanted} Berlin time`);
    await tom.leave();
});


/* The size of a body that nginx sends to a client that accepts gzip. */
function weigh(url) {
    return new Promise((done, fail) => http.get(url, {
        headers: { 'Accept-Encoding': 'gzip' },
    }, (response) => {
        let bytes = 0;

        response.on('data', (data) => {
            bytes += data.length;
        });
        response.on('end', () => done(bytes));
        response.on('error', fail);
    }).on('error', fail));
}


test('the first load is under 64 kB, from one origin, with ETags', async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const seen = new Map();

    page.on('response', async (response) => {
        const path = new URL(response.url()).pathname;

        if (!path.startsWith('/api/')) {
            seen.set(response.url(), response);
        }
    });
    await page.addInitScript(() => new MutationObserver(() => {
        if (!window.listed && document.querySelector('.ll-card')) {
            window.listed = performance.now();
        }
    }).observe(document, { childList: true, subtree: true }));
    await page.goto(`${stack.url}/#token=${await stack.token(...LENA)}`);
    await page.waitForSelector('.ll-card');

    await until('the shell is cached', () => page.evaluate(async () =>
        Boolean(await caches.match('./'))));

    let bytes = 0;

    /* what a thread and a later visit need comes after the list */
    const first = await page.evaluate(() => performance
        .getEntriesByType('resource')
        .filter(({ name, startTime }) => startTime < window.listed
                                         && !name.includes('/api/'))
        .map(({ name }) => name));

    first.push(`${stack.url}/`);

    for (const [url, response] of seen) {
        assert.equal(new URL(url).origin, stack.url);

        const headers = await response.allHeaders();

        assert.equal(headers['cache-control'], 'no-cache', url);
        assert.ok(headers.etag, url);
    }

    for (const url of first) {
        bytes += await weigh(url);
    }

    assert.ok(bytes < 64000, `${bytes} bytes in ${first.length} files`);

    const again = await fetch(`${stack.url}/js/main.js`, { headers: {
        'If-None-Match': (await fetch(`${stack.url}/js/main.js`))
            .headers.get('etag') } });

    assert.equal(again.status, 304);
    await context.close();
});


/* Whether an element can be scrolled to and is all within the window. */
function reach(locator) {
    return locator.evaluate((el) => {
        el.scrollIntoView({ block: 'nearest' });

        const { left, right, top, bottom } = el.getBoundingClientRect();

        return left >= 0 && right <= innerWidth && top >= 0
               && bottom <= innerHeight;
    });
}


test('controls are in reach with large type and at 400 % zoom', async () => {
    for (const [font, size] of [['150%', { width: 360, height: 640 }],
                                ['100%', { width: 320, height: 256 }]])
    {
        const lena = await Person.arrive(browser, stack, ...LENA,
                                         { viewport: size });
        const { page } = lena;
        const at = `${font} at ${size.width}`;

        await page.evaluate((f) => {
            document.documentElement.style.fontSize = f;
        }, font);
        await page.locator('.ll-names', { hasText: 'Ana' }).first().waitFor();
        await fits(page, `${at}: list`);

        const list = await page.locator('.ll-threads').boundingBox();

        assert.ok(list.height > 150, `${at}: a list of ${list.height}`);

        for (const what of ['.ll-account summary', '.ll-filter',
                            '.ll-chip:last-child', '.ll-item:first-child'])
        {
            assert.ok(await reach(page.locator(what).first()),
                      `${at}: ${what}`);
        }

        await page.locator('.ll-account summary').click();
        await fits(page, `${at}: menu`);
        assert.ok(await reach(page.locator('.ll-account .ll-small')));
        await page.keyboard.press('Escape');
        await lena.open('elm');
        await lena.sees('See https://');
        await fits(page, `${at}: thread`);

        for (const what of ['.ll-back', '.ll-people summary', '.ll-input',
                            '.ll-send'])
        {
            assert.ok(await reach(page.locator(what)), `${at}: ${what}`);
        }

        assert.ok((await page.locator('.ll-timeline').boundingBox()).height
                  > 90, `${at}: messages`);
        await lena.leave();
    }
});


test('a notch covers no control', async () => {
    const lena = await Person.arrive(browser, stack, ...LENA, {
        viewport: { width: 740, height: 360 }, hasTouch: true,
        isMobile: true });
    const { page } = lena;
    const cdp = await lena.context.newCDPSession(page);
    const inside = async (where) => {
        const out = await page.evaluate(() => [...document.querySelectorAll(
            'a, button, summary, input, textarea, .ll-bubble')].filter((el) => {
            const { width, left, right } = el.getBoundingClientRect();

            return width > 1 && el.checkVisibility()
                   && !el.closest('.ll-spoken, .ll-skip')
                   && (left < 44 || right > innerWidth - 44);
        }).map((el) => el.className));

        assert.deepEqual(out, [], where);
    };

    await cdp.send('Emulation.setSafeAreaInsetsOverride', { insets: {
        left: 44, leftMax: 44, right: 44, rightMax: 44, bottom: 21,
        bottomMax: 21, top: 0, topMax: 0 } });
    await inside('list');
    await lena.open('elm');
    await lena.sees('See https://');
    await inside('thread');

    const send = await page.locator('.ll-send').boundingBox();

    assert.ok(send.y + send.height <= 360 - 21,
              'the send button is above the home bar');
    await lena.leave();
});
