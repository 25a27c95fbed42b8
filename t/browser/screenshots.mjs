/*
 * Takes the README's screenshots into docs/screenshots/ (or the directory
 * given), from a stack of its own with a few leases and messages:
 *
 *     node t/browser/screenshots.mjs [DIR]
 *
 * Only the dates are changed, on the way to the page: they are spread over the
 * last days.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { Person, openBrowser } from './lib/people.mjs';
import { Stack, root, until } from './lib/stack.mjs';

const LENA = ['s-lena', 'Lena Hoffmann'];
const TOM = ['s-tom', 'Tom Baker'];
const ANA = ['s-ana', 'Ana Souza'];
const HOUR = 3600000;

const LEASES = [
    ['elm', '12 Elm St, Unit 3', [TOM, ANA]],
    ['oak', '48 Oak Avenue, Apt 12B', [['s-mia', 'Mia Okafor']]],
    ['harbour', 'Harbour Tower 1401', [['s-jon', 'Jon Lindqvist'],
                                       ['s-eva', 'Eva Lindqvist']]],
    ['pine', '7 Pine Court', [['s-sam', 'Samir Haddad']]],
    ['maple', '101 Maple Road, Unit 2', [['s-ida', 'Ida Berg']]],
    ['birch', '3 Birch Lane', [['s-leo', 'Leo Martin']]],
    ['ash', '9 Ash Lane', [['s-ben', 'Ben Carter']]],
    ['fir', 'Fir House, 2nd floor', [['s-zoe', 'Zoe Nilsson']]],
];

/* who, what, how many hours ago */
const WORDS = {
    elm: [
        ['s-tom', 'Hi Lena, the heating in the living room has been out '
                  + 'since last night.', 27],
        ['s-tom', 'The other rooms are fine.', 26.97],
        ['s-lena', 'Sorry to hear that! I will send somebody. Is tomorrow '
                   + 'between 9 and 11 good?', 26.5],
        ['s-ana', 'Yes, I am home then.', 26.3],
        ['s-lena', 'Great. His name is Marc, from '
                   + 'https://heating.example/team. He rings twice.', 26.2],
        ['s-tom', 'He was here and all is warm again. Thank you!', 3.5],
        ['s-lena', 'Perfect, glad to hear it.', 3.3],
        ['s-ana', 'One more thing: the lamp in the stairwell flickers, the '
                  + 'one just above the bicycles. Could you have a look when '
                  + 'you are here next time?', 0.4],
        ['s-ana', 'No hurry.', 0.38],
    ],
    oak: [['s-mia', 'Hello Lena, the boiler shows F28 and the water stays '
                    + 'cold.', 8790],
          ['s-lena', 'Thank you for telling me. Does the flame light when '
                     + 'you press reset?', 8789.6],
          ['s-mia', 'It does for a second, then it goes out.', 8789.5],
          ['s-lena', 'Then it is the gas valve. The boiler is under '
                     + 'warranty until March; Marc comes tomorrow at 8.',
           8789.2],
          ['s-mia', 'I will be home.', 8789],
          ['s-mia', 'The new valve is in, and the water is hot.', 8766],
          ['s-lena', 'Good. I keep his report with the papers of the Boiler.',
           8765],
          ['s-mia', 'Welcome letter received, thank you', 80],
          ['s-lena', 'Good. Tell me if anything is missing.', 79]],
    harbour: [['s-jon', 'The window man comes on Thursday at 10.', 2],
              ['s-eva', 'And I have sent the meter reading.', 1.2]],
    pine: [['s-sam', 'When is the boiler serviced this year?', 1900],
           ['s-lena', 'On Monday; somebody rings at nine.', 1899],
           ['s-sam', 'Rent for December is paid.', 20]],
    maple: [['s-ida', 'Could I paint the small room?', 50],
            ['s-lena', 'Of course, any light colour.', 49]],
    birch: [['s-leo', 'The keys work now.', 100]],
    fir: [['s-zoe', 'The keys are in the letter box. Goodbye!', 400]],
};


const out = process.argv[2] || join(root, 'docs/screenshots');
const [stack, browser] = await Promise.all([Stack.start(), openBrowser()]);
const times = new Map();


async function fill() {
    for (const [property, label, tenants] of LEASES) {
        await stack.lease(property, {
            label, landlords: [LENA], tenants,
            from: property === 'ash' ? '2036-12-01T00:00:00Z'
                                     : '2025-02-01T00:00:00Z',
        });
    }

    for (const [property, words] of Object.entries(WORDS)) {
        times.set(`${property} 1`, ago(15000));

        for (const [user, text, hours] of words) {
            const { seq } = await stack.say(user, property, text);

            times.set(`${property} ${seq}`, ago(hours));
        }

        const upto = { elm: 8, harbour: 1 }[property] ?? words.length + 1;

        await stack.api('s-lena', 'POST', `properties/${property}/read`,
                        { upto });
    }

    for (const user of ['s-tom', 's-ana']) {
        await stack.api(user, 'POST', 'properties/elm/read', { upto: 8 });
    }

    await stack.lease('fir', {
        label: 'Fir House, 2nd floor', landlords: [LENA],
        tenants: [['s-zoe', 'Zoe Nilsson']], from: '2025-02-01T00:00:00Z',
        to: new Date(Date.now() - HOUR).toISOString(),
    });
    times.set('fir 3', ago(390));
}


