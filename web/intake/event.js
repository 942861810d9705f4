/*
 * event.js: events of a case as a reporter without account says them (src/process/case_event.h):
 * statements signed by the receipt's key, and the messages that carry them and their files.
 *
 *     message: {"type": "event", "envelope": {…}}               and nothing behind it
 *              {"type": "part", "case", "stream", "attachment": sha256, "size", "offset"} and the bytes
 */
import { sha256, sha256Hex, toHex, utf8Bytes } from '../verify/bytes.js';
import { signStatement } from '../seal/receipt.js';
import { packContent } from '../seal/seal.js';
import { canonicalJson } from '../verify/json.js';

const STATEMENT = 'https://in-toto.io/Statement/v1';
const CASE_EVENT = 'urn:entente:predicate:case-event:1';
const CASE_DIGITS = 32;
const EVENT_NONCE_BYTES = 32;
const PART_BYTES = 4 << 20;
const NAME_BYTES = 255;
const STREAM = 'shared';

/*
 * Bytes of all files together that a report may announce, with what is written later (CASE_REPORT_FILES_LIMIT
 * in src/process/case_event.h). Half is for the report, of which the browser keeps nothing, half for the rest.
 */
export const REPORT_FILES_BYTES = 100 << 20;

const secondsOf = (date) => `${date.toISOString().slice(0, 19)}Z`;
const randomHex = (bytes) => toHex(crypto.getRandomValues(new Uint8Array(bytes)));

/* The number of the case that an opening begins, of all that it says. */
async function caseNumberOf(predicate) {
  const digest = await sha256(utf8Bytes('entente/case/1\n'), canonicalJson(predicate));
  return toHex(digest).slice(0, CASE_DIGITS);
}

/* A name of one file in no folder, as short as events take it. */
function attachmentName(name) {
  let clean = name.toWellFormed().replace(/[/\\\u0000-\u001f\u007f]/g, '_');
  if (/^\.*$/.test(clean)) clean = `_${clean}`;
  while (utf8Bytes(clean).length > NAME_BYTES) clean = Array.from(clean).slice(0, -1).join('');
  return clean;
}

/* Files as events name them: {name, size, sha256, bytes}. One that stands twice is sent once. */
export async function readAttachments(files) {
  const read = new Map();
  for (const file of files) {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const hash = await sha256Hex(bytes);
    read.set(hash, { name: attachmentName(file.name), size: bytes.length, sha256: hash, bytes });
  }
  return [...read.values()];
}

/* The newest checkpoint that was verified here, unless this clock lies before it. */
function anchorOf(verified, now) {
  const seconds = Number(verified?.logTime ?? 0);
  if (!seconds || 1000 * seconds > now.getTime()) return {};
  const { size, root } = verified.checkpoint;
  return { anchor: { size: Number(size), root: toHex(root), time: secondsOf(new Date(1000 * seconds)) } };
}

/*
 * Signs an event: `said` has case (but an opening), kind, seq, previous?, heads?, to[], machine, event, fields, tlp,
 * attachments (as above); `verified` is what verify.js found, or null. {envelope, hash, case}
 */
export async function signEvent(reporter, log, said, verified) {
  const now = new Date();
  const { attachments = [], ...rest } = said;
  const listed = attachments.map(({ name, size, sha256: hash }) => ({ name, size, sha256: hash }));
  const predicate = {
    log,
    time: secondsOf(now),
    stream: STREAM,
    from: reporter.from,
    nonce: randomHex(EVENT_NONCE_BYTES),
    ...anchorOf(verified, now),
    ...rest,
    ...(listed.length ? { attachments: listed } : {}),
  };
  predicate.case ??= await caseNumberOf(predicate);
  const statement = {
    _type: STATEMENT,
    subject: [{ name: `case/${predicate.case}`, digest: { sha256: await sha256Hex(utf8Bytes(predicate.case)) } }],
    predicateType: CASE_EVENT,
    predicate,
  };
  const { envelope, payload } = await signStatement(reporter, statement);
  return { envelope, hash: toHex(await sha256(payload)), case: predicate.case };
}

/* The messages of an event of the case `id` in the order in which they are sent, the event before
 * its files; each is a function that gives its content, so that files are not held twice. */
export function messagesOf(id, envelope, attachments) {
  const messages = [() => packContent({ type: 'event', envelope })];
  for (const { sha256: attachment, size, bytes } of attachments) {
    for (let offset = 0; offset < size; offset += PART_BYTES) {
      messages.push(() => packContent({ type: 'part', case: id, stream: STREAM, attachment, size, offset }, bytes.subarray(offset, offset + PART_BYTES)));
    }
  }
  return messages;
}
