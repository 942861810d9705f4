/*
 * report.js: a call for help, a vulnerability, abuse or a preservation request, from someone
 * without an account. What is written stays in memory until it is sealed here; the node gets the
 * sealed message alone. What is needed is asked first, the rest may stay empty.
 */
import { el, on, visible } from '../dom.js';
import { fetchJson, ApiProblem } from '../ui/api.js';
import { copyButton } from '../ui/copy.js';
import { showErrors } from '../ui/errorsummary.js';
import { card, notice, pageHead } from '../ui/page.js';
import { newReceipt, receiptWords, reporterOf } from '../seal/receipt.js';
import { sealBytes } from '../seal/seal.js';
import { canVerify } from '../verify/ed25519.js';
import { messagesOf, readAttachments, signEvent } from '../intake/event.js';
import { FormField, readFields } from '../intake/fields.js';
import { FileField } from '../intake/files.js';
import { postSealed } from '../intake/mailbox.js';
import { RecipientPanel, otherWays } from '../intake/recipient.js';

const OPEN_EVENT = 'open';
/* Answered in an order that is computed and published. */
const ORDERED_KIND = 'assistance';
/* Filled in here: nobody is asked for them. */
const FILLED_FIELDS = ['reply_key'];

function kindDoors(view, kinds) {
  return el('ul', { class: 'doors' }, kinds.map((kind) => {
    const title = view.i18n.pick(kind.title);
    const about = view.i18n.pick(kind.about);
    return el('li', {}, el('a', { href: view.href(`/report/${kind.id}`), lang: title.lang }, title.text), el('p', { lang: about.lang }, about.text));
  }));
}

/* What the node learns of a report, said before anything is written. */
function nodeSees(view) {
  return card('sees', view.t('sees.title'),
    el('p', {}, view.t('sees.text')),
    el('ul', { class: 'points' }, ['time', 'size', 'address', 'recipient'].map((name) => el('li', {}, view.t(`sees.${name}`)))),
    el('p', {}, view.t('sees.not')),
    el('p', {}, view.t('sees.limit')),
    el('p', {}, view.t('sees.device')));
}

function otherWaysCard(view, contacts) {
  return card('ways', view.t('ways.title'), el('p', {}, view.t('ways.text')), otherWays(view, contacts));
}

/* Before anything is written: who will read it, and where the rest is said. */
function safety(view, recipient, kind) {
  return notice('info', el('p', {}, view.t('report.safety', { name: recipient.name }), ' ',
    el('a', { href: '#to' }, view.t('report.safety-key')), ' · ', el('a', { href: '#sees' }, view.t('sees.title')), ' · ', el('a', { href: '#ways' }, view.t('ways.title')),
    ...(kind.id === ORDERED_KIND ? [' · ', el('a', { href: view.href('/triage') }, view.t('report.order'))] : [])));
}

