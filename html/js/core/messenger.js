/*
 * The whole client but for what is on screen: the user's threads, the open
 * thread, the outbox, and how things stand, kept in step by what the leading
 * tab hears.  One for each tab.
 *
 * What a message from the leader says is never trusted to be complete: an
 * entry past a hole, a revision that is not ours, a reset, each lead to a
 * request of our own.
 */

import { Emitter } from './emitter.js';
import { InboxStore } from './inbox-store.js';
import { Live } from './live.js';
import { Names } from './names.js';
import { Outbox } from './outbox.js';
import { ThreadStore } from './thread-store.js';

const PAGE = 50;
const MOST = 200;
const RUN = 600;
const LOOK = 10000;


export class Messenger extends Emitter {
    /*
     * session: as from parseToken(); api, db, tabs, clock as in their files;
     * open(url): an EventSource; online(), visible(): booleans.
     * Emits "status", "thread" (another one, or none), "news" (an entry that
     * came live), "failed" (an outbox item), "signed-out".
     */
    constructor({ session, api, db, tabs, clock, open, online, visible }) {
        super();
        this.me = session.user;
        this.session = session;
        this.api = api;
        this.db = db;
        this.tabs = tabs;
        this.clock = clock;
        this.visible = visible;
        this.status = 'connecting';
        this.thread = null;
        this.syncing = null;
        this.streamed = null;
        this.marks = new Map();
        this.timers = new Map();

        this.inbox = new InboxStore();
        this.names = new Names({ fetch: (p) => this.fetchNames(p) });
        this.outbox = new Outbox({ db, api, clock, user: this.me });
        this.live = new Live({
            api, open, clock, online,
            emit: (message) => this.tell(message),
        });
        this.wire();
    }

    wire() {
        this.tabs.on('lead', () => this.lead());
        this.tabs.on('follow', () => this.unlead());
        this.tabs.on('message', (message) => this.hear(message));
        this.outbox.on('stored', (sent) => this.tell({ t: 'sent', ...sent }));
        this.outbox.on('failed', (item) => this.tell({ t: 'failed', item }));
        this.outbox.on('signed-out', () => this.live.signOut());
    }

    async start() {
        await this.outbox.reload();
        await this.unshelve();
        this.tabs.start();
        this.syncInbox();
    }

    stop() {
        this.tabs.stop();
        this.live.stop();
        this.outbox.setActive(false);

        for (const timer of this.timers.values()) {
            this.clock.clearTimeout(timer);
        }
    }

    /* ---- the tabs of this browser ---- */

    lead() {
        this.live.start();
        this.outbox.reload().then(() => this.outbox.setActive(true));
        this.followOpen();
    }

    unlead() {
        this.live.stop();
        this.outbox.setActive(false);
    }

    /* To all tabs, this one included. */
    tell(message) {
        this.tabs.post(message);
        this.hear(message);
    }

    /* The thread that this tab looks at should be the one that is streamed. */
    followOpen() {
        const property = this.thread ? this.thread.property : null;

        if (property === null || this.thread.status !== 'ready') {
            return;
        }

        const message = { t: 'watch', property, cursor: this.thread.cursor };

        if (this.tabs.leading) {
            this.watch(message);

        } else if (this.visible()) {
            this.tabs.post(message);
        }
    }

    watch({ property, cursor }) {
        this.live.follow(property, cursor);
        this.tell({ t: 'streamed', property: this.live.property });
    }

    hear(message) {
        switch (message.t) {

        case 'inbox':
            this.hearInbox(message);
            break;

        case 'inbox-page':
            this.inboxPage(message.page);
            break;

        case 'thread':
        case 'thread-page':
        case 'gone':
        case 'sent':
        case 'marked':
            this.hearThread(message);
            break;

        case 'status':
            this.setStatus(message.status);
            break;

        case 'streamed':
            this.streamed = message.property;
            this.look();
            break;

        case 'outbox':
            this.outbox.reload().then(() => this.outbox.drain());
            break;

        case 'failed':
            this.outbox.reload();
            this.emit('failed', message.item);
            break;

        case 'watch':
            if (this.tabs.leading) {
                this.watch(message);
            }

            break;

        case 'leader':
            this.followOpen();
            break;

        case 'who':
            if (this.tabs.leading) {
                this.tabs.post({ t: 'status', status: this.status });
                this.tabs.post({ t: 'streamed',
                                 property: this.live.property });
            }

            break;
        }
    }

