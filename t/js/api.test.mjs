/* Responses are accepted only if they look like those of LeaseLoft. */

import assert from 'node:assert/strict';
import test from 'node:test';

import { Api } from '../../html/js/core/api.js';
import { Source } from '../../html/js/core/source.js';
import { FakeClock, settle } from './lib/fakes.mjs';

const JSON_TYPE = 'application/json';
const PROBLEM = 'application/problem+json';
const ENTRY = { seq: 3, kind: 'message', from: { user: 'u-tom' }, text: 'x',
                client_id: 'c1' };
const PAGE = { property: 'elm', head: '0.ab', you: {}, lease: {},
               parties: [], entries: [] };


/* An Api whose requests get this response, and its requests. */
function make(status, type, body, headers = {}) {
    const asked = [];
    const api = new Api({
        clock: new FakeClock(), user: 'u-tom',
        fetch: async (path, options) => {
            asked.push({ path, ...options });

            return new Response(
                typeof body === 'string' || body === null
                    ? body : JSON.stringify(body),
                { status, headers: { ...(type && { 'Content-Type': type }),
                                     ...headers } });
        },
    });

    return { api, asked };
}


test('requests have LeaseLoft-User, except those for the session', async () => {
    const { api, asked } = make(200, JSON_TYPE, {});

    await api.messages('elm');
    await api.inbox();
    await api.send('elm', 'c1', 'x');
    await api.read('elm', 3);
    assert.deepEqual(asked.map((a) => a.headers['LeaseLoft-User']),
                     Array(4).fill('u-tom'));
    assert.ok(asked.every((a) => a.redirect === 'error'));
    await api.session();
    await api.signIn('a.b.c');
    await api.signOut();
    assert.ok(asked.slice(4).every((a) => !a.headers['LeaseLoft-User']));
});


const SENDS = [
    ['a stored entry', 201, JSON_TYPE, ENTRY, 201],
    ['an entry stored before', 200, `${JSON_TYPE}; charset=utf-8`, ENTRY,
     200],
    ['an entry erased since', 200, JSON_TYPE, { seq: 3, kind: 'erased' },
     200],
    ['an entry lost since', 200, JSON_TYPE, { seq: 3, kind: 'lost' }, 200],
    ['a 202', 202, JSON_TYPE, { state: 'accepted', client_id: 'c1' }, 202],
    ['a problem', 409, PROBLEM, { status: 409, type: '/x/lease-not-active' },
     409],
    ['a sign-on page', 200, 'text/html', '<p>Welcome', 0],
    ['a sign-on page sent as JSON', 200, JSON_TYPE, '<p>Welcome', 0],
    ['JSON of another server', 200, JSON_TYPE, { ok: true }, 0],
    ['null', 200, JSON_TYPE, 'null', 0],
    ['an empty 200', 200, JSON_TYPE, '', 0],
    ['an entry with another client_id', 201, JSON_TYPE,
     { ...ENTRY, client_id: 'c2' }, 0],
    ['a 201 with an erased entry', 201, JSON_TYPE, { seq: 3, kind: 'erased' },
     0],
    ['a 202 for another client_id', 202, JSON_TYPE,
     { state: 'accepted', client_id: 'c2' }, 0],
    ['an empty 204', 204, null, null, 0],
    ['a proxy\'s 401', 401, 'text/html', '<p>Sign in', 0],
    ['a proxy\'s 403 as JSON', 403, JSON_TYPE, { status: 403 }, 0],
    ['a problem with another status', 404, PROBLEM, { status: 409 }, 0],
    ['a 404 of nginx', 404, 'text/html', '<h1>404', 0],
    ['a 502', 502, 'text/html', '<h1>502', 0],
];

for (const [what, status, type, body, wanted] of SENDS) {
    test(`a send answered by ${what} counts as ${wanted || 'unanswered'}`,
         async () => {
        const answer = await make(status, type, body).api
            .send('elm', 'c1', 'x');

        assert.equal(answer.status, wanted);

        if (what === 'a problem') {
            assert.equal(answer.type, 'lease-not-active');
        }
    });
}


