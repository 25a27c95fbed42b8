/*
 * The whole client but for what is on screen, one for each tab, kept in step
 * by what the leading tab hears.  That is never trusted to be complete: an
 * entry past a hole, a strange revision, lead to a request of our own.
 */

import { Shelf } from './db.js';
import { Emitter } from './emitter.js';
import { InboxStore } from './inbox-store.js';
import { InboxSync } from './inbox-sync.js';
import { Live } from './live.js';
import { Names } from './names.js';
import { Outbox } from './outbox.js';
import { ThreadSync } from './thread-sync.js';

const LOOK = 10000;


export class Messenger extends Emitter {
    /*
     * session, api, db, tabs, clock as in their files; open(url): a Source;
     * online(), visible(): booleans.
     * Emits "status", "thread" (another store, or null), "news" (an entry
     * that came live), "failed" (an outbox item).
     */
    constructor({ session, api, db, tabs, clock, open, online, visible }) {
        super();
        this.me = session.user;
        this.session = session;
        this.api = api;
        this.tabs = tabs;
        this.clock = clock;
        this.visible = visible;
        this.status = 'connecting';
        this.streamed = null;
        this.marks = new Map();
        this.timers = new Map();

        this.shelf = new Shelf({ db, clock, user: this.me });
        this.inbox = new InboxStore();
        this.inboxSync = new InboxSync({
            api, clock, store: this.inbox, shelf: this.shelf,
            signedOut: () => session.check(),
        });
        this.threads = new ThreadSync({ api, clock, shelf: this.shelf,
                                        me: this.me });
        this.names = new Names({ clock, fetch: (p) => this.fetchNames(p) });
        this.outbox = new Outbox({ db, api, clock, user: this.me });
        this.live = new Live({
            api, open, clock, online,
            emit: (message) => this.tell(message),
            refused: () => session.check(),
        });
        this.db = db;
        this.wire();
    }

    wire() {
        const { tabs, outbox, threads, session } = this;

        tabs.on('lead', () => this.lead());
        tabs.on('follow', () => this.unlead());
        tabs.on('message', (message) => this.hear(message));
        outbox.on('stored', (sent) => {
            this.tell({ t: 'sent', ...sent });
            this.live.hurry();
        });
        outbox.on('accepted', () => this.tabs.post({ t: 'outbox' }));
        outbox.on('failed', (item) => this.tell({ t: 'failed', item }));
        outbox.on('refused', () => session.check());
        this.db.on('lost', () => outbox.restore());
        session.on('state', () => this.judge(session.state));
        threads.on('thread', (store) => {
            if (store) {
                store.label = this.inbox.threads.get(store.property)?.label
                              ?? '';
            }

            this.emit('thread', store);
        });
        threads.on('news', (entry) => this.emit('news', entry));
        threads.on('own', (entry) => outbox.confirm(
            this.thread.property, entry.client_id));
        threads.on('refused', () => session.check());
        threads.on('ready', () => {
            this.followOpen();
            this.look();
        });
        threads.on('parties', (store) => this.names.learn(
            store.property, { parties: store.parties,
                              time_zone: store.timeZone }, store.lease?.id));
        this.names.on('change', () => this.shelf.soon(
            'names', () => this.names.save()));
    }

    get thread() {
        return this.threads.store;
    }

    /* What is kept is shown as it comes; nothing waits for it. */
    async start() {
        this.tabs.start();
        await Promise.all([
            this.inboxSync.sync(),
            this.outbox.reload().then(() => this.outbox.drain()),
            this.inboxSync.unshelve(),
            this.shelf.get('names').then((names) =>
                this.names.restore(names)),
        ]);
    }

    stop() {
        this.rest();
        this.live.stop();
        this.inboxSync.stop();
        this.shelf.stop();
        this.session.stop();
        this.threads.close();
        this.outbox.hold();

        for (const timer of this.timers.values()) {
            this.clock.clearTimeout(timer);
        }
    }

    /*
     * The page is left, perhaps for a while in the browser's cache: it closes
     * its streams, which nobody would read, and begins nothing.
     */
    rest() {
        this.leave();
        this.tabs.stop();
    }

    /* ---- who is signed in ---- */

    /* What the server said: go on as we are, or hold everything. */
    judge(state) {
        if (state === 'ours') {
            const back = this.outbox.held;

            this.live.resume();
            this.outbox.held = false;

            if (back) {
                this.setStatus('connecting');
                this.tabs.post({ t: 'who' });
                this.wake();
            }

            return;
        }

        this.outbox.hold();
        this.live.hold();
        this.setStatus('signed-out');
    }

    /* ---- the tabs of this browser ---- */