    setStatus(status) {
        const before = this.status;

        this.status = status;

        if (status === 'live' && before !== 'live') {
            this.outbox.kick();
            this.sendMarks();
        }

        if (status !== before) {
            this.emit('status', status);
        }

        if (status === 'signed-out') {
            this.emit('signed-out');
        }
    }

    /*
     * Online again, visible again, back from the browser's cache: catch up
     * now.
     */
    wake() {
        this.tabs.claim();
        this.followOpen();

        if (this.tabs.leading) {
            this.live.kick();
            this.outbox.kick();
        }

        if (this.status !== 'live' || this.stalled()) {
            this.catchUp();
        }

        this.sendMarks();
    }

    stalled() {
        return this.thread && this.thread.property !== this.streamed;
    }

    /* ---- the inbox ---- */

    hearInbox({ name, data, id }) {
        if (name === 'thread') {
            this.inbox.event(data, Number(id));
            this.nudge(data);

        } else if ((name === 'hello' || name === 'ping')
                   && data.rev !== this.inbox.rev)
        {
            this.syncInbox();
        }
    }

    /* A thread that another tab's stream covers has news: ask for them. */
    nudge({ property, last }) {
        const thread = this.thread;

        if (thread && thread.property === property && last
            && last.seq > thread.headSeq && this.streamed !== property)
        {
            this.catchUp();
        }
    }

    /* A page that the leader polled. */
    inboxPage(page) {
        if (!this.inbox.page(page)) {
            this.syncInbox();

        } else {
            this.shelveInbox(page);
        }
    }

    /* Reads the whole inbox, page by page; one run at a time. */
    syncInbox() {
        this.syncAgain = this.syncing !== null;

        if (!this.syncing) {
            this.syncing = this.readInbox().finally(() => {
                this.syncing = null;

                if (this.syncAgain) {
                    this.syncInbox();
                }
            });
        }

        return this.syncing;
    }

    async readInbox() {
        const seen = new Set();
        let cursor = null;
        let rev = 0;

        do {
            const { status, data } = await this.api.inbox({
                limit: cursor ? MOST : PAGE, cursor,
            });

            if (status !== 200) {
                this.inboxFailed(status);
                return;
            }

            if (!cursor) {
                rev = data.rev;
                this.shelveInbox(data);
            }

            data.threads.forEach((thread) => seen.add(thread.property));
            this.inbox.page(data);
            cursor = data.next;
        } while (cursor);

        this.inbox.finish(seen, rev);
    }

    inboxFailed(status) {
        if (status === 401) {
            this.setStatus('signed-out');
            return;
        }

        this.inbox.setStatus('error');
        this.later('inbox', LOOK, () => this.syncInbox());
    }

    async fetchNames(property) {
        const answer = await this.api.messages(property, { limit: 1 });

        return answer.status === 200 ? answer.data : null;
    }

    /* ---- the open thread ---- */

    /*
     * Opens a thread: at a message where seq is given, else at the first
     * unread one, else at the end.
     */
    openThread(property, seq = null) {
        this.closeThread();
        this.thread = new ThreadStore(property, this.me);
        this.emit('thread', this.thread);
        this.loadThread(this.thread, seq);
    }

    closeThread() {
        this.thread = null;
        this.clock.clearTimeout(this.timers.get('look'));
        this.emit('thread', null);
    }

    async loadThread(thread, seq) {
        const answer = await this.api.messages(thread.property,
                                               { limit: PAGE });

        if (thread !== this.thread) {
            return;
        }

        if (answer.status !== 200) {
            this.threadFailed(thread, answer.status, seq);
            return;
        }

        const page = answer.data;

        this.shelveThread(thread, page);
        this.names.learn(thread.property, page.parties, page.lease?.id);

        const from = startOf(page, seq);
        const lowest = page.entries.length ? page.entries[0].seq : 0;

        if (from < lowest && page.more) {
            await this.loadFrom(thread, from, page);

        } else {
            thread.load(page, { moreBefore: Boolean(page.more) });
        }

        this.followOpen();
        this.look();
    }

    /* A run in the middle: some context, then as much as a page holds. */
    async loadFrom(thread, from, newest) {
        const after = Math.max(0, from - PAGE / 2);
        const answer = await this.api.messages(thread.property, {
            after, limit: PAGE * 2,
        });

        if (answer.status === 200 && !answer.data.reset) {
            const first = answer.data.entries[0];

            thread.load(answer.data, {
                moreBefore: Boolean(first) && first.seq === after + 1
                            && after > 0,
            });

        } else {
            thread.load(newest, { moreBefore: Boolean(newest.more) });
        }
    }

