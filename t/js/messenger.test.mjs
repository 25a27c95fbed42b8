/* The client without a page: its state after streams, polls and outages. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Session } from '../../html/js/core/session.js';
import { browser, texts } from './lib/browser.mjs';
import { FakeClock, FakeServer } from './lib/fakes.mjs';


test('an open thread is live on one pair of streams', async () => {
    const b = browser();

    b.server.write('u-lena', 'hello');

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    await b.clock.tick(100);
    assert.equal(tab.messenger.status, 'live');
    assert.equal(b.live('').length, 2);
    b.say('u-lena', 'there');
    await b.clock.tick(10);
    assert.deepEqual(texts(tab), ['hello', 'there']);
    assert.equal(tab.messenger.inbox.total, 2);
});


test('a read mark is sent to the server and shown at once', async () => {
    const b = browser();

    b.server.write('u-lena', 'hello');

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    tab.messenger.markRead(tab.messenger.thread.high);
    assert.equal(tab.messenger.inbox.total, 0);
    await b.clock.tick(10);
    assert.equal(b.server.read_.get('u-tom'), 1);

    const reads = b.server.calls.filter((c) => c.startsWith('read')).length;

    tab.messenger.markRead(tab.messenger.thread.high);
    await b.clock.tick(10);
    assert.equal(b.server.calls.filter((c) => c.startsWith('read')).length,
                 reads, 'a mark that has not moved is not sent again');
});


test('a read mark that did not arrive is sent again', async () => {
    const b = browser();

    b.server.write('u-lena', 'hello');

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    b.cut();
    tab.messenger.markRead(tab.messenger.thread.high);
    await b.clock.tick(5000);
    b.server.down = false;
    await b.clock.tick(30000);
    assert.equal(b.server.read_.get('u-tom'), 1);
});


test('after an outage each message is sent and received once', async () => {
    const b = browser();
    const tab = await b.tab();
    const statuses = [];

    tab.messenger.on('status', (s) => statuses.push(s));
    await tab.messenger.openThread('elm');
    await tab.messenger.send('before');
    await b.clock.tick(100);
    b.cut();
    await tab.messenger.send('meanwhile');
    b.server.write('u-lena', 'theirs');
    await b.clock.tick(20000);
    assert.equal(tab.messenger.outbox.waiting(), 1);
    b.server.down = false;
    await b.clock.tick(40000);
    assert.deepEqual(texts(tab), ['before', 'theirs', 'meanwhile']);
    assert.deepEqual(b.server.entries.map((e) => e.text), texts(tab));
    assert.equal(tab.messenger.outbox.waiting(), 0);
    assert.equal(statuses.at(-1), 'live');
});


test('without streams, polls deliver entries within ten seconds', async () => {
    const b = browser();

    b.state.streams = false;

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    await b.clock.tick(30000);
    assert.equal(tab.messenger.status, 'checking');

    for (let i = 0; i < 4; i++) {
        b.server.write('u-lena', `n${i}`);
        await b.clock.tick(10000);
        assert.equal(texts(tab).length, i + 1);
        assert.equal(tab.messenger.inbox.total, i + 1);
    }

    b.state.streams = true;
    await b.clock.tick(40000);
    assert.equal(tab.messenger.status, 'live');
    b.say('u-lena', 'live again');
    await b.clock.tick(10);
    assert.equal(texts(tab).length, 5);
});


test('a successful send reconnects the streams', async () => {
    const b = browser();
    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    b.cut();
    await tab.messenger.send('waits');
    await b.clock.tick(90000);
    b.server.down = false;
    tab.messenger.outbox.flush();
    await b.clock.tick(1500);
    assert.equal(tab.messenger.status, 'live');
});


test('wake() reconnects at once when online again', async () => {
    const b = browser();
    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    b.cut();
    b.state.online = false;
    tab.messenger.networkLost();
    await b.clock.tick(60000);
    assert.equal(tab.messenger.status, 'offline');
    b.server.down = false;
    b.state.online = true;
    b.server.write('u-lena', 'missed');
    tab.messenger.wake();
    await b.clock.tick(50);
    assert.equal(tab.messenger.status, 'live');
    assert.deepEqual(texts(tab), ['missed']);
});


test('entries after a gap are shown once the gap is filled', async () => {
    const b = browser();
    const tab = await b.tab();
    const shown = [];

    await tab.messenger.openThread('elm');
    tab.messenger.thread.on('change', () => shown.push(
        tab.messenger.thread.entries.map((e) => e.seq).join()));
    b.server.write('u-lena', 'lost on the way');
    b.say('u-lena', 'heard');
    await b.clock.tick(100);
    assert.deepEqual(texts(tab), ['lost on the way', 'heard']);
    assert.ok(!shown.includes('2'));
});


test('a reset loads the thread again', async () => {
    const b = browser();

    for (let i = 0; i < 5; i++) {
        b.server.write('u-lena', `old ${i}`);
    }

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    await b.clock.tick(10);
    b.server.entries.length = 2;
    b.server.write('u-lena', 'other');
    b.live('/properties/')[0].say('reset', { head: b.server.cursor() });
    await b.clock.tick(100);
    assert.deepEqual(texts(tab), ['old 0', 'old 1', 'other']);
});


test('a thread opens at the first unread message, however far back',
     async () => {
    const b = browser();

    for (let i = 1; i <= 400; i++) {
        b.server.write('u-lena', `n${i}`);
    }

    b.server.read_.set('u-tom', 100);

    const tab = await b.tab();

    await tab.messenger.openThread('elm');

    const { thread, threads } = tab.messenger;

    assert.ok(thread.low < 101 && thread.high > 101);
    assert.equal(thread.firstUnread(), 101);
    assert.equal(thread.detached, true);
    await threads.jumpToNewest();
    assert.equal(thread.high, 400);
    assert.equal(thread.detached, false);
    assert.equal(await threads.jumpTo(7), true);
    assert.ok(thread.low <= 7 && thread.high >= 7);
    assert.equal(await threads.jumpTo(4000), false);
});


test('a thread without access is loaded once a lease grants access',
     async () => {
    const b = browser();

    b.server.status = 404;

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    assert.equal(tab.messenger.thread.status, 'gone');
    b.server.status = 0;
    b.say('u-lena', 'welcome');
    await b.clock.tick(40000);
    assert.equal(tab.messenger.thread.status, 'ready');
});


test('the client stops when its session ends and resumes on sign-in',
     async () => {
    const b = browser();
    const tab = await b.tab();
    const other = await b.tab();

    await tab.messenger.openThread('elm');
    await tab.messenger.send('before');
    await b.clock.tick(100);
    b.server.status = 401;
    b.live('/inbox/')[0].say('bye', { reason: 'expired' });
    await b.clock.tick(1000);
    assert.equal(tab.session.state, 'ended');
    assert.equal(tab.messenger.status, 'signed-out');
    assert.equal(other.messenger.status, 'signed-out',
                 'every tab is signed out');
    assert.equal(b.live('').length, 0);
    assert.deepEqual(texts(tab), ['before'], 'entries on screen stay');

    await tab.messenger.send('meanwhile');
    await b.clock.tick(10000);
    assert.equal(tab.messenger.outbox.waiting(), 1);

    b.server.status = 0;
    b.server.write('u-lena', 'theirs');
    await b.clock.tick(60000);
    assert.equal(tab.messenger.status, 'live');
    assert.equal(other.messenger.status, 'live');
    assert.deepEqual(texts(tab), ['before', 'theirs', 'meanwhile']);
    assert.equal(tab.messenger.outbox.waiting(), 0);
});


test('a stream that ends with its token reconnects with the renewed one',
     async () => {
    const b = browser();
    const tab = await b.tab();
    const statuses = [];

    tab.messenger.on('status', (s) => statuses.push(s));
    await tab.messenger.openThread('elm');
    b.live('/inbox/')[0].say('bye', { reason: 'expired' });
    b.live('/properties/')[0].say('bye', { reason: 'expired' });
    await b.clock.tick(1000);
    assert.equal(b.live('').length, 2);
    assert.equal(tab.messenger.status, 'live');
    assert.ok(!statuses.includes('signed-out'));
});


test('a message is sent only while its author is signed in', async () => {
    const b = browser();
    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    b.cut();
    await tab.messenger.send('Tom\'s words');
    b.server.down = false;
    b.server.status = 401;
    b.server.session = async () => ({ status: 200, data: {
        user: 'u-lena', name: 'Lena',
        expires_at: new Date(b.clock.now() + 3600000).toISOString() } });
    await b.clock.tick(60000);
    assert.equal(tab.session.state, 'other');
    assert.deepEqual(tab.session.other, { user: 'u-lena', name: 'Lena' });
    assert.equal(b.server.calls.filter((c) => c.startsWith('send')).length, 1,
                 'the message is not sent again');
    assert.equal(tab.messenger.outbox.waiting(), 1);

    b.server.status = 0;
    delete b.server.session;
    await b.clock.tick(120000);
    assert.deepEqual(texts(tab), ['Tom\'s words']);
});


test('a session is renewed before it ends, by the server\'s clock',
     async () => {
    const clock = new FakeClock();
    const server = new FakeServer({ clock });
    const session = new Session({ api: server, clock });
    const wrong = Date.parse('2036-01-01T00:00:00Z');
    let ends = 600000;
    let renewed = 0;

    /* the server's clock is ten years ahead of the browser's */
    server.session = async () => ({ status: 200, date: wrong + clock.mono(),
        data: { user: 'u-tom', name: 'Tom',
                expires_at: new Date(wrong + ends).toISOString() } });
    session.renew = async () => {
        renewed = clock.mono();
        ends += 600000;
    };
    await session.check();
    assert.equal(session.state, 'ours');
    assert.equal(session.name, 'Tom');
    await clock.tick(530000);
    assert.equal(renewed, 0);
    await clock.tick(20000);
    assert.ok(renewed > 0 && renewed < 600000);
    await clock.tick(500000);
    assert.equal(session.state, 'ours');
});


