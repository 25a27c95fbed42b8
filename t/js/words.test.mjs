/* Pure functions of core/: links, dates, rows, languages, addresses, tokens. */

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import test from 'node:test';

import { Formatter, badge, cleanText, codePoints, initials }
    from '../../html/js/core/format.js';
import { LANGUAGES, directionOf, isolate, pickLanguage, pickLocale,
         translator }
    from '../../html/js/core/i18n.js';
import { linkify } from '../../html/js/core/linkify.js';
import { hrefFor, parseLocation } from '../../html/js/core/router.js';
import { buildRows, spokenKeys } from '../../html/js/core/rows.js';
import { parseToken } from '../../html/js/core/link.js';
import { newClientId }
    from '../../html/js/core/session.js';
import enFirst from '../../html/js/strings/en.js';
import deFirst from '../../html/js/strings/de.js';
import enSearch from '../../html/js/strings/search-en.js';
import deSearch from '../../html/js/strings/search-de.js';
import enPrint from '../../html/js/strings/print-en.js';
import dePrint from '../../html/js/strings/print-de.js';

const en = { ...enFirst, ...enSearch, ...enPrint };
const de = { ...deFirst, ...deSearch, ...dePrint };
const html = new URL('../../html/', import.meta.url);


test('links: http and https only, without surrounding punctuation', () => {
    const hrefs = (text) => linkify(text).filter((p) => p.href)
                                         .map((p) => p.href);

    assert.deepEqual(hrefs('see https://a.example/x?y=1.'),
                     ['https://a.example/x?y=1']);
    assert.deepEqual(hrefs('(http://a.example/w_(x)) and HTTPS://B.example!'),
                     ['http://a.example/w_(x)', 'HTTPS://B.example']);
    assert.deepEqual(hrefs('javascript:alert(1) data:text/html,x '
                           + 'ftp://a.example //b.example a.example'), []);
    assert.deepEqual(hrefs('https://bank.example@evil.example/'), []);
    assert.deepEqual(hrefs('http://'), []);
    assert.deepEqual(hrefs('"https://a.example/"onmouseover="x"'),
                     ['https://a.example/']);
    assert.deepEqual(hrefs('<a href=https://a.example>'),
                     ['https://a.example']);
});


test('links: the text is unchanged', () => {
    for (const text of ['', 'a', 'https://a.example', ' x https://b.example,'
                        + ' y\nhttps://c.example/ä?ü ', '<script>']) {
        assert.equal(linkify(text).map((p) => p.text).join(''), text);
    }
});


test('links: direction controls are not part of an address', () => {
    const address = (text) => linkify(text).find((p) => p.href)?.href;

    for (const turn of '\u061c\u200e\u200f\u202a\u202d\u202e\u2066\u2069') {
        assert.equal(address(`${turn}https://a.example/x${turn}y`),
                     'https://a.example/x');
    }
});


test('dates are written as in the reader\'s region', () => {
    const french = ['fr', 'fr-FR', 'en-US', 'en'];

    assert.equal(pickLocale('en', french), 'fr');
    assert.equal(pickLocale('en', ['en-GB', 'de']), 'en-GB');
    assert.equal(pickLocale('en', ['de-DE', 'de'], true), 'en-DE');
    assert.equal(pickLocale('de', ['en-US', 'de-AT'], true), 'de-AT');
    assert.equal(pickLocale('en', []), 'en');
});


test('a time in a zone other than the reader\'s names the zone', () => {
    const york = format.in('America/New_York');

    assert.equal(york.time('2026-11-22T22:57:00Z'), '17:57 New York time');
    assert.match(york.absolute('2026-11-22T22:57:00Z'), /17:57 New York time$/);
    assert.equal(format.in('Europe/London').time('2026-11-22T22:57:00Z'),
                 '22:57', 'a zone with the same time is not named');
    assert.equal(york.relative('2026-11-22T01:00:00Z'),
                 '20:00 New York time', 'relative times name the zone too');
});


test('a name cannot change the direction of the text around it', () => {
    assert.equal(isolate('Tom'), 'Tom');
    assert.equal(isolate('\u202Emot'), 'mot');
    assert.equal(isolate('\u2069\u2068דנה'), '\u2068דנה\u2069');
    assert.equal(t('state.seen', { names: format.list(['דנה', 'Tom']) }),
                 'Seen by \u2068\u2068דנה\u2069 and Tom\u2069');
    assert.equal(t('say.message', { name: '\u202Emot', text: 'x' }), 'mot: x');
});


test('characters that the server refuses are removed from a text', () => {
    assert.equal(cleanText(' a\r\nb\rc\td\u0000\u0007e\u0085\ud83d '),
                 'a\nb\nc\tde');
    assert.equal(cleanText('\ud83d\ude00 \udc00x'), '😀 x');
    assert.equal(cleanText('\u0000\u001f'), '');
});


