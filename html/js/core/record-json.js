/*
 * A strict parser of JSON, of bounded depth, and checks of values. JSON.parse
 * accepts names that are given twice and half surrogate pairs, which would make
 * two verifiers of a record (docs/record.md) see different things.
 */

const DEPTH = 64;
const MEMBERS = 32;
const SEQ_MAX = 999999999999999;
const ID = /^[A-Za-z0-9_-]{1,64}$/;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const PLAIN = /[^"\\\0-\x1f]*/y;
const ESCAPES = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n',
                  r: '\r', t: '\t' };


/* the Maps in which a name was given twice */
const twice = new WeakSet();


/* What is wrong: a code, the entry at fault (0: none) and numbers for words. */
export class RecordFault extends Error {
    constructor(code, seq = 0, values = {}) {
        super(code);
        this.code = code;
        this.seq = seq;
        this.values = values;
        this.line = 0;
    }
}


/* StrictJson.parse(text): the value; objects become Maps. */
export class StrictJson {
    constructor(text) {
        this.text = text;
        this.at = 0;
        this.depth = 0;
    }

    static parse(text) {
        const json = new StrictJson(text);

        json.space();

        if (json.at === text.length) {
            throw new RecordFault('json.empty');
        }

        const value = json.value();

        if (json.at !== text.length) {
            throw new RecordFault('json.more');
        }

        return value;
    }

    space() {
        while (' \t\n\r'.includes(this.text[this.at] ?? 'x')) {
            this.at++;
        }
    }

    accept(c) {
        if (this.text[this.at] !== c) {
            return false;
        }

        this.at++;

        return true;
    }

    value() {
        this.space();

        const value = this.#value();

        this.space();

        return value;
    }

    #value() {
        switch (this.text[this.at]) {
        case '{':
            return this.container('}', true);
        case '[':
            return this.container(']', false);
        case '"':
            return this.string();
        case 't':
            return this.literal('true', true);
        case 'f':
            return this.literal('false', false);
        case 'n':
            return this.literal('null', null);
        default:
            return this.number();
        }
    }

    literal(word, value) {
        if (!this.text.startsWith(word, this.at)) {
            throw new RecordFault('json.bad');
        }

        this.at += word.length;

        return value;
    }

    number() {
        NUMBER.lastIndex = this.at;

        const [text] = NUMBER.exec(this.text) ?? [];

        this.at += text?.length ?? 0;

        if (!text || '.eE'.includes(this.text[this.at] ?? 'x')) {
            throw new RecordFault('json.bad');
        }

        return Number(text);
    }

    /* An array, or a Map. */
    container(close, keys) {
        /** @type {any} */
        const map = keys ? new Map() : [];

        if (++this.depth > DEPTH) {
            throw new RecordFault('json.deep');
        }

        this.at++;
        this.space();

        if (!this.accept(close)) {
            do {
                this.member(map, keys);
            } while (this.accept(','));

            if (!this.accept(close)) {
                throw new RecordFault('json.bad');
            }
        }

        this.depth--;

        return map;
    }

    member(map, keys) {
        this.space();

        if (!keys) {
            map.push(this.value());
            return;
        }

        if (this.text[this.at] !== '"') {
            throw new RecordFault('json.bad');
        }

        const name = this.string();

        this.space();

        if (!this.accept(':')) {
            throw new RecordFault('json.bad');
        }

        if (map.has(name)) {
            twice.add(map);
        }

        map.set(name, this.value());
    }

    string() {
        let value = '';

        for (this.at++;; ) {
            PLAIN.lastIndex = this.at;
            value += PLAIN.exec(this.text)[0];
            this.at = PLAIN.lastIndex;

            const c = this.text[this.at++];

            if (c === '"') {
                return value;
            }

            if (c === undefined) {
                throw new RecordFault('json.unended');
            }

            if (c !== '\\') {
                throw new RecordFault('json.control');
            }

            value += this.escape();
        }
    }

    escape() {
        const c = this.text[this.at++];

        if (c !== 'u') {
            if (c === undefined || !Object.hasOwn(ESCAPES, c)) {
                throw new RecordFault('json.escape');
            }

            return ESCAPES[c];
        }

        const unit = this.hex();

        if (Number.isNaN(unit)) {
            throw new RecordFault('json.escape');
        }

        if (unit < 0xd800 || unit > 0xdfff) {
            return String.fromCharCode(unit);
        }

        const low = unit < 0xdc00 && this.accept('\\') && this.accept('u')
            ? this.hex() : 0;

        if (!(low >= 0xdc00 && low <= 0xdfff)) {
            throw new RecordFault('json.half');
        }

        return String.fromCharCode(unit, low);
    }

    hex() {
        const digits = this.text.slice(this.at, this.at + 4);

        this.at += 4;

        return /^[0-9A-Fa-f]{4}$/.test(digits) ? parseInt(digits, 16) : NaN;
    }
}


/* The values of these members if the Map has exactly them, else null. */
export function members(map, names) {
    return map instanceof Map && !twice.has(map) && map.size === names.length
           && names.every((name) => map.has(name))
        ? names.map((name) => map.get(name)) : null;
}


export function isNumber(value) {
    return Number.isInteger(value) && value >= 0 && value <= SEQ_MAX;
}


export function isTime(value) {
    return typeof value === 'string'
           && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(value)
           && Number.isFinite(Date.parse(value))
           && new Date(value).toISOString() === value;
}


export function isId(value) {
    return typeof value === 'string' && ID.test(value);
}


/* No object in it has a name twice, or too many. */
export function isUnique(value) {
    if (value instanceof Map) {
        return !twice.has(value) && value.size <= MEMBERS
               && [...value.values()].every(isUnique);
    }

    return !Array.isArray(value) || value.every(isUnique);
}
