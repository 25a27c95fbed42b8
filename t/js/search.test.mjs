/*
 * A search, on fakes of the server and the clock: typing, going on, refusals,
 * this device; jumps to a message and to a day.
 */

import assert from 'node:assert/strict';
import test from 'node:test';

import { entryOfDay, pickDay, startOfDay } from '../../html/js/core/day.js';
import { searchDevice } from '../../html/js/core/device.js';
import { Formatter } from '../../html/js/core/format.js';
import { Search } from '../../html/js/core/search.js';
import { browser } from './lib/browser.mjs';
import { FakeClock, FakeServer } from './lib/fakes.mjs';


function searching(n = 0, textOf = (i) => `line ${i}`) {
    const clock = new FakeClock();
    const server = new FakeServer({ clock });
    const asked = [];
    const search = new Search({
        api: server, clock, refused: () => asked.push('refused'),
        device: async (property, words) => {
            asked.push(['device', property, ...words]);

            return [{ property: 'elm', label: '', entry: server.entries[0] }];
        },
    });

    for (let i = 1; i <= n; i++) {
        server.write(i % 2 ? 'u-lena' : 'u-tom', textOf(i));
    }

    return { clock, server, search, asked };
}


/* Tom has read n messages, and has the thread open. */
async function reading(n) {
    const all = browser();
    const { clock, server, tab } = all;

    for (let i = 1; i <= n; i++) {
        server.write('u-lena', `line ${i}`);
    }

    server.read_.set('u-tom', n);

    const tom = await tab();

    await tom.messenger.openThread('elm');
    await clock.tick(1000);

    return { ...all, tom, threads: tom.messenger.threads };
}


const seqs = (search) => search.hits.map((hit) => hit.entry.seq);


test('a search is sent once typing pauses, and finds the newest first',
     async () => {
    const { clock, server, search } = searching(3);

    for (const text of ['l', 'li', 'lin', 'line']) {
        search.set('elm', text);
        await clock.tick(100);
    }

    assert.deepEqual(server.calls, []);
    assert.equal(search.phase, 'searching');
    await clock.tick(250);
    assert.deepEqual(server.calls, ['search line']);
    assert.equal(search.phase, 'ready');
    assert.deepEqual(seqs(search), [3, 2, 1]);
    assert.equal(search.next, null);
});


test('a request that is out of date is cancelled, its answer ignored',
     async () => {
    const { clock, server, search } = searching(3);

    search.set('elm', 'line 1');

    /* the request leaves, and its answer is still on its way */
    clock.timers.values().next().value.fn();
    search.set('elm', 'line 2');
    await clock.tick(300);
    assert.deepEqual(server.calls, ['search line 1', 'search line 2']);
    assert.equal(server.aborted, 1);
    assert.deepEqual(seqs(search), [2]);
    search.set('elm', '');
    await clock.tick(1000);
    assert.equal(search.phase, 'idle');
    assert.deepEqual(seqs(search), []);
});


test('"earlier" goes on where the page ended, each hit once', async () => {
    const { clock, server, search } = searching(50);

    search.set('elm', 'line', 0);
    await clock.tick(1);
    assert.equal(search.hits.length, 20);
    search.more();
    search.more();
    await clock.tick(1);
    assert.equal(search.hits.length, 40);
    search.more();
    await clock.tick(1);
    assert.deepEqual(seqs(search), Array.from({ length: 50 },
                                              (_, i) => 50 - i));
    assert.equal(search.next, null);
    search.more();
    await clock.tick(1);
    assert.deepEqual(server.calls,
                     ['search line', 'search line 31', 'search line 11'],
                     'one request at a time, however often one presses');
});


test('pages without a hit are passed over, then one is told how far',
     async () => {
    const { clock, server, search } = searching(200, (i) =>
        i === 3 ? 'boiler' : 'other');

    server.scan = 10;
    search.set('elm', 'boiler', 0);
    await clock.tick(1);
    assert.equal(server.calls.filter((c) => c.startsWith('search')).length,
                 10);
    assert.equal(search.phase, 'ready');
    assert.equal(search.next, 101);
    assert.equal(search.back, server.entries[99].at);
    search.more();
    await clock.tick(1);
    assert.deepEqual(seqs(search), [3]);
    assert.equal(search.back, null);
});


