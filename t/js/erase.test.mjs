/* Messages that were erased: no tab and no device keeps them. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { browser } from './lib/browser.mjs';


/* the open streams say that a message was erased, as one that resumes does */
function erase(b, seq) {
    const erasure = b.server.erase(seq);

    b.live('/properties/').forEach((s) => s.say('erased', erasure));
}


const kept = (b, property = 'elm') =>
    b.db.shelf.get(`u-tom thread ${property}`);
const kinds = (entries) => entries.map((e) => e.kind[0]).join('');


test('an erased message is dropped from all tabs and from the device',
     async () => {
    const b = browser();

    for (let i = 1; i <= 3; i++) {
        b.server.write('u-lena', `secret ${i}`);
    }

    const one = await b.tab();
    const two = await b.tab({ visible: false });

    await one.messenger.openThread('elm');
    await two.messenger.openThread('elm');
    await b.clock.tick(2000);
    assert.match(JSON.stringify(kept(b)), /secret 2/);
    erase(b, 2);
    await b.clock.tick(2000);

    for (const { messenger } of [one, two]) {
        assert.equal(kinds(messenger.thread.entries), 'mem');
        assert.doesNotMatch(JSON.stringify(messenger.thread.entries),
                            /secret 2/);
        assert.equal(messenger.thread.you.unread, 3);
    }

    assert.doesNotMatch(JSON.stringify(kept(b)), /secret 2/);
    assert.equal(kinds(kept(b).entries), 'mem');
});


test('a tab that is not streamed finds an erased message by its polls',
     async () => {
    const b = browser();

    b.state.streams = false;

    for (let i = 1; i <= 450; i++) {
        b.server.write('u-lena', `secret ${i}`);
    }

    b.server.read_.set('u-tom', 450);

    const tab = await b.tab();
    const { threads } = tab.messenger;

    await tab.messenger.openThread('elm');

    while (threads.store.moreBefore) {
        await threads.loadOlder();
    }

    await b.clock.tick(30000);
    b.server.erase(3);
    b.server.erase(449);
    await b.clock.tick(12000);
    assert.equal(threads.store.entries[2].kind, 'erased');
    assert.equal(threads.store.entries[448].kind, 'erased');

    const calls = b.server.calls.length;

    await b.clock.tick(30000);
    assert.ok(!b.server.calls.slice(calls).some((c) => /^messages  /.test(c)),
              'nothing is looked at again while nothing changes');
});


test('messages that others erased are left to the server to count',
     async () => {
    const b = browser();

    for (let i = 1; i <= 4; i++) {
        b.server.write('u-lena', `n${i}`);
    }

    const tab = await b.tab();

    await tab.messenger.openThread('elm');
    await b.clock.tick(100);
    erase(b, 4);
    assert.equal(tab.messenger.thread.read({ user: 'u-tom', upto: 2 }), false);
    assert.equal(tab.messenger.thread.you.unread, 4);
});


test('what is kept of threads that are not open is compared with the server',
     async () => {
    const b = browser();

    for (let i = 1; i <= 3; i++) {
        b.server.write('u-lena', `secret ${i}`);
    }

    const keep = (property, kept_at) => b.db.shelf.set(
        `u-tom thread ${property}`, { property, kept_at, head: '3',
            entries: b.server.entries.slice() });

    keep('elm', 100);
    b.server.erase(2);

    for (let i = 0; i < 25; i++) {
        keep(`p${i}`, i);
    }

    /* not yet erased when it was kept */
    b.db.shelf.get('u-tom thread elm').entries[1] = {
        ...b.server.entries[0], seq: 2, text: 'secret 2' };

    const tab = await b.tab();

    await b.clock.tick(60000);
    assert.equal(kinds(kept(b).entries), 'mem');
    assert.equal([...b.db.shelf.keys()].filter(
        (key) => key.startsWith('u-tom thread ')).length, 20);
    assert.ok(kept(b, 'p24') && !kept(b, 'p0'), 'the newest are kept');

    const calls = b.server.calls.length;

    b.server.erase(3);
    await b.clock.tick(600000);
    assert.ok(!b.server.calls.slice(calls).includes('messages  4'),
              'once an hour');
    await b.clock.tick(3600000);
    assert.equal(kinds(kept(b).entries), 'mee');
    tab.messenger.stop();
});
