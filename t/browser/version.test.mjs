/*
 * A new deployment under open pages, and what a repeat visit loads: the shell
 * is cached as a whole, used at once, and replaced when the user asks for it.
 */

import assert from 'node:assert/strict';
import { cpSync, readFileSync, readdirSync, renameSync, writeFileSync }
    from 'node:fs';
import { join } from 'node:path';
import test, { after, before } from 'node:test';

import { clean } from './lib/axe.mjs';
import { Person, openBrowser } from './lib/people.mjs';
import { Proxy } from './lib/proxy.mjs';
import { Stack, root, until } from './lib/stack.mjs';

const LENA = ['u-lena', 'Lena'];
const TOM = ['u-tom', 'Tom'];

let stack;
let browser;
let html;


/* The stack serves a copy of the pages, which a test may change. */
before(async () => {
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
    html = join(stack.dir, 'html');
    cpSync(join(root, 'html'), html, { recursive: true });

    const conf = join(stack.dir, 'nginx.conf');
    const text = readFileSync(conf, 'utf8');

    writeFileSync(conf, text.replace(/root "[^"]*\/html"/,
                                     `root "${html}"`));
    await stack.stopNginx();
    await stack.startNginx();
    await stack.healthy();
    await stack.lease('elm', { landlords: [LENA], tenants: [TOM] });
});

after(async () => {
    await browser?.close();
    await stack?.stop();
});


/* Lena, with a cached shell. */
async function arrive({ url = stack.url } = {}) {
    const lena = await Person.arrive(browser, stack, ...LENA,
                                     { url, bypassCSP: true });

    await until('the shell is cached', () => lena.page.evaluate(async () =>
        Boolean(navigator.serviceWorker.controller
                && await caches.match('./used'))));

    return lena;
}


function deploy(words) {
    const file = join(html, 'js/strings/en.js');
    const text = readFileSync(file, 'utf8');

    writeFileSync(file, text.replace(/'inbox\.all': '[^']*'/,
                                     `'inbox.all': '${words}'`));
}


test('all files of the shell are cached, found by their links', async () => {
    const lena = await arrive();
    const kept = await lena.page.evaluate(async () => {
        const name = (await caches.keys()).find((x) =>
            x.startsWith('leaseloft-shell-'));
        const keys = await (await caches.open(name)).keys();

        return keys.map((key) => new URL(key.url).pathname.slice(1));
    });
    const files = readdirSync(html, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name)
            .slice(html.length + 1))
        .filter((path) => !/package\.json$|^sw\.js$|verify\.html$/.test(path));

    assert.deepEqual(kept.filter((key) => key !== 'whole' && key !== 'used')
                         .map((key) => key || 'index.html').sort(),
                     files.sort());
    await lena.leave();
});


test('a shell that could not be cached is asked for again soon', async (t) => {
    const proxy = await Proxy.start(stack.port);
    const context = await browser.newContext();
    const page = await context.newPage();
    const file = join(html, 'css/search.css');
    const asked = () => proxy.asked.filter((line) =>
        line === 'GET /css/search.css').length;

    t.after(async () => {
        await context.close();
        await proxy.stop();
    });

    /* once a service worker has failed as it began, and once as it was asked */
    renameSync(file, `${file}.away`);
    await page.clock.install();
    await page.goto(`${proxy.url}/#token=${await stack.token(...LENA)}`);
    await until('it has no shell', () => page.evaluate(async () =>
        navigator.serviceWorker.controller
        && (await caches.keys()).length === 0));

    const before = asked();

    await until('it is asked', async () => {
        await page.clock.fastForward('00:01');

        return asked() > before;
    });
    await until('it has failed', () => page.evaluate(async () =>
        (await caches.keys()).length === 0));

    renameSync(`${file}.away`, file);
    await page.clock.fastForward('00:31');
    await until('the shell is cached', () => page.evaluate(async () =>
        Boolean(await caches.match('./used'))));
});