    lead() {
        this.live.start();
        this.outbox.reload().then(
            () => this.outbox.setActive(this.tabs.leading));
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

    /* The thread that is looked at should be the one that is streamed. */
    followOpen() {
        const { thread } = this;

        if (thread && thread.status === 'ready' && this.visible()) {
            this.ask({ t: 'watch', property: thread.property,
                       cursor: thread.streamFrom });
        }
    }

    leave() {
        if (this.thread) {
            this.ask({ t: 'unwatch', property: this.thread.property });
        }
    }

    ask(message) {
        if (this.tabs.leading) {
            this.obey(message);
        } else {
            this.tabs.post(message);
        }
    }

    obey({ t, property, cursor }) {
        if (t === 'watch') {
            this.live.follow(property, cursor);

        } else if (property === this.live.property) {
            this.live.follow(null);
        }

        this.tell({ t: 'streamed', property: this.live.property });
    }

    hear(message) {
        switch (message.t) {

        case 'inbox':
            this.inboxSync.hear(message);
            this.nudge(message);
            break;

        case 'inbox-page':
            this.inboxSync.page(message.page);
            break;

        case 'thread':
        case 'thread-page':
        case 'gone':
            this.threads.hear(message);
            break;

        case 'sent':
            this.outbox.confirm(message.property, message.client_id);
            this.threads.hear(message);
            break;

        case 'marked':
            this.inbox.read(message.property, message.upto);
            this.threads.hear(message);
            break;

        case 'outbox':
            this.outbox.reload().then(() => this.outbox.drain());
            break;

        case 'failed':
            this.outbox.reload().then(
                () => this.emit('failed', message.item));
            break;

        default:
            this.hearTabs(message);
        }
    }

    hearTabs(message) {
        switch (message.t) {

        case 'status':
            /* each tab asks for itself whose it is */
            if (message.status === 'signed-out') {
                this.session.check();
            } else {
                this.setStatus(message.status);
            }

            break;

        case 'streamed':
            this.streamed = message.property;

            if (message.property === null) {
                this.followOpen();
            }

            this.look();
            break;

        case 'watch':
        case 'unwatch':
            if (this.tabs.leading) {
                this.obey(message);
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

        if (status === before) {
            return;
        }

        this.status = status;

        if (status === 'live') {
            this.outbox.kick();
            this.sendMarks();
            this.refresh();
        }

        this.emit('status', status);
    }

    /* What could not be refreshed while nothing got through. */
    refresh() {
        if (this.inbox.status === 'error') {
            this.inboxSync.sync();
        }

        if (this.thread?.stale) {
            this.threads.catchUp();
        }
    }

    /* The browser has lost its network. */
    sleep() {
        if (this.tabs.leading) {
            this.live.sleep();
        }
    }

    /*
     * Online again, visible again, back from the browser's cache: catch up
     * now.
     */
    wake() {
        this.tabs.wake();
        this.followOpen();

        if (this.tabs.leading) {
            this.live.kick();
            this.outbox.kick();
        }

        if (this.status !== 'live' || this.stalled()) {
            this.threads.catchUp();
            this.inboxSync.sync();
        }

        this.sendMarks();
    }

    /* The stream follows another tab's thread. */
    stalled() {
        return this.thread !== null
               && this.thread.property !== this.streamed;
    }

    /* Something happened in a thread that is open but not streamed. */
    nudge({ name, data }) {
        const { thread } = this;

        if (name !== 'thread' || !thread
            || data.property !== thread.property)
        {
            return;
        }

        if (thread.status === 'gone'
            || (this.stalled() && data.last
                && data.last.seq > thread.headSeq))
        {
            this.threads.catchUp();
        }
    }

    /* While it is not streamed, an open thread is asked for now and then. */
    look() {
        if (!this.stalled()) {
            this.clock.clearTimeout(this.timers.get('look'));
            return;
        }

        this.later('look', LOOK, () => {
            if (this.visible()) {
                this.threads.catchUp();
            }

            this.look();
        });
    }

    openThread(property, seq = null) {
        this.leave();

        return this.threads.open(property, seq);
    }

    closeThread() {
        this.leave();
        this.threads.close();
    }

    /* ---- people ---- */

    async fetchNames(property) {
        const answer = await this.api.messages(property, { limit: 1 });

        return answer.status === 200 ? answer.data : null;
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
     * The end of the thread is before the reader's eyes, with `upto` as the
     * last message drawn there.  All tabs show it as read at once; the server
     * is told, and told again until it has heard.
     */
    markRead(upto) {
        const { thread } = this;

        if (!thread || thread.status !== 'ready' || !thread.atHead
            || !(upto > thread.you.read)
            || (thread.you.unread === 0 && thread.firstUnread() === null))
        {
            return;
        }

        const { property } = thread;

        this.marks.set(property, upto);
        this.tell({ t: 'marked', property, upto });
        this.sendMarks();
    }

    async sendMarks() {
        for (const [property, upto] of this.marks) {
            const { status } = await this.api.read(property, upto);
            const again = status === 0 || status === 429 || status >= 500;

            if (status === 401) {
                this.session.check();
                return;
            }

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
}
