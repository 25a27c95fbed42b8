/*
 * The requests of the wire contract.  Each returns a result and never throws:
 * {status, data, etag, retryAfter (s), type, date}, where status 0 means that
 * no valid response came in time, and type is the last part of a problem's
 * type ("lease-not-active").
 *
 * A captive portal or a proxy may answer in place of the server, so a status
 * alone means nothing: a response without the form of the contract is ignored.
 */

const TIMEOUT = 12000;
const NOTHING = { status: 0, data: null, etag: null, retryAfter: 0,
                  type: null, date: NaN };


export class Api {
    /**
     * user: the user that each request names, so that the server refuses it
     * where somebody else has signed in meanwhile.
     * @param {{fetch: Fetch, clock: Clock, user?: string}} parts
     */
    constructor({ fetch, clock, user = null }) {
        this.fetch = fetch;
        this.clock = clock;
        this.user = user;
    }

    /**
     * A page of a thread: one of after, before or neither (the newest).
     * @param {string} property
     * @param {{after?: Cursor | number, before?: number, limit?: number,
     *          etag?: string}} query
     * @returns {Promise<Answer<ThreadPage>>}
     */
    messages(property, { after, before, limit, etag } = {}) {
        const query = new URLSearchParams();

        if (after !== undefined) {
            query.set('after', String(after));
        }

        if (before !== undefined) {
            query.set('before', String(before));
        }

        if (limit !== undefined) {
            query.set('limit', String(limit));
        }

        return this.get(`${threadPath(property)}/messages?${query}`,
            (page) => page.property === property && page.you && page.lease
                      && Array.isArray(page.parties)
                      && /^\d+/.test(page.head) && page.entries.every(isEntry),
            { etag });
    }

    /**
     * @param {{limit?: number, cursor?: string, etag?: string}} query
     * @returns {Promise<Answer<InboxPage>>}
     */
    inbox({ limit = 50, cursor, etag } = {}) {
        const query = new URLSearchParams({ limit: String(limit) });

        if (cursor) {
            query.set('cursor', cursor);
        }

        return this.get(`/api/inbox?${query}`,
            ({ rev, threads }) => Number.isInteger(rev)
                && threads.every((thread) => thread.property), { etag });
    }

    /**
     * @param {string} property
     * @param {string} clientId
     * @param {string} text
     * @returns {Promise<Answer<Entry>>}
     */
    send(property, clientId, text) {
        return this.#request(`${threadPath(property)}/messages`,
            post({ client_id: clientId, text }),
            (answer, status) => (status === 202 || isEntry(answer))
                && (answer.client_id === clientId
                    || (status === 200
                        && ['erased', 'lost'].includes(answer.kind))));
    }

    /**
     * Marks a thread as read up to a seq.
     * @param {string} property
     * @param {number} upto
     * @returns {Promise<Answer<any>>}
     */
    read(property, upto) {
        return this.#request(`${threadPath(property)}/read`, post({ upto }),
                             (answer) => answer.state === 'accepted');
    }

    /**
     * Who the server says is asking: whoever that is.
     * @returns {Promise<Answer<SessionInfo>>}
     */
    session() {
        return this.#request('/api/session', { named: false },
            ({ user, expires_at: at }) =>
                user && (at === null || Date.parse(at)));
    }

    signIn(token) {
        return this.#request('/api/session',
                             { ...post({ token }), named: false });
    }

    signOut() {
        return this.#request('/api/session',
                             { method: 'DELETE', named: false });
    }

    /**
     * form: whether the JSON of an answer has the form of the contract;
     * signal: cancels the request, which then answers nothing.
     * @param {string} path
     * @param {(data: any) => any} form
     * @param {{etag?: string, signal?: AbortSignal}} options
     */
    get(path, form, { etag, signal } = {}) {
        const headers = etag ? { 'If-None-Match': etag } : {};

        /*
         * with our own validator, so that fetch() returns a 304, which is not
         * parsed
         */
        return this.#request(path, { headers, signal }, form);
    }

    /**
     * @param {string} path
     * @param {RequestInit & {named?: boolean}} options
     * @param {(data: any, status: number) => any} [form]
     * @returns {Promise<Answer<any>>}
     */
    async #request(path, { named = true, signal, ...options }, form) {
        const headers = { Accept: 'application/json', ...options.headers };

        if (named && this.user !== null) {
            headers['LeaseLoft-User'] = this.user;
        }

        const abort = new AbortController();
        const timer = this.clock.setTimeout(() => abort.abort(), TIMEOUT);

        signal?.addEventListener('abort', () => abort.abort());

        try {
            const response = await this.fetch(path, {
                ...options, headers, cache: 'no-store', redirect: 'error',
                credentials: 'same-origin', signal: abort.signal,
            });

            return await result(response, form) ?? NOTHING;

        } catch {
            return NOTHING;

        } finally {
            this.clock.clearTimeout(timer);
        }
    }
}


/** @param {string} property */
export function threadPath(property) {
    return `/api/properties/${encodeURIComponent(property)}`;
}


/**
 * Whether it has the form of an entry.
 * @param {Entry} entry
 */
export function isEntry(entry) {
    return Number.isInteger(entry.seq) && typeof entry.kind === 'string'
           && (entry.kind !== 'message' || Boolean(entry.from.user));
}


function post(body) {
    return {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
    };
}


/* The data of a response; null or an exception if it is not the server's. */
async function result(response, form) {
    const { status, headers } = response;
    const type = (headers.get('Content-Type') ?? '').split(';')[0];
    let data = null;

    if (status === 204) {
        if (headers.get('X-Content-Type-Options') !== 'nosniff') {
            return null;
        }

    } else if (status !== 304) {
        data = await response.json();

        if (status < 400 ? type !== 'application/json' || !form(data, status)
            : type !== 'application/problem+json' || data.status !== status)
        {
            return null;
        }
    }

    const zone = headers.get('LeaseLoft-Time-Zone');

    /* a thread's, which the server sends as a header */
    if (data && zone) {
        data.time_zone = zone;
    }

    return {
        status,
        data,
        etag: headers.get('ETag'),
        retryAfter: Number(headers.get('Retry-After')) || 0,
        type: status >= 400 ? String(data.type).split('/').pop() : null,
        date: Date.parse(headers.get('Date')),
    };
}
