/*
 * Leases that begin and end under open pages, filters, the keyboard alone,
 * markup in texts, and long threads and lists.
 */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { after, before } from 'node:test';

import { Person, openBrowser } from './lib/people.mjs';
import { Stack, root, until } from './lib/stack.mjs';

const LENA = ['u-lena', 'Lena'];
const TOM = ['u-tom', 'Tom'];
const ANA = ['u-ana', 'Ana'];

let stack;
let browser;

before(async () => {
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
});

after(async () => {
    await browser?.close();
    await stack?.stop();
});


test('a page follows a lease as it is declared, begins and ends', async () => {
    const ben = await Person.arrive(browser, stack, 'u-ben', 'Ben');

    await ben.page.getByText('No properties yet').waitFor();

    const at = (ms) => new Date(Date.now() + ms).toISOString();
    const lease = (from, to) => stack.lease('timed', {
        label: '5 Later St', landlords: [LENA], tenants: [['u-ben', 'Ben']],
        from, to });

    await lease(at(3600000), null);
    await ben.page.getByText('This thread opens on').first().waitFor();
    await ben.open('timed');
    await ben.page.locator('.ll-closed',
                           { hasText: 'You can write here from' }).waitFor();

    const from = at(1500);

    await lease(from, null);
    await ben.page.locator('.ll-input').waitFor();
    await ben.write('the first word');
    await ben.sees('the first word');
    await ben.page.locator('.ll-event', { hasText: 'The lease began' })
             .waitFor();
    await lease(from, at(1000));
    await ben.page.locator('.ll-closed',
                           { hasText: 'This lease ended on' }).waitFor();
    await ben.page.locator('.ll-event', { hasText: 'The lease ended' })
             .waitFor();
    assert.equal(await ben.page.locator('.ll-input').isVisible(), false);
    assert.deepEqual(ben.complaints, []);
    await ben.leave();
});


test('a user taken off a lease can read, not write, and is told why',
     async () => {
    await stack.lease('leave', { landlords: [LENA], tenants: [TOM, ANA] });

    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.open('leave');
    await tom.write('my words');
    await tom.sees('my words');

    /* written while nothing gets through, refused once it does */
    await tom.context.setOffline(true);
    await tom.write('too late');
    await tom.page.locator('.ll-state-sending').waitFor();
    await stack.lease('leave', { landlords: [LENA], tenants: [ANA] });
    await stack.say('u-lena', 'leave', 'not for Tom');
    await tom.context.setOffline(false);
    await tom.page.locator('.ll-closed').waitFor();
    await tom.page.locator('.ll-remedy',
        { hasText: 'Not sent: the lease is not active' }).waitFor();
    assert.match(await tom.page.locator('.ll-alerts').textContent(),
                 /not sent/);
    await tom.page.getByRole('button', { name: 'Delete draft' }).click();
    await until('deleted', async () => await tom.count('too late') === 0);
    assert.equal(await tom.count('not for Tom'), 0);
    await tom.page.locator('.ll-event', { hasText: 'Tom left' }).waitFor();
    await tom.leave();
});


test('a user without access is told that there is no such thread', async () => {
    await stack.lease('secret', { landlords: [LENA], tenants: [ANA] });

    const tom = await Person.arrive(browser, stack, ...TOM);
    const page = await tom.tab('/?p=secret');

    await page.getByText('There is no such thread').waitFor();
    assert.equal(await page.locator('.ll-msg').count(), 0);
    await tom.leave();
});


const EVIL = [
    '<img src=x onerror="window.owned=1">',
    '<script>window.owned=1</script>',
    '"><svg/onload=window.owned=1>',
    'javascript:window.owned=1',
    'https://example.com/"onmouseover="window.owned=1',
    '{{constructor.constructor("window.owned=1")()}}',
    '\u202Edlrow\u202C <b>bold</b> &amp; \'quote\'',
];