test('messages flow although the browser always reports offline', async () => {
    const b = browser();

    b.state.online = false;

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    await b.clock.tick(1000);
    assert.equal(tab.messenger.status, 'live');
    tab.messenger.networkLost();
    await b.clock.tick(1000);
    assert.equal(tab.messenger.status, 'live', 'a successful poll counts more');
    b.cut();
    await b.clock.tick(1000);
    assert.equal(tab.messenger.status, 'offline');
});


test('a link to a missing message opens at the first unread', async () => {
    const b = browser();

    for (let i = 1; i <= 200; i++) {
        b.server.write('u-lena', `n${i}`);
    }

    b.server.read_.set('u-tom', 100);

    const tab = await b.tab();

    await tab.messenger.openThread('elm', 4000);
    assert.equal(tab.messenger.thread.firstUnread(), 101);
    assert.equal(tab.messenger.thread.detached, true);

    /* before the reader's window, too */
    b.server.first = 60;
    await tab.messenger.openThread('elm', 7);
    assert.equal(tab.messenger.thread.firstUnread(), 101);
    assert.equal(await tab.messenger.threads.jumpTo(8), false);
    assert.equal(tab.messenger.thread.firstUnread(), 101,
                 'the thread stays there');
});


test('only messages that were on screen are marked read', async () => {
    const b = browser();

    b.server.write('u-lena', 'seen');

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    b.say('u-lena', 'not drawn yet');
    tab.messenger.markRead(1);
    await b.clock.tick(10);
    assert.equal(b.server.read_.get('u-tom'), 1);
    assert.equal(tab.messenger.thread.you.unread, 1);
    assert.notEqual(tab.messenger.inbox.total, 0);
    tab.messenger.markRead(2);
    await b.clock.tick(10);
    assert.equal(b.server.read_.get('u-tom'), 2);
});


