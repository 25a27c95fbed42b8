/* Two people talk: what each sees, in every tab, and how it is counted. */

import assert from 'node:assert/strict';
import test, { after, before } from 'node:test';

import { Person, openBrowser } from './lib/people.mjs';
import { Stack, until } from './lib/stack.mjs';

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


test('two people see each other\'s messages and read marks', async () => {
    await stack.lease('talk', { label: '1 Talk Rd', landlords: [LENA],
                                tenants: [TOM] });

    const lena = await Person.arrive(browser, stack, ...LENA);
    const tom = await Person.arrive(browser, stack, ...TOM);

    assert.equal(lena.page.url(), `${stack.url}/`,
                 'the token is removed from the address');

    const cookie = (await lena.context.cookies())[0];

    assert.equal(cookie.httpOnly, true);
    assert.equal(cookie.path, '/');

    await lena.open('talk');
    await tom.open('talk');
    await tom.write('The heating is out');

    const row = await lena.sees('The heating is out');

    assert.match(await row.textContent(), /Tom Tenant/);
    await (await tom.sees('The heating is out'))
        .locator('.ll-state-seen', { hasText: /Seen by Lena \d\d:\d\d/ })
        .waitFor();
    await lena.write('Somebody comes today');
    await tom.sees('Somebody comes today');
    await tom.write('Thank you');
    await lena.sees('Thank you');
    assert.equal(await tom.count('The heating is out'), 1);
    assert.equal(await lena.page.locator('.ll-msg').count(), 3);
    await lena.status('live');

    /* the live region has announced what is new, and only that */
    const polite = tom.page.locator('[aria-live]');

    await polite.getByText('Lena: Somebody comes today').waitFor(
        { state: 'attached' });
    assert.doesNotMatch(await polite.textContent(), /heating/);
    assert.deepEqual([lena.complaints, tom.complaints], [[], []]);
    await Promise.all([lena.leave(), tom.leave()]);
});


test('a message is shown as sent, then as seen by each reader', async () => {
    await stack.lease('seen', { landlords: [LENA], tenants: [TOM, ANA] });

    const lena = await Person.arrive(browser, stack, ...LENA);

    await lena.open('seen');
    await lena.write('For both');

    const row = await lena.sees('For both');

    await row.locator('.ll-state-sent', { hasText: /Sent \d\d:\d\d/ })
             .waitFor();
    await stack.api('u-tom', 'POST', 'properties/seen/read', { upto: 2 });
    await row.locator('.ll-state', { hasText: /^Seen by Tom \d\d:\d\d$/ })
             .waitFor();
    await stack.api('u-ana', 'POST', 'properties/seen/read', { upto: 2 });
    await row.locator('.ll-state', { hasText: /Seen by Tom .*Ana/ })
             .waitFor();
    await lena.leave();
});


