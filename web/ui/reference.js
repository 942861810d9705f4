/* reference.js: where a measure comes from; only http, https and RFC numbers become links. */
import { el, visible } from '../dom.js';

const REFERENCE_NAMES = {
  lynis: 'Lynis',
  'cis-debian12': 'CIS Debian 12',
  'cis-docker': 'CIS Docker',
  'cis-controls-v8': 'CIS Controls v8',
  'anssi-bp-028': 'ANSSI-BP-028',
  'anssi-hygiene': 'ANSSI hygiène',
  'essential-eight': 'Essential Eight',
  kspp: 'KSPP',
  osce: 'OSCE',
  owasp: 'OWASP',
  linpeas: 'linPEAS',
  gitleaks: 'Gitleaks',
};

/* {label, href?} of "rfc:4632", "url:https://…", "man:sshd_config(5)", "cis-debian12:5.1.20". */
export function describeReference(reference) {
  const text = String(reference);
  const colon = text.indexOf(':');
  const scheme = text.slice(0, colon);
  const rest = text.slice(colon + 1);
  if (colon < 0) return { label: text };
  if (scheme === 'http' || scheme === 'https') return { label: text, href: text };
  if (scheme === 'url') return /^https?:\/\//.test(rest) ? { label: rest, href: rest } : { label: text };
  if (scheme === 'rfc' && /^\d+$/.test(rest)) return { label: `RFC ${rest}`, href: `https://www.rfc-editor.org/rfc/rfc${rest}` };
  if (scheme === 'man') return { label: rest };
  return { label: REFERENCE_NAMES[scheme] ? `${REFERENCE_NAMES[scheme]} ${rest}` : text };
}

export function referenceList(references) {
  return el('ul', { class: 'references' }, references.map((reference) => {
    const { label, href } = describeReference(reference);
    const link = href && el('a', { href, rel: 'noreferrer noopener' }, visible(label));
    return el('li', {}, link && link.hasAttribute('href') ? link : visible(label));
  }));
}
