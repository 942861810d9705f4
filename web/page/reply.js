/*
 * reply.js: the answers to a report, opened with the words of its receipt, and a way to write back.
 * The words are kept nowhere: leaving the page forgets them.
 */
import { download, el, on, visible } from '../dom.js';
import { fetchJson, ApiProblem } from '../ui/api.js';
import { showErrors } from '../ui/errorsummary.js';
import { card, notice, pageHead } from '../ui/page.js';
import { statusMark } from '../ui/status.js';
import { parseReceipt, reporterOf } from '../seal/receipt.js';
import { sealBytes } from '../seal/seal.js';
import { canVerify } from '../verify/ed25519.js';
import { Conversation } from '../intake/conversation.js';
import { messagesOf, readAttachments, signEvent } from '../intake/event.js';
import { FormField, readFields } from '../intake/fields.js';
import { FileField, sizeText } from '../intake/files.js';
import { postSealed } from '../intake/mailbox.js';
import { RecipientPanel } from '../intake/recipient.js';

const MESSAGE_EVENT = 'message';
const MESSAGE_FIELD = 'text';
const NUMBER_OF_RECEIPT = /^[0-9a-f]{16}$/;
const WORDS_ROW = { id: 'words', type: 'line', limit: 200 };

/* A value of an event's field, by its row in the kind: words for choices, lists, truth. */
function valueNode(view, row, value) {
  const choiceText = (id) => view.i18n.pick(row?.choices?.find((choice) => choice.id === id)?.text ?? id).text;
  if (typeof value === 'boolean') return view.t(value ? 'form.yes' : 'form.no');
  if (Array.isArray(value)) return view.format.list(value.map((item) => visible(choiceText(item))));
  if (typeof value === 'number') return view.format.number(value);
  return el('div', { class: 'said' }, visible(choiceText(String(value))));
}

class Replies {
  constructor(view, main, kinds, intake, reporter) {
    Object.assign(this, { view, main, kinds, intake, reporter });
    this.queue = []; /* what is still to be sent of a message */
    this.begun = false; /* whether something of it arrived */
    this.conversation = new Conversation(reporter, intake.log);
    this.list = el('ol', { class: 'events' });
    this.status = el('p', { class: 'progress', role: 'status' });
    this.refresh = on(el('button', { type: 'button', class: 'button' }, view.t('reply.refresh')), 'click', () => this.load());
    this.writing = el('div');
    this.node = el('div', {}, card('answers', view.t('reply.answers'), el('p', { class: 'quiet' }, view.t('reply.first')), this.list, el('div', { class: 'send' }, this.refresh, this.status)), this.writing);
  }

