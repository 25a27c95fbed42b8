/* What ESLint checks in the pages and their tests: make lint. */

const BROWSER = ['AbortController', 'AbortSignal', 'BroadcastChannel',
    'IDBKeyRange', 'MessageChannel', 'ResizeObserver', 'Response',
    'TextDecoder', 'TextDecoderStream', 'TextEncoder', 'URL',
    'URLSearchParams', 'addEventListener', 'atob', 'btoa', 'caches',
    'clearTimeout', 'console', 'crypto', 'document', 'fetch',
    'getComputedStyle', 'history', 'indexedDB', 'innerHeight', 'innerWidth',
    'localStorage', 'location', 'matchMedia', 'navigator', 'performance',
    'queueMicrotask', 'requestAnimationFrame', 'self', 'setInterval',
    'setTimeout', 'structuredClone', 'window'];

/* which tests use in a page besides, and what node has */
const TESTS = ['Buffer', 'ClipboardEvent', 'DOMException', 'DataTransfer',
    'DragEvent', 'Event', 'File', 'IDBDatabase', 'IDBFactory', 'KeyboardEvent',
    'MutationObserver', 'Navigator', 'PointerEvent', 'ReadableStream',
    'Storage', 'SubtleCrypto', 'TransformStream', 'process', 'sessionStorage',
    'setImmediate'];

const globals = Object.fromEntries(BROWSER.map((name) =>
    [name, 'readonly']));
const ofTests = Object.fromEntries(TESTS.map((name) => [name, 'readonly']));

const rules = {
    'array-callback-return': 'error',
    'constructor-super': 'error',
    'eqeqeq': ['error', 'always', { null: 'ignore' }],
    'for-direction': 'error',
    'getter-return': 'error',
    'max-len': ['error', { code: 80, ignoreRegExpLiterals: true,
                           ignoreUrls: true }],
    'max-lines': ['error', 600],
    'no-async-promise-executor': 'error',
    'no-class-assign': 'error',
    'no-compare-neg-zero': 'error',
    'no-const-assign': 'error',
    'no-constant-binary-expression': 'error',
    'no-dupe-args': 'error',
    'no-dupe-class-members': 'error',
    'no-dupe-else-if': 'error',
    'no-dupe-keys': 'error',
    'no-duplicate-case': 'error',
    'no-empty-pattern': 'error',
    'no-eval': 'error',
    'no-fallthrough': 'error',
    'no-func-assign': 'error',
    'no-implied-eval': 'error',
    'no-import-assign': 'error',
    'no-new-func': 'error',
    'no-prototype-builtins': 'error',
    'no-redeclare': 'error',
    'no-self-assign': 'error',
    'no-self-compare': 'error',
    'no-setter-return': 'error',
    'no-shadow-restricted-names': 'error',
    'no-sparse-arrays': 'error',
    'no-this-before-super': 'error',
    'no-undef': 'error',
    'no-unexpected-multiline': 'error',
    'no-unmodified-loop-condition': 'error',
    'no-unreachable': 'error',
    'no-unsafe-finally': 'error',
    'no-unsafe-optional-chaining': 'error',
    'no-unused-private-class-members': 'error',
    'no-unused-vars': ['error', { args: 'after-used',
                                  varsIgnorePattern: '^_',
                                  ignoreRestSiblings: true }],
    'no-use-before-define': ['error', { functions: false, classes: false,
                                      variables: false }],
    'no-useless-catch': 'error',
    'no-var': 'error',
    'prefer-const': ['error', { destructuring: 'all' }],
    'require-yield': 'error',
    'use-isnan': 'error',
    'valid-typeof': 'error',
};

export default [
    {
        files: ['html/**/*.js'],
        linterOptions: { reportUnusedDisableDirectives: 'error' },
        languageOptions: { ecmaVersion: 2024, sourceType: 'module', globals },
        rules,
    },
    {
        /* under node, with functions that run in a page */
        files: ['t/**/*.mjs', 'bench/*.mjs'],
        linterOptions: { reportUnusedDisableDirectives: 'error' },
        languageOptions: { ecmaVersion: 2024, sourceType: 'module',
                           globals: { ...globals, ...ofTests } },
        rules,
    },
    {
        /* core knows no page: it runs under node as well */
        files: ['html/js/core/**/*.js'],
        rules: {
            'no-restricted-globals': ['error', 'document', 'window',
                                      'localStorage', 'history', 'location'],
            'no-restricted-imports': ['error', { patterns: [
                '**/view/*', '**/main.js', '**/account.js'] }],
        },
    },
];
