/*
 * Texts as a search compares them: the same cases as the server's matcher
 * (t/unit/match.c, which is read here), Perl's Unicode tables for each
 * character, and the way back from what matches to the text.
 */

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { findWords, fold, foldedPieces, marked, straight, wordsOf }
    from '../../html/js/core/fold.js';

const source = readFileSync(new URL('../unit/match.c', import.meta.url),
                            'utf8');


/* A C string literal, or several that follow each other. */
function fromC(literals) {
    const bytes = [];

    for (const [, body] of literals.matchAll(/"((?:[^"\\]|\\.)*)"/g)) {
        const parts = body.matchAll(/\\x([0-9a-f]{2})|\\(.)|([^\\])/gu);

        for (const [, hex, escaped, plain] of parts) {
            const text = escaped ? { t: '\t', n: '\n' }[escaped] ?? escaped
                                 : plain;

            bytes.push(...hex ? [parseInt(hex, 16)] : Buffer.from(text));
        }
    }

    return Buffer.from(bytes).toString('utf8');
}


const LITERALS = '((?:"(?:[^"\\\\]|\\\\.)*"\\s*)+)';


test('the cases of the server\'s matcher', () => {
    const row = new RegExp(`\\{ ([01]), ${LITERALS}, ${LITERALS},\\s*`
                           + `${LITERALS} \\}`, 'g');
    const cases = [...source.matchAll(row)];

    assert.ok(cases.length >= 42, `${cases.length} cases are read`);

    for (const [, found, search, text, name] of cases) {
        assert.equal(findWords(fromC(text), wordsOf(fromC(search))) !== null,
                     found === '1', fromC(name));
    }
});


test('words as the server splits them', () => {
    const call = new RegExp(`\\n    words\\(${LITERALS},\\s*${LITERALS},`
                            + `\\s*${LITERALS}\\);`, 'g');
    const cases = [...source.matchAll(call)];

    assert.ok(cases.length >= 9, `${cases.length} cases are read`);

    for (const [, search, expected, name] of cases) {
        const words = wordsOf(fromC(search));

        if (fromC(expected).endsWith('open')) {
            assert.equal(words, null, fromC(name));
        } else {
            assert.equal(words.map((word) => `${word}|`).join(''),
                         fromC(expected), fromC(name));
        }
    }
});


test('each character folds together with those that it does in Perl', () => {
    const program = `
        use strict; use feature 'fc'; use Unicode::Normalize;
        binmode STDOUT, ':utf8';
        for my $c (0 .. 0xd7ff, 0xe000 .. 0x1ffff) {
            my $s = chr $c;
            next unless $s =~ /\\p{Assigned}/;
            my $f = NFD(fc(NFKC($s)));
            my $mn = $f =~ s/\\p{Mn}//g ? 1 : 0;
            printf "%x %d", $c, $mn;
            printf " %x", ord for split //, NFC($f);
            print "\\n";
        }`;
    const lines = execFileSync('perl', ['-e', program],
                               { maxBuffer: 1 << 26, encoding: 'utf8' });
    const ours = new Map();
    const theirs = new Map();

    for (const line of lines.trimEnd().split('\n')) {
        const [code, mn, ...folded] = line.split(' ');
        const char = String.fromCodePoint(parseInt(code, 16));
        const perl = folded.map((x) => String.fromCodePoint(parseInt(x, 16)))
                           .join('');
        const page = fold(char);

        /* a mark by one version of Unicode and not by another */
        if (/\p{Mn}/u.test(char) !== (mn === '1' && perl === '')) {
            continue;
        }

        assert.equal(ours.get(perl) ?? page, page, `U+${code}`);
        assert.equal(theirs.get(page) ?? perl, perl, `U+${code}`);
        ours.set(perl, page);
        theirs.set(page, perl);
    }

    assert.ok(ours.size > 40000, `${ours.size} classes`);
});


/* The parts of a text that are marked for a search. */
function marks(text, search) {
    return findWords(text, wordsOf(search)).map(([from, to]) =>
        text.slice(from, to));
}


