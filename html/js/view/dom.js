/*
 * Helpers for the DOM. Texts are inserted as text nodes only; nothing uses
 * innerHTML.
 */

const SVG = 'http://www.w3.org/2000/svg';

/* 24 by 24, drawn with strokes */
const ICONS = {
    back: 'M15 5l-7 7 7 7',
    send: 'M5 12h13M12 5l7 7-7 7',
    search: 'M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4 4',
    filter: 'M4 7h16M7 12h10M10 17h4',
    close: 'M6 6l12 12M18 6L6 18',
    down: 'M12 5v13M6 13l6 6 6-6',
    clock: 'M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4l3 2',
    sent: 'M5 13l4 4L19 7',
    seen: 'M2 13l4 4L16 7M11.5 16.5l.5.5L22 7',
    warn: 'M12 4l9 16H3zM12 10v4M12 17v.5',
    people: 'M9 5a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM3 20c0-3 2.5-5 6-5'
            + 's6 2 6 5M16 5.5a3.5 3.5 0 0 1 0 6.5M18 15.5c2 .8 3 2.400 3 4.5',
    home: 'M4 11l8-7 8 7M6 10v10h12V10M10 20v-6h4v6',
    live: 'M12 10a2 2 0 1 0 0 4 2 2 0 0 0 0-4z',
    sync: 'M5 12a7 7 0 0 1 12-5l2 2M19 4v5h-5M19 12a7 7 0 0 1-12 5l-2-2'
          + 'M5 20v-5h5',
    off: 'M4 4l16 16M8.500 8.500A7 7 0 0 0 5 12a7 7 0 0 0 12 5M12 5a7 7 0 0 1 '
         + '7 7c0 1-.2 2-.6 2.800',
    done: 'M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18zM8 12l3 3 5-6',
    more: 'M6 12h.01M12 12h.01M18 12h.01',
    chat: 'M4 5h16v11H10l-5 4v-4H4z',
};


/*
 * Creates an element. Properties: "class"; "on" and an event, with a function;
 * any other is an attribute (true: empty, null or false: none). Children:
 * nodes, strings, null, and lists of them.
 */
export function h(tag, props = {}, ...children) {
    const element = document.createElement(tag);

    for (const [name, value] of Object.entries(props)) {
        if (typeof value === 'function') {
            element.addEventListener(name.slice(2), value);
        } else {
            attr(element, name, value);
        }
    }

    element.append(...children.flat(Infinity).filter((c) => c != null
                                                            && c !== false));

    return element;
}


/* Sets an attribute, or removes it where the value is null or false. */
export function attr(element, name, value) {
    if (value === null || value === undefined || value === false) {
        element.removeAttribute(name);

    } else {
        const text = value === true ? '' : String(value);

        if (element.getAttribute(name) !== text) {
            element.setAttribute(name, text);
        }
    }
}


/* An icon that screen readers skip: it always has words beside it. */
export function icon(name) {
    const svg = document.createElementNS(SVG, 'svg');
    const path = document.createElementNS(SVG, 'path');

    svg.setAttribute('viewBox', '0 0 24 24');
    svg.setAttribute('class', 'll-icon');
    svg.setAttribute('aria-hidden', 'true');
    path.setAttribute('d', ICONS[name]);
    svg.append(path);

    return svg;
}


/* Text for screen readers only. */
export function spoken(text) {
    return h('span', { class: 'll-spoken' }, text);
}


/* The content of an empty view: what that means, and what to do. */
export function empty(picture, title, what) {
    return h('div', { class: 'll-empty' }, icon(picture),
             h('p', { class: 'll-empty-title' }, title),
             h('p', {}, what));
}


/* Adds a style sheet to the page; resolves once it applies. */
export function loadStyle(href) {
    return new Promise((done, fail) => document.head.append(h('link', {
        rel: 'stylesheet', href, onload: done,
        onerror: () => fail(new Error(href)),
    })));
}


/* Replaces the children of an element. */
export function fill(element, ...children) {
    element.replaceChildren(...children.flat(Infinity).filter(Boolean));
}


/*
 * Updates the children of an element to a list of {key, sig}, and moves and
 * changes only those that differ. render(item) makes the content: it gets the
 * element (empty at first), and is called again when the sig of the item has
 * changed.
 */
export class KeyedList {
    constructor(parent, { tag = 'li', render }) {
        this.parent = parent;
        this.tag = tag;
        this.render = render;
        this.held = new Map();
    }

    update(items) {
        const keep = new Set(items.map((item) => item.key));

        for (const [key, { element }] of this.held) {
            if (!keep.has(key)) {
                element.remove();
                this.held.delete(key);
            }
        }

        let next = this.parent.firstElementChild;

        for (const item of items) {
            const element = this.element(item);

            if (element === next) {
                next = next.nextElementSibling;
            } else {
                this.parent.insertBefore(element, next);
            }
        }
    }

    element(item) {
        let held = this.held.get(item.key);

        if (!held) {
            held = { element: document.createElement(this.tag), sig: null };
            this.held.set(item.key, held);
        }

        if (held.sig !== item.sig) {
            held.sig = item.sig;
            this.render(held.element, item);
        }

        return held.element;
    }

    get(key) {
        return this.held.get(key)?.element ?? null;
    }
}
