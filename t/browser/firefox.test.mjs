/* A conversation of two users in Debian's Firefox, where it is installed. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Firefox, installed } from './lib/firefox.mjs';
import { Stack } from './lib/stack.mjs';


test('two people talk in Firefox', {
    skip: installed ? false : 'firefox-esr is not installed',
}, async (t) => {
    const [stack, firefox] = await Promise.all([Stack.start(),
                                                Firefox.start()]);

    t.after(async () => {
        await firefox.stop();
        await stack.stop();
    });
    await stack.lease('fox', { label: '1 Fox Lane',
                               landlords: [['u-lena', 'Lena']],
                               tenants: [['u-tom', 'Tom']] });

    const arrive = async (user, name) => firefox.open(
        `${stack.url}/#token=${await stack.token(user, name)}`);
    const [lena, tom] = await Promise.all([arrive('u-lena', 'Lena'),
                                           arrive('u-tom', 'Tom')]);

    for (const tab of [lena, tom]) {
        await tab.sees('.ll-pill', 'Live');
        assert.doesNotMatch(await tab.evaluate('location.href'), /token/);
        await tab.click('[data-property="fox"]');
        await tab.sees('.ll-input');
    }

    await tom.write('The heating is out');
    await lena.sees('.ll-msg', 'The heating is out');
    await lena.write('Somebody comes today');
    await tom.sees('.ll-msg', 'Somebody comes today');

    /* only the window in front is visible, so read for Lena */
    await stack.api('u-lena', 'POST', 'properties/fox/read', { upto: 2 });
    await tom.sees('.ll-msg', 'Seen by Lena');

    /* the shell opens from the cache */
    await lena.sees('body');
    await lena.evaluate(`(async () => {
        while (!await caches.match('./used')) {
            await new Promise((done) => setTimeout(done, 100));
        }
    })()`);
    await lena.go(`${stack.url}/?p=fox`);
    await lena.sees('.ll-msg', 'Somebody comes today');
    assert.deepEqual(firefox.complaints, []);
});
