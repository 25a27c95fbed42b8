#!/usr/bin/env python3
"""A second verifier of records, written from docs/record.md alone: verify.py
FILE [KEY [NOTE-FILE]], exit status 0, or 1 and why; t/verify.t runs it."""

import base64
import hashlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

TIME = r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z'
ID = r'[A-Za-z0-9_-]{1,64}'
SPKI = bytes.fromhex('302a300506032b6570032100')
ENTRY, ERASED = ('seq', 'entry', 'salt', 'hash'), ('seq', 'digest', 'hash', 'erased_at')


class Bad(Exception):
    pass


def need(ok, why):
    if not ok:
        raise Bad(why)


def signed(key, sig, text):
    with tempfile.TemporaryDirectory() as where:
        for name, data in ('key', SPKI + key), ('sig', sig), ('text', text):
            pathlib.Path(where, name).write_bytes(data)
        return subprocess.run(
            ['openssl', 'pkeyutl', '-verify', '-pubin', '-keyform', 'DER', '-inkey', 'key', '-rawin',
             '-in', 'text', '-sigfile', 'sig'], cwd=where, capture_output=True).returncode == 0


def sha(*parts):
    return hashlib.sha256(b''.join(parts)).digest()


def once(pairs):
    need(len(pairs) == len(dict(pairs)) <= 32, 'a name is given twice, or too many')
    return dict(pairs)


def parse(data):
    need(len(data) <= 262144 and not any(c < 32 for c in data), 'too long, or control character')
    tree = json.loads(data.decode(), object_pairs_hook=once, parse_constant=lambda _: need(0, 'NaN'))
    need(deep(tree) <= 64, 'too deep')
    return tree


def deep(v):
    inner = v.values() if isinstance(v, dict) else v
    return 1 + max(map(deep, inner), default=0) if isinstance(v, (dict, list)) else 0


def like(pattern, value, why):
    need(isinstance(value, str) and re.fullmatch(pattern, value, re.ASCII), why)
    return value


def number(v):
    need(type(v) in (int, float) and 0 <= v < 10**15 and v == int(v), 'not a number')
    return int(v)


def members(v, names):
    need(isinstance(v, dict) and set(v) == set(names), 'members are not ' + ', '.join(names))
    return [v[n] for n in names]


def note_of(note, prop, key):
    m = re.fullmatch(rf'(([!-*,-~]{{1,128}})/({ID})\n(0|[1-9]\d{{0,14}})\n([A-Za-z0-9+/]{{43}}=)\n{TIME}\n)'
                     r'\n((?:\u2014 [^ \n\0-\x1f]+ [^\n\0-\x1f]+\n)+)', note, re.ASCII)
    need(m and len(note.encode()) <= 16384, 'a checkpoint is malformed')
    text, origin, of, seq, digest, lines = m.groups()
    need(of == prop, 'a checkpoint is of another property')
    if key:
        name, kid, public = re.fullmatch(r'([!-*,-~]+)\+([0-9a-f]{8})\+(\S{44})', key).groups()
        public = base64.b64decode(public, validate=True)
        need(sha(name.encode(), b'\n', public)[:4].hex() == kid and public[0] == 1, 'bad key')
        sigs = [base64.b64decode(s) for n, s in re.findall('\u2014 (\\S+) (.+)\n', lines) if n == name]
        sigs = [s[4:] for s in sigs if s[:4].hex() == kid and len(s) == 68]
        need(origin == name and sigs and all(signed(public[1:], s, text.encode()) for s in sigs),
             'a checkpoint is not signed with the key')
    need(base64.b64encode(base64.b64decode(digest)).decode() == digest, 'a checkpoint is malformed')
    return int(seq), base64.b64decode(digest)


def verify(lines, key, older):
    (record, prop, label, zone, reader, window, base, made) = members(parse(next(lines)), (
        'record', 'property', 'label', 'time_zone', 'reader', 'window', 'base', 'made_at'))
    first, last = map(number, members(window, ('first', 'last')))
    need(record == 'leaseloft/1' and isinstance(label, str) and isinstance(zone, str), 'first line')
    like(ID, prop, 'property'), like(TIME, made, 'made_at')
    user, role, name = (None, 'landlord', None) if reader is None else members(reader, ('user', 'role', 'name'))
    need(role in ('landlord', 'tenant') and (name is None or isinstance(name, str)), 'reader')
    need(reader is None or like(ID, user, 'reader'), 'reader')
    need(first >= 1 and (last >= first or (first, last) == (1, 0)), 'window')
    need(first == 1 or role == 'tenant', f'entry {first - 1} is missing')
    h = bytes.fromhex(like('[0-9a-f]{64}', base, 'base'))
    need(first > 1 or h == sha(prop.encode()), 'base is not the hash of the property')
    old_seq, old_hash = note_of(older, prop, key) if older else (first - 1, h)
    need(first - 1 <= old_seq <= last, 'the older checkpoint is outside the record')
    need(old_seq != first - 1 or old_hash == h, 'the older checkpoint has another base')
    for n in range(first, last + 1):
        v, where = parse(next(lines)), f'entry {n} '
        if set(v) == set(ENTRY):
            seq, entry, salt, now = members(v, ENTRY)
            inner = parse(like('[^\0-\x1f]*', entry, where).encode())
            need(isinstance(inner, dict) and number(inner.get('seq')) == n, where + 'has another seq')
            digest = sha(bytes.fromhex(like('[0-9a-f]{32}', salt, where + 'salt')), entry.encode())
            need(n > first or n == 1 or inner.get('kind') == 'lease' and (
                inner.get('event') == 'opened' or inner.get('event') == 'joined'
                and inner['party'].get('user') == user), where + 'does not let the reader in')
        else:
            seq, digest, now, at = members(v, ERASED)
            digest = bytes.fromhex(like('[0-9a-f]{64}', digest, where + 'digest'))
            need(like(TIME, at, 'erased_at') and (n > first or n == 1), where + 'is erased')
        need(number(seq) == n, where + 'is missing')
        h = sha(h, digest)
        need(h.hex() == now, where + 'has another hash')
        need(old_seq != n or old_hash == h, where + 'is not that of the older checkpoint')
    before, v = '', parse(next(lines))
    while set(v) == {'read'}:
        user, upto, at = members(v['read'], ('user', 'upto', 'at'))
        like(ID, user, 'read mark'), like(TIME, at, 'read mark')
        need(1 <= number(upto) <= last and at >= before, 'read mark')
        before, v = at, parse(next(lines))
    entries, note = members(v, ('entries', 'checkpoint'))
    need(number(entries) == last - first + 1, 'the number of entries is another')
    need(note is not None or not key, 'there is no checkpoint')
    need(note is None or note_of(note, prop, key) == (last, h), 'the checkpoint is of other entries')
    need(next(lines, None) is None, 'the record goes on after its last line')


def lines_of(file):
    while line := file.readline(262146):
        need(line.endswith(b'\n'), 'cut off, or a line is too long')
        yield line[:-1]


try:
    verify(lines_of(open(sys.argv[1], 'rb')), sys.argv[2] if len(sys.argv) > 2 else None,
           open(sys.argv[3], newline='', encoding='utf-8').read() if len(sys.argv) > 3 else None)
except (Bad, ValueError, LookupError, TypeError, AttributeError, RecursionError, StopIteration, RuntimeError) as e:
    sys.exit(f'does not verify: {e}')