test('a repeat visit requests no file before the list is shown', async (t) => {
    const proxy = await Proxy.start(stack.port);
    const lena = await arrive({ url: proxy.url });
    const page = await lena.context.newPage();

    t.after(async () => {
        await lena.leave();
        await proxy.stop();
    });

    /* once this check is answered, none is under way */
    await lena.page.close();
    await page.goto(`${proxy.url}/img/icon.svg`);
    await page.evaluate(() => new Promise((done) => {
        const { port1, port2 } = new MessageChannel();

        port1.onmessage = done;
        navigator.serviceWorker.controller.postMessage('check', [port2]);
    }));

    /* all that reaches the server, whoever asks */
    proxy.asked.length = 0;
    await page.goto(proxy.url);
    await page.locator('[data-property="elm"]').waitFor();

    const list = proxy.asked.findIndex((line) =>
        line.startsWith('GET /api/inbox'));

    assert.notEqual(list, -1);
    assert.deepEqual(proxy.asked.slice(0, list).filter((line) =>
        !/ \/(api\/|sw\.js)/.test(line)), []);
});


test('a new version is offered, but not while a message is unsent',
     async () => {
    const lena = await arrive();
    const page = await lena.context.newPage();

    await lena.page.close();
    await page.clock.install();
    await page.goto(`${stack.url}/?p=elm`);
    await page.locator('.ll-input').waitFor();
    await lena.status('live', page);
    deploy('Everything');

    /* while a message is unsent, nothing is offered */
    await page.route(/\/messages$/, (route) => route.abort());
    await page.fill('.ll-input', 'on its way');
    await page.press('.ll-input', 'Enter');
    await page.locator('.ll-state-sending').waitFor();
    await page.clock.fastForward('05:00');

    const offer = page.getByText('A new version is here');

    await until('the new version is cached', () => page.evaluate(async () =>
        (await caches.keys()).length === 2), 60000);
    await page.waitForTimeout(300);
    assert.equal(await offer.isVisible(), false);

    /* once it is sent, the new version is offered */
    await page.unroute(/\/messages$/);
    await page.clock.fastForward('00:30');
    await offer.waitFor();
    assert.equal(await page.locator('.ll-chip').first().textContent(), 'All');

    for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ colorScheme });
        await clean(page, `a new version: ${colorScheme}`);
    }

    await page.getByRole('button', { name: 'Reload' }).click();
    await page.locator('.ll-chip', { hasText: 'Everything' }).waitFor();
    assert.equal(await page.evaluate(async () =>
        (await caches.keys()).length), 1, 'the old version is deleted');
    await page.locator('.ll-msg', { hasText: 'on its way' }).waitFor();
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});


test('a tab keeps the old version when another takes the new one', async () => {
    const lena = await arrive();
    const first = lena.page;
    const second = await lena.tab('/?p=elm');
    const file = join(html, 'js/view/extras.js');

    await until('all modules are loaded', () => second.evaluate(() => {
        const names = performance.getEntriesByType('resource')
            .filter(({ responseEnd }) => responseEnd > 0)
            .map(({ name }) => name);

        return ['thread-view', 'extras', 'account', 'version'].every((x) =>
            names.some((name) => name.endsWith(`/${x}.js`)));
    }));
    writeFileSync(file, readFileSync(file, 'utf8')
        .replace("class: 'll-keys'", "class: 'll-keys ll-newer'"));
    assert.equal(await first.evaluate(async () => {
        const tell = (words) => new Promise((done) => {
            const { port1, port2 } = new MessageChannel();

            port1.onmessage = ({ data }) => done(data);
            navigator.serviceWorker.controller.postMessage(words, [port2]);
        });

        return await tell('check') && tell('take');
    }), true);

    const dialog = async (page) => {
        await page.focus('.ll-timeline, .ll-threads a');
        await page.keyboard.press('?');

        return page.locator('.ll-keys').getAttribute('class');
    };

    await first.reload();
    await first.locator('.ll-card').first().waitFor();
    assert.equal(await dialog(first), 'll-keys ll-newer');
    assert.equal(await dialog(second), 'll-keys');
    assert.deepEqual(lena.complaints, []);
    await lena.leave();
});
