/*
 * Debian's Firefox, driven by WebDriver BiDi, which needs no driver beside it.
 * Only what firefox.test.mjs needs.
 */

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import WebSocket from 'ws';

import { until } from './stack.mjs';

const PROGRAM = '/usr/bin/firefox-esr';
const ENTER = '\uE007';

export const installed = existsSync(PROGRAM);


export class Firefox {
    static async start() {
        const firefox = new Firefox();

        firefox.n = 0;
        firefox.waiting = new Map();
        firefox.complaints = [];
        firefox.profile = mkdtempSync(join(tmpdir(), 'leaseloft-firefox-'));
        firefox.child = spawn(PROGRAM, ['--headless', '--no-remote',
            '--profile', firefox.profile, '--remote-debugging-port', '0',
            'about:blank'], {
            stdio: ['ignore', 'ignore', 'pipe'],
            env: { ...process.env, HOME: firefox.profile },
        });
        firefox.gone = new Promise((done) =>
            firefox.child.once('exit', done));

        const address = await new Promise((done, fail) => {
            let said = '';

            firefox.child.stderr.on('data', (data) => {
                said += data;

                const found = /BiDi listening on (ws:\S+)/.exec(said);

                if (found) {
                    done(found[1]);
                }
            });
            firefox.gone.then(() => fail(new Error(`Firefox: ${said}`)));
        });

        await firefox.connect(`${address}/session`);

        return firefox;
    }

    async connect(address) {
        this.socket = new WebSocket(address);
        this.socket.on('message', (data) => this.hear(JSON.parse(data)));
        await new Promise((done, fail) => {
            this.socket.once('open', done);
            this.socket.once('error', fail);
        });
        await this.send('session.new', { capabilities: {} });
        await this.send('session.subscribe', { events: ['log.entryAdded'] });
    }

    hear({ id, type, result, error, message, method, params }) {
        /*
         * Firefox logs a load that the page cancels, as when a tab's icon is
         * replaced while it loads, whatever the service worker answers.
         */
        const cancelled = /^Failed to load .\S+\/img\/icon/
            .test(params?.text);

        if (method === 'log.entryAdded' && params.level === 'error'
            && params.type === 'javascript' && !cancelled)
        {
            this.complaints.push(params.text);
        }

        const waiting = this.waiting.get(id);

        this.waiting.delete(id);

        if (waiting && type === 'error') {
            waiting.fail(new Error(`${error}: ${message}`));
        } else {
            waiting?.done(result);
        }
    }

    send(method, params) {
        this.n++;
        this.socket.send(JSON.stringify({ id: this.n, method, params }));

        return new Promise((done, fail) =>
            this.waiting.set(this.n, { done, fail }));
    }

    /* A person's window, with cookies and storage of its own. */
    async open(url) {
        const { userContext } = await this.send('browser.createUserContext',
                                                {});
        const { context } = await this.send('browsingContext.create', {
            type: 'tab', userContext });
        const tab = new Tab(this, context);

        await tab.go(url);

        return tab;
    }

    async stop() {
        this.socket?.close();
        this.child.kill();
        await this.gone;
        rmSync(this.profile, { recursive: true, force: true });
    }
}


class Tab {
    constructor(firefox, context) {
        this.firefox = firefox;
        this.context = context;
    }

    go(url) {
        return this.firefox.send('browsingContext.navigate', {
            context: this.context, url, wait: 'complete' });
    }

    /* The value of an expression, as JSON has it. */
    async evaluate(expression) {
        const { result, exceptionDetails } = await this.firefox.send(
            'script.evaluate', {
                expression: `Promise.resolve(${expression})`
                            + '.then((x) => JSON.stringify(x) ?? "null")',
                target: { context: this.context }, awaitPromise: true,
            });

        if (exceptionDetails) {
            throw new Error(exceptionDetails.text);
        }

        return JSON.parse(result.value);
    }

    /* Waits until an element is there, with a text in it. */
    sees(selector, text = '') {
        return until(`${selector} ${text}`, () => this.evaluate(
            `[...document.querySelectorAll(${JSON.stringify(selector)})]`
            + '.some((el) => el.checkVisibility() && el.textContent'
            + `.includes(${JSON.stringify(text)}))`));
    }

    async click(selector) {
        await this.sees(selector);
        await this.evaluate(
            `document.querySelector(${JSON.stringify(selector)}).click()`);
    }

    /* By the keyboard, to whatever has the focus. */
    type(text) {
        return this.firefox.send('input.performActions', {
            context: this.context,
            actions: [{ type: 'key', id: 'keys', actions: [...text].flatMap(
                (value) => [{ type: 'keyDown', value },
                            { type: 'keyUp', value }]) }],
        });
    }

    async write(text) {
        await this.evaluate('document.querySelector(".ll-input").focus()');
        await this.type(text + ENTER);
    }
}