test('markup in texts, names and labels is shown as text', async () => {
    for (const [i, evil] of EVIL.slice(0, 3).entries()) {
        await stack.lease(`evil-${i}`, {
            label: evil, landlords: [['u-eve', evil]],
            tenants: [['u-tim', EVIL[1]], ['u-tam', evil]],
        });
    }

    for (const evil of EVIL) {
        await stack.say('u-tim', 'evil-0', evil);
    }

    const eve = await Person.arrive(browser, stack, 'u-eve', EVIL[0]);

    await eve.page.locator('.ll-label', { hasText: EVIL[0] }).waitFor();
    await eve.page.locator('.ll-names', { hasText: EVIL[1] }).first()
             .waitFor();
    await eve.open('evil-0');

    for (const evil of EVIL) {
        await eve.sees(evil);
    }

    await eve.write(EVIL[0]);
    await eve.page.click('.ll-people summary');
    await eve.page.fill('.ll-filter', '<img src=x');
    await eve.page.fill('.ll-filter', '<script>nothing');
    await eve.page.getByText('Nothing found').waitFor();

    assert.equal(await eve.page.evaluate(() => window.owned), undefined);
    assert.deepEqual(await eve.page.evaluate(() =>
        [...document.querySelectorAll('img, script:not([src]), b, iframe')]
            .map((x) => x.outerHTML)), []);

    const links = await eve.page.locator('.ll-words a').evaluateAll((all) =>
        all.map((a) => [a.href, a.rel, a.target]));

    assert.deepEqual(links, [['https://example.com/',
                              'noopener noreferrer nofollow', '_blank']]);
    assert.deepEqual(eve.complaints, []);
    await eve.leave();
});


test('the Content-Security-Policy blocks inline scripts', async () => {
    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.page.evaluate(() => {
        const script = document.createElement('script');

        script.textContent = 'window.owned = 1';
        document.body.append(script);
    });
    assert.equal(await tom.page.evaluate(() => window.owned), undefined);
    assert.ok(tom.complaints.some((x) => /Content Security Policy/.test(x)));

    const header = (await fetch(stack.url)).headers
        .get('Content-Security-Policy');

    assert.doesNotMatch(header, /unsafe/);
    await tom.leave();
});


test('a message is found, written and sent by keyboard alone', async () => {
    const kim = ['u-kim', 'Kim'];

    for (const n of [1, 2, 3]) {
        await stack.lease(`keys-${n}`, { label: `${n} Key Lane`,
                                         landlords: [kim], tenants: [TOM] });
        await stack.say('u-tom', `keys-${n}`, `about ${n}`);
    }

    const person = await Person.arrive(browser, stack, ...kim);
    const { page } = person;
    const focused = () => page.evaluate(() =>
        document.activeElement.dataset.property
        ?? document.activeElement.className);

    await page.locator('[data-property="keys-1"]').waitFor();
    await page.keyboard.press('/');
    assert.equal(await focused(), 'll-filter');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), 'keys-3');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), 'keys-2');

    /* a list with the focus keeps its order, and says that it has changed */
    await stack.say('u-tom', 'keys-1', 'me first');
    await person.badgeIs('keys-1', 2);
    assert.deepEqual(await page.locator('.ll-card').evaluateAll((all) =>
        all.map((a) => a.dataset.property)), ['keys-3', 'keys-2', 'keys-1']);
    assert.equal(await page.locator('.ll-moved').isVisible(), true);
    assert.equal(await focused(), 'keys-2');

    await page.keyboard.press('Enter');
    await until('the input has the focus', async () =>
        await focused() === 'll-input');
    await page.keyboard.type('First line');
    await page.keyboard.press('Shift+Enter');
    await page.keyboard.type('second line');
    await page.keyboard.press('Enter');
    await person.sees('second line');
    assert.equal(await focused(), 'll-input', 'the input keeps the focus');
    await until('the message is sent', async () => (await stack.api('u-kim',
        'GET', 'properties/keys-2/messages?limit=1')).data.entries[0].text
        === 'First line\nsecond line');

    /* an input method's Enter ends its composition, and sends nothing */
    await page.keyboard.type('nihon');
    await page.locator('.ll-input').evaluate((el) => el.dispatchEvent(
        new KeyboardEvent('keydown', { key: 'Enter', isComposing: true,
                                       bubbles: true, cancelable: true })));
    assert.equal(await page.inputValue('.ll-input'), 'nihon');

    /* to the newest message's link, one up, and back out to the list */
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('ArrowUp');
    assert.equal(await focused(), 'll-time');
    await page.keyboard.press('Escape');
    await until('the list has the focus', async () =>
        await focused() === 'keys-2');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowUp');
    assert.equal(await focused(), 'll-filter');
    await person.leave();
});


