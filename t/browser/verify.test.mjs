/*
 * verify.html in Chromium, opened from the disk without a network: it gives the
 * same verdict as "leaseloft verify" on every record of t/verify.t, names the
 * same line, and shows nothing of a file as markup.
 */

import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import test, { after, before } from 'node:test';
import { promisify } from 'node:util';

import { clean } from './lib/axe.mjs';
import { openBrowser } from './lib/people.mjs';
import { Stack, root } from './lib/stack.mjs';

const run = promisify(execFile);
const program = join(resolve(root, process.env.BUILD || 'build'), 'leaseloft');
const address = `file://${root}html/verify.html`;

let browser;
let dir;
let cases;

before(async () => {
    dir = mkdtempSync(join(tmpdir(), 'leaseloft-verify-'));
    execFileSync('perl', ['-It/lib', '-MLeaseLoft::RecordCases', '-e',
                          'record_cases_write($ARGV[0])', dir], { cwd: root });
    cases = JSON.parse(readFileSync(join(dir, 'cases.json'), 'utf8'));
    browser = await openBrowser();
});

after(async () => {
    await browser?.close();
    rmSync(dir, { recursive: true, force: true });
});


/* The page, without a network; fails for a request or an error. */
async function opened(locale = 'en-GB', url = address, offline = true) {
    const context = await browser.newContext({ locale, bypassCSP: false });
    const page = await context.newPage();
    const complaints = [];

    page.on('console', (m) => m.type() === 'error'
                              && complaints.push(m.text()));
    page.on('pageerror', (e) => complaints.push(e.stack));
    page.on('request', (r) => r.url() !== url && !r.url().startsWith('blob:')
                              && complaints.push(`request: ${r.url()}`));
    await context.setOffline(offline);
    await page.goto(url);
    await page.locator('#file').waitFor();

    return { page, complaints, close: () => context.close() };
}


/* Gives the page a file, a key and a checkpoint; waits for the verdict. */
async function verdict(page, { path, key, note }) {
    await page.fill('#key', key ?? '');
    await page.fill('#older', note ?? '');

    const before = await page.evaluate(() =>
        Number(document.getElementById('result').dataset.run ?? 0));

    await page.setInputFiles('#file', []);
    await page.setInputFiles('#file', path);

    const found = await page.waitForFunction(([n, name]) => {
        const result = document.getElementById('result');
        const why = document.getElementById('why');
        const { run: at, file } = result.dataset;

        return Number(at) > n && file === name && result.className !== 'wait'
            ? { kind: result.className, text: result.innerText,
                verdict: document.getElementById('verdict').textContent,
                why: why?.textContent,
                seq: why ? Number(why.dataset.seq) : null,
                line: why ? Number(why.dataset.line) : null }
            : null;
    }, [before, basename(path)]);

    return found.jsonValue();
}


async function theirs(path, { key, note }) {
    const args = ['verify', path, '--json'];

    if (key) {
        args.push('--key', key);
    }

    if (note) {
        args.push('--checkpoint', note);
    }

    const { stdout } = await run(program, args).catch((error) => error);

    return JSON.parse(stdout);
}


test('the page and leaseloft verify agree on every record', async () => {
    const { page, complaints, close } = await opened();

    for (const [n, item] of cases.entries()) {
        const path = join(dir, String(n));
        const want = await theirs(path, item);
        const got = await verdict(page, { path, ...item });

        assert.doesNotMatch(got.text, /null|undefined|\{\w+\}/, item.name);

        if (want.verified) {
            assert.equal(got.kind, item.key ? 'good' : 'part', item.name);
            assert.match(got.text, want.entries
                ? new RegExp(`${want.first} to ${want.last}, `
                             + `${want.entries} in all`)
                : /Entries\s+none/, item.name);
        } else {
            assert.equal(got.kind, 'bad', item.name);
            assert.equal(got.seq || null, want.seq, `${item.name}: entry`);
            assert.equal(got.line, want.line, `${item.name}: line`);
            assert.equal(got.why, (want.seq ? `Entry ${want.seq}: ` : '')
                                  + want.why, `${item.name}: why`);
        }
    }

    assert.deepEqual(complaints, [], 'no request and no error');
    await close();
});


test('a valid record is put into words, in English and German', async () => {
    const { page, close } = await opened('de-DE');
    const path = join(dir, '0');
    const { key } = cases[0];
    let got = await verdict(page, { path, key });

    assert.equal(got.verdict, 'Nichts fehlt und nichts wurde verändert');
    assert.match(got.text, /messages\.example\.com hat unterschrieben/);
    assert.match(got.text, /Gelöscht\s+1:/);

    await page.selectOption('#language', 'en');
    assert.equal(await page.locator('#verdict').textContent(),
                 'Nothing is missing and nothing was changed');
    assert.equal(await page.evaluate(() => document.documentElement.lang),
                 'en');

    got = await verdict(page, { path });
    assert.equal(got.kind, 'part', 'without a key nothing is proven');
    assert.match(got.text, /Without the key nobody knows who signed/);

    await page.selectOption('#language', 'de');

    const forged = cases.findIndex((c) => c.name
                                          === 'one byte of a text changed');

    got = await verdict(page, { path: join(dir, String(forged)), key });
    assert.equal(got.verdict, 'Eintrag 2 ist falsch');
    assert.match(got.why, /sein Hash ist ein anderer/);
    await close();
});