test('threads load and messages are sent if storage never answers',
     async () => {
    const b = browser();
    const never = () => new Promise(() => {});

    Object.assign(b.db, {
        list: never, unshelve: never, shelve: never,
        put: () => new Promise((_, fail) => b.clock.setTimeout(() =>
            fail(new Error('no answer')), 1500)),
        remove: async () => {},
    });
    b.server.write('u-lena', 'hello');

    const self = await b.tab({ wait: false });

    await self.messenger.openThread('elm');
    await b.clock.tick(1000);
    assert.equal(self.messenger.status, 'live');
    assert.deepEqual(texts(self), ['hello']);

    const sent = self.messenger.send('and back');

    await b.clock.tick(100);
    assert.equal(self.messenger.outbox.items.length, 1, 'it is shown at once');
    await b.clock.tick(2000);
    await sent;
    assert.deepEqual(texts(self), ['hello', 'and back']);
});


test('unsent messages are stored again after storage is cleared', async () => {
    const b = browser();
    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    b.cut();
    await tab.messenger.send('kept');
    b.db.items.clear();
    b.db.lost();
    await b.clock.tick(10);
    assert.equal((await b.db.list('u-tom')).length, 1);
});


test('a thread opened offline shows the entries last seen', async () => {
    const b = browser();

    b.server.write('u-lena', 'seen before');

    const first = await b.tab();

    await first.messenger.openThread('elm');
    await b.clock.tick(1000);
    first.messenger.stop();
    b.cut();

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    await b.clock.tick(100);
    assert.deepEqual(texts(tab), ['seen before']);
    assert.equal(tab.messenger.thread.stale, true);
    assert.equal(tab.messenger.inbox.threads.size, 1);
    await tab.messenger.send('written in a tunnel');
    b.server.down = false;
    await b.clock.tick(40000);
    assert.deepEqual(texts(tab), ['seen before', 'written in a tunnel']);
    assert.equal(tab.messenger.thread.stale, false);
});