  async load() {
    const { view, conversation } = this;
    this.refresh.disabled = true;
    this.status.textContent = view.t('reply.loading');
    try {
      const there = await conversation.read();
      const count = conversation.events.length;
      const arrived = conversation.acks.map(({ time }) => time).sort()[0];
      this.status.textContent = [!there || !count ? view.t('reply.nothing') : view.i18n.plural('reply.count', count, { n: view.format.number(count) }),
        arrived && view.t('reply.arrived', { time: view.format.time(arrived) })].filter(Boolean).join(' ');
      this.draw();
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) console.error(problem);
      this.status.textContent = view.t('report.offline');
    }
    this.refresh.disabled = false;
  }

  kindOf(event) {
    return this.kinds.find(({ id }) => id === event.kind);
  }

  titleOf(event) {
    if (this.view.i18n.has(`event.${event.event}`)) return { text: this.view.t(`event.${event.event}`) };
    const steps = this.kindOf(event)?.machines.flatMap((machine) => machine.steps) ?? [];
    return this.view.i18n.pick(steps.find((step) => step.event === event.event)?.title ?? visible(event.event));
  }

  signerNode({ event, signer }) {
    const { view } = this;
    if (event.from === this.reporter.from) return el('p', { class: 'event-from' }, view.t('reply.you'));
    return el('p', { class: `event-from signer-${signer.state}` }, statusMark(signer.state === 'verified' ? 'pass' : signer.state === 'failed' ? 'fail' : 'warn'), ' ',
      view.t(`signer.${signer.state}`, { name: signer.name ?? event.from.slice(0, 16) }));
  }

  attachmentNode(event, item) {
    const { view, conversation } = this;
    const whole = conversation.attachment(event, item);
    const label = [visible(item.name), ' ', el('span', { class: 'quiet' }, sizeText(view, item.size))];
    if (!whole) return el('li', {}, label, ' ', view.t('reply.incomplete'));
    return el('li', {}, label, ' ', on(el('button', { type: 'button', class: 'button button-small', 'aria-label': view.t('reply.save-name', { name: item.name }) }, view.t('reply.save')), 'click', () => download(item.name, new Blob([whole], { type: 'application/octet-stream' }))));
  }

  eventNode(entry) {
    const { view } = this;
    const { event } = entry;
    const rows = new Map((this.kindOf(event)?.fields ?? []).map((row) => [row.id, row]));
    const title = this.titleOf(event);
    const fields = Object.entries(event.fields).filter(([id]) => id !== 'reply_key');
    return el('li', { class: `event ${event.from === this.reporter.from ? 'event-own' : 'event-other'}` },
      el('h3', { lang: title.lang }, title.text),
      this.signerNode(entry),
      el('p', { class: 'quiet' }, el('time', { datetime: event.time }, view.format.time(event.time))),
      fields.length === 1 && fields[0][0] === MESSAGE_FIELD ? valueNode(view, null, fields[0][1]) : el('dl', { class: 'summary-list' }, fields.map(([id, value]) => {
        const name = view.i18n.pick(rows.get(id)?.title ?? id);
        return el('div', {}, el('dt', { lang: name.lang }, visible(name.text)), el('dd', {}, valueNode(view, rows.get(id), value)));
      })),
      event.attachments?.length > 0 && el('ul', { class: 'file-list' }, event.attachments.map((item) => this.attachmentNode(event, item))));
  }

  draw() {
    this.list.replaceChildren(...this.conversation.events.map((entry) => this.eventNode(entry)));
    if (this.conversation.canWrite() && !this.writing.hasChildNodes()) this.writing.append(this.messageForm());
  }

  recipient() {
    return this.intake.recipients.find(({ id }) => id === this.conversation.other());
  }

  messageForm() {
    const { view } = this;
    this.begun = false;
    const recipient = this.recipient();
    if (!recipient) return notice('warn', el('p', {}, view.t('reply.nobody')));
    this.panel = new RecipientPanel(view, recipient);
    this.panel.start();
    this.field = new FormField(view, { id: MESSAGE_FIELD, type: 'text', limit: 65536, title: view.t('reply.message') }, true);
    this.files = new FileField(view, this.conversation.announced());
    this.button = el('button', { type: 'submit', class: 'button button-primary' }, view.t('report.send'));
    this.progress = el('p', { class: 'progress', role: 'status' });
    const form = on(el('form', { class: 'intake', novalidate: true, autocomplete: 'off' }, card('write', view.t('reply.write'), this.field.node, this.files.node), card('recipient', view.t('recipient.title'), this.panel.node), el('div', { class: 'send' }, this.button, this.progress)), 'submit', (event) => {
      event.preventDefault();
      this.submit(form);
    });
    return form;
  }

  async submit(form) {
    const { view } = this;
    if (this.button.disabled) return;
    const { values, errors } = readFields([this.field]);
    const files = this.files.check();
    if (files) errors.push({ id: 'f-files', text: files });
    const proof = this.panel.check();
    if (proof) errors.push(proof);
    showErrors(view, this.main, errors);
    if (errors.length) return;
    this.button.disabled = true;
    try {
      this.progress.textContent = view.t('report.sealing');
      await this.send(values);
      form.remove();
      this.writing.replaceChildren();
      await this.load();
      this.status.textContent = view.t('reply.sent');
      this.refresh.focus();
    } catch (problem) {
      if (!(problem instanceof ApiProblem)) console.error(problem);
      this.progress.textContent = view.t(problem.status === 0 ? 'report.offline' : 'report.failed');
    }
    this.button.disabled = false;
  }

  /*
   * To the signatory; and a copy to the own box, so that it is there at the next visit. What may
   * have arrived is sent again as it was: two events in one place would be a fork, and the second
   * would not be believed. So the text stays as it is until it is known not to have arrived.
   */
  async send(fields) {
    const area = this.field.node.querySelector('textarea');
    if (!area.readOnly) this.queue = await this.prepare(fields);
    const all = this.queue.length;
    area.readOnly = true;
    try {
      while (this.queue.length) {
        const { mailbox, keys, message } = this.queue[0];
        await postSealed(mailbox, await sealBytes(message(), keys));
        this.queue.shift();
      }
    } catch (problem) {
      area.readOnly = !(problem.status > 0 && this.queue.length === all && !this.begun);
      this.begun ||= this.queue.length < all;
      throw problem;
    }
  }

  async prepare(fields) {
    const { conversation, reporter, panel } = this;
    const { recipient, keys } = panel;
    const attachments = await readAttachments(this.files.files);
    const following = conversation.next();
    const machine = this.kindOf(following)?.machines[0].id ?? following.machine;
    const said = { ...following, machine, to: [recipient.id], event: MESSAGE_EVENT, fields, attachments };
    const { envelope } = await signEvent(reporter, this.intake.log, said, panel.isGood() ? panel.verified : null);
    const messages = messagesOf(said.case, envelope, attachments).map((message) => ({ mailbox: recipient.mailbox, keys, message }));
    const [copy] = messagesOf(said.case, envelope, []);
    return [messages[0], { mailbox: reporter.box, keys: [reporter.seal.public], message: copy }, ...messages.slice(1)];
  }
}

