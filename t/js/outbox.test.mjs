/* The outbox stores messages until they are sent, each once and in order. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Outbox } from '../../html/js/core/outbox.js';
import { FakeServer, MemoryStore, settle } from './lib/fakes.mjs';


function make(db = new MemoryStore(), server = new FakeServer()) {
    const { clock } = server;
    let n = 0;
    const outbox = new Outbox({ db, api: server, clock, user: 'u-tom',
                                newId: () => `id-${clock.now()}-${n++}` });

    return { outbox, server, clock, db };
}


const texts = (server) => server.entries.map((e) => e.text);


test('messages are sent in order, one at a time, and removed once stored',
     async () => {
    const { outbox, server, clock, db } = make();
    const stored = [];

    outbox.on('stored', (sent) => stored.push(sent.entry.seq));
    outbox.setActive(true);
    await Promise.all(['a', 'b', 'c'].map((x) => outbox.add('elm', x)));
    assert.equal(outbox.waiting(), 3);
    await clock.tick(100);
    assert.deepEqual(texts(server), ['a', 'b', 'c']);
    assert.deepEqual(stored, [1, 2, 3]);
    assert.equal((await db.list('u-tom')).length, 0);
});


test('messages written offline survive their tab and are sent once',
     async () => {
    const first = make();

    first.server.down = true;
    first.outbox.setActive(true);
    await first.outbox.add('elm', 'one');
    await first.outbox.add('elm', 'two');
    await first.clock.tick(5000);
    first.outbox.setActive(false);

    const { outbox, server, clock, db } = make(first.db, first.server);

    await outbox.reload();
    assert.deepEqual(outbox.of('elm').map((i) => i.text), ['one', 'two']);
    outbox.setActive(true);
    await clock.tick(60000);
    assert.deepEqual(texts(server), []);
    server.down = false;
    outbox.flush();
    await clock.tick(100);
    assert.deepEqual(texts(server), ['one', 'two']);
    assert.equal((await db.list('u-tom')).length, 0);
});


test('a message is said to wait once it is in the database', async () => {
    const { outbox, db } = make();
    const { put } = db;
    const said = [];
    let written;

    db.put = async (item) => {
        await new Promise((resolve) => { written = resolve; });

        return put.call(db, item);
    };
    outbox.on('change', () => said.push(outbox.waiting()));

    const added = outbox.add('elm', 'not yet');

    await settle();
    assert.deepEqual(said, [0]);
    written();
    await added;
    assert.deepEqual(said, [0, 1]);
});


test('a send whose response was lost is repeated and stored once', async () => {
    const { outbox, server, clock } = make();
    const { send } = server;

    server.send = async (...args) => {
        await send.apply(server, args);
        server.send = send;

        return { status: 0, retryAfter: 0 };
    };
    outbox.setActive(true);
    await outbox.add('elm', 'once');
    await clock.tick(20000);
    assert.deepEqual(texts(server), ['once']);
    assert.equal(outbox.items.length, 0);
});


test('a send answered 202 is repeated with the same client_id', async () => {
    const { outbox, server, clock } = make();

    server.sendStatus = 202;
    outbox.setActive(true);
    await outbox.add('elm', 'queued');
    await clock.tick(10000);
    assert.equal(outbox.waiting(), 1);
    assert.equal(new Set(server.calls).size, 1);
    server.sendStatus = 0;
    await clock.tick(3000);
    assert.equal(outbox.items.length, 0);
    assert.deepEqual(texts(server), ['queued']);
});


test('a refused message is marked as failed, the next one is sent',
     async () => {
    const { outbox, server, clock, db } = make();
    const failed = [];

    outbox.on('failed', (item) => failed.push(item.reason));
    server.sendStatus = 409;
    server.sendType = 'lease-not-active';
    outbox.setActive(true);

    const item = await outbox.add('elm', 'late');

    await clock.tick(100);
    assert.deepEqual(failed, ['lease-not-active']);
    assert.equal((await db.list('u-tom'))[0].state, 'failed');
    server.sendStatus = 0;
    await outbox.add('elm', 'next');
    await clock.tick(100);
    assert.deepEqual(texts(server), ['next']);
    await outbox.retry(item.n);
    await clock.tick(100);
    assert.deepEqual(texts(server), ['next', 'late']);
});


test('a retry after client-id-reused uses a new client_id', async () => {
    const { outbox, server, clock } = make();

    server.sendStatus = 409;
    server.sendType = 'client-id-reused';
    outbox.setActive(true);

    const item = await outbox.add('elm', 'x');
    const before = item.client_id;

    await clock.tick(100);
    server.sendStatus = 0;
    await outbox.retry(item.n);
    await clock.tick(100);
    assert.notEqual(server.entries[0].client_id, before);
});


test('a message removed while its send is refused stays removed', async () => {
    const { outbox, server, clock, db } = make();

    server.sendStatus = 422;
    outbox.setActive(true);

    const item = await outbox.add('elm', 'x');

    await outbox.remove(item.n);
    await clock.tick(100);
    assert.equal((await db.list('u-tom')).length, 0);
    assert.equal(outbox.items.length, 0);
});


test('a send answered 429 is repeated after Retry-After', async () => {
    const { outbox, server, clock } = make();
    const { send } = server;

    server.send = async () => {
        server.send = send;

        return { status: 429, retryAfter: 20 };
    };
    outbox.setActive(true);
    await outbox.add('elm', 'x');
    await clock.tick(19000);
    assert.deepEqual(texts(server), []);
    await clock.tick(2000);
    assert.deepEqual(texts(server), ['x']);
});


test('a 401 stops sending and keeps the messages', async () => {
    const { outbox, server, clock } = make();
    let out = 0;

    outbox.on('refused', () => out++);
    server.status = 401;
    outbox.setActive(true);
    await outbox.add('elm', 'x');
    await clock.tick(60000);
    assert.equal(out, 1);
    assert.equal(server.calls.length, 1);
    assert.equal(outbox.waiting(), 1);
});


test('a message answered 202 is removed once seen in the thread', async () => {
    const { outbox, server, clock } = make();

    server.sendStatus = 202;
    outbox.setActive(true);

    const item = await outbox.add('elm', 'x');

    await settle();
    await outbox.confirm('elm', item.client_id);
    assert.equal(outbox.items.length, 0);
    await clock.tick(10000);
    assert.equal(server.calls.length, 1);
});


test('messages of other users are not loaded', async () => {
    const { outbox, db } = make();

    await db.put({ n: 1, user: 'u-other', property: 'elm', text: 'not mine',
                   client_id: 'x', state: 'queued' });
    await outbox.reload();
    assert.equal(outbox.items.length, 0);
});


test('only the leading tab sends', async () => {
    const { outbox, server, clock } = make();

    await outbox.add('elm', 'x');
    await clock.tick(60000);
    assert.deepEqual(server.calls, []);
    outbox.setActive(true);
    await clock.tick(100);
    assert.deepEqual(texts(server), ['x']);
});


test('messages are kept in memory and sent if storage is full', async () => {
    const db = new MemoryStore();
    const full = async () => {
        throw new Error('quota');
    };

    Object.assign(db, { add: full, put: full, remove: full });

    const { outbox, server, clock } = make(db);

    server.down = true;
    outbox.setActive(true);
    await outbox.add('elm', 'x');
    await outbox.reload();
    await clock.tick(1000);
    assert.equal(outbox.waiting(), 1);
    server.down = false;
    outbox.flush();
    await clock.tick(100);
    assert.deepEqual(texts(server), ['x']);
    assert.equal(outbox.items.length, 0);
});
