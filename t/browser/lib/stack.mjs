/*
 * A private LeaseLoft for one test file: Redis, worker and nginx with the
 * shipped configuration, on free ports and in a directory of its own, started
 * and stopped by conf/run.sh; each part can be stopped and started by itself.
 */

import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync }
    from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';

const run = promisify(execFile);

export const root = fileURLToPath(new URL('../../..', import.meta.url));

const build = resolve(root, process.env.BUILD || 'build');
const nginx = process.env.NGINX_BIN || 'nginx';
const redis = process.env.REDIS_BIN || 'redis-server';


/*
 * How long, in milliseconds, a test waits for what has no limit of its own:
 * sanitizers and other tests beside it make everything slow.  A test of how
 * fast something is gives a time of its own.
 */
export const PATIENCE = 60000;


/* Waits until fn() returns something true, and returns it; fails after ms. */
export async function until(what, fn, ms = PATIENCE) {
    const end = Date.now() + ms;

    for (;;) {
        const value = await fn();

        if (value) {
            return value;
        }

        if (Date.now() > end) {
            throw new Error(`not within ${ms} ms: ${what}`);
        }

        await new Promise((resolve) => setTimeout(resolve, 50));
    }
}


/* outside the range that the kernel gives to clients, who may be many */
async function freePorts(n) {
    const ports = new Set();

    while (ports.size < n) {
        const port = 10000 + Math.floor(Math.random() * 20000);

        const free = await new Promise((resolve) => {
            const server = net.createServer();

            server.once('error', () => resolve(false));
            server.listen(port, '0.0.0.0',
                          () => server.close(() => resolve(true)));
        });

        if (free) {
            ports.add(port);
        }
    }

    return [...ports];
}


export class Stack {
    /* of users whose requests are not sent by a page: promises */
    #tokens = new Map();

    static async start() {
        const stack = new Stack();

        stack.dir = mkdtempSync(join(tmpdir(), 'leaseloft-browser-'));

        /* another process may take a port before nginx listens on it */
        for (let tries = 3; ; tries--) {
            const [port, internal] = await freePorts(2);

            stack.port = port;
            stack.url = `http://localhost:${port}`;
            stack.internal = `http://127.0.0.1:${internal}/internal`;
            stack.env = {
                ...process.env, PORT: String(port),
                INTERNAL_PORT: String(internal), RUN_DIR: stack.dir,
                NGINX_WORKERS: '1', LEASELOFT_WORKERS: '1', REDIS_URL: '',
                BUILD: build,
            };

            try {
                await stack.script('start');
                return stack;
            } catch (error) {
                if (tries === 1) {
                    throw error;
                }
            }
        }
    }

    /* conf/run.sh; its output may outlive it in the daemons, so to a file */
    script(what) {
        const log = openSync(join(this.dir, 'run.log'), 'a');
        const child = spawn(join(root, 'conf/run.sh'), [what], {
            cwd: root, env: this.env, stdio: ['ignore', log, log],
        });

        return new Promise((done, reject) => child.on('exit', (code) =>
            code === 0 ? done()
                : reject(new Error(`run.sh ${what}: `
                    + readFileSync(join(this.dir, 'run.log'), 'utf8')))));
    }

    async stop() {
        await this.script('stop');

        const bad = ['nginx-error.log', 'worker-1.log'].flatMap((log) =>
            readFileSync(join(this.dir, log), 'utf8').split('\n')).filter(
            (line) => /\[(alert|emerg)\]|Sanitizer|runtime error/.test(line));

        rmSync(this.dir, { recursive: true, force: true });

        if (bad.length) {
            throw new Error(`in the logs:\n${bad.join('\n')}`);
        }
    }

    async token(user, name = user, ttl = 3600) {
        const { stdout } = await run(join(build, 'leaseloft'), [
            'token', '--sub', user, '--name', name, '--ttl', String(ttl),
            '--key', join(this.dir, 'token.key')]);

        return stdout.trim();
    }

    /* ---- the three parts ---- */

    pid(name) {
        return Number(readFileSync(join(this.dir, `${name}.pid`), 'utf8'));
    }

    async kill(name) {
        const pid = this.pid(name);

        process.kill(pid, 'SIGKILL');
        await until(`${name} is gone`, () => {
            try {
                process.kill(pid, 0);
                return /^\S+ \(.*\) Z/.test(
                    readFileSync(`/proc/${pid}/stat`, 'utf8'));
            } catch {
                return true;
            }
        });
    }

    async stopNginx() {
        const pid = this.pid('nginx');

        process.kill(pid, 'SIGTERM');
        await until('nginx is gone', () => {
            try {
                process.kill(pid, 0);
                return false;
            } catch {
                return true;
            }
        });
    }

    startNginx() {
        return run(nginx, ['-p', this.dir, '-e',
                           join(this.dir, 'nginx-error.log'), '-c',
                           join(this.dir, 'nginx.conf')],
                   { env: { ...process.env,
                            PATH: `${process.env.PATH}:/usr/sbin:/sbin` } });
    }