function wordsForm(view, opened) {
  const field = new FormField(view, { ...WORDS_ROW, title: view.t('reply.words'), hint: view.t('reply.words-hint') }, true);
  const input = field.node.querySelector('input');
  for (const [name, value] of [['spellcheck', 'false'], ['autocapitalize', 'none'], ['autocorrect', 'off'], ['translate', 'no']]) input.setAttribute(name, value);
  const form = el('form', { class: 'intake', novalidate: true, autocomplete: 'off' }, card('open', view.t('reply.open'), field.node, el('div', { class: 'send' }, el('button', { type: 'submit', class: 'button button-primary' }, view.t('reply.button')))));
  return on(form, 'submit', async (event) => {
    event.preventDefault();
    const { values, errors } = readFields([field]);
    const bits = values.words && parseReceipt(values.words);
    const reporter = bits && await reporterOf(bits);
    const problem = errors.length ? errors[0].text
      : !bits ? view.t('reply.not-words')
        : NUMBER_OF_RECEIPT.test(view.parameter) && reporter.number !== view.parameter ? view.t('reply.other-receipt') : null;
    field.showProblem(problem);
    showErrors(view, form.closest('main'), problem ? [{ id: 'f-words', text: problem }] : []);
    if (!problem) opened(reporter);
  });
}

export async function pageReply(main, view) {
  const [{ kinds }, intake] = await Promise.all([fetchJson('/api/v1/kinds'), fetchJson('/api/v1/intake')]);
  main.append(pageHead(view, view.t('page.reply.title'), view.t('reply.lead')));
  if (!await canVerify()) return main.append(notice('warn', el('p', {}, view.t('report.no-crypto'))));
  const form = wordsForm(view, async (reporter) => {
    const replies = new Replies(view, main, kinds, intake, reporter);
    form.replaceWith(replies.node);
    const heading = replies.node.querySelector('h2');
    heading.tabIndex = -1;
    heading.focus();
    await replies.load();
  });
  return main.append(form, el('p', { class: 'quiet' }, view.t('reply.kept-nowhere')));
}
