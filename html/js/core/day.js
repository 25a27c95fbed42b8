/*
 * The first message of a day, as the property's time zone has it.  `at` never
 * goes back in a thread, so halving finds it: a dozen small requests in
 * 100,000 entries, and one page.
 */

const HOUR = 3600000;
const PAGE = 50;


/**
 * When a day ("2026-03-29") begins in a time zone, in milliseconds since 1970.
 * @param {string} day
 * @param {(at: number) => string} dayKey the day of a time in that zone
 */
export function startOfDay(day, dayKey) {
    const noon = Date.parse(`${day}T12:00:00Z`);
    let low = noon - 40 * HOUR;
    let high = noon + 40 * HOUR;

    /* the first millisecond whose day is not before: a zone may skip days */
    while (high - low > 1) {
        const mid = Math.floor((low + high) / 2);

        if (dayKey(mid) < day) {
            low = mid;
        } else {
            high = mid;
        }
    }

    return high;
}


/**
 * The entry to jump to for a day, which lasts from `from` until `until`: its
 * first message, else the first entry from then on, else (all are older) the
 * newest.  Null where there is none, or a page did not come.
 * @param {{property: string, head: number, from: number, until: number,
 *          messages: import('./api.js').Api['messages']}} where
 * @returns {Promise<Entry | null>}
 */
export async function entryOfDay({ property, head, from, until, messages }) {
    /* up to `low` all are older, or before the window; after `high` none */
    let low = 0;
    let high = head;

    while (high - low >= PAGE) {
        const mid = Math.floor((low + high) / 2);
        const { status, data } = await messages(property, {
            before: mid + 1, limit: 1,
        });

        if (status !== 200) {
            return null;
        }

        const [entry] = data.entries;

        if (!entry || Date.parse(entry.at) < from) {
            low = mid;
        } else {
            high = mid;
        }
    }

    const { status, data } = await messages(property, {
        after: low, limit: 2 * PAGE,
    });

    return status === 200 ? pickDay(data.entries, from, until) : null;
}


/* The same of entries at hand, which must reach from before it to after. */
export function pickDay(entries, from, until) {
    const after = entries.filter(({ at }) => Date.parse(at) >= from);

    /* that a lease began does not hide what was said */
    return after.find(({ at, kind }) => kind === 'message'
                                        && Date.parse(at) < until)
        ?? after[0] ?? entries.at(-1) ?? null;
}
