/*
 * Accessibility besides axe.test.mjs: left to right and right to left, zoom,
 * targets, motion.  And the size of the first load.
 */

import assert from 'node:assert/strict';
import http from 'node:http';
import test, { after, before } from 'node:test';

import { clean } from './lib/axe.mjs';
import { ANA, LENA, PHONE, TOM, fits, furnish } from './lib/look.mjs';
import { Person, openBrowser } from './lib/people.mjs';
import { until } from './lib/stack.mjs';

let stack;
let browser;

before(async () => {
    [stack, browser] = await Promise.all([furnish(), openBrowser()]);
});

after(async () => {
    await browser?.close();
    await stack?.stop();
});


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
    const lena = await Person.arrive(browser, stack, ...LENA, PHONE);
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
