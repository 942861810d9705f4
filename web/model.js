/*
 * model.js: an assessment document as the page needs it: findings by measure, worst outcome first,
 * and the questions asked of them. No nodes here.
 */

export const OUTCOMES = ['fail', 'error', 'warn', 'not-measured', 'pass', 'not-applicable'];
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'];
export const SEVERITY_WEIGHTS = { critical: 10, high: 5, medium: 3, low: 1, info: 0 };
export const CRITICALITY_WEIGHTS = { low: 1, normal: 2, high: 3 };
/* What fixing a finding of an outcome gives back; a warning counts half. */
const FIX_WEIGHTS = { fail: 2, warn: 1 };
const SCHEMA = /^entente\/assessment\/1(\.|$)/;

export function isKnownSchema(document_) {
  return typeof document_ === 'object' && document_ !== null && SCHEMA.test(document_.schema);
}

/* Position of an outcome, the worst first; one that we do not know stands with "error". */
export function outcomeRank(outcome) {
  const rank = OUTCOMES.indexOf(outcome);
  return rank < 0 ? 1 : rank;
}

/* Whether an outcome asks the reader for something. */
export function asksAttention(outcome) {
  return outcomeRank(outcome) <= OUTCOMES.indexOf('warn');
}

function severityRank(severity) {
  const rank = SEVERITIES.indexOf(severity);
  return rank < 0 ? SEVERITIES.length : rank;
}

/* Lower case without accents: "Évalué" is found by "evalue". */
export function fold(text) {
  return text.toLowerCase().normalize('NFD').replace(/[\u0300-\u036f]/g, '');
}

function asArray(value) {
  return Array.isArray(value) ? value : [];
}

function isWaived(finding) {
  return Boolean(finding.waiver) && !finding.waiver.expired;
}

export class Model {
  constructor(data) {
    this.data = data;
    this.assets = asArray(data.assets);
    this.principles = asArray(data.principles);
    this.trend = asArray(data.trend);
    this.isFleet = new Set(this.assets.map((asset) => asset.kind)).size < this.assets.length;
    this.measures = new Map();
    for (const finding of asArray(data.findings)) this.add(finding);
    for (const entry of this.measures.values()) this.close(entry);
    this.sorted = [...this.measures.values()].sort((a, b) =>
      outcomeRank(a.worst) - outcomeRank(b.worst) || severityRank(a.meta.severity) - severityRank(b.meta.severity) ||
      b.failing - a.failing || (a.id < b.id ? -1 : 1));
  }

  add(finding) {
    const id = String(finding.measure);
    let entry = this.measures.get(id);
    if (!entry) {
      const meta = this.data.measures?.[id] ?? {};
      entry = { id, meta, findings: [], counts: {}, worst: 'not-applicable', failing: 0, open: 0, value: 0, sources: new Set() };
      this.measures.set(id, entry);
    }
    entry.findings.push(finding);
    entry.counts[finding.outcome] = (entry.counts[finding.outcome] ?? 0) + 1;
    if (finding.source) entry.sources.add(finding.source);
    if (outcomeRank(finding.outcome) < outcomeRank(entry.worst)) entry.worst = finding.outcome;
    if (finding.outcome === 'fail') entry.failing += 1;
    if (finding.outcome in FIX_WEIGHTS && !isWaived(finding) && !finding.source) {
      const criticality = CRITICALITY_WEIGHTS[this.asset(finding).criticality] ?? CRITICALITY_WEIGHTS.normal;
      entry.open += 1;
      entry.value += FIX_WEIGHTS[finding.outcome] * criticality * (SEVERITY_WEIGHTS[entry.meta.severity] ?? 0);
    }
  }

  close(entry) {
    entry.findings.sort((a, b) => outcomeRank(a.outcome) - outcomeRank(b.outcome));
  }

  /* The signatory; one that nobody named is known by its first host. */
  subject() {
    return this.data.signatory?.name ?? this.assets.find((asset) => asset.kind === 'host')?.name;
  }

  asset(finding) {
    return this.assets[finding.asset] ?? { name: '?' };
  }

  /* The entries of principle `n`; null gives those that belong to none (imported findings). */
  ofPrinciple(n) {
    const numbers = new Set(this.principles.map((principle) => principle.n));
    return this.sorted.filter((entry) => (n === null ? !numbers.has(entry.meta.principle) : entry.meta.principle === n));
  }

  /* What fixing is worth most, in the program's own order: waived and imported findings left out. */
  fixFirst(limit) {
    return this.sorted.filter((entry) => entry.open > 0)
      .sort((a, b) => b.value - a.value || severityRank(a.meta.severity) - severityRank(b.meta.severity) ||
        (a.id < b.id ? -1 : 1)).slice(0, limit);
  }

  totals() {
    const totals = { assessed: 0, principles: this.principles.length, fail: 0, critical: 0, warn: 0 };
    for (const principle of this.principles) if (typeof principle.score === 'number') totals.assessed += 1;
    for (const entry of this.sorted) {
      totals.fail += entry.failing;
      totals.warn += entry.counts.warn ?? 0;
      if (entry.meta.severity === 'critical') totals.critical += entry.failing;
    }
    return totals;
  }

  /* Findings with a waiver, and those not measured by reason. */
  waived() {
    return this.sorted.flatMap((entry) => entry.findings.filter((finding) => finding.waiver).map((finding) => ({ entry, finding })));
  }

  unmeasuredByReason() {
    const reasons = new Map();
    for (const entry of this.sorted) {
      for (const finding of entry.findings) {
        if (finding.outcome !== 'not-measured' && finding.outcome !== 'error') continue;
        const reason = finding.reason ?? 'none';
        if (!reasons.has(reason)) reasons.set(reason, new Set());
        reasons.get(reason).add(entry);
      }
    }
    return [...reasons].sort((a, b) => b[1].size - a[1].size);
  }

  /* Lower-case text of each finding, made when the reader first searches. */
  prepareSearch(pick) {
    if (this.prepared === pick.language) return;
    this.prepared = pick.language;
    for (const entry of this.sorted) {
      entry.text = fold([entry.id, entry.meta.catalogue_id ?? '', pick.pick(entry.meta.title).text, pick.pick(entry.meta.why).text,
        ...asArray(entry.meta.references)].join('\n'));
      entry.findingTexts = entry.findings.map((finding) => fold([this.asset(finding).name, finding.detail ?? '', finding.source ?? '',
        ...asArray(finding.evidence).flatMap((line) => [line.path, line.key, line.found, line.wanted].filter(Boolean))].join('\n')));
    }
  }

  /*
   * The findings of `entry` that `filter` ({q, principle, severity, outcome}) lets through; a word
   * found in the measure's own text lets all its findings through.
   */
  match(entry, filter) {
    if (filter.principle && String(entry.meta.principle) !== filter.principle) return [];
    if (filter.severity && entry.meta.severity !== filter.severity) return [];
    const words = filter.q ? fold(filter.q).split(/\s+/).filter(Boolean) : [];
    return entry.findings.filter((finding, index) => {
      if (filter.outcome && finding.outcome !== filter.outcome) return false;
      return words.every((word) => entry.text.includes(word) || entry.findingTexts[index].includes(word));
    });
  }
}

export function isFiltering(filter) {
  return Boolean(filter.q || filter.principle || filter.severity || filter.outcome);
}
