/*
 * predicates.js: which roles may sign which statements, and where they go: the program's table
 * (src/statement/predicate.c), which a test compares with this one.
 */
const PREDICATE_PREFIX = 'urn:entente:predicate:';
const SAID = ['issuer', 'single'];

const PREDICATES = {
  assessment: { exposure: 'committed', roles: SAID },
  attestation: { exposure: 'public', roles: ['issuer', 'root'] },
  'backup-manifest': { exposure: 'committed', roles: SAID },
  'case-ack': { exposure: 'local', roles: SAID },
  'case-event': { exposure: 'local', roles: SAID },
  'case-root': { exposure: 'committed', roles: SAID },
  commitment: { exposure: 'public', roles: SAID },
  contact: { exposure: 'committed', roles: SAID },
  delegation: { exposure: 'public', roles: ['root'] },
  document: { exposure: 'local', roles: SAID },
  endorsement: { exposure: 'public', roles: ['root'] },
  hunt: { exposure: 'committed', roles: SAID },
  indicators: { exposure: 'committed', roles: SAID },
  'legal-position': { exposure: 'public', roles: SAID },
  mailbox: { exposure: 'public', roles: SAID },
  'norm-report': { exposure: 'public', roles: SAID },
  policy: { exposure: 'public', roles: ['root', 'log'] },
  receipt: { exposure: 'local', roles: ['log'] },
  recovery: { exposure: 'public', roles: ['root'] },
  'recovery-drill': { exposure: 'committed', roles: SAID },
  release: { exposure: 'public', roles: SAID },
  review: { exposure: 'public', roles: SAID },
  revocation: { exposure: 'public', roles: ['root'] },
  'route-alarm': { exposure: 'public', roles: SAID },
  'route-sighting': { exposure: 'public', roles: SAID },
  succession: { exposure: 'public', roles: ['log'] },
};
/* Statements whose subject is not the signatory that signs them. */
const OF_OTHERS = ['assessment', 'attestation', 'backup-manifest', 'hunt', 'indicators', 'recovery-drill', 'release', 'review', 'route-sighting'];

/* {name, exposure, roles, ofSigner} of a predicate type; null when it is not known. */
export function predicateOf(type) {
  const name = type.startsWith(PREDICATE_PREFIX) && type.endsWith(':1') ? type.slice(PREDICATE_PREFIX.length, -2) : '';
  return Object.hasOwn(PREDICATES, name) ? { name, ...PREDICATES[name], ofSigner: !OF_OTHERS.includes(name) } : null;
}

/* All names, for filters. */
export function predicateNames() {
  return Object.keys(PREDICATES);
}