    async threadFailed(thread, status, seq) {
        if (status === 401) {
            this.setStatus('signed-out');

        } else if (status === 404) {
            thread.setStatus('gone');

        } else {
            await this.unshelveThread(thread);
            thread.stale = true;
            thread.setStatus(thread.entries.length ? 'ready' : 'error');
            this.later('load', 3000, () => {
                if (thread === this.thread) {
                    this.loadThread(thread, seq);
                }
            });
        }
    }

    hearThread(message) {
        const thread = this.thread;

        if (message.t === 'sent') {
            this.outbox.confirm(message.property, message.client_id);
        }

        if (message.t === 'marked') {
            this.inbox.read(message.property);
        }

        if (!thread || thread.property !== message.property
            || thread.status === 'loading')
        {
            return;
        }

        switch (message.t) {

        case 'thread':
            this.threadEvent(thread, message);
            break;

        case 'thread-page':
            this.threadPage(thread, message.page);
            break;

        case 'gone':
            thread.setStatus('gone');
            break;

        case 'sent':
            this.arrive(thread, message.entry, '');
            break;

        case 'marked':
            thread.read({ user: this.me, upto: message.upto });
            break;
        }
    }

    threadEvent(thread, { name, data, id }) {
        switch (name) {

        case 'entry':
            this.arrive(thread, data, id);
            break;

        case 'hello':
        case 'lease':
            thread.meta(data);
            thread.changed();
            this.names.learn(thread.property, thread.parties,
                             thread.lease?.id);
            break;

        case 'read':
            thread.read(data);
            break;

        case 'reset':
            this.reset(thread);
            break;

        case 'ping':
            if (Number(String(data.head).split('.')[0]) > thread.headSeq) {
                this.catchUp();
            }

            break;
        }
    }

    arrive(thread, entry, id) {
        const known = thread.ahead.has(entry.seq);
        const result = thread.add(entry, id);

        if (entry.kind === 'message' && entry.from.user === this.me) {
            this.outbox.confirm(thread.property, entry.client_id);
        }

        if (result !== 'old' && !known) {
            this.emit('news', entry);
        }

        if (result === 'gap') {
            this.catchUp();
        }
    }

    threadPage(thread, page) {
        const before = thread.headSeq;
        const detached = !thread.atHead;

        if (page.reset) {
            this.reset(thread);
            return;
        }

        if (detached || (page.entries[0]?.seq ?? 0) > thread.high + 1) {
            /* a page of another tab's place */
            thread.meta(page);
            thread.changed();

            if (!detached) {
                this.catchUp();
            }

            return;
        }

        thread.append(page);

        for (const entry of page.entries) {
            if (entry.seq > before) {
                this.outbox.confirm(thread.property, entry.client_id);
                this.emit('news', entry);
            }
        }
    }

    reset(thread) {
        thread.setStatus('loading');
        thread.clear();
        this.loadThread(thread, null);
    }

    /* Asks for what is after our place, until there is no more. */
    async catchUp() {
        const thread = this.thread;

        if (!thread || thread.status !== 'ready' || thread.fetching) {
            return;
        }

        thread.fetching = true;

        const answer = await this.api.messages(thread.property, {
            after: thread.cursor, limit: MOST, etag: thread.etag,
        });

        thread.fetching = false;

        if (thread !== this.thread) {
            return;
        }

        if (answer.status === 200) {
            thread.etag = answer.etag;

            if (thread.atHead || thread.ahead.size) {
                this.threadPage(thread, answer.data);
            }

            if (answer.data.more && thread.atHead) {
                this.catchUp();
            }

        } else if (answer.status === 404) {
            thread.setStatus('gone');

        } else if (answer.status === 401) {
            this.setStatus('signed-out');

        } else if (answer.status !== 304) {
            thread.stale = true;
            thread.changed();
        }
    }

    /*
     * While the stream follows another tab's thread, and this tab is on
     * screen as well, ask every ten seconds.
     */
    look() {
        if (this.stalled() && this.streamed !== null) {
            this.later('look', LOOK, () => {
                if (this.visible()) {
                    this.catchUp();
                }

                this.look();
            });

        } else {
            this.clock.clearTimeout(this.timers.get('look'));
        }
    }

