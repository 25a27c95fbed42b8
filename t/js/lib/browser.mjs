/* A browser without a page: its tabs, and the server that they talk to. */

import { KeptCheck } from '../../../html/js/core/kept-check.js';
import { Messenger } from '../../../html/js/core/messenger.js';
import { Session } from '../../../html/js/core/session.js';
import { Tabs } from '../../../html/js/core/tabs.js';
import { FakeClock, FakeLocks, FakeServer, FakeSource, MemoryStore,
         makeChannels } from './fakes.mjs';


/* A browser with one user; tab() opens another tab of it. */
export function browser() {
    const clock = new FakeClock();
    const server = new FakeServer({ clock });
    const locks = new FakeLocks();
    const channel = makeChannels();
    const db = new MemoryStore();
    const sources = [];
    const state = { online: true, streams: true };
    let n = 0;

    const open = (url) => {
        const source = new FakeSource(url, sources);

        queueMicrotask(() => answer(source));

        return source;
    };

    /* the server's side of a stream: hello, then what was missed */
    const answer = (source) => {
        if (source.closed) {
            return;
        }

        if (!state.streams || server.down) {
            source.break();
            return;
        }

        if (source.url.startsWith('/api/inbox')) {
            source.say('hello', { rev: server.rev,
                                  total_unread: server.unread() });
            return;
        }

        const after = parseInt(source.url.split('after=')[1], 10);

        source.say('hello', server.meta());
        server.entries.filter((e) => e.seq > after).forEach((e) =>
            source.say(null, e, server.cursor(e.seq)));
    };

    const live = (kind) => sources.filter((s) => !s.closed
        && s.url.includes(kind));

    /* somebody writes, and the open streams say so */
    const say = (user, text) => {
        const entry = server.write(user, text);

        live('/properties/').forEach((s) =>
            s.say(null, entry, server.cursor(entry.seq)));
        live('/inbox/').forEach((s) => s.say('thread', {
            ...server.inboxThread(), total_unread: server.unread(),
        }, String(server.rev)));

        return entry;
    };

    const cut = () => {
        server.down = true;
        sources.filter((s) => !s.closed).forEach((s) => s.break());
    };

    const tab = async ({ visible = true, wait = true } = {}) => {
        const self = { visible };
        const tabs = new Tabs({ locks, channel: channel(), clock,
                                visible: () => self.visible, id: `t${n++}` });

        self.session = new Session({ api: server, clock });
        self.session.assume({ user: 'u-tom', name: 'Tom' });
        self.messenger = new Messenger({
            session: self.session, api: server, db, tabs,
            clock, open, online: () => state.online,
            visible: () => self.visible,
        });

        self.messenger.checkKept(KeptCheck);

        const started = self.messenger.start();

        await (wait && started);
        await clock.tick(1000);

        return self;
    };

    return { clock, server, sources, state, live, say, cut, tab, db };
}

/* the texts of the open thread */
export const texts = (tab) => tab.messenger.thread.entries.map((e) => e.text);