const clock = { now: () => Date.parse('2026-11-22T03:30:00Z') };
const t = translator('en', en);
const format = new Formatter({ language: 'en-GB', t, clock, zone: 'UTC' });


test('days are computed in the property\'s time zone', () => {
    const york = format.in('America/New_York');
    const at = '2026-11-22T03:00:00Z';

    assert.equal(format.dayKey(at), '2026-11-22');
    assert.equal(york.dayKey(at), '2026-11-21');
    assert.equal(york.time(at), '22:00 New York time');
    assert.equal(york.day('2026-11-21T15:00:00Z'), 'Today');
    assert.equal(format.day('2026-11-21T15:00:00Z'), 'Yesterday');
    assert.match(format.day('2026-11-16T15:00:00Z'), /^Monday,? 16 November$/);
    assert.match(format.day('2025-11-16T15:00:00Z'), /2025$/);
    assert.equal(format.in('No/Where'), format);
});


test('relative times are minutes, a time, a day or a date, by age', () => {
    const rel = (at) => format.relative(at);

    assert.equal(rel('2026-11-22T03:29:30Z'), 'now');
    assert.equal(rel('2026-11-22T03:25:00Z'), '5 min');
    assert.equal(rel('2026-11-22T01:05:00Z'), '01:05');
    assert.equal(rel('2026-11-21T23:00:00Z'), 'Yesterday');
    assert.equal(rel('2026-11-18T12:00:00Z'), 'Wed');
    assert.equal(rel('2026-10-03T12:00:00Z'), '3 Oct');
    assert.equal(rel('2024-10-03T12:00:00Z'), '3 Oct 2024');
});


test('badges, initials, code points and lists are formatted', () => {
    assert.equal(badge(99), '99');
    assert.equal(badge(100), '99+');
    assert.equal(initials('Ana de Souza'), 'AS');
    assert.equal(initials('  '), '');
    assert.equal(codePoints('a😀b'), 3);
    assert.equal(format.list(['A', 'B']), 'A and B');
});


function entry(seq, user, at, more = {}) {
    return { seq, kind: 'message', from: { user, role: 'tenant', name: user },
             text: `t${seq}`, at, client_id: `c${seq}`, ...more };
}

const dayKey = (at) => at.slice(0, 10);


test('rows: entries within five minutes are grouped, days are separated',
     () => {
    const rows = buildRows({
        me: 'me', dayKey, divider: 4,
        entries: [
            { seq: 1, kind: 'lease', event: 'opened',
              at: '2026-11-20T10:00:00Z' },
            entry(2, 'ana', '2026-11-20T10:01:00Z'),
            entry(3, 'ana', '2026-11-20T10:05:00Z'),
            entry(4, 'ana', '2026-11-20T10:06:00Z'),
            entry(5, 'ana', '2026-11-20T10:12:00Z'),
            entry(6, 'me', '2026-11-21T10:12:00Z'),
        ],
        pending: [{ n: 1, client_id: 'p', text: 'x',
                    at: '2026-11-21T10:13:00Z', state: 'queued' }],
    });

    assert.deepEqual(rows.map((r) => r.type), [
        'day', 'lease', 'message', 'message', 'divider', 'message',
        'message', 'day', 'message', 'message']);

    const marks = rows.filter((r) => r.type === 'message')
                      .map((r) => `${r.first ? 'F' : ''}${r.last ? 'L' : ''}`);

    assert.deepEqual(marks, ['F', 'L', 'FL', 'FL', 'F', 'L']);
    assert.deepEqual([...spokenKeys(rows, [
        { user: 'me', read: 6 }, { user: 'ana', read: 5 }], 'me')],
        ['mc6.me', 'mp.me']);
});


test('rows: a pending message keeps its row when it is stored', () => {
    const pending = [{ n: 1, client_id: 'c1', text: 'x', state: 'queued',
                       at: '2026-11-21T10:13:00Z' }];
    const before = buildRows({ entries: [], pending, me: 'me', dayKey });
    const after = buildRows({
        entries: [entry(1, 'me', '2026-11-21T10:13:01Z')], pending,
        me: 'me', dayKey });

    assert.deepEqual(before.map((r) => r.key), after.map((r) => r.key));
});


test('rows: keys are unique even if client_ids repeat', () => {
    const rows = buildRows({ me: 'me', dayKey, entries: [
        entry(1, 'ana', '2026-01-01T00:00:00Z', { client_id: 'x' }),
        entry(2, 'ana', '2026-03-01T00:00:00Z', { client_id: 'x' }),
        entry(3, 'ben', '2026-03-01T00:00:00Z', { client_id: 'x' }),
    ] });

    assert.equal(new Set(rows.map((r) => r.key)).size, rows.length);
});