test('threads are filtered by unread, needs reply, ended, address, name',
     async () => {
    const may = ['u-may', 'May'];
    const shown = () => person.page.locator('.ll-card').evaluateAll((all) =>
        all.map((a) => a.dataset.property).sort());
    const shows = (what, ids) => until(what, async () =>
        JSON.stringify(await shown()) === JSON.stringify(ids));

    await stack.lease('f-new', { label: '1 Fig St', landlords: [may],
                                 tenants: [['u-jo', 'José Núñez']] });
    await stack.lease('f-done', { label: '2 Fig St', landlords: [may],
                                  tenants: [TOM] });
    await stack.lease('f-end', { label: '3 Plum St', landlords: [may],
                                 tenants: [TOM], from: '2026-01-01T00:00:00Z',
                                 to: '2026-02-01T00:00:00Z' });
    await stack.say('u-jo', 'f-new', 'hello?');
    await stack.say('u-tom', 'f-done', 'a question');
    await stack.say('u-may', 'f-done', 'an answer');

    const person = await Person.arrive(browser, stack, ...may);
    const chip = (name) => person.page.getByRole('button',
        { name, exact: true }).click();

    await shows('all', ['f-done', 'f-end', 'f-new']);
    await chip('Needs reply');
    await shows('needs reply', ['f-new']);
    await chip('Ended');
    await shows('ended', ['f-end']);
    await chip('Unread');
    await shows('unread', ['f-done', 'f-new']);
    await stack.api('u-may', 'POST', 'properties/f-new/read', { upto: 2 });
    await stack.api('u-may', 'POST', 'properties/f-done/read', { upto: 2 });
    await person.page.mouse.move(900, 400);
    await person.page.getByText('All caught up').waitFor();
    await chip('All');
    await person.page.fill('.ll-filter', 'fig');
    await shows('by address', ['f-done', 'f-new']);
    await person.page.fill('.ll-filter', 'nunez');
    await shows('by name', ['f-new']);
    await person.page.fill('.ll-filter', 'nobody');
    await person.page.getByText('No address or name has "nobody" in it')
                     .waitFor();
    await person.leave();
});


