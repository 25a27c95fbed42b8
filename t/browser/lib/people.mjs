/*
 * People with browsers.  Each has a browser context of their own (their
 * cookies, their database); tabs are pages of it.
 */

import { chromium } from 'playwright-core';

import { PATIENCE, until } from './stack.mjs';


/*
 * Chromium without its own windows, which take a third of its processor time.
 */
export async function openBrowser() {
    return chromium.launch({
        executablePath: '/usr/bin/chromium-headless-shell',
        headless: true,
        args: ['--no-sandbox', '--disable-gpu', '--disable-quic',
               '--no-first-run', '--disable-background-networking',
               '--disable-component-update', '--disable-sync'],
    });
}


/* Contexts of people who have left, used again for their warm caches. */
const pool = new Map();


/*
 * A person: sign in at `url` (the stack's, or a proxy's) and see the
 * dashboard.  Errors of pages are collected in `complaints`.
 */
export class Person {
    static async arrive(browser, stack, user, name,
                        { url = stack.url, ...options } = {})
    {
        const person = new Person();

        person.stack = stack;
        person.url = url;
        person.user = user;
        person.complaints = [];
        person.plain = Object.keys(options).length === 0
                       && url === stack.url;
        person.context = person.plain && pool.get(user)
            || await browser.newContext({
                locale: 'en-GB', timezoneId: 'Europe/Berlin',
                viewport: { width: 1180, height: 760 }, ...options,
            });
        pool.delete(user);
        person.context.setDefaultTimeout(PATIENCE);
        person.token = await stack.token(user, name);
        person.page = await person.tab('/#token=' + person.token);

        return person;
    }

    /* Another tab, at a path. */
    async tab(path = '/') {
        const page = await this.context.newPage();

        page.on('pageerror', (error) => this.complaints.push(error.stack));
        page.on('console', (message) => {
            const text = message.text();

            /* the network's own failures are what some tests are about */
            if (message.type() === 'error'
                && !/Failed to load resource|ERR_/.test(text))
            {
                this.complaints.push(text);
            }
        });
        await page.goto(this.url + path);
        await page.waitForSelector('.ll-inbox, .ll-signin');

        return page;
    }

    async open(property, page = this.page) {
        await page.click(`[data-property="${property}"]`);
        await page.waitForSelector(`.ll-app[data-thread="${property}"]`);
        await page.waitForSelector('.ll-foot:not([hidden])');
    }

    async write(text, page = this.page) {
        await page.fill('.ll-input', text);
        await page.press('.ll-input', 'Enter');
    }

    /* Waits for a message with this text; returns its row. */
    async sees(text, page = this.page, options = {}) {
        const row = page.locator('.ll-msg', { hasText: text }).last();

        await row.waitFor({ state: 'visible', ...options });

        return row;
    }

    count(text, page = this.page) {
        return page.locator('.ll-msg', { hasText: text }).count();
    }

    async status(wanted, page = this.page, ms = undefined) {
        await until(`status ${wanted}`, async () =>
            await page.locator('.ll-top .ll-pill')
                      .getAttribute('data-status') === wanted, ms);
    }

    /* The number on a thread's badge, 0 without one. */
    async badge(property, page = this.page) {
        const badges = await page.locator(
            `[data-property="${property}"] .ll-badge [aria-hidden]`)
            .allTextContents();

        return badges[0] ?? '0';
    }

    async badgeIs(property, wanted, page = this.page) {
        await until(`badge ${wanted}`, async () =>
            await this.badge(property, page) === String(wanted));
    }

    async leave() {
        if (this.plain) {
            await Promise.all(this.context.pages().map((p) => p.close()));
            pool.set(this.user, this.context);
        } else {
            await this.context.close();
        }
    }
}
