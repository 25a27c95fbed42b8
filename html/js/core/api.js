/*
 * The requests of the wire contract.  Each answers a plain result and never
 * throws: {status, data, etag, retryAfter (s), type}, where status 0 means
 * that nothing came back in time, and type is the last part of a problem's
 * type ("lease-not-active").
 */

const TIMEOUT = 12000;


export class Api {
    /* fetch as in the Fetch standard; base is prefixed to each path. */
    constructor({ fetch, clock, base = '' }) {
        this.fetch = fetch;
        this.clock = clock;
        this.base = base;
    }

    /* A page of a thread: one of after, before or neither (the newest). */
    messages(property, { after, before, limit, etag } = {}) {
        const query = new URLSearchParams();

        if (after !== undefined) {
            query.set('after', after);
        }

        if (before !== undefined) {
            query.set('before', before);
        }

        if (limit !== undefined) {
            query.set('limit', limit);
        }

        return this.get(`${threadPath(property)}/messages?${query}`, etag);
    }

    inbox({ limit = 50, cursor, etag } = {}) {
        const query = new URLSearchParams({ limit });

        if (cursor) {
            query.set('cursor', cursor);
        }

        return this.get(`/api/inbox?${query}`, etag);
    }

    send(property, clientId, text) {
        return this.post(`${threadPath(property)}/messages`,
                         { client_id: clientId, text });
    }

    read(property, upto) {
        return this.post(`${threadPath(property)}/read`, { upto });
    }

    get(path, etag) {
        const headers = { Accept: 'application/json' };

        if (etag) {
            headers['If-None-Match'] = etag;
        }

        /* our own validator, so that a 304 is seen and costs no parsing */
        return this.request(path, { headers, cache: 'no-store' });
    }

    post(path, body) {
        return this.request(path, {
            method: 'POST',
            headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify(body),
        });
    }

    async request(path, options) {
        const abort = new AbortController();
        const timer = this.clock.setTimeout(() => abort.abort(), TIMEOUT);

        try {
            const response = await this.fetch(this.base + path, {
                ...options,
                credentials: 'same-origin',
                signal: abort.signal,
            });

            return await result(response);

        } catch {
            return { status: 0, data: null, etag: null, retryAfter: 0 };

        } finally {
            this.clock.clearTimeout(timer);
        }
    }
}


export function threadPath(property) {
    return `/api/properties/${encodeURIComponent(property)}`;
}


async function result(response) {
    const { status, headers } = response;
    const json = /json/.test(headers.get('Content-Type') || '');
    const data = json && status !== 304 ? await response.json() : null;
    const zone = headers.get('LeaseLoft-Time-Zone');

    /* a thread's, which the server tells beside it */
    if (data && zone) {
        data.time_zone = zone;
    }

    return {
        status,
        data,
        etag: headers.get('ETag'),
        retryAfter: Number(headers.get('Retry-After')) || 0,
        type: status >= 400 && data && typeof data.type === 'string'
              ? data.type.split('/').pop() : null,
    };
}
