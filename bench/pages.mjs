/*
 * What the pages cost a slow phone: the main thread's time from a tap on a
 * thread of 100,000 entries, 10,000 of them unread, until its first unread
 * message is on screen and all is quiet; at full speed, and on a CPU slowed
 * four times by Chromium, which slows by the clock on the wall and so counts
 * what other work takes of the machine, too.  Then how long a repeat visit
 * takes to the list, on 3G (300 ms, 1.6 Mbit/s).
 *
 *     node bench/pages.mjs [ENTRIES [UNREAD]]
 */

import { Person, openBrowser } from '../t/browser/lib/people.mjs';
import { Stack, until } from '../t/browser/lib/stack.mjs';

const [n = 100000, unread = 10000] = process.argv.slice(2).map(Number);
const LENA = ['b-lena', 'Lena'];
const TOM = ['b-tom', 'Tom'];
const RUNS = 5;
const QUIET = 5000;

const [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);


async function fill() {
    await stack.lease('big', { landlords: [LENA], tenants: [TOM] });
    await stack.fillUp('big', ['b-tom', 'b-tom', 'b-lena'], n - 1,
                       (i) => `line ${i}. ${'word '.repeat(i % 23)}`);
    await until('stored', async () => (await stack.api('b-lena', 'GET',
        'properties/big/messages?limit=1')).data.head.startsWith(`${n}.`),
        600000);
    await stack.api('b-lena', 'POST', 'properties/big/read',
                    { upto: n - unread });
}


const wait = (ms) => new Promise((done) => setTimeout(done, ms));


/* Nothing of ours runs in the page between the two readings. */
async function open(rate) {
    const lena = await Person.arrive(browser, stack, ...LENA, {
        viewport: { width: 390, height: 760 }, hasTouch: true,
        isMobile: true,
    });
    const { page } = lena;
    const cdp = await lena.context.newCDPSession(page);
    const busy = async () => Object.fromEntries((await cdp.send(
        'Performance.getMetrics')).metrics.map((m) => [m.name, m.value]));

    await lena.status('live');
    await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
    await cdp.send('Emulation.setCPUThrottlingRate', { rate });

    const { x, y } = await page.locator('[data-property="big"]')
                               .boundingBox();

    await wait(1000);

    const before = await busy();

    for (const [type, touchPoints] of [
        ['touchStart', [{ x: x + 50, y: y + 20 }]], ['touchEnd', []]])
    {
        await cdp.send('Input.dispatchTouchEvent', { type, touchPoints });
    }

    await wait(QUIET);

    const after = await busy();

    if (await page.locator('.ll-divider').count() === 0) {
        throw new Error('the thread did not open in time');
    }

    const ms = (name) => Math.round((after[name] - before[name]) * 1000);
    const rows = await page.locator('.ll-rows > li').count();

    await lena.context.close();

    return { ms: ms('TaskDuration'), script: ms('ScriptDuration'),
             layout: ms('LayoutDuration') + ms('RecalcStyleDuration'), rows };
}


/* From an address that was visited before to its list, in milliseconds. */
async function visit(user) {
    const lena = await Person.arrive(browser, stack, ...user, {
        viewport: { width: 390, height: 760 } });
    const times = [];

    await until('the shell is kept', () => lena.page.evaluate(async () =>
        Boolean(navigator.serviceWorker.controller
                && await caches.match('./used'))));

    for (let i = 0; i < RUNS; i++) {
        const page = await lena.context.newPage();
        const cdp = await lena.context.newCDPSession(page);

        await lena.page.close();
        lena.page = page;
        await cdp.send('Network.enable');
        await cdp.send('Network.emulateNetworkConditions', {
            offline: false, latency: 300, downloadThroughput: 200000,
            uploadThroughput: 94000 });
        await page.addInitScript(() => new MutationObserver(() => {
            if (!window.listed && document.querySelector('.ll-card')) {
                window.listed = performance.now();
            }
        }).observe(document, { childList: true, subtree: true }));
        await page.goto(stack.url, { waitUntil: 'commit' });
        await page.waitForSelector('.ll-card');
        times.push(Math.round(await page.evaluate(() => window.listed)));
    }

    await lena.context.close();

    return times.sort((a, b) => a - b);
}


try {
    await fill();

    for (const rate of [1, 4]) {
        const runs = [];

        for (let i = 0; i < RUNS; i++) {
            runs.push(await open(rate));
        }

        runs.sort((a, b) => a.ms - b.ms);

        const { ms, script, layout, rows } = runs[RUNS >> 1];

        console.log(`${n} entries, ${unread} unread, CPU slowed ${rate} times:`
                    + ` ${ms} ms of the main thread (${script} script, `
                    + `${layout} layout), ${rows} rows; ${runs[0].ms} to `
                    + `${runs.at(-1).ms} in ${RUNS} runs`);
    }

    const times = await visit(LENA);

    console.log(`a repeat visit on 3G: the list after ${times[RUNS >> 1]} ms; `
                + `${times[0]} to ${times.at(-1)} in ${RUNS} visits`);

} finally {
    await browser.close();
    await stack.stop();
}
