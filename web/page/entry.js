/* entry.js: one entry of the log: what it says, and how this browser checked it. */
import { code, download, el, on, visible } from '../dom.js';
import { commandLine } from '../ui/copy.js';
import { card, notice, pageHead, summaryList } from '../ui/page.js';
import { kindName, kindOf, valueTree } from '../ui/statement.js';
import { stateBadge, timeOf, verdictClaim, verificationPart } from '../ui/verification.js';
import { toHex, utf8Text } from '../verify/bytes.js';
import { envelopeOf, statementOf } from '../verify/dsse.js';
import { compareDocument, verifyEntry } from '../verify/verify.js';

function signerLink(view, { id, name, domain }) {
  const shown = domain ? view.t('entry.who', { name: visible(name), domain: visible(domain) }) : visible(name);
  return id ? el('a', { href: view.href(`/signatories/${id}`) }, shown) : shown;
}

function saidPart(view, found) {
  const { statement, signer } = found;
  const { subject: [subject], predicate } = statement;
  return [
    summaryList([
      [view.t('entry.kind'), kindName(view, kindOf(statement))],
      [view.t('entry.signer'), signer && signerLink(view, signer)],
      [view.t('entry.log-time'), found.entryTime ? timeOf(view, found.entryTime) : null],
      [view.t('entry.subject'), subject.name && visible(subject.name)],
      [view.t('entry.digest'), code(subject.digest.sha256 ?? '')],
    ]),
    el('h3', {}, view.t('entry.said')),
    valueTree(view, predicate ?? null),
  ];
}

function saveButton(label, name, bytes, type) {
  return on(el('button', { type: 'button', class: 'button' }, label), 'click', () => download(name, new Blob([bytes], { type })));
}

function filesPart(view, found) {
  const name = `entry-${found.index}`;
  return [
    el('p', {}, view.t('entry.files.text')),
    el('div', { class: 'button-row' },
      saveButton(view.t('entry.save-proof'), `${name}.tlog-proof`, found.proofBytes, 'text/plain'),
      saveButton(view.t('entry.save-entry'), `${name}.json`, found.bytes, 'application/json')),
    el('h3', {}, view.t('entry.command')),
    commandLine(view, `entente verify ${name}.tlog-proof --entry ${name}.json`, view.t('entry.command')),
    el('p', { class: 'quiet' }, view.t('entry.command.text')),
  ];
}

function documentPart(view, found, part) {
  const field = el('input', { type: 'file', id: 'document' });
  const said = el('div', { 'aria-live': 'polite' });
  field.addEventListener('change', async () => {
    if (!field.files[0]) return;
    await compareDocument(found, new Uint8Array(await field.files[0].arrayBuffer()));
    part.show(found);
    const { state } = found.steps.step('document');
    said.replaceChildren(el('p', {}, stateBadge(view, state, 'step-state'), ' ', view.t(`entry.document.${state}`)));
  });
  return [el('p', {}, view.t('entry.document.text')), el('div', { class: 'field' }, el('label', { for: 'document' }, view.t('entry.document.label')), field), said];
}

function neighbours(view, index) {
  return el('nav', { class: 'pager', 'aria-label': view.t('entry.neighbours') },
    index > 0 && el('a', { href: view.href(`/log/${index - 1}`) }, view.t('entry.previous', { index: view.format.number(index - 1) })),
    el('a', { href: view.href('/log') }, view.t('entry.all')),
    el('a', { href: view.href(`/log/${index + 1}`) }, view.t('entry.next', { index: view.format.number(index + 1) })));
}

/* What cannot be shown as proven: the bytes, and why they stand here. */
function bytesPart(view, reason, bytes) {
  return [notice('warn', el('p', {}, view.t(reason))),
    bytes && el('details', {}, el('summary', {}, view.t('entry.bytes')), el('pre', { class: 'evidence-unknown', tabindex: '0' }, visible(utf8Text(bytes) ?? toHex(bytes))))].filter(Boolean);
}

/* Where nothing can be verified, the entry as the node served it. */
function servedPart(view, served) {
  const statement = served.entry ? statementOf(envelopeOf(served.entry)) : null;
  return [notice('warn', el('p', {}, view.t('entry.as-served'))), ...(statement ? saidPart(view, { statement }) : [])];
}

function saidOrNot(view, found, served) {
  if (found.state === 'cannot') return servedPart(view, served);
  if (found.state === 'failed') return bytesPart(view, 'entry.false', found.bytes);
  return found.statement ? saidPart(view, found) : bytesPart(view, found.bytes ? 'entry.unread' : 'log.broken', found.bytes);
}

function drawFound(view, found, parts) {
  view.claim(verdictClaim(view, found.state));
  parts.said.replaceChildren(...saidOrNot(view, found, parts.served));
  if (!found.statement || found.state === 'failed') return;
  parts.lead.textContent = view.t('entry.lead.known', { kind: kindName(view, kindOf(found.statement)), who: visible(found.signer?.name ?? found.envelope.signatures[0]?.keyid ?? '') });
  const hasDocument = found.steps.step('document').reason === 'no-document';
  parts.rest.replaceChildren(card('files', view.t('entry.files'), ...filesPart(view, found)),
    ...(hasDocument ? [card('document-card', view.t('entry.document'), ...documentPart(view, found, parts.check))] : []),
    card('envelope', view.t('entry.envelope'), el('details', {}, el('summary', {}, view.t('entry.envelope.show')),
      el('pre', { class: 'evidence-unknown', tabindex: '0' }, visible(JSON.stringify(JSON.parse(utf8Text(found.bytes)), null, 2))))));
}

export async function pageEntry(main, view) {
  const isIndex = /^(0|[1-9][0-9]{0,14})$/.test(view.parameter);
  /* Says that there is no such entry before anything is verified. */
  const served = await view.api(`/api/v1/entries/${isIndex ? view.parameter : 'none'}`);
  const index = Number(view.parameter);
  const title = view.t('entry.title', { index: view.format.number(index) });
  view.title(title);
  const parts = { served, lead: el('p', { class: 'lead' }, view.t('entry.lead')), said: el('div', { class: 'entry-said' }, el('p', { class: 'quiet' }, view.t('entry.reading'))), rest: el('div', {}) };
  parts.check = verificationPart(view, (options) => verifyEntry(index, options), { onDone: (found) => drawFound(view, found, parts) });
  const head = pageHead(view, title);
  head.append(parts.lead);
  main.append(head, card('said', view.t('entry.what'), parts.said), card('check', view.t('entry.check'), parts.check.node), parts.rest, neighbours(view, index));
  await parts.check.start();
}
