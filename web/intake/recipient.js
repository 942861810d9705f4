/*
 * recipient.js: whom a report is sealed to, and how this browser knows that the keys are theirs:
 * each seal key's delegation is verified by the log before anything can be sent, and they are those
 * that are in force at the log's end: none that was revoked, and no newer one kept back.
 */
import { el, on, visible } from '../dom.js';
import { notice, summaryList } from '../ui/page.js';
import { statusMark } from '../ui/status.js';
import { sealKeysInForce } from '../verify/standing.js';
import { verifyEntry } from '../verify/verify.js';
import { parseSealKey, sealFingerprint } from '../seal/seal.js';

/* From good to bad: the worst of several keys counts. */
const PROOF_STATES = ['verified', 'stale', 'unwitnessed', 'cannot', 'unknown', 'withheld', 'past', 'failed'];
const PROOF_MARKS = { verified: 'pass', stale: 'warn', unwitnessed: 'warn', withheld: 'fail', past: 'fail', failed: 'fail' };
/* With these something can be sent at once; with others a person has to say so; with the last never. */
const GOOD_STATES = ['verified', 'stale', 'unwitnessed'];
const REFUSED_STATES = ['withheld', 'past', 'failed'];

function worstOf(states) {
  return states.reduce((worst, state) => (PROOF_STATES.indexOf(state) > PROOF_STATES.indexOf(worst) ? state : worst), PROOF_STATES[0]);
}

/* Whether a verified entry is what makes `key` a seal key of the recipient now. */
function isDelegationOf(found, recipient, key) {
  const { statement, signer } = found;
  const { predicate, predicateType, subject } = statement;
  return predicateType.endsWith(':delegation:1') && predicate.key === key && predicate.role === 'seal' &&
    subject[0].digest.sha256 === recipient.id &&
    signer.domain === recipient.domain && signer.name === recipient.name && !signer.disputed;
}

async function verifyKey(recipient, { key, index }) {
  const found = await verifyEntry(index, {});
  const isKnown = PROOF_STATES.includes(found.state);
  const isOther = GOOD_STATES.includes(found.state) && !isDelegationOf(found, recipient, key);
  return isOther || !isKnown ? { ...found, state: 'failed' } : found;
}

/* Whether a key that the log has in force for the recipient is not among those that the node gave. */
function isKeyWithheld({ keys, id }, [{ register }]) {
  return Boolean(register) && sealKeysInForce(register, id, Date.now()).some((key) => !keys.some((row) => row.key === key));
}

export class RecipientPanel {
  constructor(view, recipient) {
    this.view = view;
    this.recipient = recipient;
    this.keys = recipient.keys.map(({ key }) => parseSealKey(key)).filter(Boolean);
    this.state = 'pending';
    this.verified = null; /* what verify.js found of the newest key */
    this.proof = el('div', { class: 'proof', role: 'status' }, el('p', {}, view.t('proof.pending')));
    this.consent = el('input', { type: 'checkbox', id: 'f-unchecked', autocomplete: 'off' });
    this.fingerprints = el('div', { class: 'fingerprints' });
    this.node = el('div', { class: 'recipient' },
      summaryList([
        [view.t('recipient.name'), el('a', { href: view.href(`/signatories/${recipient.id}`) }, visible(recipient.name))],
        [view.t('recipient.domain'), el('span', { translate: 'no' }, visible(recipient.domain))],
        [view.t('recipient.country'), view.format.country(recipient.country)],
        [view.t('recipient.fingerprint'), this.fingerprints]]),
      this.proof);
  }

  /* Shows the fingerprints and verifies the keys; nothing it meets goes further than the panel. */
  async start() {
    try {
      await this.fingerprintKeys();
      await this.verify();
    } catch (fault) {
      console.error(fault);
      this.state = 'unknown';
      this.show();
    }
  }

