/*
 * The record in the pages: saved as a file that verifies, and printed in sheets
 * that say what they have, with texts and names that would break either.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { after, before } from 'node:test';

import { clean } from './lib/axe.mjs';
import { Person, openBrowser } from './lib/people.mjs';
import { Stack, root, until } from './lib/stack.mjs';

const program = join(resolve(root, process.env.BUILD || 'build'), 'leaseloft');
const LENA = ['u-lena', 'Lena <b>bold</b> & \u202eco'];
const TOM = ['u-tom', '</bdi><img src=x onerror="document.title=1">'];
const ANA = ['u-ana', 'Ana'];
const LABEL = '12 Elm St, Unit 3 <script>document.title=2</script>';
const TEXTS = [
    '<img src=x onerror="document.title=3"> </p></article> &amp;',
    '\u{1f525}\u{1f976}\u{1f468}\u200d\u{1f469}\u200d\u{1f467} emoji '
    + '\u{1f1e9}\u{1f1ea}'.repeat(200),
    '\u05e9\u05dc\u05d5\u05dd, \u05d4\u05d7\u05d9\u05de\u05d5\u05dd and '
    + '\u202eturned\u202c',
    'x'.repeat(4000), 'line\n'.repeat(790).trim(), 'e\u0301'.repeat(2000),
    'word '.repeat(780).trim(), 'short',
];

let stack;
let browser;
let dir;
let texts;

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'leaseloft-record-'));
    [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);

    const lease = (tenants) => stack.lease('home', {
        label: LABEL, landlords: [LENA], tenants, zone: 'America/New_York' });

    await lease([TOM, ANA]);

    for (let i = 0; i < 24; i++) {
        await stack.say(i % 2 ? 'u-lena' : 'u-tom', 'home',
                        TEXTS[i % TEXTS.length]);
    }

    await stack.api('u-lena', 'POST', 'properties/home/read', { upto: 4 });
    await stack.api('u-tom', 'POST', 'properties/home/read', { upto: 25 });
    execFileSync(program, ['erase', 'home', '9', '--reason', 'test', '--redis',
                           `unix:${join(stack.dir, 'redis.sock')}`],
                 { stdio: 'ignore' });
    await lease([TOM]);
    await stack.say('u-lena', 'home', 'after Ana left');

    texts = new Map((await stack.api('u-lena', 'GET',
        'properties/home/messages?after=0&limit=200')).data.entries
        .filter((e) => e.kind === 'message').map((e) => [e.seq, e.text]));
});

after(async () => {
    await browser?.close();
    await stack?.stop();
    rmSync(dir, { recursive: true, force: true });
});


/* The print of a thread, once it is laid out. */
async function printed(person, property = 'home', paper = null) {
    const page = await person.context.newPage();

    page.on('pageerror', (error) => person.complaints.push(error.stack));
    await page.goto(`${person.url}/print.html?p=${property}`);
    await page.waitForSelector('.sheets[data-ready]');

    if (paper) {
        await page.selectOption('#paper', paper);
        await page.waitForSelector(`.sheets[data-ready="${paper}"]`);
    }

    return page;
}


/* What each sheet has: its footer, its texts by entry, whether it overflows. */
function sheetsOf(page) {
    return page.evaluate(() => Array.from(
        document.querySelectorAll('.sheet'), (sheet) => {
            const body = sheet.querySelector('.body');

            return {
                over: body.scrollHeight > body.clientHeight
                      || sheet.querySelector('footer').scrollHeight
                         > sheet.querySelector('footer').clientHeight,
                range: sheet.querySelector('.range').textContent,
                foot: sheet.querySelector('footer').textContent,
                body: body.textContent,
                articles: Array.from(body.querySelectorAll('article'), (a) => ({
                    seq: Number(a.querySelector('b').textContent
                        .replace(/\D/g, '')),
                    text: a.querySelector('.text')?.textContent ?? null,
                })),
            };
        }));
}


/* Pages and their size in points, of Chromium's PDF. */
async function pdfOf(page, name) {
    const pdf = (await page.pdf({ preferCSSPageSize: true,
                                  path: join(dir, `${name}.pdf`) }))
        .toString('latin1');
    const size = /\/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]/.exec(pdf);

    return { pages: pdf.match(/\/Type \/Page\b(?!s)/g).length,
             size: size.slice(1).map((n) => Math.round(Number(n))) };
}


