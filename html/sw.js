/*
 * Keeps the shell (pages, scripts, styles; never messages), so that it opens
 * without a network, or on one that does not answer.  The network comes
 * first, so a new version is never hidden by an old one, but for two seconds
 * at most: fetch() has no time limit of its own.
 */

const CACHE = 'leaseloft-shell-1';
const LIMIT = 2000;
const DISTRUST = 30000;

/* what each kind of file is served as */
const TYPES = {
    html: 'text/html',
    css: 'text/css',
    js: 'text/javascript',
    json: 'application/json',
    webmanifest: 'application/manifest+json',
    svg: 'image/svg+xml',
    png: 'image/png',
};

/* what only the real page has in it */
const MARK = 'id="ll-app"';

/* until then the network is not waited for at all */
let slowUntil = 0;


self.addEventListener('install', () => self.skipWaiting());

self.addEventListener('activate', (event) => {
    event.waitUntil((async () => {
        for (const name of await caches.keys()) {
            if (name.startsWith('leaseloft-') && name !== CACHE) {
                await caches.delete(name);
            }
        }

        await self.clients.claim();
    })());
});

self.addEventListener('fetch', (event) => {
    const { request } = event;
    const url = new URL(request.url);

    if (request.method === 'GET' && url.origin === location.origin
        && !url.pathname.startsWith('/api/'))
    {
        event.respondWith(answer(event, keyOf(url)));
    }
});


/*
 * One page answers for all addresses of its path: the query only names a
 * thread.  Any other file is its path, also where it is opened in a tab.
 */
function keyOf({ pathname }) {
    const root = new URL('./', location).pathname;

    return pathname === `${root}index.html` ? root : pathname;
}


async function answer(event, key) {
    const cached = await kept(key);
    const fresh = load(event.request, key);

    event.waitUntil(fresh.catch(() => {}));

    if (!cached) {
        return (await fresh).response;
    }

    const wait = Math.min(LIMIT, slowUntil > performance.now() ? 0 : LIMIT);

    return Promise.race([
        fresh.then(({ response, ours }) => {
            slowUntil = 0;

            return ours ? response : cached.clone();
        }).catch(() => cached.clone()),
        new Promise((resolve) => setTimeout(resolve, wait)).then(() => {
            slowUntil = performance.now() + DISTRUST;

            return cached;
        }),
    ]);
}


/* Asks the network, and stores what it says once the whole has come. */
async function load(request, key) {
    const response = await fetch(request);
    const ours = await isOurs(response, key);

    if (ours) {
        const copy = response.clone();

        try {
            await (await caches.open(CACHE)).put(key, copy);
        } catch {
            /* a full disk: the page opens, only not without a network */
        }
    }

    return { response, ours };
}


/*
 * A sign-on page or a router's may answer in our name, with any status: only
 * a file of the right kind is one of the shell, and the page itself has to be
 * the page.
 */
async function isOurs(response, key) {
    const path = key.endsWith('/') ? 'index.html' : key;
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


/* Storage that does not answer is no reason not to open. */
function kept(key) {
    return Promise.race([
        caches.match(key).catch(() => undefined),
        new Promise((resolve) => setTimeout(resolve, LIMIT / 4)),
    ]);
}
