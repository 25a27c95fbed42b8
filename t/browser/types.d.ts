/*
 * What the JSDoc comments of html/js name: the JSON of the wire (docs/http.md)
 * and what core is given by its owner.  Only tsc reads this file.
 */

type Role = 'landlord' | 'tenant';
type LeaseState = 'pending' | 'active' | 'ended';

/* A point in a thread: "SEQ.TAG", or "SEQ" where the tag is not known. */
type Cursor = string;

/* RFC 3339, UTC. */
type Time = string;

interface Party {
    user: string;
    role: Role;
    name: string;
    read?: number;
}

interface Lease {
    id: string;
    state: LeaseState;
    starts_at: Time;
    ends_at: Time | null;
    time_zone?: string;
    next?: { starts_at: Time };
}

interface Entry {
    seq: number;
    kind: 'message' | 'lease' | 'erased' | 'lost';
    at: Time;
    erased_at?: Time;
    from?: { user: string; role: Role; name: string };
    text?: string;
    client_id?: string;
    event?: string;
    party?: { user: string; role: Role; name: string };
}

interface Reader {
    role: Role | null;
    read: number;
    unread: number;
    can_write: boolean;
}

/* A page of a thread, or the head of its stream. */
interface ThreadPage {
    property: string;
    label: string;
    lease: Lease;
    time_zone?: string;
    you: Reader;
    parties: Party[];
    head: Cursor;
    entries: Entry[];
    more?: boolean;
    reset?: boolean;
}

/* A thread as the inbox shows it. */
interface InboxThread {
    property: string;
    label: string;
    role: Role;
    lease: Lease | null;
    unread: number;
    parties?: Party[];
    more_parties?: number;
    last: {
        seq: number; kind: Entry['kind']; event: string | null;
        from: string | null; preview: string; at: Time;
    } | null;
}

interface InboxPage {
    rev: number;
    total_unread: number;
    threads: InboxThread[];
    next: string | null;
}

/* A message that a search has found. */
interface Hit {
    property: string;
    label: string;
    entry: Entry;
}

/* A page of a search: hits of a thread are entries. */
interface HitPage {
    hits: (Entry | Hit)[];
    next: number | string | null;
}

interface SessionInfo {
    user: string;
    name: string | null;
    expires_at: Time;
}

/* The outcome of a request; status 0: no answer of this server arrived. */
interface Answer<T> {
    status: number;
    data: T | null;
    etag: string | null;
    retryAfter: number;
    type: string | null;
    date: number;
}

/* A message that is not known to be stored. */
interface OutboxItem {
    n: number;
    user: string;
    property: string;
    client_id: string;
    text: string;
    at: Time;
    state: 'queued' | 'failed';
    reason: string | null;
    accepted?: boolean;
    loose?: boolean;
    busy?: boolean;
}

/* Milliseconds; a test gives a clock of its own. */
interface Clock {
    now(): number;
    mono(): number;
    random(): number;
    setTimeout(fn: () => void, ms: number): any;
    clearTimeout(timer: any): void;
}

/* An event of a stream. */
interface StreamEvent {
    name: string;
    data: any;
    id: string;
}

type Fetch = (input: string, init?: RequestInit) => Promise<Response>;

/* The text of a key, with values put in. */
type Translate = (key: string, values?: Record<string, any>) => string;
