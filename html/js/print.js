/*
 * Prints the record of a thread: print.html?p=PROPERTY. Fetches it, verifies it
 * in the page, and lays it out in sheets (view/print-view.js), each of which
 * says which entries it has.
 */

import { directionOf, pickLanguage, pickLocale, translator }
    from './core/i18n.js';
import { checkRecord } from './core/record-check.js';
import { RecordFault } from './core/record-json.js';
import { parseKey } from './core/record-note.js';
import { RecordPages } from './core/record-pages.js';
import { parseLocation } from './core/router.js';
import english from './strings/en.js';
import printEnglish from './strings/print-en.js';
import { PrintView } from './view/print-view.js';

/* how many entries are verified between two notes of progress */
const STEP = 200;

const FAILED = { 401: 'print.signin', 404: 'print.gone', 429: 'print.busy' };


/* What the user sees instead of a print: a key of strings and its values. */
class Refusal extends Error {
    constructor(key, values = {}) {
        super(key);
        this.key = key;
        this.values = values;
    }
}


function stored(key) {
    try {
        return localStorage.getItem(`leaseloft.${key}`);
    } catch {
        return null;
    }
}


/* {t, locale} */
async function words() {
    const language = pickLanguage([stored('language'),
                                   ...navigator.languages].filter(Boolean));
    const fallback = { ...english, ...printEnglish };
    const strings = language === 'en' ? fallback
        : await Promise.all([import(`./strings/${language}.js`),
                             import(`./strings/print-${language}.js`)])
            .then(([own, print]) => ({ ...own.default, ...print.default }),
                  () => fallback);

    document.documentElement.lang = language;
    document.documentElement.dir = directionOf(language);

    return {
        t: translator(language, strings, fallback),
        locale: pickLocale(language, navigator.languages,
                           stored('language') === language),
    };
}


async function ask(path) {
    const response = await fetch(path).catch(() => null);

    if (!response) {
        throw new Refusal('print.failed');
    }

    return response;
}


/* The public key of the service: {name, id, key}, or null if it has none. */
async function keyOf() {
    const response = await ask('/api/record-key');

    if (response.status === 404) {
        return null;
    }

    const key = response.ok ? await parseKey((await response.text()).trim())
                            : null;

    if (!key) {
        throw new Refusal('print.failed');
    }

    return key;
}


/* Lease and parties, which are not part of a record. */
async function leaseOf(path) {
    const response = await ask(`${path}/messages?limit=1`);

    if (!response.ok) {
        throw new Refusal(FAILED[response.status] ?? 'print.failed');
    }

    return response.json();
}


/* The record, verified: {pages, result}. */
async function recordOf(path, key, progress) {
    const response = await ask(`${path}/record`);

    if (!response.ok || !/ndjson/.test(response.headers.get('Content-Type')))
    {
        throw new Refusal(FAILED[response.status] ?? 'print.failed');
    }

    const pages = new RecordPages();

    try {
        const result = await checkRecord(response.body, { key }, (said) => {
            pages.take(said);

            if (said.seq && pages.entries.length % STEP === 0) {
                progress(pages.entries.length);
            }
        });

        return { pages, result };
    } catch (error) {
        throw refusalOf(error);
    }
}


function refusalOf(error) {
    if (!(error instanceof RecordFault) || /^cut|^empty/.test(error.code)) {
        return new Refusal('print.cut');
    }

    return error.seq ? new Refusal('print.false', { seq: error.seq })
                     : new Refusal('print.false.file');
}


async function start() {
    const { t, locale } = await words();
    const { property } = parseLocation(location);
    const view = new PrintView({
        root: document.getElementById('ll-print'), t, locale, property,
        again: () => location.reload(),
    });

    try {
        if (!globalThis.crypto?.subtle) {
            throw new Refusal('print.crypto');
        }

        if (property === null) {
            throw new Refusal('print.gone');
        }

        view.say('print.loading');

        const path = `/api/properties/${property}`;
        const [key, poll] = await Promise.all([keyOf(), leaseOf(path)]);
        const record = await recordOf(path, key, (n) =>
            view.say('print.checking', { n }));

        await view.show({ ...record, poll });
    } catch (error) {
        if (!(error instanceof Refusal)) {
            throw error;
        }

        view.refuse(error.key, error.values);
    }
}


start();