for (const [paper, size] of [['a4', [595, 842]], ['letter', [612, 792]]]) {
    test(`${paper}: each sheet has what it says, and all is on one`,
        async () => {
            const tom = await Person.arrive(browser, stack, ...TOM);
            const page = await printed(tom, 'home', paper);
            const sheets = await sheetsOf(page);
            const found = new Map();

            sheets.forEach((sheet, i) => {
                const seqs = sheet.articles.map((a) => a.seq);
                const where = `sheet ${i + 1}`;

                assert.equal(sheet.over, false, `${where} does not overflow`);
                assert.match(sheet.range, seqs.length === 0 ? /^No entry/
                    : new Set(seqs).size === 1
                        ? new RegExp(`^Entry ${seqs[0]} of 27`)
                        : new RegExp(`^Entry ${seqs[0]} to ${seqs.at(-1)}`
                                     + ' of 27'),
                             where);
                assert.match(sheet.range,
                             new RegExp(`Page ${i + 1} of ${sheets.length}$`));
                assert.match(sheet.range, /Times: America\/New_York/);
                assert.match(sheet.foot, /Signed by localhost at .* GMT[+-]\d/);
                assert.match(sheet.foot, /Fingerprint at entry \d+ ([0-9a-f]{8} ?){8}/);

                for (const { seq, text } of sheet.articles) {
                    found.set(seq, (found.get(seq) ?? '') + (text ?? ''));
                }
            });

            assert.deepEqual([...found.keys()],
                             Array.from({ length: 27 }, (_, i) => i + 1),
                             'the entries are in order, none is missing');

            for (const [seq, text] of texts) {
                assert.equal(found.get(seq), text, `the text of entry ${seq}`);
            }

            const pdf = await pdfOf(page, paper);

            assert.equal(pdf.pages, sheets.length, 'a sheet is a page');
            assert.deepEqual(pdf.size, size, 'the paper has its size');
            assert.deepEqual(tom.complaints, []);
            await page.close();
            await tom.leave();
        });
}


test('title, lease, parties, erased entries and read marks are printed',
    async () => {
        const lena = await Person.arrive(browser, stack, ...LENA);
        const page = await printed(lena);
        const [first, ...rest] = await sheetsOf(page);
        const all = [first, ...rest].map((s) => s.body).join('\n');

        assert.match(first.body, /12 Elm St, Unit 3 <script>document/);
        assert.match(first.body, /L-1: Active\. Lease from/);
        assert.match(first.body, /Lena <b>bold<\/b> & co \(u-lena\), Landlord/);
        assert.match(first.body, /1 to 27, 27 in all/);
        assert.match(first.body, /in the time zone America\/New_York/);
        assert.match(all, /Entry 9This message was erased on .* GMT-\d/);
        assert.match(all, /Lena <b>bold<\/b> & co had read up to entry 4 on/);
        assert.match(all, /had read up to entry 25 on/);
        assert.match(all, /Ana left/);
        assert.match(all, /localhost\/home\n27\n/, 'the checkpoint is printed');
        assert.match(all, /no legal effect/);
        assert.equal(await page.locator('.sheet img, .sheet script').count(), 0,
                     'nothing of it is markup');
        assert.match(await page.title(), /^12 Elm St/);

        /* the last fingerprint is the one that verify.html shows */
        const hash = (await sheetsOf(page)).at(-1).foot
            .match(/entry 27 ((?:[0-9a-f]{8} ?){8})/)[1].replaceAll(' ', '');
        const record = await (await lena.context.request.get(
            `${stack.url}/api/properties/home/record`)).text();

        assert.ok(record.includes(`"hash":"${hash}"`));
        await page.close();
        await lena.leave();
    });