test('a wrong key or checkpoint is said, and nothing is verified', async () => {
    const { page, close } = await opened();

    await page.setInputFiles('#file', join(dir, '0'));
    await page.locator('#result.part').waitFor();
    await page.fill('#key', 'messages.example.com+00000000+AAAA');
    await page.locator('#key-fault', { hasText: 'not a public key' }).waitFor();
    assert.equal(await page.locator('#result').isHidden(), true);
    await page.fill('#key', '');
    await page.fill('#older', 'trust me');
    await page.locator('#older-fault', { hasText: 'not a checkpoint' })
        .waitFor();
    assert.equal(await page.locator('#result').isHidden(), true);
    await close();
});


test('a browser without Ed25519 says that nothing was signed', async () => {
    const { page, close } = await opened();

    await page.evaluate(() => {
        const { importKey } = SubtleCrypto.prototype;

        SubtleCrypto.prototype.importKey = function only(form, k, name, ...r) {
            return name === 'Ed25519'
                ? Promise.reject(new DOMException('no', 'NotSupportedError'))
                : importKey.call(this, form, k, name, ...r);
        };
    });

    const got = await verdict(page, { path: join(dir, '0'),
                                      key: cases[0].key });

    assert.equal(got.kind, 'part');
    assert.match(got.text, /signature could not be checked/);
    await close();
});


test('nothing of a file is markup', async () => {
    const { page, complaints, close } = await opened();
    const [head, ...lines] = readFileSync(join(dir, '0'), 'utf8').split('\n');
    const tree = JSON.parse(head);
    const path = join(dir, 'markup');

    tree.label = '<img src=x onerror="document.title=1">\u202eevil\u0007';
    tree.reader.name = '</bdi><script>document.title=2</script>';
    writeFileSync(path, [JSON.stringify(tree), ...lines].join('\n'));

    const got = await verdict(page, { path, key: cases[0].key });

    assert.equal(got.kind, 'good');
    assert.match(got.text, /<img src=x onerror="document\.title=1">\ufffdevil/);
    assert.equal(await page.locator('img, bdi script').count(), 0);
    assert.equal(await page.title(), 'Verify a record');
    assert.deepEqual(complaints, []);
    await close();
});


test('a file of many entries is read in parts', async () => {
    const { page, close } = await opened();
    const path = join(dir, 'long');

    execFileSync('perl', ['-It/lib', '-MLeaseLoft::Record',
        '-MDigest::SHA=sha256', '-e', `
        my @lines = map { { seq => $_, salt => '0' x 32,
                            entry => entry_of($_, 'x' x 300) } } 1 .. 8000;
        rechain(sha256('P'), @lines);
        open my $f, '>', $ARGV[0];
        print $f record_text({ head => { record => 'leaseloft/1',
            property => 'P', label => 'x', time_zone => 'UTC',
            reader => undef, window => { first => 1, last => 8000 },
            base => unpack('H*', sha256('P')),
            made_at => '2026-11-24T08:00:00.000Z' }, lines => \\@lines,
            last => { entries => 8000, checkpoint => undef } });`, path],
        { cwd: root });

    const start = Date.now();
    const got = await verdict(page, { path });

    assert.equal(got.kind, 'part');
    assert.match(got.text, /1 to 8000, 8000 in all/);
    console.log(`# 8,000 entries in ${Date.now() - start} ms`);
    await close();
});


test('the page works where it is served, apart from the site', async () => {
    const stack = await Stack.start();
    const url = `${stack.url}/verify.html`;
    const { page, complaints, close } = await opened('en-GB', url, false);
    const got = await verdict(page, { path: join(dir, '0'),
                                      key: cases[0].key });

    assert.equal(got.kind, 'good');
    assert.equal(await page.evaluate(() => self.origin), 'null',
                 'it has no access to what the site keeps');
    assert.deepEqual(complaints.filter((c) => !/favicon/.test(c)), []);
    await close();
    await stack.stop();
});


test('the page is accessible, light and dark', async () => {
    for (const colorScheme of ['light', 'dark']) {
        const context = await browser.newContext({ colorScheme,
                                                   bypassCSP: true,
                                                   locale: 'en-GB' });
        const page = await context.newPage();

        await page.goto(address);
        await clean(page, colorScheme);

        for (const n of [0, 11]) {
            await verdict(page, { path: join(dir, String(n)),
                                  key: cases[0].key });
            await clean(page, `${colorScheme}, case ${n}`);
        }

        await context.close();
    }
});
