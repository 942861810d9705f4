/*
 * viewer.js: which viewer this node serves: its digest, computed here over every file of it, and the
 * release in the log that names this digest.
 */
import { code, el, visible } from '../dom.js';
import { sha256Hex, utf8Bytes, utf8Text } from '../verify/bytes.js';
import { entryStatement, parseEntry } from '../verify/dsse.js';
import { kindOfEntry } from '../verify/register.js';
import { BUNDLE_WIDTH, fetchBytes } from '../verify/tiles.js';
import { stateBadge } from './verification.js';
import { summaryList } from './page.js';

const MANIFEST_LINE = /^([0-9a-f]{64}) {2}([\w./-]+)$/;

/* {digest, altered (the first path whose bytes are not those of the list; or null)} */
async function viewerDigest(base) {
  const lines = utf8Text(await fetchBytes(`${base}manifest`)).trimEnd().split('\n');
  const found = [];
  let altered = null;
  for (const line of lines) {
    const path = MANIFEST_LINE.exec(line)?.[2];
    const digest = path ? await sha256Hex(await fetchBytes(base + path)) : '';
    if (!line.startsWith(digest) || !path) altered ??= path ?? line;
    found.push(`${digest}  ${path}\n`);
  }
  return { digest: await sha256Hex(utf8Bytes(found.join(''))), altered };
}

/* The newest releases in the log with one of these digests: digest -> {index, name, version}. */
async function releasesOf(verifier, digests) {
  const found = new Map();
  for (let number = Math.floor((verifier.reader.size - 1) / BUNDLE_WIDTH); number >= 0 && found.size < digests.length; number--) {
    const entries = await verifier.reader.bundle(number);
    for (let at = entries.length - 1; at >= 0; at--) {
      if (kindOfEntry(entries[at]) !== 'release') continue;
      const { name, version, digest } = entryStatement(parseEntry(entries[at])).predicate;
      if (digests.includes(digest) && !found.has(digest)) found.set(digest, { index: number * BUNDLE_WIDTH + at, name, version });
    }
  }
  return found;
}

/* What the log says of a digest, verified as any entry. */
async function releaseLine(view, verifier, release) {
  if (!release) return el('p', {}, stateBadge(view, 'unknown'), ' ', view.t('viewer.not-logged'));
  const { state, signer } = await verifier.verifyEntry(release.index);
  const said = view.t('viewer.logged', { name: visible(release.name), version: visible(release.version), index: view.format.number(release.index), who: visible(signer?.name ?? '') });
  return el('p', {}, stateBadge(view, state), ' ', el('a', { href: view.href(`/log/${release.index}`) }, said));
}

async function drawViewer(view, verifier, part) {
  const { base } = document.documentElement.dataset;
  const file = `${base}entente-verifier.html`;
  const [{ digest, altered }, fileDigest] = [await viewerDigest(base), await sha256Hex(await fetchBytes(file))];
  const rows = [
    summaryList([[view.t('viewer.digest'), code(digest)]]),
    altered && el('p', {}, stateBadge(view, 'failed'), ' ', view.t('viewer.altered', { path: visible(altered) })),
  ];
  const own = el('div', {});
  const saved = el('div', {});
  part.replaceChildren(...rows.filter(Boolean), own, el('h3', {}, view.t('viewer.file')),
    el('p', {}, el('a', { class: 'button button-primary', href: new URL(file, location.href).href, download: 'entente-verifier.html' }, view.t('viewer.download'))),
    summaryList([[view.t('viewer.file-digest'), code(fileDigest)]]), saved, el('p', { class: 'quiet' }, view.t('viewer.limit')));
  const { state } = await verifier.verifyCheckpoint();
  if (state === 'failed' || !verifier.reader.size) {
    own.append(el('p', {}, view.t('viewer.unknown')));
    return;
  }
  const releases = await releasesOf(verifier, [digest, fileDigest]);
  own.replaceChildren(await releaseLine(view, verifier, releases.get(digest)));
  saved.replaceChildren(await releaseLine(view, verifier, releases.get(fileDigest)));
}

/* A part that fills itself. */
export function viewerPart(view, verifier) {
  const part = el('div', {}, el('p', { class: 'quiet' }, view.t('entry.reading')));
  const drawn = drawViewer(view, verifier, part).catch((fault) => {
    part.replaceChildren(el('p', {}, view.t('viewer.unknown')), el('p', { class: 'quiet', lang: 'en' }, visible(fault.message)));
  });
  return { part, drawn };
}
