/*
 * The colors of a service. A color with less contrast than 4.5 to 1 against the
 * background (WCAG 2.2, 1.4.3) is ignored.
 */

const GROUND = { light: '#f2f4f1', dark: '#1f2726' };
const INK = ['#ffffff', '#000000'];
const LEAST = 4.5;


/* colors: {light, dark}, each "#rrggbb" or missing. */
export function paint(colors) {
    const dark = matchMedia('(prefers-color-scheme: dark)');
    const { style } = document.documentElement;
    const apply = () => {
        const scheme = dark.matches ? 'dark' : 'light';
        const color = colors[scheme];
        const good = /^#[0-9a-f]{6}$/i.test(color)
                     && contrast(color, GROUND[scheme]) >= LEAST;

        if (color && !good) {
            console.warn(`config.json: colors.${scheme} is not taken: it `
                         + 'must be "#rrggbb", with a contrast of 4.5 to 1 '
                         + `against ${GROUND[scheme]}`);
        }

        style.setProperty('--accent', good ? color : '');
        style.setProperty('--accent-text', good ? INK.reduce((a, b) =>
            contrast(color, a) >= contrast(color, b) ? a : b) : '');
    };

    dark.addEventListener('change', apply);
    apply();
}


/* The contrast ratio of WCAG 2.2. */
function contrast(a, b) {
    const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);

    return (high + .05) / (low + .05);
}


function luminance(color) {
    const [r, g, b] = [1, 3, 5].map((i) => {
        const c = parseInt(color.slice(i, i + 2), 16) / 255;

        return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
    });

    return .2126 * r + .7152 * g + .0722 * b;
}
