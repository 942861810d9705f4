/*
 * mailbox.js: the node's mailboxes for people without an account: sealed messages put into a
 * signatory's, answers taken out of a box whose name only the reporter knows.
 */
import { ApiProblem, fetchJson } from '../ui/api.js';
import { mailboxWork } from '../seal/work.js';

const MAILBOXES = '/api/v1/mailboxes/';
const SEALED_TYPE = 'application/octet-stream';

async function problemIn(answer) {
  const text = await answer.text();
  let detail = '';
  try {
    detail = JSON.parse(text).detail ?? '';
  } catch {
    /* the status says it */
  }
  return new ApiProblem(answer.status, detail, answer.headers.get('Retry-After'));
}

async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { credentials: 'omit', referrerPolicy: 'no-referrer', ...options });
  } catch {
    throw new ApiProblem(0, '', null);
  }
  if (!answer.ok) throw await problemIn(answer);
  return answer;
}

async function postWithWork(mailbox, sealed) {
  const { work_bits: bits } = await fetchJson(MAILBOXES + mailbox);
  const nonce = await mailboxWork(mailbox, sealed, bits);
  const headers = { 'Content-Type': SEALED_TYPE, 'Entente-Work': nonce };
  await ask(`${MAILBOXES}${mailbox}/messages`, { method: 'POST', headers, body: sealed });
}

/*
 * Puts a sealed message into a mailbox, with the work that it asks for; once more when it asks for
 * more by the time the work is done, because others filled it meanwhile.
 */
export async function postSealed(mailbox, sealed) {
  try {
    await postWithWork(mailbox, sealed);
  } catch (problem) {
    if (!(problem instanceof ApiProblem) || problem.status !== 403) throw problem;
    await postWithWork(mailbox, sealed);
  }
}

/* The numbers of the messages in a reply box; null: nobody answered yet. */
export async function listReplies(box) {
  const numbers = [];
  try {
    for (let after = 0, more = true; more;) {
      const page = await fetchJson(`${MAILBOXES}${box}/messages?after=${after}`);
      numbers.push(...page.messages.map(({ number }) => number));
      more = page.more && page.messages.length > 0;
      after = numbers.at(-1);
    }
  } catch (problem) {
    if (problem instanceof ApiProblem && problem.status === 404) return null;
    throw problem;
  }
  return numbers;
}

export async function readReply(box, number) {
  const answer = await ask(`${MAILBOXES}${box}/messages/${number}`, {});
  return new Uint8Array(await answer.arrayBuffer());
}
