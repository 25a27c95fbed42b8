/*
 * Keeps the shell (pages, scripts, styles; never messages), so that it opens
 * without a network.  The network comes first: a new version is never hidden
 * by an old one.
 */

const CACHE = 'leaseloft-shell-1';


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
        event.respondWith(shell(event, request, url));
    }
});


/* One page answers for all its addresses: the query only names a thread. */
function keyOf(request, url) {
    return request.mode === 'navigate' ? './' : url.pathname;
}


async function shell(event, request, url) {
    const key = keyOf(request, url);

    try {
        const response = await fetch(request);

        if (response.ok && response.type === 'basic') {
            const copy = response.clone();

            event.waitUntil(caches.open(CACHE)
                .then((cache) => cache.put(key, copy)));
        }

        return response;

    } catch (error) {
        const cached = await caches.match(key);

        if (cached) {
            return cached;
        }

        throw error;
    }
}
