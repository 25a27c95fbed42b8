/* Threads and inbox in memory: merging by seq and by rev. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { InboxStore, filterThreads, needsReply }
    from '../../html/js/core/inbox-store.js';
import { ThreadStore, seenBy } from '../../html/js/core/thread-store.js';
import { Names } from '../../html/js/core/names.js';
import { FakeClock, FakeServer } from './lib/fakes.mjs';


async function loaded(n) {
    const server = new FakeServer();

    for (let i = 1; i <= n; i++) {
        server.write(i % 2 ? 'u-lena' : 'u-tom', `text ${i}`);
    }

    const store = new ThreadStore('elm', 'u-tom');
    const { data } = await server.messages('elm', {});

    store.load(data, { moreBefore: Boolean(data.more) });

    return { server, store };
}


test('a page and live entries are merged in order, each once', async () => {
    const { server, store } = await loaded(60);

    assert.equal(store.low, 11);
    assert.equal(store.high, 60);
    assert.equal(store.moreBefore, true);

    const entry = server.write('u-lena', 'live');

    assert.equal(store.add(entry, server.cursor(61)), 'new');
    assert.equal(store.add(entry, server.cursor(61)), 'old');
    assert.equal(store.cursor, server.cursor(61));
    assert.equal(store.you.unread, 31);
});


test('an entry after a gap waits until the gap is filled', async () => {
    const { server, store } = await loaded(3);
    const four = server.write('u-lena', 'four');
    const five = server.write('u-lena', 'five');

    assert.equal(store.add(five), 'gap');
    assert.equal(store.high, 3);
    assert.equal(store.cursor, server.cursor(3), 'it is that before the gap');
    assert.equal(store.add(four), 'new');
    assert.equal(store.high, 5);
    assert.equal(store.ahead.size, 0);
});


test('older pages are put in front', async () => {
    const { server, store } = await loaded(120);
    const { data } = await server.messages('elm', { before: store.low });

    store.prepend(data);
    assert.equal(store.low, 21);
    assert.equal(store.moreBefore, true);
    store.prepend((await server.messages('elm', { before: 21 })).data);
    assert.equal(store.low, 1);
    assert.equal(store.moreBefore, false);
});


test('a live entry moves only the head of a run in the middle', async () => {
    const { server, store } = await loaded(200);

    store.load((await server.messages('elm', { after: 20, limit: 50 })).data,
               { moreBefore: true });
    assert.equal(store.atHead, false);
    assert.equal(store.add(server.write('u-lena', 'x')), 'away');
    assert.equal(store.high, 70);
    assert.equal(store.headSeq, 201);

    while (!store.atHead) {
        store.append((await server.messages('elm', {
            after: store.high, limit: 50 })).data);
    }

    assert.equal(store.high, 201);
});


test('a reset is reported by append()', async () => {
    const { store } = await loaded(3);

    assert.equal(store.append({ reset: true, entries: [] }), 'reset');
    assert.equal(store.high, 3);
});


test('an entry is seen at the time of the first mark that covers it',
     async () => {
    const { store } = await loaded(6);

    store.read({ user: 'u-lena', upto: 2, at: '2026-11-22T14:05:00Z' });
    store.read({ user: 'u-lena', upto: 6, at: '2026-11-22T14:20:00Z' });
    assert.deepEqual(seenBy(store, 2).map((s) => s.at),
                     ['2026-11-22T14:05:00Z']);
    assert.deepEqual(seenBy(store, 4).map((s) => s.at),
                     ['2026-11-22T14:20:00Z']);
    store.read({ user: 'u-lena', upto: 1, at: 'x' });
    assert.equal(store.parties[1].read, 6, 'a mark never moves back');
    store.read({ user: 'u-tom', upto: 3 });
    assert.equal(store.you.unread, 1);
    assert.equal(store.firstUnread(), 5);
    store.meta({ you: { role: 'tenant', read: 0, unread: 3,
                        can_write: true } });
    assert.equal(store.you.read, 3, 'an older page does not move it back');
});


test('a long run is trimmed at the end that is out of sight', async () => {
    const { store } = await loaded(40);

    store.trim(10, 'low');
    assert.deepEqual([store.low, store.high], [1, 10]);
    assert.equal(store.atHead, false);
    store.trim(5, 'high');
    assert.deepEqual([store.low, store.high], [6, 10]);
    assert.equal(store.moreBefore, true);
});


function thread(property, at, unread = 0, more = {}) {
    return {
        property, label: property.toUpperCase(), role: 'landlord',
        lease: { id: 'L', state: 'active', starts_at: '2026-01-01T00:00:00Z' },
        unread, last: { seq: 2, kind: 'message', event: null, from: 'u-tom',
                        preview: 'hi', at }, ...more,
    };
}


test('inbox: newest first, and a page does not undo a live change', () => {
    const store = new InboxStore();

    store.page({ rev: 5, total_unread: 1, next: null, threads: [
        thread('b', '2026-11-02T00:00:00Z', 1),
        thread('a', '2026-11-01T00:00:00Z'),
    ] });
    store.finish(new Set(['a', 'b']), 5);
    store.event({ ...thread('a', '2026-11-03T00:00:00Z', 2),
                  total_unread: 3 }, 6);
    assert.deepEqual(store.sorted().map((t) => t.property), ['a', 'b']);
    assert.equal(store.total, 3);
    store.page({ rev: 5, total_unread: 1, next: null,
                 threads: [thread('a', '2026-11-01T00:00:00Z')] });
    assert.equal(store.threads.get('a').unread, 2);
    assert.equal(store.total, 3);
    assert.equal(store.rev, 6);
});


test('inbox: threads without entries keep the server\'s order', () => {
    const store = new InboxStore();
    const bare = { last: null };

    store.page({ rev: 1, total_unread: 0, next: null, threads: [
        thread('x', '', 0, bare), thread('w', '', 0, bare),
        thread('a', '2026-11-03T00:00:00Z'), thread('z', '', 0, bare),
        thread('b', '2026-11-01T00:00:00Z'), thread('c', '', 0, bare)] });
    assert.deepEqual(store.sorted().map((t) => t.property),
                     ['x', 'w', 'a', 'z', 'b', 'c']);
    store.event({ ...thread('n', '', 0, bare), total_unread: 0 }, 2);
    assert.equal(store.sorted()[0].property, 'n');
});


test('inbox: a polled page tells whether more may have changed', () => {
    const store = new InboxStore();
    const a = thread('a', '2026-11-01T00:00:00Z');
    const b = thread('b', '2026-11-02T00:00:00Z');
    const page = (rev, ...threads) =>
        ({ rev, total_unread: 0, next: null, threads });

    store.page(page(5, b, a));
    store.finish(new Set(['a', 'b']), 5);
    assert.equal(store.page(page(5, b, a)), true);
    assert.equal(store.page(page(6, { ...b, unread: 1 }, a)), true);
    assert.equal(store.page(page(8, { ...b, unread: 2 }, a)), false,
                 'rev moves by two for one change: another is not shown');
});


test('inbox: threads missing from a complete sync are removed', () => {
    const store = new InboxStore();

    store.page({ rev: 5, total_unread: 0, next: null, threads: [
        thread('a', '2026-11-01T00:00:00Z'),
        thread('b', '2026-11-02T00:00:00Z')] });
    store.finish(new Set(['a']), 5);
    assert.deepEqual([...store.threads.keys()], ['a']);
});


test('inbox: reading a thread lowers the total at once', () => {
    const store = new InboxStore();

    store.page({ rev: 1, total_unread: 7, next: null, threads: [
        thread('a', '2026-11-01T00:00:00Z', 4)] });
    store.read('a');
    assert.equal(store.total, 3);
    assert.equal(store.threads.get('a').unread, 0);
});


test('threads are filtered by unread, needs reply, ended, address, name',
     () => {
    const ended = { id: 'L', state: 'ended', starts_at: '', ends_at: '' };
    const threads = [
        thread('elm', '2026-11-03T00:00:00Z', 1),
        thread('oak', '2026-11-02T00:00:00Z', 0, { lease: ended }),
        thread('fir', '2026-11-01T00:00:00Z', 0, {
            last: { seq: 1, kind: 'message', from: 'u-me', preview: 'x',
                    at: '2026-11-01T00:00:00Z' } }),
    ];
    const people = { elm: [{ user: 'u-tom', role: 'tenant',
                             name: 'José Martín' }] };
    const run = (filter, text = '') => filterThreads(threads, {
        filter, text, me: 'u-me', names: (x) => people[x.property] || null,
    }).map((t) => t.property);

    assert.deepEqual(run('all'), ['elm', 'oak', 'fir']);
    assert.deepEqual(run('unread'), ['elm']);
    assert.deepEqual(run('reply'), ['elm']);
    assert.deepEqual(run('ended'), ['oak']);
    assert.deepEqual(run('all', 'jose'), ['elm']);
    assert.deepEqual(run('all', 'FIR'), ['fir']);
    assert.deepEqual(run('all', 'nowhere'), []);
    assert.equal(needsReply(threads[0], 'u-me',
        [{ user: 'u-tom', role: 'landlord', name: 'x' }]), false,
        'a message of one\'s own side needs no reply');
});


test('names: those in the inbox are not requested', async () => {
    const clock = new FakeClock();
    const asked = [];
    const names = new Names({ clock, fetch: async (property) => {
        asked.push(property);

        return { parties: [{ user: 'u-7', role: 'tenant', name: 'Seven' }] };
    } });
    const few = { property: 'few', lease: { id: 'L' }, last: null,
                  parties: [{ user: 'u-1', role: 'tenant', name: 'One' }] };
    const many = { ...few, property: 'many', more_parties: 1 };

    assert.equal(names.complete([few]), true);
    assert.equal(names.complete([few, many]), false);
    assert.equal(names.of(many)[0].name, 'One', 'until then the first names');
    names.want([few, many]);
    await clock.tick(10);
    assert.deepEqual(asked, ['many']);
    assert.equal(names.complete([few, many]), true);
    assert.equal(names.of(many)[0].name, 'Seven');
    assert.equal(names.of(few)[0].name, 'One');
});