class ReportForm {
  constructor(view, kind, intake, recipients) {
    this.view = view;
    this.kind = kind;
    this.intake = intake;
    this.recipients = recipients;
    this.sent = null; /* what was sealed, so that a second try sends the same */
    this.progress = el('p', { class: 'progress', role: 'status' });
    this.button = el('button', { type: 'submit', class: 'button button-primary' }, view.t('report.send'));
    this.place = el('div', { id: 'recipient', tabindex: '-1' });
    this.fields = this.makeFields();
    this.files = new FileField(view);
    this.node = on(el('form', { class: 'intake', novalidate: true, autocomplete: 'off' }, this.parts()), 'submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    this.choose(recipients.find(({ id, domain }) => [id, domain].includes(view.query.get('to'))) ?? recipients[0]);
  }

  makeFields() {
    const { needs = [], takes = [] } = this.kind.opens;
    const rows = new Map(this.kind.fields.map((row) => [row.id, row]));
    const wanted = [...needs, ...takes].filter((id) => rows.has(id) && !FILLED_FIELDS.includes(id));
    const made = wanted.map((id) => new FormField(this.view, rows.get(id), needs.includes(id)));
    made.find(({ id }) => id === 'language')?.fill(this.view.i18n.language);
    return made;
  }

  parts() {
    const { view } = this;
    const first = this.fields.filter(({ required }) => required).map(({ node }) => node);
    const more = this.fields.filter(({ required }) => !required).map(({ node }) => node);
    return [
      card('first', view.t('report.first'), first),
      more.length > 0 && el('details', { class: 'card more' }, el('summary', {}, el('h2', {}, view.t('report.more'))), el('p', { class: 'card-lead' }, view.t('report.more-text')), more),
      card('files', view.t('attach.title'), this.files.node),
      card('to', view.t('recipient.title'), this.recipientChoice(), this.place),
      nodeSees(view),
      el('div', { class: 'send' }, this.button, this.progress)];
  }

  /* Only where there is a choice. */
  recipientChoice() {
    if (this.recipients.length === 1) return null;
    const options = this.recipients.map(({ id, name, domain }) => el('option', { value: id }, visible(`${name} (${domain})`)));
    const select = el('select', { id: 'f-to', autocomplete: 'off' }, options);
    on(select, 'change', () => this.choose(this.recipients.find(({ id }) => id === select.value)));
    this.select = select;
    return el('div', { class: 'form-field' }, el('label', { for: 'f-to' }, this.view.t('recipient.choose')), select);
  }

  choose(recipient) {
    this.panel = new RecipientPanel(this.view, recipient);
    if (this.select) this.select.value = recipient.id;
    this.place.replaceChildren(this.panel.node);
    this.panel.start();
  }

  say(key, values) {
    this.progress.textContent = key ? this.view.t(key, values) : '';
  }

  async submit() {
    if (this.button.disabled) return;
    const { values, errors } = readFields(this.fields);
    const files = this.files.check();
    if (files) errors.push({ id: 'f-files', text: files });
    const proof = this.panel.check();
    if (proof) errors.push(proof);
    showErrors(this.view, this.node.closest('main'), errors);
    if (errors.length) return;
    this.button.disabled = true;
    try {
      await this.send(values);
    } catch (problem) {
      this.failed(problem);
    }
    this.button.disabled = false;
  }

  /* Signs, seals and sends. What was begun is ended first: a second report would hide the first. */
  async send(values) {
    const { view, panel } = this;
    const content = JSON.stringify([panel.recipient.id, values, this.files.files.map(({ name, size, lastModified }) => [name, size, lastModified])]);
    if (!this.sent?.done && this.sent?.content !== content) {
      this.say('report.sealing');
      this.sent = { content, panel, done: 0, ...await this.prepare(values) };
    }
    const { messages } = this.sent;
    while (this.sent.done < messages.length) {
      this.say('report.sending', { n: view.format.number(this.sent.done + 1), total: view.format.number(messages.length) });
      const sealed = await sealBytes(messages[this.sent.done](), this.sent.panel.keys);
      await postSealed(this.sent.panel.recipient.mailbox, sealed);
      this.sent.done++;
    }
    this.say(null);
    showReceipt(view, this.node.closest('main'), this.sent, this.sent.panel.recipient);
    this.sent = null;
  }

  async prepare(values) {
    const { kind, panel, intake } = this;
    const receipt = newReceipt();
    const reporter = await reporterOf(receipt);
    const attachments = await readAttachments(this.files.files);
    const said = {
      kind: kind.id,
      seq: 1,
      to: [panel.recipient.id],
      machine: kind.machines[0].id,
      event: OPEN_EVENT,
      fields: { ...values, reply_key: reporter.replyKey },
      tlp: kind.tlp,
      attachments,
    };
    const { envelope, case: id } = await signEvent(reporter, intake.log, said, panel.isGood() ? panel.verified : null);
    return { words: receiptWords(receipt), number: reporter.number, messages: messagesOf(id, envelope, attachments) };
  }

  failed(problem) {
    const { view } = this;
    const isKnown = problem instanceof ApiProblem;
    const text = view.t(isKnown && problem.status === 0 ? 'report.offline' : isKnown && problem.status === 507 ? 'report.full' : 'report.failed');
    if (!isKnown) console.error(problem);
    this.say(null);
    this.progress.append(el('span', { class: 'field-error' }, text), isKnown && problem.detail ? el('span', { class: 'quiet', lang: 'en' }, ` ${visible(problem.detail)}`) : '');
  }
}

/* Shown once: nothing of it is kept anywhere but by the reader. */
function showReceipt(view, main, { words, number }, recipient) {
  const address = view.href(`/case/${number}`);
  const parts = words.split('-');
  const halves = [`${parts.slice(0, 4).join('-')}-`, parts.slice(4).join('-')];
  const shown = el('code', { class: 'receipt-words', translate: 'no', dir: 'ltr', id: 'receipt-words' }, halves.map((half) => el('span', { class: 'receipt-half' }, half)));
  const title = view.t('receipt.title');
  view.title(title);
  main.replaceChildren(
    pageHead(view, title, view.t('receipt.lead', { name: recipient.name })),
    card('receipt', view.t('receipt.words'),
      el('p', {}, view.t('receipt.once')),
      el('div', { class: 'receipt' }, shown),
      el('p', { class: 'receipt-buttons' }, copyButton(view, `${words}\n${number}\n${address}`, shown, view.t('receipt.words')), ' ',
        on(el('button', { type: 'button', class: 'button button-small' }, view.t('receipt.print')), 'click', () => print())),
      el('p', {}, view.t('receipt.number'), ' ', el('code', { translate: 'no' }, number)),
      el('p', {}, view.t('receipt.where'), ' ', el('a', { href: address }, address)),
      notice('warn', el('p', {}, view.t('receipt.secret')))),
    card('next', view.t('receipt.next'), el('p', {}, view.t('receipt.next-text'))));
  main.querySelector('h1').focus();
  scrollTo(0, 0);
}

function kindsFor(kinds, intake) {
  const taken = new Set(intake.recipients.flatMap((recipient) => recipient.kinds));
  return kinds.filter(({ id, anonymous }) => anonymous && taken.has(id));
}

function noForm(main, view, title, lead, text, contacts) {
  main.append(pageHead(view, title, lead), notice('warn', el('p', {}, text)), otherWaysCard(view, contacts));
}

export async function pageReport(main, view) {
  const [{ kinds }, intake] = await Promise.all([fetchJson('/api/v1/kinds'), fetchJson('/api/v1/intake')]);
  const kind = kinds.find(({ id, anonymous }) => anonymous && id === view.parameter);
  if (view.parameter && !kind) throw new ApiProblem(404, '', null);
  if (!kind) {
    const taken = kindsFor(kinds, intake);
    if (!taken.length) return noForm(main, view, view.t('page.report.title'), view.t('report.lead'), view.t('report.nobody'), intake.contacts);
    return main.append(pageHead(view, view.t('page.report.title'), view.t('report.lead')), kindDoors(view, taken), nodeSees(view), otherWaysCard(view, intake.contacts));
  }
  const title = view.i18n.pick(kind.title);
  const lead = view.i18n.pick(kind.about);
  const recipients = intake.recipients.filter((recipient) => recipient.kinds.includes(kind.id)).sort((left, right) => right.own - left.own);
  view.title(title.text);
  if (!recipients.length) return noForm(main, view, title.text, lead.text, view.t('report.nobody'), intake.contacts);
  if (!await canVerify()) return noForm(main, view, title.text, lead.text, view.t('report.no-crypto'), intake.contacts);
  const form = new ReportForm(view, kind, intake, recipients);
  const own = recipients.find(({ id }) => id === form.panel.recipient.id);
  return main.append(pageHead(view, title.text, lead.text, view.t('page.report.title')), safety(view, form.panel.recipient, kind), form.node, otherWaysCard(view, own.contacts.length ? own.contacts : intake.contacts));
}