function ago(hours) {
    return new Date(Date.now() - hours * HOUR).toISOString();
}


/* Dates as in WORDS, on the way to the page. */
async function shift(page) {
    const at = (property, seq, old) => times.get(`${property} ${seq}`) ?? old;

    /* marks are not stored: they would change the time of their thread */
    await page.route(/\/read$/, (route) => route.fulfill({ status: 204 }));
    await page.route(/\/api\/(inbox|search|properties\/\w+\/messages)\?/,
                     async (route) => {
        const response = await route.fetch();
        const data = await response.json();

        for (const entry of data.entries ?? []) {
            entry.at = at(data.property, entry.seq, entry.at);
        }

        for (const { property, entry } of data.hits ?? []) {
            entry.at = at(property, entry.seq, entry.at);
        }

        for (const thread of data.threads ?? []) {
            if (thread.last) {
                thread.last.at = at(thread.property, thread.last.seq,
                                    thread.last.at);
            }
        }

        await route.fulfill({ response, json: data });
    });
}


async function shoot(name, [user, fullName], options, act) {
    const person = await Person.arrive(browser, stack, user, fullName,
                                       options);
    const { page } = person;

    await shift(page);
    await page.reload();
    await page.locator('.ll-card').first().waitFor();
    await person.status('live');
    await until('names', async () => await page.locator('.ll-names')
        .evaluateAll((all) => all.every((x) => x.textContent)));
    await act(person);
    await page.mouse.move(900, 300);
    await page.waitForTimeout(400);
    await page.screenshot({ path: join(out, `${name}.png`) });
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    await person.leave();
}


/* The print of a record, and its file in the page that verifies it. */
async function paper() {
    const tom = await Person.arrive(browser, stack, ...TOM);
    const page = await tom.context.newPage();
    const key = await (await fetch(`${stack.url}/api/record-key`)).text();
    const record = await (await tom.context.request.get(
        `${stack.url}/api/properties/elm/record`)).text();
    const file = (text) => ({ name: 'record-elm.ndjson', mimeType: 'text/plain',
                              buffer: Buffer.from(text) });

    await page.goto(`${stack.url}/print.html?p=elm`);
    await page.waitForSelector('.sheets[data-ready]');
    await page.screenshot({ path: join(out, 'print.png'), fullPage: true });
    await page.goto(`file://${root}html/verify.html`);

    for (const [name, text, kind] of [
        ['verify', record, 'good'],
        ['verify-false', record.replace('fine', 'fire'), 'bad'],
    ]) {
        await page.fill('#key', key.trim());
        await page.setInputFiles('#file', file(text));
        await page.locator(`#result.${kind}`).waitFor();
        await page.screenshot({ path: join(out, `${name}.png`) });
    await page.unrouteAll({ behavior: 'ignoreErrors' });
    }

    await tom.leave();
}


const boiler = async ({ page }) => {
    await page.keyboard.press('Control+k');
    await page.fill('#ll-find', 'boiler');
    await page.locator('.ll-hit').nth(3).waitFor();
};

const elm = async (person) => {
    await person.open('elm');
    await person.sees('No hurry');
    await person.page.waitForTimeout(300);
    await person.page.locator('.ll-timeline').evaluate((el) =>
        el.scrollTo(0, el.scrollHeight));
};

try {
    mkdirSync(out, { recursive: true });
    await fill();

    const size = { width: 1180, height: 740 };
    const phone = { viewport: { width: 390, height: 760 }, hasTouch: true,
                    isMobile: true };

    await shoot('phone-list', LENA, phone, () => {});
    await shoot('phone-search', LENA, phone, boiler);
    await shoot('search', LENA, { viewport: size }, async (person) => {
        await boiler(person);
        await person.page.locator('.ll-hit').nth(2).click();
        await person.page.locator('.ll-flash').waitFor();
    });
    await shoot('light', LENA, { viewport: size }, elm);
    await shoot('dark', LENA, { viewport: size, colorScheme: 'dark' }, elm);
    await shoot('phone', TOM, phone, elm);
    await shoot('wide', LENA, { viewport: { width: 1720, height: 900 } },
                elm);
    await shoot('rtl', LENA, { viewport: size }, async (person) => {
        await elm(person);
        await person.page.evaluate(() => {
            document.documentElement.dir = 'rtl';
        });
    });
    await shoot('record', TOM, { viewport: size }, async (person) => {
        await elm(person);
        await person.page.click('.ll-record summary');
    });
    await paper();
    await stack.api('s-tom', 'POST', 'properties/elm/read', { upto: 10 });
    await shoot('offline', TOM, { viewport: size }, async (person) => {
        await elm(person);

        /* responses fetched by route() would ignore setOffline() */
        await person.page.unrouteAll();
        await person.context.setOffline(true);
        await person.write('Thanks, I will be home after six.');
        await person.page.locator('.ll-banner').waitFor();
    });

} finally {
    await browser.close();
    await stack.stop();
}