test('badges count up and clear in all tabs, on one pair of streams',
     async () => {
    await stack.lease('count', { label: '2 Count St', landlords: [LENA],
                                 tenants: [TOM] });

    const lena = await Person.arrive(browser, stack, ...LENA);

    await lena.context.addInitScript(() => {
        window.badges = [];
        navigator.setAppBadge = async (n) => window.badges.push(n);
    });

    const second = await lena.tab();
    const total = Number((await lena.page.title()).match(/^\((\d+)\)/)?.[1]
                         ?? 0);

    for (let i = 1; i <= 3; i++) {
        await stack.say('u-tom', 'count', `number ${i}`);
        await lena.badgeIs('count', i);
        await lena.badgeIs('count', i, second);
    }

    await until('both titles have the total', async () =>
        (await lena.page.title()).startsWith(`(${total + 3})`)
        && (await second.title()).startsWith(`(${total + 3})`));
    assert.match(await lena.page.locator('link[rel="icon"]')
                           .getAttribute('href'), /unread/);

    /* read in the second tab, cleared in both */
    await second.bringToFront();
    await lena.open('count', second);
    await lena.sees('number 3', second);
    await lena.badgeIs('count', 0, second);
    await lena.badgeIs('count', 0);
    await until('the title counts them no longer', async () =>
        !(await lena.page.title()).startsWith(`(${total + 3})`));

    const { data } = await stack.api('u-lena', 'GET', 'inbox');

    assert.equal(data.threads.find((x) => x.property === 'count').unread, 0);

    /* with the thread open in both tabs there are still two streams */
    await lena.open('count');
    await until('there is one pair of streams', async () =>
        await stack.streams() === 2);
    await stack.say('u-tom', 'count', 'number 4');
    await Promise.all([lena.sees('number 4'), lena.sees('number 4', second)]);
    assert.equal(await stack.streams(), 2);
    assert.ok((await badges(second)).includes(total + 3));
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


/* What an installed app would have shown on its icon. */
function badges(page) {
    return page.evaluate(() => window.badges);
}


test('another tab takes over when the leading tab closes', async () => {
    await stack.lease('hand', { landlords: [LENA], tenants: [TOM] });

    const lena = await Person.arrive(browser, stack, ...LENA);
    const second = await lena.tab();

    await lena.open('hand', second);
    await lena.page.close();
    await stack.say('u-tom', 'hand', 'still there?');
    await lena.sees('still there?', second);
    await lena.status('live', second);
    await lena.leave();
});


test('130 unread are shown as 99+, the thread opens at the first of them',
     async () => {
    await stack.lease('many', { landlords: [LENA], tenants: [TOM] });
    await stack.fillUp('many', ['u-tom'], 130, (i) => `line ${i}.`);
    await until('stored', async () => (await stack.api('u-lena', 'GET',
        'properties/many/messages?limit=1')).data.head.startsWith('131.'));

    const lena = await Person.arrive(browser, stack, ...LENA);

    await lena.badgeIs('many', '99+');
    await lena.open('many');
    await lena.page.locator('.ll-divider').waitFor();

    const { top, height } = await lena.page.evaluate(() => {
        const box = document.querySelector('.ll-timeline')
            .getBoundingClientRect();

        return { top: document.querySelector('.ll-divider')
                     .getBoundingClientRect().top - box.top,
                 height: box.height };
    });

    assert.ok(top >= 0 && top < height / 2, `divider at ${top}`);
    assert.equal(await lena.badge('many'), '99+',
                 'messages off screen stay unread');

    const pill = lena.page.locator('.ll-down');

    await pill.waitFor();
    await pill.click();
    await lena.sees('line 130.');
    await lena.badgeIs('many', 0);
    assert.equal(await lena.page.locator('.ll-down').isVisible(), false);
    await lena.leave();
});


test('new messages do not move a page scrolled up, a pill counts them',
     async () => {
    await stack.lease('pill', { landlords: [LENA], tenants: [TOM] });
    await stack.fillUp('pill', ['u-tom', 'u-lena'], 40, (i) => `line ${i}.`);
    await until('stored', async () => (await stack.api('u-tom', 'POST',
        'properties/pill/read', { upto: 41 })).status === 204);

    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.open('pill');
    await tom.sees('line 40.');

    const timeline = tom.page.locator('.ll-timeline');

    await timeline.evaluate((el) => {
        el.scrollTop = 200;
    });

    const before_ = await timeline.evaluate((el) => el.scrollTop);

    for (let i = 1; i <= 3; i++) {
        await stack.say('u-lena', 'pill', `news ${i}`);
    }

    await tom.page.locator('.ll-down', { hasText: '3 new' }).waitFor();
    assert.equal(await timeline.evaluate((el) => el.scrollTop), before_);
    await until('they stay unread', async () => (await stack.api('u-tom', 'GET',
        'inbox')).data.threads.find((x) => x.property === 'pill')
        .unread === 3);
    await tom.page.locator('.ll-down').click();
    await tom.sees('news 3');
    await tom.badgeIs('pill', 0);
    await tom.leave();
});


test('a hidden page marks nothing as read', async () => {
    await stack.lease('hide', { landlords: [LENA], tenants: [TOM] });

    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.open('hide');
    await tom.page.evaluate(() => {
        Object.defineProperty(document, 'visibilityState',
                              { get: () => window.seen ?? 'hidden',
                                configurable: true });
        document.dispatchEvent(new Event('visibilitychange'));
    });
    await stack.say('u-lena', 'hide', 'are you there?');
    await tom.sees('are you there?');
    await tom.badgeIs('hide', 1);
    await tom.page.evaluate(() => {
        window.seen = 'visible';
        document.dispatchEvent(new Event('visibilitychange'));
    });
    await tom.badgeIs('hide', 0);
    await tom.page.locator('.ll-divider').waitFor();
    await tom.leave();
});


test('each thread has its draft, each message its address', async () => {
    await stack.lease('draft', { landlords: [LENA], tenants: [TOM] });
    await stack.lease('other', { landlords: [LENA], tenants: [TOM] });
    await stack.fillUp('other', ['u-tom'], 300, (i) => `line ${i}.`);
    await stack.say('u-tom', 'other', 'the newest');

    const lena = await Person.arrive(browser, stack, ...LENA);

    await lena.open('draft');
    await lena.page.fill('.ll-input', 'half a thou');
    await lena.open('other');
    assert.equal(await lena.page.inputValue('.ll-input'), '');

    const unread = (await stack.api('u-lena', 'GET',
                                    'properties/other/messages?limit=1'))
        .data.you.unread;
    const near = await lena.tab('/?p=other#m262');

    await near.locator('#m262.ll-flash').waitFor();
    assert.equal((await stack.api('u-lena', 'GET',
        'properties/other/messages?limit=1')).data.you.unread, unread,
        'a link to a message marks nothing as read');
    await near.close();

    const tab = await lena.tab('/?p=other#m57');

    await lena.sees('line 56.', tab);
    await tab.locator('#m57.ll-flash').waitFor();

    const inside = await tab.evaluate(() => {
        const row = document.getElementById('m57').getBoundingClientRect();
        const box = document.querySelector('.ll-timeline')
            .getBoundingClientRect();

        return row.top >= box.top && row.bottom <= box.bottom;
    });

    assert.ok(inside, 'the linked message is on screen');

    const link = await tab.locator('#m57 .ll-time').getAttribute('href');

    assert.equal(link, '?p=other#m57');

    const again = await lena.tab('/?p=draft');

    await until('the draft is restored', async () =>
        await again.inputValue('.ll-input') === 'half a thou');
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


test('a link to a missing message opens at the first unread', async () => {
    await stack.lease('miss', { landlords: [LENA], tenants: [TOM] });
    await stack.fillUp('miss', ['u-tom'], 60, (i) => `line ${i}.`);
    await until('stored', async () => (await stack.api('u-lena', 'GET',
        'properties/miss/messages?limit=1')).data.head.startsWith('61.'));

    const lena = await Person.arrive(browser, stack, ...LENA);
    const page = await lena.tab('/?p=miss#m4000');

    await page.getByText('That message is not here.').waitFor();
    await page.locator('.ll-divider').waitFor();

    const top = await page.evaluate(() => document
        .querySelector('.ll-divider').getBoundingClientRect().top);

    assert.ok(top > 0 && top < 760, `the divider is at ${top}`);
    assert.equal((await stack.api('u-lena', 'GET',
        'properties/miss/messages?limit=1')).data.you.unread, 60);
    await lena.leave();
});
