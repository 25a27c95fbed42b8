/* Which tab leads, in whatever order a browser grants and takes its locks. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Tabs } from '../../html/js/core/tabs.js';
import { FakeClock, makeChannels, settle } from './lib/fakes.mjs';


/* A tab whose locks are granted and taken when the test says so. */
function make() {
    const requests = [];
    const clock = new FakeClock();
    const told = [];
    const tabs = new Tabs({
        locks: {
            request: (name, { steal }, fn) => new Promise((resolve, reject) =>
                requests.push({ steal, grant: fn, take: () =>
                    reject(new Error('stolen')) })),
        },
        channel: makeChannels()(), visible: () => true, clock, id: 'a',
    });

    tabs.on('lead', () => told.push('lead'));
    tabs.on('follow', () => told.push('follow'));

    return { tabs, requests, clock, told };
}


for (const first of ['grant', 'take']) {
    test(`a tab that steals its own late lock leads: "${first}" comes first`,
         async () => {
        const { tabs, requests, clock, told } = make();

        tabs.start();
        await clock.tick(1000);
        assert.deepEqual(requests.map((r) => r.steal), [false, true]);

        requests[0].grant();

        if (first === 'grant') {
            requests[1].grant();
            requests[0].take();
        } else {
            requests[0].take();
            await settle();
            requests[1].grant();
        }

        await settle();
        assert.equal(tabs.leading, true, 'the tab leads');
        assert.equal(told.at(-1), 'lead');
        assert.notEqual(tabs.release, null, 'the tab can release its lock');
    });
}


test('a tab whose lock is stolen follows and requests the lock again',
     async () => {
    const { tabs, requests, clock, told } = make();

    tabs.start();
    requests[0].grant();
    await clock.tick(1000);
    assert.deepEqual(told, ['lead']);

    requests[0].take();
    await settle();
    assert.deepEqual(told, ['lead', 'follow']);
    assert.deepEqual(requests.map((r) => r.steal), [false, false]);

    requests[1].grant();
    assert.deepEqual(told, ['lead', 'follow', 'lead']);
});


test('a tab leads if its lock requests are never answered', async () => {
    const { tabs, requests, clock, told } = make();

    tabs.start();
    await clock.tick(1000);
    assert.equal(requests.length, 2);
    assert.deepEqual(told, []);
    await clock.tick(3000);
    assert.deepEqual(told, ['lead']);
});


test('a page gives up the lead when left and requests it when shown again',
     async () => {
    const { tabs, requests, clock, told } = make();

    tabs.start();
    requests[0].grant();
    tabs.stop();
    assert.deepEqual(told, ['lead', 'follow']);
    tabs.wake();
    requests.at(-1).grant();
    await clock.tick(10);
    assert.deepEqual(told, ['lead', 'follow', 'lead']);
});
