/* reason.js: why something was not judged, in words. */
import { code } from '../dom.js';

export function reasonWord(view, reason) {
  const key = `reason.${reason}`;
  return view.i18n.has(key) ? view.i18n.t(key) : String(reason);
}

/* The reason and its detail as children of an element; nothing for a finding that was judged. */
export function reasonChildren(view, finding) {
  if (!finding.reason) return finding.detail ? [code(finding.detail)] : [];
  const words = reasonWord(view, finding.reason);
  return finding.detail ? [words, view.i18n.t('colon'), code(finding.detail)] : [words];
}