test('parts of a page are joined, and shown as they come', async () => {
    const { clock, server, search } = searching(100, (i) =>
        i % 4 === 0 ? 'boiler' : 'other');
    const shown = new Set();

    search.on('change', () => shown.add(`${search.phase} `
                                        + search.hits.length));
    server.scan = 10;
    search.set('elm', 'boiler', 0);
    await clock.tick(1);
    assert.deepEqual([...shown].filter((is) => !is.endsWith(' 0')),
                     ['searching 3', 'searching 5', 'searching 8',
                      'searching 10', 'searching 13', 'searching 15',
                      'searching 18', 'ready 20']);
    assert.deepEqual(seqs(search).slice(0, 4), [100, 96, 92, 88]);
    search.more();
    await clock.tick(1);
    assert.deepEqual([search.hits.length, search.next], [25, null]);
});


test('over all threads a hit names its thread, and goes on by a cursor',
     async () => {
    const { clock, search } = searching(30);

    search.set(null, 'line', 0);
    await clock.tick(1);
    assert.deepEqual([search.hits[0].property, search.hits[0].label],
                     ['elm', '12 Elm St']);
    search.more();
    await clock.tick(1);
    assert.equal(search.hits.length, 30);
});


test('what is no message is no hit, whatever the server says', async () => {
    const { clock, server, search } = searching(3);

    server.get = async () => ({ status: 200, data: { next: null, hits: [
        { seq: 9, kind: 'erased', at: server.entries[0].at },
        { seq: 8, kind: 'lost', at: server.entries[0].at },
        server.entries[0], server.entries[0]] } });
    search.set('elm', 'line', 0);
    await clock.tick(1);
    assert.deepEqual(seqs(search), [1]);
    search.drop('elm', 1);
    assert.deepEqual(seqs(search), [], 'erased while it is shown');
});


test('an open quote and a long text are told without a request', async () => {
    const { clock, server, search } = searching(1);

    search.set('elm', '"hot water');
    assert.equal(search.phase, 'open');
    search.set('elm', '🔥'.repeat(201));
    assert.equal(search.phase, 'long');
    search.set('elm', '  ');
    assert.equal(search.phase, 'idle');
    await clock.tick(1000);
    assert.deepEqual(server.calls, []);
    search.set('elm', '🔥'.repeat(200));
    await clock.tick(1000);
    assert.equal(server.calls.length, 1);
});


test('429 waits as long as the server says, then goes on', async () => {
    const { clock, server, search } = searching(3);

    server.status = 429;
    server.retryAfter = 3;
    search.set('elm', 'line', 0);
    await clock.tick(1);
    assert.deepEqual([search.phase, search.wait], ['waiting', 3]);
    await clock.tick(2000);
    assert.equal(search.wait, 1);
    server.status = 0;
    assert.equal(server.calls.length, 1);
    await clock.tick(1000);
    assert.equal(search.phase, 'ready');
    assert.equal(search.hits.length, 3);
    server.status = 429;
    search.set('elm', 'line', 0);
    await clock.tick(1);
    search.set('elm', '');
    await clock.tick(60000);
    assert.equal(server.calls.length, 3, 'who stops typing is not repeated');
});


test('refusals: 400, 404, 401', async () => {
    const { clock, server, search, asked } = searching(3);

    for (const [status, phase] of [[400, 'refused'], [404, 'gone'],
                                   [401, 'failed']])
    {
        server.status = status;
        search.set('elm', `line ${status}`, 0);
        await clock.tick(1);
        assert.equal(search.phase, phase);
    }

    assert.deepEqual(asked, ['refused']);
});


test('no network, or a server that cannot: this device, and it says so',
     async () => {
    const { clock, server, search, asked } = searching(30);

    server.down = true;
    search.set('elm', 'line 1', 0);
    await clock.tick(1);
    assert.deepEqual([search.phase, search.local], ['ready', 'network']);
    assert.deepEqual(seqs(search), [1]);
    assert.deepEqual(asked, [['device', 'elm', 'line', '1']]);
    server.down = false;
    server.status = 503;
    search.again();
    await clock.tick(1);
    assert.equal(search.local, 'server');

    /* what the server found stays, and is not mixed with the device's */
    server.status = 0;
    search.set('elm', 'line', 0);
    await clock.tick(1);
    assert.equal(search.local, null);
    server.down = true;
    search.more();
    await clock.tick(1);
    assert.deepEqual([search.phase, search.hits.length], ['failed', 20]);
    server.down = false;
    search.more();
    await clock.tick(1);
    assert.equal(search.hits.length, 30);
});


