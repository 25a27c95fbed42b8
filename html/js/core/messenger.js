/*
 * The client of one tab, without the views. It connects the stores, the
 * requests and the tabs of this browser. The leading tab broadcasts what it
 * receives; a tab does not rely on that to be complete: after a gap or an
 * unexpected revision it sends a request of its own.
 */

import { Shelf } from './db.js';
import { Emitter } from './emitter.js';
import { InboxStore } from './inbox-store.js';
import { InboxSync } from './inbox-sync.js';
import { Live } from './live.js';
import { Names } from './names.js';
import { Outbox } from './outbox.js';
import { ReadMarks } from './read-marks.js';
import { ThreadSync } from './thread-sync.js';
import { ThreadWatch } from './thread-watch.js';


export class Messenger extends Emitter {
    #marks;
    #shelf;
    #kept = null;

    /**
     * open(url): a Source; online(): the browser's hint.
     * Emits "status", "thread" (another store, or null), "received" (an entry
     * that came live), "failed" (an outbox item).
     * @param {{session: import('./session.js').Session,
     *          api: import('./api.js').Api, db: import('./db.js').Db,
     *          tabs: import('./tabs.js').Tabs, clock: Clock,
     *          open: (url: string) => import('./source.js').Source,
     *          online: () => boolean, visible: () => boolean}} parts
     */
    constructor({ session, api, db, tabs, clock, open, online, visible }) {
        super();

        const refused = () => session.check();

        this.me = session.user;
        this.session = session;
        this.tabs = tabs;
        this.db = db;
        this.status = 'connecting';
        this.#shelf = new Shelf({ db, clock, user: this.me });

        const shelf = this.#shelf;

        this.inbox = new InboxStore();
        this.inboxSync = new InboxSync({ api, clock, shelf, refused,
                                         store: this.inbox });
        this.threads = new ThreadSync({ api, clock, shelf, me: this.me });
        this.names = new Names({
            clock, fetch: async (property) => {
                const answer = await api.messages(property, { limit: 1 });

                return answer.status === 200 ? answer.data : null;
            },
        });
        this.outbox = new Outbox({ db, api, clock, user: this.me });
        this.live = new Live({
            api, open, clock, online, refused,
            emit: (message) => this.#broadcast(message),
        });
        this.#marks = new ReadMarks({ api, clock, refused });
        this.watch = new ThreadWatch({
            tabs, clock, visible, live: this.live, threads: this.threads,
            broadcast: (message) => this.#broadcast(message),
        });
        this.#wireTabs();
        this.#wireOutbox();
        this.#wireThreads();
        session.on('state', () => this.#applySession(session.state));
    }

    get thread() {
        return this.threads.store;
    }

    /* Stored pages are shown as they are read; nothing waits for them. */
    async start() {
        this.tabs.start();
        await Promise.all([
            this.inboxSync.sync(),
            this.outbox.reload().then(() => this.outbox.drain()),
            this.inboxSync.unshelve(),
            this.#shelf.get('names').then((names) =>
                this.names.restore(names)),
        ]);
    }

    /**
     * Has what is kept compared with the server's.  The class is given, since
     * the first screen is shown without it.
     * @param {typeof import('./kept-check.js').KeptCheck} KeptCheck
     */
    checkKept(KeptCheck) {
        this.#kept = new KeptCheck({ api: this.threads.api,
                                     clock: this.threads.clock,
                                     shelf: this.#shelf });
        this.#startCheck();
    }

