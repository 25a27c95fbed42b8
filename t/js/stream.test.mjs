/* One stream: resume, watchdog, backoff, and what the server's bye means. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Backoff } from '../../html/js/core/clock.js';
import { Stream } from '../../html/js/core/stream.js';
import { FakeClock, FakeSource } from './lib/fakes.mjs';


function make() {
    const clock = new FakeClock();
    const sources = [];
    const heard = [];
    const stream = new Stream({
        clock,
        open: (url) => new FakeSource(url, sources),
        url: () => `/events?after=${heard.length}`,
        onEvent: (event) => heard.push(event),
        onState: () => {},
    });

    stream.start();

    return { clock, sources, heard, stream };
}


test('hello makes a stream live, an unnamed event is an entry', () => {
    const { sources, heard, stream } = make();

    assert.equal(stream.state, 'connecting');
    sources[0].say('hello', { head: '0.x' });
    assert.equal(stream.live, true);
    sources[0].say(null, { seq: 1, kind: 'lease' }, '1.aa');
    assert.deepEqual(heard.map((e) => e.name), ['hello', 'entry']);
    assert.equal(heard[1].id, '1.aa');
});


test('after an error a stream resumes at its cursor, with backoff',
     async () => {
    const { clock, sources, stream } = make();

    sources[0].say('hello', {});
    sources[0].break();
    assert.equal(sources[0].closed, true);
    assert.equal(stream.state, 'waiting');
    await clock.tick(1000);
    assert.equal(sources.length, 2);
    assert.equal(sources[1].url, '/events?after=1');
    assert.equal(stream.failing(), false, 'one failure is not failing');
    sources[1].break();
    assert.equal(stream.failing(), true);
});


test('a stream never stops reconnecting', async () => {
    const { clock, sources } = make();

    for (let i = 0; i < 60; i++) {
        sources.at(-1).break();
        await clock.tick(30000);
    }

    assert.ok(sources.length > 50);
});


test('a connection without a hello fails after ten seconds', async () => {
    const { clock, sources, stream } = make();

    await clock.tick(9900);
    assert.equal(stream.state, 'connecting');
    await clock.tick(200);
    assert.equal(stream.state, 'waiting');
    assert.equal(sources[0].closed, true);
});


test('two missed pings end a connection', async () => {
    const { clock, sources, stream } = make();

    sources[0].say('hello', {});
    await clock.tick(30000);
    sources[0].say('ping', { live: true });
    await clock.tick(30000);
    assert.equal(stream.state, 'open');
    await clock.tick(5100);
    assert.equal(sources[0].closed, true);
});


test('a ping tells whether the server has its backend', () => {
    const { sources, stream } = make();

    sources[0].say('hello', {});
    sources[0].say('ping', { live: false });
    assert.equal(stream.live, false);
    sources[0].say('ping', { live: true });
    assert.equal(stream.live, true);
});


test('reconnect() skips the wait and replaces a connection long silent',
     async () => {
    const { clock, sources, stream } = make();

    sources[0].break();
    stream.reconnect();
    assert.equal(sources.length, 2);
    sources[1].say('hello', {});
    stream.reconnect();
    assert.equal(sources.length, 2, 'a working connection is kept');
    await clock.tick(25000);
    stream.reconnect();
    assert.equal(sources.length, 3);
});


test('a bye is not a failure, unless its reason is overload', async () => {
    const { clock, sources, stream } = make();

    sources[0].say('hello', {});
    sources[0].say('bye', { reason: 'drain' });
    assert.equal(stream.failures, 0);
    await clock.tick(4000);
    assert.equal(sources.length, 2);
    sources[1].say('bye', { reason: 'overload' });
    assert.equal(stream.failing(), true);
    await clock.tick(9000);
    assert.equal(sources.length, 2);
    await clock.tick(51000);
    assert.ok(sources.length >= 3);
});


test('a bye with reason expired or removed stops the stream', async () => {
    for (const reason of ['expired', 'removed']) {
        const { clock, sources, stream } = make();

        sources[0].say('hello', {});
        sources[0].say('bye', { reason });
        await clock.tick(100000);
        assert.equal(stream.state, 'idle');
        assert.equal(sources.length, 1);
    }
});


test('events of a closed source are ignored', () => {
    const { sources, heard, stream } = make();

    stream.stop();
    sources[0].say('hello', {});
    sources[0].say(null, { seq: 1 });
    assert.deepEqual(heard, []);
});


test('an event that is not JSON closes the connection', () => {
    const { sources, stream } = make();

    sources[0].onmessage({ data: '{', lastEventId: '' });
    assert.equal(stream.state, 'waiting');
});


test('backoff doubles to its cap, within its jitter', () => {
    const clock = { random: () => 1 };
    const backoff = new Backoff(clock, { base: 1000, cap: 8000 });
    const waits = [1, 2, 3, 4, 5, 6].map(() => backoff.next());

    assert.deepEqual(waits, [1000, 2000, 4000, 8000, 8000, 8000]);
    clock.random = () => 0;
    backoff.reset();
    assert.equal(backoff.next(), 500);
});
