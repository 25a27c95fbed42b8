/*
 * What a print of a record shows, in the order in which it is shown, from the
 * lines of a record that RecordCheck has verified.
 */

/* Collects the lines: entries with their hashes, names, read marks. */
export class RecordPages {
    constructor() {
        this.entries = [];
        this.names = new Map();
        this.marks = new Map();
    }

    /* What RecordCheck.line() returned. */
    take({ head, seq, entry, erased, hash, read }) {
        if (head) {
            this.#named(head.reader);

        } else if (read) {
            const at = this.marks.get(read.upto) ?? [];

            at.push(read);
            this.marks.set(read.upto, at);

        } else if (entry) {
            this.entries.push(this.#entry(seq, entry, hash));

        } else if (erased) {
            this.entries.push({ seq, hash, kind: 'erased', at: erased });
        }
    }

    #entry(seq, entry, hash) {
        const text = (map, name) => {
            const value = map instanceof Map ? map.get(name) : undefined;

            return typeof value === 'string' ? value : '';
        };
        const party = (map) => (map instanceof Map
            ? { user: text(map, 'user'), role: text(map, 'role'),
                name: text(map, 'name') } : null);
        const item = {
            seq, hash, kind: text(entry, 'kind'), at: text(entry, 'at'),
            text: text(entry, 'text'), event: text(entry, 'event'),
            from: party(entry.get('from')), party: party(entry.get('party')),
        };

        this.#named(item.from);
        this.#named(item.party);

        return item;
    }

    #named(party) {
        if (party?.user && party.name) {
            this.names.set(party.user, party.name);
        }
    }

    /* The last name of a user, or else the id. */
    name(user) {
        return this.names.get(user) ?? user;
    }

    /*
     * The items in order: {mark}s of entries before the first one, then each
     * {entry}, followed by the marks that end with it.
     */
    items() {
        const first = this.entries[0]?.seq ?? 0;
        const marks = (seqs) => seqs.flatMap((seq) =>
            (this.marks.get(seq) ?? []).map((mark) => ({ mark })));
        const before = [...this.marks.keys()].filter((seq) => seq < first)
            .sort((a, b) => a - b);

        return [...marks(before), ...this.entries.flatMap((entry) =>
            [{ entry }, ...marks([entry.seq])])];
    }
}


/*
 * Cuts a text where it still fits: {head, rest}, at a line end or a space near
 * the end if there is one, else between graphemes. fits(text) is asked some
 * ten times. head is empty if nothing fits.
 */
export function cutText(text, fits) {
    const parts = Array.from(new Intl.Segmenter().segment(text),
                             ({ index }) => index);
    let low = 0;
    let high = parts.length;

    /* the first `low` graphemes fit, `high` + 1 do not */
    while (low < high) {
        const middle = Math.ceil((low + high) / 2);

        if (fits(text.slice(0, parts[middle] ?? text.length))) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }

    const end = parts[low] ?? text.length;

    if (end === text.length) {
        return { head: text, rest: '' };
    }

    const head = text.slice(0, end);
    const feed = head.lastIndexOf('\n');
    const blank = feed >= 0 && end - feed < 400 ? feed
        : head.lastIndexOf(' ');
    const at = blank > 0 && end - blank < 400 ? blank + 1 : end;

    return { head: text.slice(0, at), rest: text.slice(at) };
}


/* A hash in groups that can be compared by eye. */
export function fingerprint(bytes) {
    return Array.from(bytes, (b) => b.toString(16).padStart(2, '0'))
        .join('').replace(/(.{8})(?=.)/g, '$1 ');
}
