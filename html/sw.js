/*
 * Stores the shell (pages, scripts, styles; never messages) as whole versions,
 * and answers requests from it. When a page asks for a check, each file is
 * requested again, which costs a 304 while it has not changed. If one differs,
 * the whole new version is stored beside the old one; it is used when a page
 * asks for it, or from the next visit on. The files of a version are found by
 * the links in them, so no list is needed.
 */

const START = 'leaseloft-shell-';
const LIMIT = 2000;
const AT_ONCE = 6;

/* marks in a version: complete; in use */
const WHOLE = 'whole';
const USED = 'used';

/* files to which no link leads */
const MORE = ['config.json', 'css/search.css', 'css/thread.css',
              'img/icon-unread.svg', 'js/strings/de.js',
              'js/strings/print-de.js', 'js/strings/search-de.js',
              'js/strings/search-en.js', 'print.html'];
const LINKS = {
    html: /(?:href|src)="([^":#]+)"/g,
    js: /(?:from |import |import\()'(\.[^']+)'/g,
    webmanifest: /"src": "([^"]+)"/g,
};

/* the type of each kind of file */
const TYPES = {
    html: 'text/html',
    css: 'text/css',
    js: 'text/javascript',
    json: 'application/json',
    webmanifest: 'application/manifest+json',
    svg: 'image/svg+xml',
    png: 'image/png',
};

/* a text that only the real page contains */
const MARK = 'id="ll-app"';

const root = new URL('./', location).pathname;

let checking = null;


self.addEventListener('install', (event) => {
    self.skipWaiting();
    event.waitUntil(install());
});

self.addEventListener('activate', (event) => {
    event.waitUntil(self.clients.claim());
});

self.addEventListener('fetch', (event) => {
    const { request } = event;
    const url = new URL(request.url);

    if (request.method === 'GET' && url.origin === location.origin
        && !url.pathname.startsWith('/api/'))
    {
        event.respondWith(answer(request, keyOf(url)));
    }
});

self.addEventListener('message', (event) => {
    const [port] = event.ports;
    const job = event.data === 'take' ? take() : check();

    event.waitUntil(job.catch(() => null).then((result) =>
        port.postMessage(result)));
});


/*
 * One page serves all addresses of its path: the query only names a thread. The
 * key of any other file is its path, also if it is opened in a tab.
 */
function keyOf({ pathname }) {
    return pathname === `${root}index.html` ? root : pathname;
}


async function answer(request, key) {
    if (request.mode === 'navigate' && key === root) {
        await within(LIMIT / 4, renew());
    }

    const cached = kept(key);

    /* if storage is slow or empty, whichever answers first */
    return await within(LIMIT / 4, cached) ?? Promise.any([
        fetch(request),
        cached.then((response) => response ?? Promise.reject()),
    ]).catch(() => nothing(request));
}


/*
 * The response if nothing is stored and nothing arrives, or the page has
 * cancelled the load. A promise that rejects would be logged as an error. A
 * person who navigates gets the browser's own error page.
 */
function nothing({ mode }) {
    return mode === 'navigate' ? Response.error()
                               : new Response(null, { status: 504 });
}


async function kept(key) {
    const cache = (await versions()).find(({ used }) => used)?.cache;

    return cache?.match(key);
}


/* The page opens even if the storage does not answer. */
function within(ms, job) {
    return Promise.race([
        job.catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, ms)),
    ]);
}


/* ---- versions ---- */

/* Complete versions, newest first. */
async function versions() {
    const names = (await caches.keys()).filter((name) =>
        name.startsWith(START)).sort().reverse();
    const all = await Promise.all(names.map(async (name) => {
        const cache = await caches.open(name);

        return { name, cache, whole: await cache.match(WHOLE),
                 used: await cache.match(USED) };
    }));

    return all.filter(({ whole }) => whole);
}


/* Puts the newest version into use. */
async function take() {
    const [newest] = await versions();

    if (newest && !newest.used) {
        await newest.cache.put(USED, new Response(''));
    }

    if (newest) {
        await Promise.all((await caches.keys()).filter((name) =>
            name.startsWith('leaseloft-')
            && (name < newest.name || name.length < newest.name.length))
            .map((name) => caches.delete(name)));
    }

    return true;
}


/* A visit while no other page is open uses the newest version. */
async function renew() {
    const pages = await self.clients.matchAll({ type: 'window' });

    if (pages.length <= 1 && !(await versions())[0]?.used) {
        await take();
    }
}


/* Stores the version that the page has just loaded. */
async function install() {
    if ((await versions()).length === 0 && await fetchAll('force-cache')) {
        await take();
    }
}


/*
 * Resolves to true if there is a newer version than the one in use, and to null
 * if none could be stored.
 */
function check() {
    checking ??= look().finally(() => {
        checking = null;
    });

    return checking;
}


async function look() {
    const [newest] = await versions();

    /* what failed may be in the browser's cache */
    if (!newest) {
        return await fetchAll('no-cache') && await take() ? false : null;
    }

    for (const request of await newest.cache.keys()) {
        const key = new URL(request.url).pathname;

        if (key !== root + WHOLE && key !== root + USED) {
            const old = await newest.cache.match(key);
            const response = await ask(key, 'no-cache');

            if (!await isOurs(response, key)) {
                /*
                 * removed in a new version, or the network changed the response
                 */
                return response.status === 404 ? fetchAll('no-cache')
                                               : !newest.used;
            }

            if (response.headers.get('ETag') !== old.headers.get('ETag')) {
                return fetchAll('no-cache');
            }
        }
    }

    return !newest.used;
}


/* Stores a whole version; resolves to false if it could not be loaded. */
async function fetchAll(mode) {
    const name = START + String(Date.now()).padStart(15, '0');
    const cache = await caches.open(name);
    const seen = new Set();
    let keys = [root, ...MORE.map((path) => root + path)];

    try {
        while (keys.length) {
            const now = keys.splice(0, AT_ONCE);
            const found = await Promise.all(now.map((key) =>
                store(cache, key, mode)));

            now.forEach((key) => seen.add(key));
            keys = [...new Set(keys.concat(...found))]
                .filter((key) => !seen.has(key));
        }

        await cache.put(WHOLE, new Response(''));

        return true;

    } catch {
        await caches.delete(name);

        return false;
    }
}


/* Stores a file; returns the keys of its links. */
async function store(cache, key, mode) {
    const response = await ask(key, mode);

    if (!await isOurs(response, key)) {
        if (key === root + MORE[0]) {
            return [];
        }

        throw new Error(`not ours: ${key}`);
    }

    const links = LINKS[key === root ? 'html' : key.split('.').pop()];
    const found = links
        ? [...(await response.clone().text()).matchAll(links)] : [];

    await cache.put(key, response);

    return found.map(([, path]) =>
        keyOf(new URL(path, new URL(key, location))))
        .filter((path) => path.startsWith(root));
}


function ask(key, mode) {
    return fetch(key, { cache: mode, signal: AbortSignal.timeout(60000) });
}


/*
 * A sign-on page or a router may answer in the server's place, with any status:
 * a file belongs to the shell only if it has the right type, and the page
 * itself only if it contains MARK.
 */
async function isOurs(response, key) {
    const path = key === root ? 'index.html' : key;
    const type = response.headers.get('Content-Type') ?? '';

    if (response.status !== 200 || response.type !== 'basic'
        || response.redirected
        || type.split(';')[0] !== TYPES[path.split('.').pop()])
    {
        return false;
    }

    return path !== 'index.html'
           || (await response.clone().text()).includes(MARK);
}