test('what matches is marked in the text as it was written', () => {
    const cases = [
        ['The Boiler is out', 'BOILER', ['Boiler']],
        ['Die Straße nach STRASSE', 'strasse', ['Straße', 'STRASSE']],
        ['groß', 's', ['ß'], 'half of a letter marks all of it'],
        ['im ﬁre', 'i', ['i', 'ﬁ'], 'half of a ligature marks all of it'],
        ['İSTANBUL, istanbul', 'istanbul', ['İSTANBUL', 'istanbul']],
        ['Café Cafe\u0301 cafe', 'café', ['Café', 'Cafe\u0301', 'cafe'],
         'a mark belongs to its letter'],
        ['ｒｅｎｔ ｶｷﾞ', 'rent カギ', ['ｒｅｎｔ', 'ｶｷﾞ']],
        ['한국 \u1112\u1161\u11ab국', '한국',
         ['한국', '\u1112\u1161\u11ab국']],
        ['🔥🔥 is 🔥', '🔥', ['🔥🔥', '🔥'], 'places that touch are one'],
        ['it is 👨‍👩‍👧 here', 'here', ['here']],
        ['a no-break\u00a0space', '"break space"', ['break\u00a0space']],
        ['½ of 1\u20442', '½', ['½', '1\u20442']],
        ['10 m² room', 'm2', ['m²']],
        ['aaaa', 'aa', ['aaaa'], 'places that overlap are one'],
        ['x', '\u0301', [], 'a mark alone marks nothing'],
        ['z\u0337\u0338\u0301\u0302algo', 'zalgo',
         ['z\u0337\u0338\u0301\u0302algo']],
    ];

    for (const [text, search, expected, name = text] of cases) {
        assert.deepEqual(marks(text, search), expected, name);
    }
});


test('the pieces of a text fold as the whole does', () => {
    const letters = [...'aßİıſKﬁé½ς가각ㄱㅏ각ｶﾞﾟｱ\u0301\u0345\u0307\u0323ά'
                     + '\u1f80Ǆ٣न\u0941\u093e\u0338<🔥\u200d👨 \u00a0"',
                     '\u11a8', '\u3099', '\u302e'];
    let seed = 7;
    const random = (n) => {
        seed = (seed * 1103515245 + 12345) % 2147483648;

        return seed % n;
    };

    for (let i = 0; i < 20000; i++) {
        const text = Array.from({ length: 1 + random(6) },
                                () => letters[random(letters.length)])
                          .join('');
        const pieces = foldedPieces(text);

        assert.equal(pieces.map((piece) => piece.folded).join(''),
                     fold(text), JSON.stringify(text));
        assert.equal(pieces.map(({ at, end }) => text.slice(at, end))
                           .join(''), text);
    }
});


test('a long text full of marks is folded in a moment', () => {
    const began = performance.now();

    findWords(`a${'\u0301'.repeat(3999)}`, ['a']);
    findWords('\uac00\u0301'.repeat(2000), ['\uac00']);
    findWords('ß'.repeat(4000), ['s'.repeat(200)]);
    assert.ok(performance.now() - began < 1000,
              `${performance.now() - began} ms`);
});


test('quotes that a phone writes are the server\'s', () => {
    assert.equal(straight('“hot water” „a‟'), '"hot water" "a"');
    assert.deepEqual(wordsOf('“hot water” x'), ['hot water', 'x']);
    assert.equal(wordsOf('“hot'), null);
});


test('a long text is cut around its first mark, at words', () => {
    const long = `${'before '.repeat(100)}the boiler${' after'.repeat(100)}`;
    const { pieces, before, after } = marked(long,
        findWords(long, ['boiler']), 100);

    assert.equal(pieces.find((piece) => piece.marked).text, 'boiler');
    assert.match(pieces[0].text, /^before .* the $/);
    assert.ok(pieces.map((p) => p.text).join('').length <= 101);
    assert.deepEqual([before, after], [true, true]);
    assert.deepEqual(marked('short', [], 100),
                     { pieces: [{ text: 'short', marked: false }],
                       before: false, after: false });

    for (const [, text] of marked('🔥'.repeat(300), [[300, 302]], 99)
        .pieces.entries())
    {
        assert.ok(text.text.isWellFormed(), 'no halves of characters');
    }
});