test('a server that could not search is asked again, as late as it says',
     async () => {
    const { clock, server, search } = searching(3);

    server.status = 503;
    search.set('elm', 'line', 0);
    await clock.tick(1);
    assert.deepEqual(seqs(search), [1]);
    assert.equal(server.calls.length, 1);

    /* without a word of the server's: after 5 s, again and again */
    await clock.tick(4990);
    assert.equal(server.calls.length, 1);
    server.retryAfter = 20;
    await clock.tick(20);
    assert.equal(server.calls.length, 2);
    assert.deepEqual([search.phase, search.local], ['ready', 'server']);
    server.status = 0;
    await clock.tick(19980);
    assert.equal(server.calls.length, 2);
    await clock.tick(30);
    assert.equal(server.calls.length, 3);
    assert.deepEqual([search.phase, search.local], ['ready', null]);
    assert.deepEqual(seqs(search), [3, 2, 1]);
    await clock.tick(60000);
    assert.equal(server.calls.length, 3);

    /* not once there is another search, or none */
    server.status = 503;
    search.set('elm', 'line 2', 0);
    await clock.tick(1);
    search.set('elm', '');
    await clock.tick(60000);
    assert.equal(server.calls.length, 4);
});


test('on this device: the open thread and those that were seen, no erased',
     async () => {
    const { server, db, tab } = browser();

    for (let i = 1; i <= 120; i++) {
        server.write(i % 2 ? 'u-lena' : 'u-tom', `Straße ${i}.`);
    }

    server.entries[99] = { seq: 100, kind: 'erased',
                           at: server.entries[99].at };
    await db.shelve('u-tom thread oak', {
        property: 'oak', label: '4 Oak Ave',
        entries: [{ ...server.entries[0], text: 'strasse of oak' }],
    });
    await db.shelve('u-ana thread fig', {
        property: 'fig', label: 'not ours',
        entries: [{ ...server.entries[0], text: 'strasse of Ana' }],
    });

    const tom = await tab();

    await tom.messenger.openThread('elm');
    await tom.messenger.threads.jumpToNewest();

    const all = await searchDevice(tom.messenger, null, ['strasse']);

    assert.deepEqual([...new Set(all.map((hit) => hit.property))],
                     ['elm', 'oak']);
    assert.equal(all[0].entry.seq > all[1].entry.seq, true);
    assert.equal(all.some((hit) => hit.entry.kind !== 'message'), false);

    const here = await searchDevice(tom.messenger, 'elm', ['STRASSE', '99.']);

    assert.deepEqual(here.map((hit) => hit.entry.seq), [99]);
});


test('a jump loads what surrounds a message, and nothing in between',
     async () => {
    const { clock, server, say, tom, threads } = await reading(3000);

    server.calls.length = 0;
    assert.equal(await threads.jumpTo(100), true);
    assert.deepEqual(server.calls, ['messages 88']);

    const { store } = threads;

    assert.deepEqual([store.low, store.high, store.atHead], [89, 124, false]);
    assert.equal(store.moreBefore, true);

    /* both ways from there */
    await threads.loadOlder();
    await threads.loadNewer();
    assert.deepEqual([store.low, store.high], [39, 174]);

    /* what arrives meanwhile counts as unread, and is not marked as read */
    say('u-lena', 'live');
    await clock.tick(100);
    assert.equal(store.you.unread, 1);
    tom.messenger.markRead(store.high);
    await clock.tick(2000);
    assert.equal(server.calls.some((c) => c.startsWith('read')), false);
    await threads.jumpToNewest();
    assert.equal(store.high, 3001);
    assert.equal(store.entries.at(-1).text, 'live');
});