    async loadOlder() {
        const thread = this.thread;

        if (!thread || thread.busy || !thread.moreBefore) {
            return;
        }

        thread.busy = true;

        const answer = await this.api.messages(thread.property, {
            before: thread.low, limit: PAGE,
        });

        thread.busy = false;

        if (answer.status === 200 && thread === this.thread) {
            thread.trim(RUN, 'low');
            thread.prepend(answer.data);
        }
    }

    /* Grows a detached run towards the head. */
    async loadNewer() {
        const thread = this.thread;

        if (!thread || thread.busy || thread.atHead) {
            return;
        }

        thread.busy = true;

        const answer = await this.api.messages(thread.property, {
            after: String(thread.high), limit: PAGE,
        });

        thread.busy = false;

        if (answer.status === 200 && thread === this.thread) {
            thread.trim(RUN, 'high');

            if (thread.append(answer.data) === 'reset') {
                this.reset(thread);
            }
        }
    }

    /* Away from old messages, to the end of the thread. */
    async jumpToNewest() {
        const thread = this.thread;

        if (!thread || thread.atHead) {
            return;
        }

        const answer = await this.api.messages(thread.property,
                                               { limit: PAGE });

        if (answer.status === 200 && thread === this.thread) {
            thread.load(answer.data,
                        { moreBefore: Boolean(answer.data.more) });
        }
    }

    /* Makes sure that a message is in the run; false where there is none. */
    async jumpTo(seq) {
        const thread = this.thread;

        if (!thread || seq < 1 || seq > thread.headSeq) {
            return false;
        }

        if (seq < thread.low || seq > thread.high) {
            await this.loadFrom(thread, seq, null);
        }

        return thread.entries.some((entry) => entry.seq === seq);
    }

    /* ---- writing ---- */

    async send(text) {
        await this.outbox.add(this.thread.property, text);
        this.tabs.post({ t: 'outbox' });
    }

    async retry(n) {
        await this.outbox.retry(n);
        this.tabs.post({ t: 'outbox' });
    }

    async discard(n) {
        await this.outbox.remove(n);
        this.tabs.post({ t: 'outbox' });
    }

    /* ---- reading ---- */

    /*
     * The newest message is before the reader's eyes.  All tabs show it as
     * read at once; the server is told, and told again until it has heard.
     */
    markRead() {
        const thread = this.thread;

        if (!thread || thread.status !== 'ready' || !thread.atHead
            || (thread.you.unread === 0 && thread.firstUnread() === null))
        {
            return;
        }

        const { property, headSeq: upto } = thread;

        this.tell({ t: 'marked', property, upto });
        this.marks.set(property, upto);
        this.sendMarks();
    }

    async sendMarks() {
        for (const [property, upto] of this.marks) {
            const { status } = await this.api.read(property, upto);
            const again = status === 0 || status === 429 || status >= 500;

            if (!again && this.marks.get(property) === upto) {
                this.marks.delete(property);
            }

            if (again) {
                this.later('marks', LOOK, () => this.sendMarks());
                return;
            }
        }
    }

    later(name, ms, fn) {
        this.clock.clearTimeout(this.timers.get(name));
        this.timers.set(name, this.clock.setTimeout(fn, ms));
    }

    /* ---- what was last seen, for when there is no network ---- */

    shelf(name) {
        return `${this.me} ${name}`;
    }

    shelveInbox(page) {
        this.db.shelve(this.shelf('inbox'), page);
    }

    shelveThread(thread, page) {
        this.db.shelve(this.shelf(`thread ${thread.property}`), page);
    }

    async unshelve() {
        const page = await this.db.unshelve(this.shelf('inbox'));

        if (page && this.inbox.status === 'loading') {
            page.threads.forEach((thread) => this.inbox.put(thread, 0));
            this.inbox.total = page.total_unread;
            this.inbox.setStatus('stale');
        }
    }

    async unshelveThread(thread) {
        const page = await this.db.unshelve(
            this.shelf(`thread ${thread.property}`));

        if (page && thread === this.thread && thread.status === 'loading') {
            thread.load(page, { moreBefore: false });
            thread.stale = true;
        }
    }
}


/* Where a thread is opened: the seq that should be on screen. */
function startOf(page, seq) {
    const head = Number(String(page.head).split('.')[0]);

    if (seq !== null && seq <= head) {
        return seq;
    }

    return page.you.unread > 0 ? page.you.read + 1 : head;
}
