/*
 * Dates and numbers in words, by Intl.  Days and times of a thread are those
 * of the property's time zone, so that all its readers see the same; where the
 * reader's own clock says otherwise, the zone is named.
 */

import { isolate } from './i18n.js';

const MINUTE = 60 * 1000;
const QUARTER = 15 * MINUTE;
const HOUR = 60 * MINUTE;


export class Formatter {
    #zones = new Map();
    #quarters = new Map();

    /**
     * language: of dates; words: of lists; zone: a time zone, or the reader's
     * own; home: the formatter in the reader's own zone.
     * @param {{language: string, words?: string, t: Translate, clock: Clock,
     *          zone?: string, home?: Formatter | null}} parts
     */
    constructor({ language, words = language, t, clock, zone = undefined,
                  home = null })
    {
        this.words = words;
        this.home = home;
        this.language = language;
        this.t = t;
        this.clock = clock;
        this.zone = zone;
        this.cache = new Map();
    }

    /* The same in another time zone; an unknown one is ignored. */
    in(zone) {
        if (!zone || zone === this.zone) {
            return this;
        }

        if (!this.#zones.has(zone)) {
            this.#zones.set(zone, this.#make(zone));
        }

        return this.#zones.get(zone);
    }

    #make(zone) {
        try {
            new Intl.DateTimeFormat(this.language, { timeZone: zone });
        } catch {
            return this;
        }

        return new Formatter({ ...this, zone, home: this.home ?? this });
    }

    #with(options) {
        const key = JSON.stringify(options);

        if (!this.cache.has(key)) {
            this.cache.set(key, new Intl.DateTimeFormat(this.language, {
                timeZone: this.zone, ...options,
            }));
        }

        return this.cache.get(key);
    }

    /* "14:02", or "17:57 New York time" */
    time(at) {
        return this.#named(at, this.#with({ timeStyle: 'short' })
                                   .format(new Date(at)));
    }

    #named(at, text) {
        return !this.home || this.#once('home', at, () =>
            this.#plain(at) === this.home.#plain(at)) ? text
            : this.t('time.zone', {
                time: text,
                city: this.zone.split('/').at(-1).replaceAll('_', ' '),
            });
    }

    /* "1 December 2026" */
    date(at) {
        return this.#with({ day: 'numeric', month: 'long', year: 'numeric' })
                   .format(new Date(at));
    }

    /* "22 November 2026, 14:02" */
    absolute(at) {
        return this.#named(at, this.#plain(at));
    }

    /* "22 Nov 2026, 14:02", for a list */
    stamp(at) {
        return this.#named(at, this.#with({ dateStyle: 'medium',
                                            timeStyle: 'short' })
                                   .format(new Date(at)));
    }

    /* What holds for a quarter of an hour: no zone is finer than that. */
    #once(what, at, make) {
        const key = `${what} ${Math.floor(new Date(at).getTime() / QUARTER)}`;

        if (!this.#quarters.has(key)) {
            this.#quarters.set(key, make());
        }

        return this.#quarters.get(key);
    }

    #plain(at) {
        return this.#with({ dateStyle: 'long', timeStyle: 'short' })
                   .format(new Date(at));
    }

    /* A string that is the same for two times of one day. */
    dayKey(at) {
        return this.#once('day', at, () => this.#makeDayKey(at));
    }

    #makeDayKey(at) {
        const parts = this.#with({ year: 'numeric', month: '2-digit',
                                   day: '2-digit', calendar: 'iso8601',
                                   numberingSystem: 'latn' })
                          .formatToParts(new Date(at));
        const get = (type) => parts.find((p) => p.type === type).value;

        return `${get('year')}-${get('month')}-${get('day')}`;
    }

    /* How many midnights lie between a time and now; 0 is today. */
    #daysAgo(at) {
        const day = (key) => Date.parse(`${key}T00:00:00Z`);

        return Math.round((day(this.dayKey(this.clock.now()))
                           - day(this.dayKey(at))) / (24 * HOUR));
    }

    /* A day separator: "Today", "Yesterday", "Monday 16 November". */
    day(at) {
        const ago = this.#daysAgo(at);

        if (ago === 0 || ago === 1) {
            return this.t(ago ? 'day.yesterday' : 'day.today');
        }

        const year = this.#year(at) === this.#year(this.clock.now())
                     ? undefined : 'numeric';

        return this.#with({ weekday: 'long', day: 'numeric', month: 'long',
                            year }).format(new Date(at));
    }

    #year(at) {
        return this.dayKey(at).slice(0, 4);
    }

    /* For a list: "now", "5 min", "14:02", "Yesterday", "Mon", "3 Nov". */
    relative(at) {
        const age = this.clock.now() - Date.parse(at);
        const ago = this.#daysAgo(at);

        if (age < MINUTE && age > -HOUR) {
            return this.t('time.now');
        }

        if (age < HOUR && age > 0) {
            return this.t('time.minutes', { n: Math.floor(age / MINUTE) });
        }

        if (ago <= 0) {
            return this.time(at);
        }

        if (ago === 1) {
            return this.t('day.yesterday');
        }

        if (ago < 7) {
            return this.#with({ weekday: 'short' }).format(new Date(at));
        }

        const year = this.#year(at) === this.#year(this.clock.now())
                     ? undefined : 'numeric';

        return this.#with({ day: 'numeric', month: 'short', year })
                   .format(new Date(at));
    }

    /* "Ana, Ben and Lou" */
    list(names) {
        return new Intl.ListFormat(this.words)
            .format(names.map((name) => isolate(name)));
    }
}


/* "99+" from a hundred on. */
export function badge(n) {
    return n > 99 ? '99+' : String(n);
}


/* One or two letters for a round picture. */
export function initials(name) {
    const words = name.trim().split(/\s+/).filter(Boolean);
    const letters = [words[0], words.length > 1 ? words.at(-1) : '']
        .map((word) => [...(word || '')][0] || '');

    return letters.join('').toLocaleUpperCase();
}


/* A number from 0 to n - 1 that stays with an id, to colour it. */
export function hue(id, n) {
    let hash = 0;

    for (const char of id) {
        hash = (hash * 31 + char.codePointAt(0)) >>> 0;
    }

    return hash % n;
}


/* Unicode code points, as the server counts them. */
export function codePoints(text) {
    let n = 0;

    for (const _ of text) {
        n++;
    }

    return n;
}


/*
 * A text as the server will take it: line ends are LF, and what may not be in
 * a text, other control characters and halves of characters, is left out.
 */
export function cleanText(text) {
    return text.replace(/\r\n?|[\v\f\x85]/g, '\n')
        .replace(/(?![\t\n])\p{Cc}|\p{Cs}/gu, '').trim();
}