test('the last jump counts, and a page for another place is dropped',
     async () => {
    const { server, threads } = await reading(3000);

    /* pages for a reader who scrolls come late */
    const messages = server.messages.bind(server);
    let release;

    server.messages = async (property, query) => {
        const answer = await messages(property, query);

        if (query.before || query.limit === 50) {
            await new Promise((done) => {
                release = done;
            });
        }

        return answer;
    };

    const older = threads.loadOlder();
    const first = threads.jumpTo(2000);

    assert.equal(await threads.jumpTo(500), true);
    release();
    await older;
    assert.equal(await first, null, 'overtaken');

    const { store } = threads;

    assert.deepEqual([store.low, store.high], [489, 524]);
    assert.equal(store.moreBefore, true, 'the page for another run is void');

    const newer = threads.loadNewer();

    await threads.jumpTo(100);
    release();
    await newer;
    assert.deepEqual([store.low, store.high], [89, 124]);
    assert.equal(store.ahead.size, 0);
    assert.equal(await threads.jumpTo(4000), false, 'no such message');
});


test('a jump without a network, to what is kept', async () => {
    const { cut, threads } = await reading(300);

    await threads.jumpTo(20);
    cut();
    assert.equal(await threads.jumpTo(290), true);
    assert.equal(threads.store.headSeq, 300);
    assert.equal(await threads.jumpTo(150), false);
    assert.equal(threads.store.entries.length > 0, true);
});


const clock = new FakeClock();
const format = new Formatter({ language: 'en', t: (key) => key, clock });


test('a day begins when it does in the property\'s zone', () => {
    const begins = (day, zone) => {
        const at = format.in(zone);

        return new Date(startOfDay(day, (x) => at.dayKey(x))).toISOString();
    };

    assert.equal(begins('2026-11-22', 'UTC'), '2026-11-22T00:00:00.000Z');
    assert.equal(begins('2026-11-22', 'America/New_York'),
                 '2026-11-22T05:00:00.000Z');
    assert.equal(begins('2026-03-29', 'Europe/Berlin'),
                 '2026-03-28T23:00:00.000Z', 'a day of 23 hours');
    assert.equal(begins('2026-03-30', 'Europe/Berlin'),
                 '2026-03-29T22:00:00.000Z');
    assert.equal(begins('2026-11-22', 'Pacific/Kiritimati'),
                 '2026-11-21T10:00:00.000Z');
    assert.equal(begins('2026-11-22', 'Asia/Kathmandu'),
                 '2026-11-21T18:15:00.000Z');
    assert.equal(begins('2011-12-30', 'Pacific/Apia'),
                 '2011-12-30T10:00:00.000Z', 'a day that never was');
});


test('the first message of a day, in 100,000 entries', async () => {
    const start = Date.parse('2020-01-01T00:00:00Z');
    const DAY = 86400000;
    const total = 100000;
    let calls = 0;

    /* in bursts: none for nine days, then a thousand on the tenth */
    const at = (seq) => new Date(start + Math.floor(seq / 1000) * 10 * DAY
                                 + seq % 1000).toISOString();
    const kind = (seq) => seq % 1000 === 0 ? 'lease' : 'message';
    const messages = async (property, { before, after, limit }) => {
        calls++;

        const first = before ? Math.max(501, before - limit)
                             : Math.max(501, after + 1);
        const last = before ? before - 1 : Math.min(total, after + limit);
        const entries = [];

        /* the window begins at 501 */
        for (let seq = first; seq <= last; seq++) {
            entries.push({ seq, kind: kind(seq), at: at(seq) });
        }

        return { status: 200, data: { entries } };
    };
    const find = async (day) => {
        const from = Date.parse(`${day}T00:00:00Z`);

        calls = 0;

        return (await entryOfDay({ property: 'elm', head: total, from,
                                   until: from + DAY, messages })).seq;
    };
    const day = (n) => new Date(start + n * DAY).toISOString().slice(0, 10);

    assert.equal(await find(day(500)), 50001, 'past a lease event');
    assert.ok(calls <= 13, `${calls} requests`);
    assert.equal(await find(day(501)), 51000,
                 'nothing that day: the next entry, whatever it is');
    assert.equal(await find(day(0)), 501, 'the window\'s first');
    assert.equal(await find('2019-01-01'), 501);
    assert.equal(await find('2036-01-01'), 100000, 'all are older');
    assert.equal(pickDay([], 0, 1), null);
});


test('a day is not guessed where a page does not come', async () => {
    assert.equal(await entryOfDay({
        property: 'elm', head: 1000, from: 0, until: 1,
        messages: async () => ({ status: 0, data: null }),
    }), null);
});
