/*
 * A network that misbehaves: a proxy for one port, which can hold back event
 * streams as some antivirus programs do (nothing of them arrives, nothing
 * fails), refuse them, or be gone altogether.
 */

import http from 'node:http';


export class Proxy {
    static async start(port) {
        const proxy = new Proxy();

        proxy.target = port;
        proxy.mode = 'open';
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

    /* "open", "hold" or "refuse" for streams, "gone" for everything. */
    set(mode) {
        this.mode = mode;

        for (const socket of this.sockets) {
            socket.destroy();
        }
    }

    pass(req, res) {
        const stream = req.url.includes('/events');

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
