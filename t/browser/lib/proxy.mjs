/*
 * A network that misbehaves: a proxy for one port, which can hold back event
 * streams as some antivirus programs do (nothing of them arrives, nothing
 * fails), refuse them, accept and never answer, answer in the server's name
 * as a hotel's sign-on page does, or close all connections.
 */

import http from 'node:http';

const SIGN_ON = '<!doctype html><title>Welcome</title>'
                + '<p>Accept our terms to use this network.</p>';


export class Proxy {
    static async start(port) {
        const proxy = new Proxy();

        proxy.target = port;
        proxy.mode = 'open';
        proxy.portal = {};
        proxy.asked = [];
        proxy.sockets = new Set();
        proxy.server = http.createServer((req, res) =>
            proxy.pass(req, res));
        proxy.server.on('connection', (socket) => {
            proxy.sockets.add(socket);
            socket.on('close', () => proxy.sockets.delete(socket));

            if (proxy.mode === 'gone') {
                socket.destroy();
            }
        });
        await new Promise((done) =>
            proxy.server.listen(0, '127.0.0.1', done));
        proxy.url = `http://localhost:${proxy.server.address().port}`;

        return proxy;
    }

    /*
     * "open", "hold" or "refuse" for streams; "mute", "portal" (set `portal`
     * to what it answers) or "gone" for everything.
     */
    set(mode) {
        this.mode = mode;

        for (const socket of this.sockets) {
            socket.destroy();
        }
    }

    pass(req, res) {
        const stream = req.url.includes('/events');

        this.asked.push(`${req.method} ${req.url}`);

        if (this.mode === 'mute') {
            return;
        }

        if (this.mode === 'portal') {
            const { status = 200, type = 'text/html', body = SIGN_ON }
                = this.portal;

            req.resume();
            res.writeHead(status, { 'Content-Type': type }).end(body);
            return;
        }

        if (stream && this.mode === 'refuse') {
            res.writeHead(502).end();
            return;
        }

        const onward = http.request({
            host: '127.0.0.1', port: this.target, path: req.url,
            method: req.method, headers: req.headers,
        }, (answer) => {
            if (stream && this.mode === 'hold') {
                answer.resume();
                return;
            }

            res.writeHead(answer.statusCode, answer.headers);
            answer.pipe(res);
        });

        onward.on('error', () => res.destroy());
        res.on('close', () => onward.destroy());
        req.pipe(onward);
    }

    async stop() {
        this.set('gone');
        await new Promise((done) => this.server.close(done));
    }
}