  async fingerprintKeys() {
    const { view } = this;
    for (const key of this.keys) {
      this.fingerprints.append(el('code', { class: 'fingerprint', translate: 'no', dir: 'ltr' }, await sealFingerprint(key)));
    }
    this.fingerprints.append(el('p', { class: 'quiet' }, view.t('recipient.compare')));
  }

  async verify() {
    this.state = 'pending';
    this.proof.replaceChildren(el('p', {}, this.view.t('proof.pending')));
    const found = [];
    for (const row of this.recipient.keys) found.push(await verifyKey(this.recipient, row));
    [this.verified] = found;
    const states = found.map(({ state }) => state);
    if (isKeyWithheld(this.recipient, found)) states.push('withheld');
    this.state = this.keys.length === this.recipient.keys.length ? worstOf(states) : 'failed';
    this.show();
  }

  show() {
    const { view, state, recipient } = this;
    const [{ index }] = recipient.keys;
    const again = on(el('button', { type: 'button', class: 'button button-small' }, view.t('proof.again')), 'click', () => this.verify());
    this.proof.className = `proof proof-${state}`;
    this.proof.replaceChildren(
      el('p', { class: state === 'verified' ? 'is-computed' : null }, statusMark(PROOF_MARKS[state] ?? 'error'), ' ', view.t(`proof.${state}`, { index: view.format.number(index), name: recipient.name })),
      el('p', {}, el('a', { href: view.href(`/log/${index}`) }, view.t('proof.entry', { index: view.format.number(index) }))));
    if (state === 'verified') view.claim(el('p', {}, el('span', { class: 'is-computed' }, statusMark('pass'), ' ', view.t('proof.claim', { name: recipient.name })), ' ', view.t('proof.claim-rest')));
    if (state === 'unknown') this.proof.append(again);
    if (!this.isGood() && !REFUSED_STATES.includes(state)) {
      this.proof.append(notice('warn', el('div', { class: 'option' }, this.consent, el('label', { for: 'f-unchecked' }, view.t('proof.consent')))));
    }
  }

  isGood() {
    return GOOD_STATES.includes(this.state);
  }

  /* Why nothing can be sent yet, or undefined: {id, text}. */
  check() {
    if (this.state === 'pending') return { id: 'recipient', text: this.view.t('proof.wait') };
    if (REFUSED_STATES.includes(this.state)) return { id: 'recipient', text: this.view.t('proof.refused') };
    return this.isGood() || this.consent.checked ? undefined : { id: 'f-unchecked', text: this.view.t('proof.consent-missing') };
  }
}

/* "fr" as the reader's language calls it; what is no language tag stays as it is. */
function languageName(view, tag) {
  try {
    return new Intl.DisplayNames([view.i18n.language], { type: 'language' }).of(tag);
  } catch {
    return visible(tag);
  }
}

/* How else a signatory is reached, as its published record says. */
export function otherWays(view, contacts) {
  if (!contacts.length) return el('p', {}, view.t('ways.none'));
  return el('ul', { class: 'ways' }, contacts.map((contact) => el('li', {},
    el('h3', {}, visible([contact.role, contact.institution].filter(Boolean).join(', '))),
    summaryList([
      [view.t('ways.email'), contact.email && el('span', { translate: 'no' }, visible(contact.email))],
      [view.t('ways.phone'), contact.phone && el('span', { translate: 'no' }, visible(contact.phone))],
      [view.t('ways.hours'), [contact.hours, contact.time_zone].filter(Boolean).map(visible).join(', ')],
      [view.t('ways.languages'), contact.languages && view.format.list(contact.languages.map((tag) => languageName(view, tag)))],
      [view.t('ways.channels'), contact.channels?.length && el('ul', {}, contact.channels.map((channel) => el('li', { translate: 'no' }, visible(channel))))],
      [view.t('ways.keys'), contact.keys?.length && el('ul', {}, contact.keys.map((key) => el('li', {}, el('code', { translate: 'no' }, visible(key)))))],
    ]))));
}
