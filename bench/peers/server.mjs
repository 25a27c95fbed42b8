// What a team would write first: event streams from node:http, threads in
// Redis streams, and pub/sub between the processes.  No token is checked, no
// lease looked up, nothing counted.
//
//     node server.mjs PORT REDIS-SOCKET PROCESSES

import cluster from 'node:cluster';
import http from 'node:http';
import Redis from 'ioredis';

const [port, socket, processes] = process.argv.slice(2);

if (cluster.isPrimary && processes > 1) {
    for (let i = 0; i < processes; i++) {
        cluster.fork();
    }
} else {
    serve();
}


function serve() {
    const options = { path: socket, enableAutoPipelining: true };
    const redis = new Redis(options);
    const sub = new Redis({ ...options, enableAutoPipelining: false });
    const watched = new Map();

    redis.on('error', () => {});
    sub.on('error', () => {});

    sub.on('message', (channel, message) => {
        const at = message.indexOf(' ');
        const frame = `id: ${message.slice(0, at)}\n`
                      + `data: ${message.slice(at + 1)}\n\n`;

        for (const res of watched.get(channel) ?? []) {
            res.write(frame);
        }
    });

    async function stream(req, res, property) {
        let streams = watched.get(property);

        if (!streams) {
            watched.set(property, streams = new Set());
            sub.subscribe(property);
        }

        streams.add(res);
        res.on('close', () => {
            streams.delete(res);

            if (streams.size === 0 && watched.get(property) === streams) {
                watched.delete(property);
                sub.unsubscribe(property);
            }
        });

        res.writeHead(200, { 'Content-Type': 'text/event-stream',
                             'Cache-Control': 'no-store' });
        res.write(':ok\n\n');

        const last = req.headers['last-event-id'];

        if (last) {
            for (const [id, fields] of await redis.xrange(property,
                                                          `(${last}`, '+')) {
                res.write(`id: ${id}\ndata: ${fields[1]}\n\n`);
            }
        }
    }

    async function send(req, res, property) {
        let body = '';

        for await (const chunk of req) {
            body += chunk;
        }

        const message = JSON.parse(body);
        message.at = new Date().toISOString();
        const text = JSON.stringify(message);

        try {
            const id = await redis.xadd(property, '*', 'e', text);
            await redis.publish(property, `${id} ${text}`);
        } catch {
            res.writeHead(503).end();
            return;
        }

        res.writeHead(201, { 'Content-Type': 'application/json' });
        res.end(text);
    }

    http.createServer({ keepAliveTimeout: 600000 }, (req, res) => {
        const [, , , property, what] = req.url.split(/[/?]/);

        if (req.method === 'POST') {
            send(req, res, property);
        } else if (what === 'events') {
            stream(req, res, property);
        } else {
            res.writeHead(404).end();
        }
    }).listen({ port: +port, host: '127.0.0.1', backlog: 4096 });
}