test('"Save the record" saves a file that verifies', async () => {
    const tom = await Person.arrive(browser, stack, ...TOM);

    await tom.open('home');
    await tom.page.click('.ll-record summary');

    const [download] = await Promise.all([
        tom.page.waitForEvent('download'),
        tom.page.click('.ll-record a:has-text("Save the record")'),
    ]);
    const path = join(dir, 'saved.ndjson');

    assert.equal(download.suggestedFilename(), 'record-home.ndjson');
    await download.saveAs(path);

    const key = await (await fetch(`${stack.url}/api/record-key`)).text();
    const said = JSON.parse(execFileSync(program, ['verify', path, '--json',
                                                   '--key', key.trim()]));

    assert.deepEqual([said.verified, said.entries, said.erased, said.signed],
                     [true, 27, 1, true]);

    const [print] = await Promise.all([
        tom.context.waitForEvent('page'),
        tom.page.click('.ll-record a:has-text("Print")'),
    ]);

    await print.waitForSelector('.sheets[data-ready]');
    assert.match(await print.locator('.status').innerText(),
                 /checked and is whole/);
    await print.close();
    await tom.leave();
});


test('a tenant who has left prints and saves their window', async () => {
    const ana = await Person.arrive(browser, stack, ...ANA);
    const page = await printed(ana);
    const sheets = await sheetsOf(page);
    const all = sheets.map((s) => s.body).join('\n');

    assert.match(all, /Printed forAna \(u-ana\), Tenant/);
    assert.match(all, /1 to 26, 26 in all/);
    assert.doesNotMatch(all, /after Ana left/);
    await page.close();
    await ana.leave();
});


test('a record that is false or cut off is not printed', async () => {
    const tom = await Person.arrive(browser, stack, ...TOM);
    const page = await tom.context.newPage();
    let change = (text) => text.replace('short', 'shirt');

    await page.route('**/record', async (route) => {
        const response = await route.fetch();

        await route.fulfill({ response, body: change(await response.text()) });
    });

    for (const [how, words] of [
        [change, /does not verify.*Entry 17 is at fault/],
        [(text) => text.slice(0, -300), /did not arrive completely/],
        [(text) => text.replace(/(\{"entries".*)\n$/, '$1x\n'),
         /does not verify/],
    ]) {
        change = how;
        await page.goto(`${stack.url}/print.html?p=home`);
        await page.locator('.refusal', { hasText: words }).waitFor();
        assert.equal(await page.locator('.sheet').count(), 0);
        assert.equal(await page.locator('nav button').isDisabled(), true);
    }

    await page.unroute('**/record');
    await page.goto(`${stack.url}/print.html?p=other`);
    await page.locator('.refusal', { hasText: 'no access' }).waitFor();
    await tom.context.clearCookies();
    await page.goto(`${stack.url}/print.html?p=home`);
    await page.locator('.refusal', { hasText: 'not signed in' }).waitFor();
    await page.close();
    await tom.leave();
});


test('the print and the menu are accessible; the print is in German, too',
     async () => {
    const lena = await Person.arrive(browser, stack, ...LENA,
                                     { locale: 'de-DE', bypassCSP: true });
    const page = await printed(lena);

    assert.match(await page.locator('.status').innerText(),
                 /Seiten\. Das Protokoll wurde geprüft/);
    assert.match(await page.locator('.range').first().innerText(),
                 /^Eintrag 1 bis \d+ von 27\s+Zeiten: America\/New_York/);
    await clean(page, 'the print');
    await page.close();
    await lena.open('home');
    await lena.page.click('.ll-record summary');
    await clean(lena.page, 'the menu');
    await lena.leave();
});


test('a long conversation is printed in a time that grows with it',
     async (t) => {
    await stack.lease('long', { landlords: [LENA], tenants: [TOM] });
    await stack.fillUp('long', ['u-tom', 'u-lena'], 1500, (i) =>
        `message ${i} ${'word '.repeat(i % 40)}`);
    await until('all messages are stored', async () =>
        /^1501\./.test((await stack.api('u-tom', 'GET',
            'properties/long/messages?limit=1')).data.head));

    const tom = await Person.arrive(browser, stack, ...TOM);
    const start = Date.now();
    const page = await printed(tom, 'long');
    const sheets = await sheetsOf(page);

    t.diagnostic(`1,501 entries on ${sheets.length} sheets in `
                 + `${Date.now() - start} ms`);
    assert.equal(sheets.some((s) => s.over), false);
    assert.deepEqual(sheets.flatMap((s) => s.articles.map((a) => a.seq)),
                     Array.from({ length: 1501 }, (_, i) => i + 1));
    await page.close();
    await tom.leave();
});