    #startCheck() {
        if (this.status === 'live' && this.tabs.leading) {
            this.#kept?.start();
        }
    }

    stop() {
        this.suspend();
        this.live.stop();
        this.inboxSync.stop();
        this.#kept?.stop();
        this.#shelf.stop();
        this.session.stop();
        this.threads.close();
        this.outbox.pause();
        this.watch.stop();
        this.#marks.stop();
    }

    /*
     * The page is left, and may be in the browser's cache for a while: it
     * closes its streams and starts no transaction.
     */
    suspend() {
        this.watch.release();
        this.tabs.stop();
    }

    /* The browser has lost its network. */
    networkLost() {
        if (this.tabs.leading) {
            this.live.networkLost();
        }
    }

    /* Online, visible or back from the browser's cache: catch up now. */
    wake() {
        this.tabs.wake();
        this.watch.request();

        if (this.tabs.leading) {
            this.live.reconnect();
            this.outbox.flush();
        }

        if (this.status !== 'live' || this.watch.missing) {
            this.threads.catchUp();
            this.inboxSync.sync();
        }

        this.#marks.flush();
    }

    /* ---- what the views do ---- */

    openThread(property, seq = null) {
        this.watch.release();

        return this.threads.open(property, seq);
    }

    closeThread() {
        this.watch.release();
        this.threads.close();
    }

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

    /*
     * The end of the thread is on screen, and `upto` is the last message
     * drawn.  All tabs show it as read at once; the server follows.
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

        this.#broadcast({ t: 'marked', property, upto });
        this.#marks.add(property, upto);
    }

    /* ---- what the parts report ---- */

    #wireTabs() {
        this.tabs.on('lead', () => {
            this.live.start();
            this.outbox.reload().then(
                () => this.outbox.setActive(this.tabs.leading));
            this.watch.request();
        });
        this.tabs.on('follow', () => {
            this.live.stop();
            this.#kept?.stop();
            this.outbox.setActive(false);
        });
        this.tabs.on('message', (message) => this.#handle(message));
    }

    #wireOutbox() {
        const { outbox } = this;

        outbox.on('stored', (sent) => {
            this.#broadcast({ t: 'sent', ...sent });
            this.live.retrySoon();
        });
        outbox.on('accepted', () => this.tabs.post({ t: 'outbox' }));
        outbox.on('failed', (item) => this.#broadcast({ t: 'failed', item }));
        outbox.on('refused', () => this.session.check());
        this.db.on('lost', () => outbox.restore());
    }

    #wireThreads() {
        const { threads, names } = this;

        threads.on('thread', (store) => {
            if (store) {
                store.label = this.inbox.threads.get(store.property)?.label
                              ?? '';
            }

            this.emit('thread', store);
        });
        threads.on('received', (entry) => this.emit('received', entry));
        threads.on('own', (entry) => this.outbox.confirm(
            this.thread.property, entry.client_id));
        threads.on('refused', () => this.session.check());
        threads.on('ready', () => {
            this.watch.request();
            this.watch.poll();
        });
        threads.on('parties', (store) => names.update(
            store.property, { parties: store.parties,
                              time_zone: store.timeZone }, store.lease?.id));
        names.on('change', () => this.#shelf.soon(
            'names', () => names.save()));
    }

    /* The server's answer about the session: continue, or stop all requests. */
    #applySession(state) {
        if (state !== 'ours') {
            this.outbox.pause();
            this.live.pause();
            this.#setStatus('signed-out');
            return;
        }

        const back = this.outbox.paused;

        this.live.resume();
        this.outbox.paused = false;

        if (back) {
            this.#setStatus('connecting');
            this.tabs.post({ t: 'who' });
            this.wake();
        }
    }

    /* To all tabs, this one included. */
    #broadcast(message) {
        this.tabs.post(message);
        this.#handle(message);
    }

    #handle(message) {
        switch (message.t) {

        case 'inbox':
            this.inboxSync.handle(message);
            this.watch.refresh(message);
            break;

        case 'inbox-page':
            this.inboxSync.page(message.page);
            break;

        case 'thread':
        case 'thread-page':
        case 'gone':
            this.threads.handle(message);
            break;

        case 'sent':
            this.outbox.confirm(message.property, message.client_id);
            this.threads.handle(message);
            break;

        case 'marked':
            this.inbox.read(message.property, message.upto);
            this.threads.handle(message);
            break;

        case 'outbox':
            this.outbox.reload().then(() => this.outbox.drain());
            break;

        case 'failed':
            this.outbox.reload().then(
                () => this.emit('failed', message.item));
            break;

        case 'status':
            this.#handleStatus(message.status);
            break;

        case 'who':
            if (this.tabs.leading) {
                this.tabs.post({ t: 'status', status: this.status });
            }

            this.watch.handle(message);
            break;

        default:
            this.watch.handle(message);
        }
    }

    #handleStatus(status) {
        /* each tab asks the server whose it is */
        if (status === 'signed-out') {
            this.session.check();
        } else {
            this.#setStatus(status);
        }
    }

    #setStatus(status) {
        if (status === this.status) {
            return;
        }

        this.status = status;

        if (status === 'live') {
            this.outbox.flush();
            this.#marks.flush();
            this.#recover();

            this.#startCheck();
        }

        this.emit('status', status);
    }

    /* Fetches what could not be fetched while the server was unreachable. */
    #recover() {
        if (this.inbox.status === 'error') {
            this.inboxSync.sync();
        }

        if (this.thread?.stale) {
            this.threads.catchUp();
        }
    }
}