test('texts have plurals, values and isolated right-to-left names', () => {
    assert.equal(t('inbox.unread', { n: 1 }), '1 unread message');
    assert.equal(t('inbox.unread', { n: 1200 }), '1,200 unread messages');
    assert.equal(t('state.seen', { names: 'Ana' }), 'Seen by Ana');
    assert.equal(t('state.seen', { names: 'דנה' }),
                 'Seen by \u2068דנה\u2069');
    assert.equal(t('no.such.key'), 'no.such.key');
    assert.equal(t('say.message', { name: '{text}', text: 'x' }), '{text}: x');
});


test('every language has every text with the same placeholders', () => {
    const flat = (x) => typeof x === 'string' ? x : Object.values(x).join();
    const values = (x) => [...new Set(flat(x).match(/\{\w+\}/g))].sort();

    for (const [code, strings] of Object.entries({ de })) {
        assert.ok(LANGUAGES[code]);
        assert.deepEqual(Object.keys(strings).sort(),
                         Object.keys(en).sort(), code);

        for (const key of Object.keys(en)) {
            assert.deepEqual(values(strings[key]), values(en[key]), key);
        }
    }
});


test('every text is used, and every text used exists', () => {
    const files = readdirSync(new URL('js/', html), { recursive: true })
        .filter((f) => /^(?!strings).*\.js$/.test(f));
    const source = files.map((f) =>
        readFileSync(new URL(`js/${f}`, html), 'utf8')).join('\n');
    const used = new Set([...source.matchAll(/'([a-z]+\.[a-z][\w.-]*)'/g)]
        .map((m) => m[1]));
    const stems = [...source.matchAll(/`([a-z]+\.(?:[a-z]+\.)?)\$\{/g)]
        .map((m) => m[1]);

    for (const key of Object.keys(en)) {
        assert.ok(used.has(key) || stems.some((s) => key.startsWith(s)),
                  `${key} is not used`);
    }

    const called = [...source.matchAll(/\bt\(\s*'([a-z][\w.-]*)'/g)];

    for (const [, key] of called) {
        assert.ok(Object.hasOwn(en, key), `${key} has no text`);
    }
});


test('language, locale and direction follow the browser\'s languages', () => {
    assert.equal(pickLanguage(['fr-FR', 'de-AT', 'en']), 'de');
    assert.equal(pickLanguage(['fr']), 'en');
    assert.equal(pickLanguage(['__proto__', 'constructor']), 'en');
    assert.equal(pickLocale('en', ['de', 'en-GB'], true), 'en-GB');
    assert.equal(pickLocale('de', ['en-GB'], true), 'de-GB');
    assert.equal(directionOf('ar'), 'rtl');
    assert.equal(directionOf('de'), 'ltr');
});


test('an address names a property and a message', () => {
    assert.deepEqual(parseLocation({ search: '?p=elm-3', hash: '#m482' }),
                     { property: 'elm-3', seq: 482 });
    assert.deepEqual(parseLocation({ search: '?p=../x', hash: '#m0' }),
                     { property: null, seq: null });
    assert.equal(hrefFor('elm-3', 482), '?p=elm-3#m482');
    assert.equal(hrefFor(null), './');
});


test('a token names its user and expiry, a client_id is random', () => {
    const part = (o) => Buffer.from(JSON.stringify(o)).toString('base64url');
    const token = `${part({ alg: 'HS256' })}.${part({
        sub: 'u-tom', name: 'Tøm', exp: 2000 })}.sig`;
    const session = parseToken(token);

    assert.equal(session.user, 'u-tom');
    assert.equal(session.name, 'Tøm');
    assert.equal(session.expires, 2000000);
    assert.equal(parseToken('a.b'), null);
    assert.equal(parseToken('a.!!.c'), null);
    assert.equal(parseToken(`x.${part({ name: 'no sub' })}.y`), null);

    assert.match(newClientId(), /^[a-z0-9]{26}$/);
    assert.notEqual(newClientId(), newClientId());
});


test('pages have no inline code, parsed markup or foreign resources', () => {
    const page = readFileSync(new URL('index.html', html), 'utf8');

    assert.doesNotMatch(page, /<style|<script(?![^>]*\ssrc=)|\son\w+=|style=/);
    assert.doesNotMatch(page, /(src|href)="(https?:)?\/\//);

    for (const file of readdirSync(new URL('js/', html),
                                   { recursive: true })) {
        if (!file.endsWith('.js')) {
            continue;
        }

        const source = readFileSync(new URL(`js/${file}`, html), 'utf8');

        assert.doesNotMatch(source.replace(/\/\*[^]*?\*\//g, ''),
            /innerHTML|outerHTML|document\.cookie|insertAdjacentHTML|document\.write|eval\(/,
            file);

        if (file.startsWith('core')) {
            assert.doesNotMatch(source.replace(/\/\*[^]*?\*\//g, ''),
                /\b(document|window|localStorage)\b\./, file);
        }
    }
});


test('German texts use the formal "Sie"', () => {
    const words = JSON.stringify(de);

    assert.doesNotMatch(words, /\b(?:du|dich|dir|dein\w*)\b/i);
});
