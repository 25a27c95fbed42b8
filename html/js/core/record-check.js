/*
 * Verifies a record (docs/record.md), as "leaseloft verify" does: the same
 * verdict, and the same line at fault. All input is hostile.
 *
 * The page verify.html contains this file, record-json.js and record-note.js;
 * t/verify_page.t compares them.
 */

import { RecordFault, StrictJson, isId, isNumber, isTime, isUnique, members }
    from './record-json.js';
import { fromHex, isSigned, parseNote, same, sha256, toHex, utf8 }
    from './record-note.js';

const LINE = 262144;


export class RecordCheck {
    /* key: of parseKey(); older: a checkpoint that was kept, of parseNote() */
    constructor({ key = null, older = null } = {}) {
        this.key = key;
        this.older = older;
        this.state = 'head';
        this.property = '';
        this.first = 0;
        this.last = 0;
        this.seq = 0;
        this.hash = null;
        this.reader = null;
        this.readAt = '';
        /** @type {any} */
        this.result = { entries: 0, erased: 0, reads: 0, origin: null,
                        time: null, hash: null, signed: false,
                        unchecked: false };
    }

    /*
     * Checks the next line, without its line feed; throws a RecordFault.
     * Returns what it says: {head}, {seq, entry, hash} with the entry as a
     * Map, {seq, erased, hash} with a time, {read} or {last}.
     */
    async line(bytes) {
        const seq = this.state === 'entries' ? this.seq + 1 : 0;

        if (bytes.length > LINE) {
            throw new RecordFault('line.long', seq, { n: LINE });
        }

        if (bytes.some((b) => b < 32)) {
            throw new RecordFault('line.control', seq);
        }

        let tree;

        try {
            tree = StrictJson.parse(decoded(bytes));
        } catch (error) {
            throw named(error, 'line', seq);
        }

        switch (this.state) {
        case 'head':
            return this.#head(tree);
        case 'entries':
            return this.#entry(tree);
        case 'reads':
            return this.#after(tree);
        default:
            throw new RecordFault('more');
        }
    }

    /* The end of the file; throws if the record is not whole. */
    end() {
        if (this.state === 'entries') {
            throw new RecordFault('cut.entry', this.seq + 1);
        }

        if (this.state !== 'done') {
            throw new RecordFault(this.state === 'head' ? 'empty' : 'cut');
        }
    }

    async #head(tree) {
        const [record, property, label, zone, reader, window, base, made] =
            members(tree, ['record', 'property', 'label', 'time_zone',
                           'reader', 'window', 'base', 'made_at']) ?? [];

        if (base === undefined) {
            throw new RecordFault('head');
        }

        if (record !== 'leaseloft/1') {
            throw new RecordFault('version');
        }

        const [first, last] = members(window, ['first', 'last']) ?? [];

        this.hash = fromHex(base, 32);

        if (!isId(property) || typeof label !== 'string'
            || typeof zone !== 'string' || !this.#isReader(reader)
            || !isNumber(first) || !isNumber(last) || !this.hash
            || !isTime(made))
        {
            throw new RecordFault('head.member');
        }

        await this.#window(property, first, last);

        Object.assign(this, { property, first, last, seq: first - 1 });
        Object.assign(this.result, { property, label, zone, first, last,
                                     made, reader: this.reader });
        this.state = last >= first ? 'entries' : 'reads';
        await this.#olderHead();

