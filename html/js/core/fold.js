/*
 * Texts as a search compares them: without regard to case, accents and width
 * (Unicode NFKC, full case folding, NFD, category Mn dropped, NFC), as
 * worker/base/fold.c does it; and the way back from a place in a folded text
 * to the text that it came from.
 */

const ASCII = /^[\0-\x7f]*$/;

/* dotless i is a letter of its own: it has i's capital, not i's folding */
const DOTLESS = '\u0131';


/* Full case folding of one character, which no neighbour changes. */
function foldCase(char) {
    return char === DOTLESS ? char
        : char.toLowerCase().toUpperCase().toLowerCase();
}


/** @param {string} text */
export function fold(text) {
    if (ASCII.test(text)) {
        return text.toLowerCase();
    }

    return Array.from(text.normalize('NFKC'), foldCase).join('')
        .normalize('NFD').replace(/\p{Mn}/gu, '').normalize('NFC');
}


/*
 * A text in pieces that fold each for itself: [{at, end, folded}], at and end
 * in the text.  A piece is a character with what belongs to it: its marks,
 * and the parts of a syllable.
 */
export function foldedPieces(text) {
    const pieces = [];
    let last = null;
    let at = 0;

    for (const char of text) {
        const folded = fold(char);

        if (!last || !joins(last, char, folded)) {
            last = { at, end: at, text: '', folded };
            pieces.push(last);
        }

        /* a mark leaves nothing, however many there are */
        if (folded !== '' || last.text === '') {
            last.text += char;
            last.folded = fold(last.text);
        }

        at += char.length;
        last.end = at;
    }

    return pieces;
}


/* Whether a character changes what the piece before it folds to. */
function joins(last, char, folded) {
    return char >= '\x80'
           && (folded === ''
               || fold(last.text + char) !== last.folded + folded);
}


/*
 * The words of a search: blanks separate them, a "quoted phrase" is one word.
 * Null where a quote is open.
 */
export function wordsOf(search) {
    const words = [];
    const parts = straight(search).split('"');

    if (parts.length % 2 === 0) {
        return null;
    }

    parts.forEach((part, i) => {
        const found = i % 2 ? [part] : part.split(/\p{White_Space}+/u);

        words.push(...found.filter((word) =>
            /\P{White_Space}/u.test(word)));
    });

    return words;
}


/* With the quotes that the server knows: phones write others by themselves. */
export function straight(search) {
    return search.replace(/[\u201c-\u201f]/g, '"');
}


/*
 * Where the words stand in a text, as [from, to] in order, without overlaps;
 * null where one of them is not in it.
 */
export function findWords(text, words) {
    const terms = words.map(fold).filter(Boolean);
    const folded = fold(text);

    if (!terms.every((term) => folded.includes(term))) {
        return null;
    }

    return merge(placesOf(foldedPieces(text), terms));
}


function placesOf(pieces, terms) {
    const folded = pieces.map((piece) => piece.folded).join('');
    const places = [];

    /* the piece of each unit of the folded text */
    const owner = pieces.flatMap((piece) =>
        Array(piece.folded.length).fill(piece));

    for (const term of terms) {
        let at = folded.indexOf(term);

        while (at >= 0) {
            places.push([owner[at].at, owner[at + term.length - 1].end]);
            at = folded.indexOf(term, at + term.length);
        }
    }

    return places;
}


function merge(places) {
    const merged = [];

    for (const [from, to] of places.sort((a, b) => a[0] - b[0])) {
        const last = merged.at(-1);

        if (last && from <= last[1]) {
            last[1] = Math.max(last[1], to);
        } else {
            merged.push([from, to]);
        }
    }

    return merged;
}


/*
 * A text in pieces {text, marked}, in order; a long one is cut to about `most`
 * characters around its first mark, between words where it can.
 */
export function marked(text, places, most = Infinity) {
    const [from, to] = window(text, places, most);
    const pieces = [];
    let done = from;

    const push = (end, isMarked) => {
        if (end > done) {
            pieces.push({ text: text.slice(done, end), marked: isMarked });
            done = end;
        }
    };

    for (const [start, end] of places) {
        if (start < to && end > from) {
            push(Math.max(start, from), false);
            push(Math.min(end, to), true);
        }
    }

    push(to, false);

    return { pieces, before: from > 0, after: to < text.length };
}


function window(text, places, most) {
    if (text.length <= most) {
        return [0, text.length];
    }

    const first = places[0]?.[0] ?? 0;
    const lead = Math.max(0, Math.min(first - Math.floor(most / 4),
                                      text.length - most));
    const from = lead === 0 ? 0 : blankBefore(text, lead, first);

    return [from, boundary(text, from + most)];
}


/* The start of a word in the lead of a mark, else a character's boundary. */
function blankBefore(text, from, first) {
    const blank = text.slice(from, first).search(/\s\S/);

    return blank >= 0 ? from + blank + 1 : boundary(text, from);
}


/* Not between the halves of a surrogate pair. */
function boundary(text, at) {
    const code = text.charCodeAt(at);

    return code >= 0xdc00 && code <= 0xdfff ? at - 1 : at;
}
