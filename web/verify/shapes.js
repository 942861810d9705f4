/*
 * shapes.js: what statements of each kind look like: the program's tables (src/statement/shape.c and
 * predicate_*.c), so that what it calls malformed is malformed here. Members beyond a table are read
 * over. A shape is a function of a value, and of the keys named so far, which are judged in the end.
 */
import { fromBase64, fromHex, sha256Hex, utf8Bytes } from './bytes.js';
import { isDayAlone, parseMoment } from './moment.js';
import { KEY_COSIGNATURE, KEY_ED25519, NoteFault, parseNoteKey } from './note.js';

const TEXT_LIMIT = 4000;
const COUNT_LIMIT = 1 << 24;
const INDEX_LIMIT = 2 ** 53;
const COMMITMENT_KIND = 'rfc6962-sha256-salt32-jcs';
const WITHHELD = 'withheld';
const SEAL_PREFIX = 'x25519:';
const DOMAIN_LIMIT = 253;
const HOUR_LENGTH = 3600000;
const DELEGATION_LENGTH = 400 * 24 * HOUR_LENGTH;
const LEAVES_STEP = 4;
/* Control characters and those that turn the direction of what follows. */
const HIDDEN_SIGNS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/;
const DOMAIN_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const LANGUAGE_NAME = /^[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*$/;
const URI_FORM = /^[A-Za-z][A-Za-z0-9+.-]*:[!#-;=?-[\]_a-z~]+$/;
const PREDICATE_FORM = /^urn:entente:predicate:[a-z][a-z0-9-]*:[1-9][0-9]*$/;
const NODE_URL = /^https?:\/\/[^?#]*$/;

/* --- shapes --- */

const isPlainObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
const isText = (value) => typeof value === 'string' && utf8Bytes(value).length <= TEXT_LIMIT;
const formed = (is) => (value) => isText(value) && is(value);

const textShape = (low, high = TEXT_LIMIT) => (value) => {
  const length = typeof value === 'string' ? utf8Bytes(value).length : -1;
  return length >= low && length <= high && !HIDDEN_SIGNS.test(value);
};
const integer = (low, high) => (value) => Number.isInteger(value) && value >= low && value <= high;
const boolean = (value) => typeof value === 'boolean';
const word = (...words) => (value) => words.includes(value);
const orNull = (shape) => (value, keys) => value === null || shape(value, keys);
const orWithheld = (shape) => (value, keys) => value === WITHHELD || shape(value, keys);

const moment = formed((value) => !isDayAlone(value) && !Number.isNaN(parseMoment(value)));
const day = formed(isDayAlone);
const digest = formed((value) => fromHex(value, 32) !== null);
const base64 = formed((value) => value !== '' && fromBase64(value) !== null);
const domain = formed((value) => value.length <= DOMAIN_LIMIT && DOMAIN_NAME.test(value));
const country = formed((value) => /^[A-Z]{2}$/.test(value));
const language = formed((value) => LANGUAGE_NAME.test(value));
const uri = formed((value) => URI_FORM.test(value));
const predicateType = formed((value) => PREDICATE_FORM.test(value));

/* Whether a key's id fits it takes hashing: it is noted down, with the types it may have. */
const keyOf = (...types) => (value, keys) => isText(value) && Boolean(keys.push({ text: value, types }));
const ed25519 = keyOf(KEY_ED25519);
const witnessKey = keyOf(KEY_COSIGNATURE);
const signingKey = keyOf(KEY_ED25519, KEY_COSIGNATURE);
const roleKeyText = (value, keys) => (typeof value === 'string' && value.startsWith(SEAL_PREFIX)
  ? isText(value) && fromBase64(value.slice(SEAL_PREFIX.length))?.length === 32 : signingKey(value, keys));

/* `members`: name -> shape; a name that ends in '?' may be missing. */
const object = (members) => (value, keys) => isPlainObject(value) && Object.entries(members).every(([name, shape]) => {
  const member = name.replace(/\?$/, '');
  return Object.hasOwn(value, member) ? shape(value[member], keys) : member !== name;
});
const list = (inside, low, high) => (value, keys) => Array.isArray(value) && value.length >= low && value.length <= high &&
  value.every((item) => inside(item, keys));
/* In canonical form the same values are the same text. */
const unique = (inside, low, high) => (value, keys) => list(inside, low, high)(value, keys) &&
  new Set(value.map((item) => JSON.stringify(item))).size === value.length;
const map = (inside, low, high) => (value, keys) => isPlainObject(value) && Object.keys(value).length >= low &&
  Object.keys(value).length <= high && Object.values(value).every((item) => inside(item, keys));
const texts = (low, high, isKnown) => (value) => isPlainObject(value) && Object.keys(value).length >= low && Object.keys(value).length <= high &&
  Object.entries(value).every(([name, text]) => isKnown(name) && textShape(1)(text));

/* --- kinds --- */

const log = textShape(1, 256);
const ofProtocol = { log, time: moment };
const title = textShape(1, 300);
const groupWord = word('civil-society', 'private-sector', 'state');
const principleNumber = integer(1, 9);
const count = integer(0, COUNT_LIMIT);
const safeCount = integer(0, INDEX_LIMIT);
const normLetters = unique(word(...'abcdefghijk'), 0, 11);
const number = integer(0, INDEX_LIMIT);
const rootKeys = object({ threshold: integer(1, 16), keys: unique(ed25519, 1, 16) });
const ofText = { ...ofProtocol, title, language, uri, sha256: digest, norms: normLetters };

const networkText = textShape(3, 50);
const systemNumber = integer(0, 2 ** 32 - 1);
const peerCount = integer(0, 1000000);
const ofBackup = { 'log?': log, time: moment, backup: digest };

const PREDICATE_SHAPES = {
  assessment: {
    'log?': log,
    catalogue: object({ version: textShape(0, 300), digest: textShape(0, 300) }),
    started: moment,
    ended: moment,
    principles: list(object({ n: principleNumber, band: orNull(integer(1, 5)), coverage: orNull(integer(0, 100)) }), 9, 9),
    commitments: object({ algorithm: word(COMMITMENT_KIND), root: digest, count }),
    'order?': object({ critical: count, high: count, medium: count, low: count, info: count, first: count }),
    'signatory?': object({ 'name?': textShape(0), 'domain?': textShape(0) }),
  },
  attestation: {
    ...ofProtocol,
    signatory: digest,
    group: groupWord,
    checked: unique(word('contact', 'domain', 'legal-existence'), 0, 3),
    'note?': textShape(1),
    'withdrawn?': boolean,
  },
  'backup-manifest': { ...ofBackup, root: digest, count: number, bytes: number },
  'case-root': { ...ofProtocol, hour: moment, root: digest, leaves: integer(64, 2 ** 30) },
  commitment: {
    ...ofProtocol,
    text: texts(1, 30, (name) => LANGUAGE_NAME.test(name)),
    principle: principleNumber,
    norms: normLetters,
    cbms: unique(textShape(1, 40), 0, 100),
    gcsc: unique(integer(1, 8), 0, 8),
    kind: word('legal', 'normative', 'operational', 'technical'),
    due: day,
    convening: title,
    'status?': word('done', 'pledged', 'withdrawn'),
    'of?': digest,
    'evidence?': unique(object({ entry: digest }), 0, 100),
  },
  contact: { ...ofProtocol, roles: unique(textShape(1, 40), 0, 100), digest: orWithheld(digest) },
  delegation: {
    ...ofProtocol,
    key: roleKeyText,
    role: word('issuer', 'log', 'officer', 'operator', 'owner', 'seal', 'witness'),
    'predicates?': unique(predicateType, 1, 100),
    'from?': moment,
    until: moment,
  },
  endorsement: {
    ...ofProtocol,
    signatory: object({ name: title, group: groupWord, 'subtype?': title, country, domain }),
    principles: unique(principleNumber, 1, 9),
    root: rootKeys,
    'statements?': texts(0, 9, (name) => /^[1-9]$/.test(name)),
    reviewer: boolean,
    'contacts?': orWithheld(digest),
    'networks?': unique(networkText, 0, 256),
  },
  hunt: {
    'log?': log,
    engine: title,
    started: moment,
    ended: moment,
    tables: list(object({ sha256: digest, serial: safeCount, built: moment, values: safeCount }), 1, 64),
    rules: object({ valid: title, defanged: boolean }),
    files: integer(1, COUNT_LIMIT),
    unread: count,
    size: safeCount,
    bytes: safeCount,
    lines: safeCount,
    hits: count,
    suppressed: count,
    commitments: object({ algorithm: word(COMMITMENT_KIND), root: digest, count: integer(1, COUNT_LIMIT) }),
  },
  indicators: {
    'log?': log,
    time: moment,
    types: map(integer(1, COUNT_LIMIT), 1, 64),
    commitments: object({ algorithm: word(COMMITMENT_KIND), root: digest, count: integer(1, COUNT_LIMIT) }),
  },
  'legal-position': ofText,
  mailbox: { ...ofProtocol, urls: unique(uri, 1, 4), 'intake?': unique(textShape(1, 40), 0, 64) },
  'norm-report': { ...ofText, period: title },
  policy: {
    log,
    'time?': moment,
    version: integer(1, 2 ** 31 - 1),
    previous: orNull(digest),
    log_keys: unique(ed25519, 1, 8),
    operator: domain,
    'url?': orNull(uri),
    members: list(object({
      name: title, domain, group: groupWord, country, root: rootKeys, 'witness?': orNull(object({ key: witnessKey, 'url?': uri })),
    }), 0, 1000),
    'removed?': unique(digest, 0, 1000),
    quorum: object({ state: integer(0, 1000), 'private-sector': integer(0, 1000), 'civil-society': integer(0, 1000) }),
    'attestations?': object({ needed: integer(2, 100), groups: integer(2, 3) }),
    'checkpoint_max_age_s?': integer(60, 366 * 86400),
    'merge_delay_s?': integer(1, 86400),
    'review?': object({ findings: integer(1, 100), due_s: integer(3600, 366 * 86400) }),
  },
  recovery: { ...ofProtocol, root: rootKeys },
  'recovery-drill': {
    ...ofBackup,
    drill: digest,
    tool: word('borg', 'restic'),
    'manifest?': digest,
    dice: object({ source: word('local', 'log'), root: digest, 'size?': number }),
    sample: object({ wanted: number, intact: number, damaged: number, changed: number }),
    restored: object({ bytes: number, milliseconds: number }),
    aspects: list(object({
      aspect: word('access', 'completeness', 'freshness', 'immutability', 'integrity', 'isolation', 'manifest', 'restore', 'time'),
      verdict: word('failed', 'not-proven', 'proven'),
      'reason?': textShape(1, 40),
    }), 9, 9),
    commitments: object({ algorithm: word(COMMITMENT_KIND), root: digest, count }),
  },
  release: { ...ofProtocol, name: title, version: title, digest },
  review: {
    ...ofProtocol,
    assessment: digest,
    draw: object({ size: integer(1, INDEX_LIMIT), root: digest }),
    indices: unique(count, 0, 100),
    verdict: word('confirmed', 'contradicted', 'not-answered'),
    'note?': textShape(1),
  },
  revocation: { ...ofProtocol, key: roleKeyText, reason: word('lost', 'other', 'retired', 'rotated', 'stolen'), from_index: integer(0, INDEX_LIMIT) },
  'route-alarm': {
    ...ofProtocol,
    tlp: word('clear'),
    alarm: word('as-misuse', 'aspa-invalid', 'bogon', 'downstream', 'first-hop', 'leak', 'origin', 'rpki-invalid', 'squatting', 'sub-prefix',
      'super-prefix', 'upstream'),
    own: networkText,
    prefix: networkText,
    as: systemNumber,
    'path?': list(systemNumber, 1, 64),
    first: moment,
    last: moment,
    peers: integer(1, 1000000),
    'rov?': word('invalid-asn', 'invalid-length', 'notfound', 'valid'),
    'serial?': systemNumber,
    evidence: object({ sha256: digest, 'routes?': list(textShape(1, 2300), 1, 4) }),
  },
  'route-sighting': {
    ...ofProtocol,
    alarm: digest,
    seen: word('cannot-tell', 'not-seen', 'seen'),
    from: moment,
    until: moment,
    peers: peerCount,
    of: peerCount,
    sources: unique(word('live', 'recording'), 0, 2),
    'first?': moment,
    'last?': moment,
    'evidence?': digest,
  },
  succession: { ...ofProtocol, old: object({ origin: log, size: integer(0, INDEX_LIMIT), root: digest, note: base64 }), reason: textShape(1) },
};

const thresholdFits = ({ root }) => root.threshold <= root.keys.length;

function isPowerOf(step, number) {
  return number === 1 || (number > 1 && number % step === 0 && isPowerOf(step, number / step));
}

/* What members must be to one another: `subject` is the digest that the statement is about. */
const inOrder = (moments) => moments.every((text, at) => text !== undefined && (!at || parseMoment(moments[at - 1]) <= parseMoment(text)));

const PREDICATE_RULES = {
  assessment: ({ principles, commitments, order }) => principles.every(({ n }, at) => n === at + 1) &&
    (!order || order.critical + order.high + order.medium + order.low + order.info + order.first === commitments.count),
  attestation: ({ signatory, checked, withdrawn }, subject) => signatory === subject && (withdrawn === true || checked.length > 0),
  'backup-manifest': ({ root }, subject) => root === subject,
  'case-root': ({ hour, leaves }) => parseMoment(hour) % HOUR_LENGTH === 0 && isPowerOf(LEAVES_STEP, leaves),
  delegation: ({ key, role, from, time, until, predicates }, subject, types) => {
    const lasts = parseMoment(until) - parseMoment(from ?? time);
    const fits = role === 'seal' ? key.startsWith(SEAL_PREFIX) : types[0] === (role === 'witness' ? KEY_COSIGNATURE : KEY_ED25519);
    return lasts > 0 && lasts <= DELEGATION_LENGTH && fits && (role === 'issuer' || predicates === undefined);
  },
  endorsement: thresholdFits,
  hunt: ({ commitments, files, unread, hits, suppressed, started, ended, rules }, subject) => commitments.root === subject &&
    files + hits + suppressed === commitments.count && unread <= files && parseMoment(ended) >= parseMoment(started) &&
    (['any', 'line'].includes(rules.valid) || !Number.isNaN(parseMoment(rules.valid))),
  indicators: ({ commitments, types }, subject) => commitments.root === subject &&
    Object.values(types).reduce((sum, number) => sum + number, 0) === commitments.count,
  mailbox: ({ urls }) => urls.every((url) => NODE_URL.test(url)),
  recovery: thresholdFits,
  'recovery-drill': ({ commitments }, subject) => commitments.root === subject,
  release: ({ digest: file }, subject) => file === subject,
  review: ({ assessment }, subject) => assessment === subject,
  'route-alarm': async ({ first, last, evidence: { sha256, routes } }) => parseMoment(first) <= parseMoment(last) &&
    (!routes || await sha256Hex(utf8Bytes(routes.map((line) => `${line}\n`).join(''))) === sha256),
  'route-sighting': ({ alarm, seen, from, until, peers, of, first, last, evidence }, subject) => alarm === subject &&
    parseMoment(from) <= parseMoment(until) && peers <= of && seen === (of ? peers ? 'seen' : 'not-seen' : 'cannot-tell') &&
    (!peers || (evidence !== undefined && inOrder([from, first, last, until]))),
};

/* The types of the keys that were named; null when one is no key, or of another type than it may be. */
async function typesOf(keys) {
  try {
    const parsed = await Promise.all(keys.map(({ text }) => parseNoteKey(text)));
    const types = parsed.map(({ type }) => type);
    return types.every((type, at) => keys[at].types.includes(type)) ? types : null;
  } catch (fault) {
    if (fault instanceof NoteFault) return null;
    throw fault;
  }
}

/* Whether a predicate of this kind (of those that go into a log) is of its form. */
export async function hasItsForm(kind, predicate, subject) {
  const keys = [];
  if (!object(PREDICATE_SHAPES[kind])(predicate, keys)) return false;
  const types = await typesOf(keys);
  return types !== null && (!PREDICATE_RULES[kind] || PREDICATE_RULES[kind](predicate, subject, types));
}
