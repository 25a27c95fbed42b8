/*
 * All words come from one file a language (../strings/xx.js): a flat object
 * of key to text, where {name} is filled in, and a text that depends on a
 * number is an object of plural forms, chosen by {n}.
 */

const RTL = new Set(['ar', 'fa', 'he', 'ur', 'yi', 'ps', 'sd', 'dv']);
const RTL_CHARS = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/;
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
 * The tag to format dates and numbers by: the user's own of that language
 * where there is one ("en-GB"), for the region decides between 14:02 and
 * 2:02 PM.
 */
export function pickLocale(language, wanted) {
    const own = wanted.find((tag) => tag.split('-')[0] === language);

    return own || language;
}


/* "rtl" or "ltr". */
export function directionOf(language) {
    return RTL.has(language.split('-')[0]) ? 'rtl' : 'ltr';
}


/*
 * A function t(key, params) for a language.  Values are set apart from the
 * text around them (Unicode isolates) where one of the two is right-to-left,
 * so that a name cannot turn a sentence around.
 */
export function translator(language, strings, fallback = {}) {
    const plurals = new Intl.PluralRules(language);
    const numbers = new Intl.NumberFormat(language);
    const rtl = directionOf(language) === 'rtl';

    const value = (v) => {
        if (typeof v === 'number') {
            return numbers.format(v);
        }

        return rtl || RTL_CHARS.test(v) ? FSI + v + PDI : String(v);
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
