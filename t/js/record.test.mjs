/*
 * The parts of the record: strict JSON, and how a print orders entries and cuts
 * texts. The verdict on whole records is tested in t/browser/verify.test.mjs.
 */

import assert from 'node:assert/strict';
import test from 'node:test';

import { StrictJson, members } from '../../html/js/core/record-json.js';
import { RecordPages, cutText, fingerprint }
    from '../../html/js/core/record-pages.js';


test('JSON is parsed as RFC 8259 says, objects as Maps', () => {
    const map = StrictJson.parse(
        ' {"a" : [1, -0.5e2, true, false, null],'
        + ' "\\u00fc\\ud83d\\udd27":"\\n"} ');

    assert.deepEqual(map.get('a'), [1, -50, true, false, null]);
    assert.equal(map.get('\u00fc\u{1f527}'), '\n');
    assert.deepEqual(members(map, ['a', 'b']), null);
    assert.equal(StrictJson.parse('{"__proto__":1}').get('__proto__'), 1);
});


test('what other parsers accept is refused', () => {
    for (const [text, code] of [
        ['', 'empty'], ['  ', 'empty'], ['{} {}', 'more'], ['[1,]', 'bad'],
        ['{"a":1,}', 'bad'], ['01', 'more'], ['1.', 'bad'], ['.5', 'bad'],
        ['+1', 'bad'], ['NaN', 'bad'], ['nul', 'bad'], ["'a'", 'bad'],
        ['"a', 'unended'], ['"\t"', 'control'], ['"\\x"', 'escape'],
        ['"\\u12g4"', 'escape'], ['"\\ud800"', 'half'],
        ['"\\udc00\\ud800"', 'half'], ['"\\ud800\\u0041"', 'half'],
        ['[', 'bad'], ['{"a"}', 'bad'], ['[1 2]', 'bad'],
        ['['.repeat(65) + ']'.repeat(65), 'deep'],
    ]) {
        assert.throws(() => StrictJson.parse(text),
                      { code: `json.${code}` }, text);
    }

    assert.doesNotThrow(() => StrictJson.parse('['.repeat(64)
                                               + ']'.repeat(64)));
});


test('a name that is given twice makes no object', () => {
    const map = StrictJson.parse('{"a":1,"a":2}');

    assert.equal(members(map, ['a']), null);
    assert.deepEqual(members(StrictJson.parse('{"a":1}'), ['a']), [1]);
});


test('read marks follow the entry up to which they read', () => {
    const pages = new RecordPages();
    const entry = (seq) => new Map(Object.entries({
        seq, kind: 'message', text: 'x', at: '2026-11-22T12:00:00.000Z',
        from: new Map([['user', 'u-tom'], ['role', 'tenant'],
                       ['name', 'Tom']]) }));

    pages.take({ head: { reader: { user: 'u-ana', role: 'tenant',
                                   name: null } } });
    pages.take({ seq: 7, entry: entry(7), hash: new Uint8Array(32) });
    pages.take({ seq: 8, erased: '2026-11-23T12:00:00.000Z',
                 hash: new Uint8Array(32) });

    for (const [user, upto] of [['u-tom', 3], ['u-ana', 8], ['u-tom', 7]]) {
        pages.take({ read: { user, upto, at: 'x' } });
    }

    assert.deepEqual(pages.items().map(({ entry: e, mark }) => (e
        ? `${e.seq} ${e.kind}` : `${pages.name(mark.user)}:${mark.upto}`)),
        ['Tom:3', '7 message', 'Tom:7', '8 erased', 'u-ana:8']);
});


test('a text is cut where it fits, never within a character', () => {
    const upTo = (n) => (some) => some.length <= n;

    assert.deepEqual(cutText('short', upTo(10)), { head: 'short', rest: '' });
    assert.deepEqual(cutText('two words here', upTo(10)),
                     { head: 'two words ', rest: 'here' });
    assert.deepEqual(cutText('one\ntwo three', upTo(8)),
                     { head: 'one\n', rest: 'two three' });
    assert.deepEqual(cutText('x', upTo(0)), { head: '', rest: 'x' });

    const family = '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}';
    const { head, rest } = cutText(family.repeat(5),
                                   upTo(family.length * 3 + 4));

    assert.equal(head, family.repeat(3));
    assert.equal(rest, family.repeat(2));
});


test('a fingerprint is in groups', () => {
    assert.equal(fingerprint(new Uint8Array(8).fill(171)),
                 'abababab abababab');
});
