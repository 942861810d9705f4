/* api.js: asking a node for JSON, and what it says when it cannot give it (RFC 9457). */

export class ApiProblem extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status; /* 0: the node did not answer */
    this.detail = detail;
    this.retryAfter = retryAfter;
  }
}

async function problemOf(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).detail ?? '';
  } catch {
    return '';
  }
}

/* The JSON at `path`; throws an ApiProblem. */
export async function fetchJson(path) {
  let answer;
  try {
    answer = await fetch(path, { headers: { Accept: 'application/json' }, credentials: 'omit' });
  } catch {
    throw new ApiProblem(0, '', null);
  }
  if (!answer.ok) throw new ApiProblem(answer.status, await problemOf(answer), answer.headers.get('Retry-After'));
  return answer.json();
}
