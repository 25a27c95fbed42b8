/* Several tabs of one browser: which one holds the streams and sends. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Tabs } from '../../html/js/core/tabs.js';
import { browser, texts } from './lib/browser.mjs';
import { FakeClock, makeChannels } from './lib/fakes.mjs';


test('two tabs share one pair of streams, entries and read marks', async () => {
    const b = browser();
    const one = await b.tab();
    const two = await b.tab();

    await one.messenger.openThread('elm');
    await two.messenger.openThread('elm');
    await b.clock.tick(1000);
    assert.equal(b.live('').length, 2);
    assert.equal(two.messenger.status, 'live');
    b.say('u-lena', 'to both');
    await b.clock.tick(10);
    assert.deepEqual(texts(one), ['to both']);
    assert.deepEqual(texts(two), ['to both']);
    assert.equal(two.messenger.inbox.total, 1);
    one.messenger.markRead(one.messenger.thread.high);
    await b.clock.tick(10);
    assert.equal(two.messenger.inbox.total, 0);
    assert.equal(two.messenger.thread.you.unread, 0);
});


test('a message written in a following tab is sent once, by the leading tab',
     async () => {
    const b = browser();
    const one = await b.tab();
    const two = await b.tab();

    await one.messenger.openThread('elm');
    await two.messenger.openThread('elm');
    await two.messenger.send('from two');
    await b.clock.tick(100);
    assert.deepEqual(b.server.entries.map((e) => e.text), ['from two']);
    assert.deepEqual(texts(two), ['from two']);
    assert.deepEqual(texts(one), ['from two']);
    assert.equal(two.messenger.outbox.items.length, 0);
    assert.equal(one.messenger.outbox.items.length, 0);
});


test('a thread without a stream is updated by inbox events', async () => {
    const b = browser();
    const one = await b.tab();
    const two = await b.tab();

    await one.messenger.openThread('elm');
    await two.messenger.openThread('oak');
    await b.clock.tick(1000);
    assert.equal(b.live('').length, 2, 'there is still one pair of streams');
    assert.equal(one.messenger.watch.streamed, 'oak');

    const entry = b.server.write('u-lena', 'for elm');

    b.live('/inbox/')[0].say('thread', {
        ...b.server.inboxThread(), total_unread: 1 }, String(b.server.rev));
    await b.clock.tick(100);
    assert.deepEqual(texts(one), ['for elm']);
    assert.equal(entry.seq, 1);
});


test('another tab leads when the leading tab closes', async () => {
    const b = browser();
    const one = await b.tab();
    const two = await b.tab();

    await two.messenger.openThread('elm');
    assert.equal(one.messenger.tabs.leading, true);
    one.messenger.stop();
    await b.clock.tick(1000);
    assert.equal(two.messenger.tabs.leading, true);
    assert.equal(two.messenger.status, 'live');
    assert.equal(b.live('').length, 2);
    b.say('u-lena', 'still here');
    await b.clock.tick(10);
    assert.deepEqual(texts(two), ['still here']);
});


test('the lead moves from a hidden tab to a visible one', async () => {
    const b = browser();
    const one = await b.tab({ visible: false });

    assert.equal(one.messenger.tabs.leading, true);

    const two = await b.tab();

    assert.equal(two.messenger.tabs.leading, true);
    assert.equal(one.messenger.tabs.leading, false);
    two.visible = false;
    one.visible = true;
    one.messenger.wake();
    await b.clock.tick(1000);
    assert.equal(one.messenger.tabs.leading, true);
    assert.equal(b.live('').length, 1);

    const three = await b.tab();

    assert.equal(three.messenger.tabs.leading, false,
                 'a visible tab keeps the lead');
    assert.equal(three.messenger.status, 'live');
});


test('without Web Locks each tab leads', async () => {
    const clock = new FakeClock();
    const tabs = new Tabs({ locks: null, channel: makeChannels()(), clock,
                            visible: () => true, id: 'x' });
    let led = 0;

    tabs.on('lead', () => led++);
    tabs.start();
    assert.equal(led, 1);
});
