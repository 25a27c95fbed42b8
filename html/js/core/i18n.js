/*
 * All words come from one file a language (../strings/xx.js): a flat object
 * of key to text, where {name} is filled in, and a text that depends on a
 * number is an object of plural forms, chosen by {n}.
 */

const RTL = new Set(['ar', 'fa', 'he', 'ur', 'yi', 'ps', 'sd', 'dv']);
const RTL_CHARS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
const TURNS = /[\u061c\u200e\u200f\u202a-\u202e\u2066\u2067]/g;
const ISOLATES = /[\u2068\u2069]/g;
const ISOLATED = /\u2068[^\u2068\u2069]*\u2069/g;
const FSI = '\u2068';
const PDI = '\u2069';

export const LANGUAGES = { en: 'English', de: 'Deutsch' };


/*
 * The first of the wanted language tags that there is a translation for, else
 * English.
 */
export function pickLanguage(wanted) {
    for (const tag of wanted) {
        const base = String(tag).toLowerCase().split('-')[0];

        if (Object.hasOwn(LANGUAGES, base)) {
            return base;
        }
    }

    return 'en';
}


/*
 * The tag to format dates by: the reader's own, for their region decides
 * between 14:02 and 2:02 PM, and the order of a date: "fr-FR" on an English
 * page that has no French.  Where they chose another language than their
 * browser's, that language in their region ("en-DE").
 */
export function pickLocale(language, wanted, chosen = false) {
    const is = (tag) => tag.split('-')[0] === language;
    const first = wanted[0] ?? language;

    if (!chosen || is(first)) {
        return first;
    }

    const region = /-([A-Z]{2}|\d{3})\b/.exec(first)?.[1];

    return wanted.find(is) ?? (region ? `${language}-${region}` : language);
}


/* "rtl" or "ltr". */
export function directionOf(language) {
    return RTL.has(language.split('-')[0]) ? 'rtl' : 'ltr';
}


/*
 * A value among other words: set apart from them (Unicode isolates) where it,
 * or they, run from right to left, and without characters that turn the
 * direction of what follows, so that a name cannot turn a sentence around.
 */
export function isolate(text, rtl = false) {
    let plain = String(text).replace(TURNS, '');

    if (plain.replace(ISOLATED, '').search(ISOLATES) >= 0) {
        plain = plain.replace(ISOLATES, '');
    }

    return rtl || RTL_CHARS.test(plain) ? FSI + plain + PDI : plain;
}


/* A function t(key, params) for a language. */
export function translator(language, strings, fallback = {}) {
    const plurals = new Intl.PluralRules(language);
    const numbers = new Intl.NumberFormat(language);
    const rtl = directionOf(language) === 'rtl';

    const value = (v) => {
        if (typeof v === 'number') {
            return numbers.format(v);
        }

        return isolate(v, rtl);
    };

    return (key, params = {}) => {
        let text = strings[key] ?? fallback[key] ?? key;

        if (typeof text === 'object') {
            text = text[plurals.select(params.n)] ?? text.other;
        }

        return text.replace(/\{(\w+)\}/g, (whole, name) =>
            params[name] === undefined ? whole : value(params[name]));
    };
}