test('characters left are counted near the limit, past it nothing is sent',
     async () => {
    await stack.lease('limit', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.open('limit');
    await tom.page.fill('.ll-input', '😀'.repeat(3990));
    await tom.page.locator('.ll-count', { hasText: '10 characters left' })
             .waitFor();
    await tom.page.fill('.ll-input', 'x'.repeat(4001));
    await tom.page.locator('.ll-count', { hasText: '1 character too many' })
             .waitFor();
    await tom.page.press('.ll-input', 'Enter');
    assert.equal(await tom.page.locator('.ll-msg').count(), 0);
    await tom.page.fill('.ll-input', '😀'.repeat(4000));
    await tom.page.press('.ll-input', 'Enter');
    await tom.page.locator('.ll-state-sent').waitFor();
    await tom.leave();
});


test('a thread of 10,000 messages scrolls without jumps', async () => {
    await stack.lease('long', { landlords: [LENA], tenants: [TOM] });
    await stack.fillUp('long', ['u-tom', 'u-lena'], 10000,
                       (i) => `line ${i}. ${'word '.repeat(i % 23)}`);
    await until('stored', async () => (await stack.api('u-lena', 'GET',
        'properties/long/messages?limit=1')).data.head.startsWith('10001.'),
        60000);
    await stack.api('u-tom', 'POST', 'properties/long/read',
                    { upto: 10001 });

    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.open('long');
    await tom.sees('line 10000.');

    const timeline = tom.page.locator('.ll-timeline');

    await timeline.evaluate((el) => el.scrollTo(0, 300));
    await until('older messages are loaded', async () =>
        await tom.page.locator('.ll-msg').count() > 90);

    /* scroll up page by page: what is on screen stays where it is */
    for (let i = 0; i < 15; i++) {
        const jump = await timeline.evaluate(async (el) => {
            const frame = () => new Promise(requestAnimationFrame);

            el.scrollTop = Math.min(el.scrollTop, 700);
            await frame();

            const row = [...document.querySelectorAll('.ll-msg')].find((x) =>
                x.getBoundingClientRect().top > 120);
            const y = row.getBoundingClientRect().top;
            const first = document.querySelector('.ll-msg').id;

            for (let t = 0; t < 100
                 && document.querySelector('.ll-msg').id === first; t++)
            {
                await frame();
            }

            await frame();

            return Math.abs(row.getBoundingClientRect().top - y);
        });

        assert.ok(jump < 2, `jumped by ${jump}`);
    }

    assert.ok(await tom.page.locator('.ll-rows > li').count() < 800,
              'rows far from the screen are removed');

    /* a new message does not scroll, a click on the pill does */
    await stack.say('u-lena', 'long', 'the very newest');
    await tom.page.locator('.ll-down', { hasText: '1 new' }).click();
    await tom.sees('the very newest');

    const far = await tom.tab('/?p=long#m5000');

    await tom.sees('line 4999.', far);
    assert.deepEqual(tom.complaints, []);
    await tom.leave();
});


/* Leases of one landlord, n at a time; tenants(i) of the i-th. */
async function loadLeases(n, id, landlord, tenants) {
    const file = join(stack.dir, 'many.jsonl');
    const lines = Array.from({ length: n }, (_, i) => JSON.stringify({
        property: `${id}-${i}`, lease_id: 'L-1', label: `${i} Many Rd`,
        time_zone: 'UTC', landlords: [landlord], tenants: tenants(i),
        starts_at: '2026-01-01T00:00:00Z', ends_at: null,
    }));

    writeFileSync(file, `${lines.join('\n')}\n`);
    await new Promise((done, fail) => spawn(
        resolve(root, process.env.BUILD || 'build', 'leaseloft'),
        ['lease', 'load', file, '--redis',
         `unix:${join(stack.dir, 'redis.sock')}`], { stdio: 'ignore' })
        .on('exit', (code) => code ? fail(new Error(`load: ${code}`))
                                   : done()));
}


test('a tenant in 400 units is found without a request for each unit',
     async () => {
    const pat = { user: 'u-pat', name: 'Pat' };

    /* one unit has more tenants than the inbox names */
    await loadLeases(400, 'n', pat, (i) => i === 321
        ? Array.from({ length: 8 }, (_, k) =>
            ({ user: `n-321-${k}`, name: `Flatmate ${k}` }))
        : [{ user: `n-${i}`, name: `Tenant ${i}` }]);

    const person = await Person.arrive(browser, stack, pat.user, pat.name);
    const { page } = person;
    const found = (name, id) => until(name, async () => {
        const cards = await page.locator('.ll-card').evaluateAll((all) =>
            all.map((a) => a.dataset.property));

        return cards.length === 1 && cards[0] === id;
    });
    const asked = [];

    await until('all threads are listed', () => page.evaluate(() =>
        parseFloat(document.querySelector('.ll-list').style.height)
        > 400 * 80));
    page.on('request', (request) => {
        const { pathname } = new URL(request.url());

        if (pathname.startsWith('/api/properties/')) {
            asked.push(pathname.split('/')[3]);
        }
    });
    await page.fill('.ll-filter', 'tenant 277');
    await found('a tenant of one unit', 'n-277');
    await page.fill('.ll-filter', 'flatmate 7');
    await found('the eighth tenant of a unit', 'n-321');
    await page.locator('.ll-inbox .ll-notice')
              .waitFor({ state: 'hidden' });
    assert.deepEqual(asked, ['n-321']);
    assert.deepEqual(person.complaints, []);
    await person.leave();
});


test('thousands of threads load in pages and scroll smoothly', async () => {
    const max = 'u-max';

    await loadLeases(2000, 'm', { user: max, name: 'Max' }, (i) =>
        [{ user: `t-${i}`, name: `Tenant ${i}` }]);

    const person = await Person.arrive(browser, stack, max, 'Max');
    const { page } = person;

    await until('all threads are listed', () => page.evaluate(() =>
        parseFloat(document.querySelector('.ll-list').style.height)
        > 2000 * 80));
    assert.ok(await page.locator('.ll-item').count() < 60);

    const slow = await page.locator('.ll-threads').evaluate(async (el) => {
        let worst = 0;

        for (let y = 0; y < el.scrollHeight; y += 4000) {
            const began = performance.now();

            el.scrollTop = y;
            await new Promise(requestAnimationFrame);
            worst = Math.max(worst, performance.now() - began);
        }

        return worst;
    });

    assert.ok(slow < 500, `a frame took ${slow} ms`);
    await page.fill('.ll-filter', '1999 many');
    await page.locator('[data-property="m-1999"]').waitFor();
    await person.leave();
});
