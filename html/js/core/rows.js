/*
 * A thread as a list of rows: day separators, the divider before unread
 * messages, messages grouped by sender, lease events, and outbox items. Each
 * row keeps its key, so that a view changes only what differs.
 */

const GROUP = 5 * 60 * 1000;


/*
 * entries in order; waiting: own entries after a gap; pending: outbox items;
 * divider: the seq of the first unread message or null; dayKey(at).
 */
export function buildRows({ entries, waiting = [], pending = [], me,
                            divider = null, dayKey })
{
    const rows = [];
    const own = waiting.filter((e) => e.from && e.from.user === me);
    const keys = new Set();
    let last = null;

    for (const entry of entries.concat(own)) {
        last = pushDay(rows, last, entry.at, dayKey);

        if (entry.seq === divider) {
            rows.push({ key: 'new', type: 'divider' });
            last.sender = null;
        }

        if (entry.kind === 'message') {
            const key = `m${entry.client_id}.${entry.from.user}`;

            pushMessage(rows, last, {
                /* an id may come again once its 30 days are over */
                key: keys.has(key) ? `s${entry.seq}` : key,
                type: 'message', entry, at: entry.at,
                own: entry.from.user === me, sender: entry.from.user,
            });
            keys.add(key);

        } else {
            rows.push({ key: `e${entry.seq}`, type: 'lease', entry });
            last.sender = null;
        }
    }

    const stored = new Set(entries.concat(own).map((e) => e.client_id));

    for (const item of pending) {
        if (stored.has(item.client_id)) {
            continue;
        }

        last = pushDay(rows, last, item.at, dayKey);
        pushMessage(rows, last, {
            /* the key that the entry will have, so that its row stays */
            key: `m${item.client_id}.${me}`, type: 'message', item,
            at: item.at, own: true, sender: me,
        });
    }

    return rows;
}


function pushDay(rows, last, at, dayKey) {
    const day = dayKey(at);

    /* an item of a clock that is slow does not add an earlier day */
    if (last && day <= last.day) {
        return last;
    }

    rows.push({ key: `d${day}`, type: 'day', at });

    return { day, sender: null, at: 0, row: null };
}


function pushMessage(rows, last, row) {
    const at = Date.parse(row.at);
    const follows = last.sender === row.sender && at - last.at < GROUP;

    row.first = !follows;
    row.last = true;

    if (follows) {
        last.row.last = false;
    }

    rows.push(row);
    last.sender = row.sender;
    last.at = at;
    last.row = row;
}


/*
 * The keys of own messages whose state is shown in words: the newest, the
 * newest that each other party has seen, and all that are unsent or failed.
 */
export function spokenKeys(rows, parties, me) {
    const spoken = new Set();
    const own = rows.filter((row) => row.own && row.entry);

    if (own.length) {
        spoken.add(own.at(-1).key);
    }

    for (const party of parties) {
        if (party.user !== me) {
            const seen = own.findLast((r) => r.entry.seq <= party.read);

            if (seen) {
                spoken.add(seen.key);
            }
        }
    }

    for (const row of rows) {
        if (row.item) {
            spoken.add(row.key);
        }
    }

    return spoken;
}