/* The requests made, and the entries reported as new, while fn runs. */
async function during(b, tab, fn) {
    const { messenger } = tab;
    const calls = b.server.calls.length;
    const news = [];
    const off = messenger.on('received', (entry) => news.push(entry.seq));
    let changes = 0;

    messenger.thread?.on('change', () => changes++);
    await fn();
    off();

    return { news, changes: () => changes,
             calls: b.server.calls.slice(calls)
                     .filter((c) => c.startsWith('messages')) };
}


test('a long unread thread opens at the first unread, streams from the head',
     async () => {
    const b = browser();

    for (let i = 1; i <= 3000; i++) {
        b.server.write('u-lena', `n${i}`);
    }

    b.server.read_.set('u-tom', 100);

    const tab = await b.tab();
    const { news, calls } = await during(b, tab, async () => {
        await tab.messenger.openThread('elm');
        await b.clock.tick(2000);
    });
    const { thread, threads } = tab.messenger;

    assert.deepEqual([news, calls.length], [[], 2]);
    assert.equal(b.live('/properties/')[0].url.split('after=')[1],
                 b.server.cursor(3000));
    assert.equal(thread.firstUnread(), 101);
    assert.equal(thread.detached, true);
    assert.equal(thread.you.unread, 2900);

    /* a live entry is counted once, and not yet part of the run */
    b.say('u-lena', 'live');
    assert.equal(thread.you.unread, 2901);

    const { high } = thread;

    await threads.loadNewer();
    assert.equal(thread.high, high + 50);

    while (thread.detached) {
        await threads.loadNewer();
    }

    b.say('u-lena', 'and on');
    assert.equal(thread.high, 3002);
    assert.equal(thread.you.unread, 2902);
});


test('after a long sleep, streams and polls leave the gap to pages',
     async () => {
    for (const streams of [true, false]) {
        const b = browser();

        b.server.write('u-lena', 'one');

        const tab = await b.tab();

        await tab.messenger.openThread('elm');
        await b.clock.tick(100);
        b.cut();

        for (let i = 2; i <= 5000; i++) {
            b.server.write('u-lena', `n${i}`);
        }

        const { news, changes, calls } = await during(b, tab, async () => {
            b.state.streams = streams;
            b.server.down = false;
            tab.messenger.wake();
            await b.clock.tick(30000);
        });
        const { thread } = tab.messenger;

        assert.equal(thread.detached, true);
        assert.equal(thread.headSeq, 5000);
        assert.equal(thread.you.unread, 5000);
        assert.ok(thread.high <= 1 + 200, `loaded up to ${thread.high}`);

        /* once, without a stream, all that is held is looked at again */
        const again = calls.filter((call) => /^messages  \d+$/.test(call));

        assert.ok(again.length <= 2, again.join());
        assert.ok(calls.length - again.length < 12, calls.join());
        assert.ok(changes() < 250, `${changes()} changes`);
        assert.ok(news.length <= 200, `${news.length} new entries`);
        await tab.messenger.threads.jumpToNewest();
        assert.equal(thread.high, 5000);
    }
});


test('a small gap is not streamed either', async () => {
    const b = browser();

    for (let i = 1; i <= 250; i++) {
        b.server.write('u-lena', `n${i}`);
    }

    b.server.read_.set('u-tom', 100);

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    await b.clock.tick(100);
    assert.equal(tab.messenger.thread.detached, true);
    assert.deepEqual(b.sources.filter((s) => s.url.includes('/properties/'))
        .map((s) => s.url.split('after=')[1]), [b.server.cursor(250)]);
});