test('pages, read marks and sessions of another server are ignored',
     async () => {
    const of = (call, ...answer) => call(make(...answer).api)
        .then(({ status }) => status);
    const messages = (api) => api.messages('elm');
    const inbox = (api) => api.inbox();

    assert.equal(await of(messages, 200, JSON_TYPE, PAGE), 200);
    assert.equal(await of(messages, 200, JSON_TYPE,
                          { ...PAGE, property: 'oak' }), 0);
    assert.equal(await of(messages, 200, JSON_TYPE,
                          { ...PAGE, entries: [{}] }), 0);
    assert.equal(await of(messages, 200, JSON_TYPE,
                          { ...PAGE, entries: [null] }), 0);
    assert.equal(await of(messages, 200, JSON_TYPE,
                          { ...PAGE, parties: null }), 0);
    assert.equal(await of(inbox, 200, JSON_TYPE,
                          { rev: 1, threads: [] }), 200);
    assert.equal(await of(messages, 200, JSON_TYPE,
                          { ...PAGE, parties: null }), 0);
    assert.equal(await of(inbox, 200, JSON_TYPE, { rev: 1 }), 0);
    assert.equal(await of((api) => api.read('elm', 3), 204, null, null,
                          { 'X-Content-Type-Options': 'nosniff' }), 204);
    assert.equal(await of((api) => api.read('elm', 3), 204, null, null), 0);
    assert.equal(await of((api) => api.session(), 200, JSON_TYPE,
                          { user: 'u-tom' }), 0);
});


/* A Source that reads these chunks. */
async function read(chunks, { status = 200,
                              type = 'text/event-stream' } = {})
{
    const heard = [];
    let ended = 0;
    let asked;
    let left;
    const fetch = async (url, options) => {
        asked = { url, ...options };

        return new Response(new ReadableStream({
            start(c) {
                chunks.forEach((x) => c.enqueue(x));
                left = c;
            },
        }), { status, headers: { 'Content-Type': type } });
    };
    const source = new Source('/events', { fetch, user: 'u-tom' });

    source.onmessage = (e) => heard.push(['', e.data, e.lastEventId]);
    source.onerror = () => ended++;
    source.addEventListener('ping', (e) => heard.push(['ping', e.data]));
    await settle();

    return { source, heard, asked, left, ended: () => ended };
}


test('a stream has LeaseLoft-User and parses events cut anywhere', async () => {
    const bytes = new TextEncoder().encode(': hi\nretry: 1000\n\n'
        + 'id: 3.ab\ndata: {"a":"h\u00e9\u2028\u{1f600}"}\n\n'
        + 'event: ping\ndata: 1\n\ndata: half');
    const { heard, asked, ended, source, left } = await read(
        Array.from(bytes, (_, i) => bytes.slice(i, i + 1)));

    assert.deepEqual(heard, [['', '{"a":"h\u00e9\u2028\u{1f600}"}', '3.ab'],
                             ['ping', '1']]);
    assert.equal(asked.headers['LeaseLoft-User'], 'u-tom');
    assert.equal(ended(), 0);
    left.close();
    await settle();
    assert.equal(ended(), 1);
    source.close();
    assert.equal(asked.signal.aborted, true);
});


test('a stream with another type or status is an error', async () => {
    const data = [new TextEncoder().encode('data: {}\n\n')];

    for (const answer of [{ type: 'text/html' }, { status: 401 }]) {
        const { heard, ended, asked } = await read(data, answer);

        assert.deepEqual(heard, []);
        assert.equal(ended(), 1);
        assert.equal(asked.signal.aborted, true, 'the request is aborted');
    }
});


test('a closed stream delivers no events', async () => {
    const { source, ended, left, heard } = await read([]);

    source.close();
    left.enqueue(new TextEncoder().encode('data: 1\n\n'));
    await settle();
    assert.deepEqual(heard, []);
    assert.equal(ended(), 0);
});