        return { head: this.result };
    }

    #isReader(value) {
        if (value === null) {
            this.reader = null;
            return true;
        }

        const [user, role, name] = members(value, ['user', 'role', 'name'])
                                   ?? [];

        this.reader = { user, role, name };

        return isId(user) && (role === 'landlord' || role === 'tenant')
               && (name === null || typeof name === 'string');
    }

    async #window(property, first, last) {
        if (first < 1 || last + 1 < first
            || (last + 1 === first && first !== 1))
        {
            throw new RecordFault('window');
        }

        if (first > 1 && this.reader?.role !== 'tenant') {
            throw new RecordFault('begins', first - 1);
        }

        if (first === 1
            && !same(this.hash, await sha256(utf8.encode(property))))
        {
            throw new RecordFault('base');
        }
    }

    async #olderHead() {
        const { older, key } = this;

        if (!older) {
            return;
        }

        if (older.property !== this.property) {
            throw new RecordFault('older.property');
        }

        if (older.seq + 1 < this.first || older.seq > this.last) {
            throw new RecordFault('older.seq', 0, { n: older.seq });
        }

        if (key && await this.#signed(older) === false) {
            throw new RecordFault('older.signature');
        }

        this.#older();
    }

    async #signed(note) {
        const signed = await isSigned(note, this.key);

        this.result.unchecked ||= signed === undefined;

        return signed;
    }

    #older() {
        if (this.older?.seq !== this.seq) {
            return;
        }

        if (!same(this.older.hash, this.hash)) {
            throw new RecordFault('older.hash', this.seq);
        }

        this.older = null;
    }

    async #entry(tree) {
        const seq = this.seq + 1;
        const n = tree instanceof Map ? tree.get('seq') : undefined;

        if (!isNumber(n)) {
            throw new RecordFault('missing', seq);
        }

        if (n !== seq) {
            throw new RecordFault('missing.other', seq, { n });
        }

        const { digest, hash, said } = await this.#digest(seq, tree);

        if (!same(await sha256(this.hash, digest), hash)) {
            throw new RecordFault(seq === this.first ? 'hash.first' : 'hash',
                                  seq);
        }

        this.hash = hash;
        this.seq = seq;
        this.result.entries++;

        if (seq === this.last) {
            this.state = 'reads';
        }

        this.#older();

        return { ...said, hash };
    }

    async #digest(seq, tree) {
        const whole = members(tree, ['seq', 'entry', 'salt', 'hash']);
        const erased = members(tree, ['seq', 'digest', 'hash', 'erased_at']);

        if (whole) {
            const [, entry, hex, hashHex] = whole;
            const salt = fromHex(hex, 16);
            const hash = fromHex(hashHex, 32);

            if (typeof entry !== 'string' || !salt || !hash) {
                throw new RecordFault('malformed', seq);
            }

            return { hash, said: { seq, entry: this.#inner(seq, entry) },
                     digest: await sha256(salt, utf8.encode(entry)) };
        }

        if (!erased) {
            throw new RecordFault(tree.has('lost') ? 'lost' : 'malformed',
                                  seq);
        }

        const [, hex, hashHex, at] = erased;
        const digest = fromHex(hex, 32);
        const hash = fromHex(hashHex, 32);

        if (!digest || !hash || !isTime(at)) {
            throw new RecordFault('malformed', seq);
        }

        if (seq === this.first && seq > 1) {
            throw new RecordFault('erased.first', seq);
        }

        this.result.erased++;

        return { digest, hash, said: { seq, erased: at } };
    }

    /* The entry's own text, parsed. */
    #inner(seq, text) {
        let entry;

        if ([...text].some((c) => c < ' ')) {
            throw new RecordFault('text.control', seq);
        }

        try {
            entry = StrictJson.parse(text);
        } catch (error) {
            throw named(error, 'text', seq);
        }

        if (!(entry instanceof Map) || !isUnique(entry)
            || entry.get('seq') !== seq)
        {
            throw new RecordFault('text.other', seq, { n: seq });
        }

        if (seq === this.first && seq > 1 && !this.#letsIn(entry)) {
            throw new RecordFault('begins.tenant', seq);
        }

        return entry;
    }

    /* A tenant's window begins with the entry that let them in. */
    #letsIn(entry) {
        const event = entry.get('event');
        const party = entry.get('party');

        return entry.get('kind') === 'lease'
               && (event === 'opened'
                   || (event === 'joined' && party instanceof Map
                       && party.get('user') === this.reader.user));
    }

    async #after(tree) {
        const [read] = members(tree, ['read']) ?? [];

        return read === undefined ? this.#last(tree) : this.#read(read);
    }

    #read(read) {
        const [user, upto, at] = members(read, ['user', 'upto', 'at']) ?? [];

        if (!isId(user) || !isNumber(upto) || !isTime(at)) {
            throw new RecordFault('read');
        }

        if (upto < 1 || upto > this.last) {
            throw new RecordFault('read.outside');
        }

        if (at < this.readAt) {
            throw new RecordFault('read.order');
        }

        this.readAt = at;
        this.result.reads++;

        return { read: { user, upto, at } };
    }

    async #last(tree) {
        const [entries, checkpoint] =
            members(tree, ['entries', 'checkpoint']) ?? [];

        if (!isNumber(entries)) {
            throw new RecordFault('last');
        }

        if (entries !== this.result.entries) {
            throw new RecordFault('count', 0, { n: entries,
                                                m: this.result.entries });
        }

        if (checkpoint !== null) {
            await this.#checkpoint(checkpoint);
        } else if (this.key) {
            throw new RecordFault('unsigned');
        }

        this.state = 'done';
        this.result.hash = toHex(this.hash);

        return { last: checkpoint };
    }

    async #checkpoint(text) {
        const note = typeof text === 'string' ? parseNote(text) : null;

        if (!note) {
            throw new RecordFault('note');
        }

        if (note.property !== this.property) {
            throw new RecordFault('note.property');
        }

        if (note.seq !== this.last || !same(note.hash, this.hash)) {
            throw new RecordFault('note.entry', this.last);
        }

        if (this.key) {
            const signed = await this.#signed(note);

            if (signed === false) {
                throw new RecordFault('note.signature');
            }

            this.result.signed = signed === true;
        }

        Object.assign(this.result, { origin: note.origin, time: note.time,
                                     checkpoint: text });
    }
}


