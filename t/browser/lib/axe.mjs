/* axe-core on a page; the context has to be opened with bypassCSP. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const axe = readFileSync(createRequire(import.meta.url)
    .resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa',
               'best-practice'];


/* Fails with what axe finds. */
export async function clean(page, where) {
    /* through the protocol, not the page, whose CSP forbids it */
    const found = await page.evaluate(async ([source, tags]) => {
        const { eval: run } = window;

        if (!window.axe) {
            run(source);
        }

        return (await window.axe.run(document, {
            runOnly: { type: 'tag', values: tags },
        })).violations.map((v) => `${v.id}: ${v.nodes.map((n) =>
            `${n.target} ${n.failureSummary}`).join('; ')}`);
    }, [axe, RULES]);

    assert.deepEqual(found, [], where);
}