    startWorker() {
        const log = openSync(join(this.dir, 'worker-1.log'), 'a');
        const child = spawn(join(build, 'leaseloft-worker'),
            ['--redis', `unix:${join(this.dir, 'redis.sock')}`],
            { cwd: this.dir, detached: true, stdio: ['ignore', log, log] });

        child.unref();
        writeFileSync(join(this.dir, 'worker-1.pid'), `${child.pid}\n`);
    }

    /* env: variables for it. */
    startRedis(env = {}) {
        return run(redis, [join(this.dir, 'redis.conf')],
                   { env: { ...process.env, ...env } });
    }

    /*
     * From now on Redis, whose clock the workers use, is so many days behind.
     * It can only go on from there, towards 0.
     */
    async shiftClock(days) {
        const library = join(this.dir, 'clock_shift.so');

        await run('gcc', ['-shared', '-fPIC', '-O1', '-o', library,
                          join(root, 't/lib/clock_shift.c')]);
        await this.kill('worker-1');
        await this.kill('redis');
        await this.startRedis(days === 0 ? {} : {
            LD_PRELOAD: library, CLOCK_SHIFT: String(-days * 86400) });
        this.startWorker();
        await this.healthy();
    }

    healthy() {
        return until('healthy', async () => {
            try {
                return (await fetch(`${this.internal}/health`, {
                    signal: AbortSignal.timeout(5000) })).ok;
            } catch {
                return false;
            }
        });
    }

    /* The number of open streams. */
    async streams() {
        const text = await (await fetch(`${this.internal}/metrics`, {
            signal: AbortSignal.timeout(10000) })).text();

        return [...text.matchAll(/^leaseloft_streams\{[^}]*\} (\d+)/gm)]
            .reduce((sum, [, n]) => sum + Number(n), 0);
    }

    /* ---- leases, requests and messages ---- */

    /*
     * Declares a lease: people as [["u-tom", "Tom"], ...].  By default it has
     * begun and has no end.
     */
    async lease(property, { id = 'L-1', label = property, landlords,
                            tenants, zone = 'Europe/Berlin',
                            from = '2026-01-01T00:00:00Z', to = null })
    {
        const people = (list) => list.map(([user, name]) =>
            ({ user, name }));
        const declare = () => fetch(
            `${this.internal}/properties/${property}/lease`, {
                method: 'PUT',
                headers: { 'Content-Type': 'application/json' },
                body: JSON.stringify({
                    lease_id: id, label, time_zone: zone,
                    landlords: people(landlords), tenants: people(tenants),
                    starts_at: from, ends_at: to,
                }),
                signal: AbortSignal.timeout(PATIENCE),
            });

        /* a busy machine answers 202: repeat it for the result */
        const response = await until('the lease', async () => {
            const answer = await declare();

            return answer.status !== 202 && answer;
        });

        if (response.status !== 200) {
            throw new Error(`lease: ${await response.text()}`);
        }
    }

    async api(user, method, path, body) {
        if (!this.#tokens.has(user)) {
            this.#tokens.set(user, this.token(user));
        }

        const token = await this.#tokens.get(user);
        const response = await fetch(`${this.url}/api/${path}`, {
            method,
            headers: { Authorization: `Bearer ${token}`,
                       'Content-Type': 'application/json' },
            body: body === undefined ? undefined : JSON.stringify(body),
            signal: AbortSignal.timeout(PATIENCE),
        });

        return { status: response.status, headers: response.headers,
                 data: response.status === 204 ? null
                       : await response.json() };
    }

    async say(user, property, text) {
        const id = `t-${Math.random().toString(36).slice(2)}`;

        /* as with a lease; what was stored after a 202 is answered 200 */
        const { status, data } = await until('the message', async () => {
            const answer = await this.api(user, 'POST',
                `properties/${property}/messages`, { client_id: id, text });

            return answer.status !== 202 && answer;
        });

        if (status !== 201 && status !== 200) {
            throw new Error(`send: ${status} ${JSON.stringify(data)}`);
        }

        return data;
    }

    /* Many messages, past the limit of sends: straight to the worker. */
    async fillUp(property, users, n, textOf, id = 'fill') {
        const lines = [];

        for (let i = 1; i <= n; i++) {
            const args = ['XADD', 'll:{q:0}:requests', '*', 'op', 'send', 'p',
                          property, 'u', users[i % users.length], 'b',
                          JSON.stringify({ client_id: `${id}-${i}`,
                                           text: textOf(i) }),
                          'r', 'test.1'];

            lines.push(`*${args.length}\r\n`, ...args.map((arg) =>
                `$${Buffer.byteLength(arg)}\r\n${arg}\r\n`));
        }

        await this.pipe(lines.join(''), n);
    }

    /* Redis commands as bytes; resolves when n replies have come. */
    pipe(bytes, n) {
        return new Promise((resolve, reject) => {
            const socket = net.connect(join(this.dir, 'redis.sock'));
            let replies = 0;

            socket.on('data', (data) => {
                for (const byte of data) {
                    replies += byte === 36 ? 1 : 0;      /* "$", a bulk */
                }

                if (replies >= n) {
                    socket.end();
                    resolve();
                }
            });
            socket.on('error', reject);
            socket.write(bytes);
        });
    }
}