function decoded(bytes) {
    try {
        return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
            .decode(bytes);
    } catch {
        /* an empty line is said to be empty first */
        throw new RecordFault('json.utf8');
    }
}


/* A fault of JSON as one of the line, or of the text in it. */
function named(error, where, seq) {
    return error instanceof RecordFault
        ? new RecordFault(`${where}.${error.code}`, seq) : error;
}


/*
 * Verifies a stream of bytes. each(said) is called with what every line says.
 * Returns check.result; throws a RecordFault with the number of its line.
 */
export async function checkRecord(stream, options = {},
                                  each = null)
{
    const check = new RecordCheck(options);
    const reader = stream.getReader();
    let rest = new Uint8Array(0);
    let n = 0;

    const next = async (bytes) => {
        n++;
        const said = await check.line(bytes);

        each?.(said, bytes.length + 1);
    };

    try {
        for (;;) {
            const { value, done } = await reader.read();

            if (done) {
                break;
            }

            let from = 0;
            let feed = value.indexOf(10);

            for (; feed >= 0; feed = value.indexOf(10, from)) {
                await next(joined(rest, value.subarray(from, feed)));
                rest = new Uint8Array(0);
                from = feed + 1;
            }

            rest = joined(rest, value.subarray(from));

            if (rest.length > LINE) {
                await next(rest);
            }
        }

        n += rest.length > 0 ? 1 : 0;
        check.end();

        if (rest.length > 0) {
            throw new RecordFault('more');
        }
    } catch (error) {
        if (error instanceof RecordFault) {
            error.line = n;
        }

        await reader.cancel().catch(() => {});
        throw error;
    }

    return check.result;
}


function joined(a, b) {
    if (a.length === 0) {
        return b;
    }

    const all = new Uint8Array(a.length + b.length);

    all.set(a);
    all.set(b, a.length);

    return all;
}
