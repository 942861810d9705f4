/*
 * steps.js: what a verification did, step by step, for people to follow.
 *
 * A step: {id, state, reason, inputs: [{name, value, kind}]}. States: 'pending', 'ok', 'warning' (true,
 * with a but), 'failed' (what was shown is false: final), 'unknown' (the network, or something not
 * looked at: says nothing), 'skipped' (does not apply, or an earlier step ended it). `reason` names a
 * text; kinds of values: 'text', 'hash', 'code', 'time' (seconds), 'number'.
 */
import { JsonFault } from './json.js';
import { NoteFault } from './note.js';
import { LogFault, NetworkTrouble } from './tiles.js';

export const STEP_IDS = ['policy', 'note', 'checkpoint', 'log-signature', 'cosignatures', 'quorum', 'leaf', 'inclusion', 'signer', 'document', 'memory'];

/* A step that ends the verification. */
export class StepFault extends Error {
  constructor(reason, inputs = [], state = 'failed') {
    super(reason);
    this.reason = reason;
    this.inputs = inputs;
    this.state = state;
  }
}

/* What was served and is false fails; what did not come is unknown, and so is what went wrong here. */
function asStepFault(fault) {
  const detail = [input('detail', String(fault.message ?? fault))];
  if (fault instanceof StepFault) return fault;
  if (fault instanceof LogFault) return new StepFault('tiles', detail);
  if (fault instanceof NoteFault || fault instanceof JsonFault) return new StepFault('malformed', detail);
  if (fault instanceof NetworkTrouble) return new StepFault('network', detail, 'unknown');
  console.error(fault);
  return new StepFault('error', detail, 'unknown');
}

export function input(name, value, kind = 'text') {
  return { name, value, kind };
}

export class Steps {
  /* `ids`: those that this verification has; `onChange(steps)` after each. */
  constructor(ids, onChange) {
    this.list = ids.map((id) => ({ id, state: 'pending', reason: '', inputs: [] }));
    this.onChange = onChange ?? (() => {});
    this.ended = false;
  }

  step(id) {
    return this.list.find((step) => step.id === id);
  }

  /* One more at the end, that only some verifications have; gives its id. */
  add(id) {
    this.list.push({ id, state: 'pending', reason: '', inputs: [] });
    return id;
  }

  set(id, state, reason = '', inputs = []) {
    Object.assign(this.step(id), { state, reason, inputs });
    this.onChange(this);
  }

  /*
   * Runs a step: `work` gives its inputs, or {state, reason, inputs}; a StepFault fails it, trouble
   * with the network leaves it unknown. Behind one that did not end well nothing is run.
   */
  async run(id, work) {
    if (this.ended) return;
    try {
      const found = await work();
      const { state = 'ok', reason = '', inputs } = Array.isArray(found) ? { inputs: found } : found;
      this.set(id, state, reason, inputs);
    } catch (fault) {
      this.end(id, fault);
    }
  }

  end(id, fault) {
    const { reason, inputs, state } = asStepFault(fault);
    this.ended = true;
    for (const step of this.list) if (step.state === 'pending') step.state = 'skipped';
    this.set(id, state, reason, inputs);
  }

  /* 'verified' when every step that applies is; else what keeps it from being so. */
  state() {
    const has = (state) => this.list.some((step) => step.state === state);
    if (has('failed')) return 'failed';
    if (has('pending')) return 'pending';
    return has('unknown') ? 'unknown' : this.list.find(({ state }) => state === 'warning')?.reason ?? 'verified';
  }
}
