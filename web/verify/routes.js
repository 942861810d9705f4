/*
 * routes.js: which networks are a signatory's, what was done to them in BGP, and who sees it too
 * (src/register/fold_routes.c): whose a network is, and how much anybody may say.
 */
import { NEVER, refuse, saidTime } from './authority.js';
import { SaidRegister } from './said.js';

const HOUR_MS = 3600000;
const ALARM_DAY_MS = 24 * HOUR_MS;
const ALARMS_A_DAY = 48;
const ANSWERS = 24;
const ANSWER_DAYS = 30;
const SYSTEM_LIMIT = 2 ** 32 - 1;
const IPV4_BITS = 32;
const IPV6_BITS = 128;
const GROUP_BITS = 16;
const IPV6_GROUPS = IPV6_BITS / GROUP_BITS;
const ROUTE_MEMBERS = ['alarm', 'own', 'prefix', 'as'];

/* --- networks --- */

function addressV4(text) {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256)) return null;
  return parts.reduce((value, part) => value * 256n + BigInt(part), 0n);
}

/* The groups of one side of "::", the last of which may be an IPv4 address; null: they are none. */
function groupsOf(text) {
  if (text === '') return [];
  const parts = text.split(':');
  const v4 = parts.at(-1).includes('.') ? addressV4(parts.pop()) : undefined;
  if (v4 === null || !parts.every((part) => /^[0-9a-fA-F]{1,4}$/.test(part))) return null;
  return [...parts.map((part) => BigInt(`0x${part}`)), ...(v4 === undefined ? [] : [v4 >> 16n, v4 & 0xffffn])];
}

function addressV6(text) {
  const sides = text.split('::');
  if (sides.length > 2 || (sides.length === 2 && sides[0].includes('.'))) return null;
  const [before, after] = [groupsOf(sides[0]), groupsOf(sides[1] ?? '')];
  if (!before || !after) return null;
  const missing = IPV6_GROUPS - before.length - after.length;
  if (sides.length === 1 ? missing !== 0 : missing < 1) return null;
  return [...before, ...Array(missing).fill(0n), ...after].reduce((value, group) => (value << BigInt(GROUP_BITS)) + group, 0n);
}

/* {system} of "AS64500", {bits, address, length} of a prefix; null: neither. */
function networkOf(text) {
  const [, system] = /^AS([1-9][0-9]{0,9})$/.exec(text) ?? [];
  if (system) return Number(system) <= SYSTEM_LIMIT ? { system: Number(system) } : null;
  const [, address, length] = /^([0-9a-fA-F:.]+)\/([0-9]+)$/.exec(text) ?? [];
  if (!address) return null;
  const bits = address.includes(':') ? IPV6_BITS : IPV4_BITS;
  const value = bits === IPV6_BITS ? addressV6(address) : addressV4(address);
  if (value === null || Number(length) > bits || value & ((1n << BigInt(bits - Number(length))) - 1n)) return null;
  return { bits, address: value, length: Number(length) };
}

function covers(outer, inner) {
  if (outer.system || inner.system) return outer.system === inner.system;
  if (outer.bits !== inner.bits || outer.length > inner.length) return false;
  const rest = BigInt(outer.bits - outer.length);
  return outer.address >> rest === inner.address >> rest;
}

const keyOfNetwork = ({ system, bits, address, length }) => (system ? `AS${system}` : `${bits}/${address}/${length}`);

/* Itself, and what covers it, the longest first. */
function* around(network) {
  yield network;
  const { bits, address } = network;
  for (let length = network.length - 1; !network.system && length >= 0; length--) {
    const rest = BigInt(bits - length);
    yield { bits, length, address: (address >> rest) << rest };
  }
}

/* --- alarms, and who sees it too --- */

const isSameRoute = (a, b) => ROUTE_MEMBERS.every((member) => a[member] === b[member]);

export class RoutesRegister extends SaidRegister {
  networks = new Map(); /* by key: who named it */

  /* Whose it is: the longest that was named and covers it decides; null. */
  ownerOf(network) {
    for (const each of around(network)) {
      const owner = this.networks.get(keyOfNetwork(each));
      if (owner?.removedAt === NEVER) return owner;
    }
    return null;
  }

  nameNetworks({ predicate: { networks = [] } }, signatory) {
    for (const key of signatory.networks ?? []) if (this.networks.get(key) === signatory) this.networks.delete(key);
    signatory.networks = networks.map((text) => keyOfNetwork(networkOf(text)));
    for (const key of signatory.networks) this.networks.set(key, signatory);
  }

  refuseNetworks({ predicate: { networks = [] } }, signatory) {
    for (const text of networks) {
      const network = networkOf(text) ?? refuse('malformed', text);
      const owner = this.ownerOf(network);
      if (owner && owner !== signatory) refuse('conflict', text);
    }
  }

  judgeRouteAlarm(entry) {
    const { signatory, key } = this.signer(entry);
    const { own, prefix, path = [] } = entry.predicate;
    const network = networkOf(own) ?? refuse('malformed', own);
    if (this.ownerOf(network) !== signatory) refuse('conflict', own);
    const seen = networkOf(prefix) ?? refuse('malformed', prefix);
    if (seen.system) refuse('malformed', prefix);
    if (network.system ? !path.includes(network.system) : !covers(network, seen) && !covers(seen, network)) refuse('conflict', prefix);
    const alarms = signatory.routeAlarms ?? [];
    this.refuseManyAlarms(entry, alarms);
    return { signatory, key, apply: () => { signatory.routeAlarms = [...alarms, entry.predicate]; } };
  }

  /* Later than the last one, not too many a day, the same one not twice an hour. */
  refuseManyAlarms({ predicate }, alarms) {
    const said = saidTime(predicate);
    let today = 0;
    for (const before of alarms.toReversed()) {
      const age = said - saidTime(before);
      if (age <= 0) refuse('conflict', before.time);
      if (age >= ALARM_DAY_MS) return;
      today += 1;
      if ((age < HOUR_MS && isSameRoute(predicate, before)) || today === ALARMS_A_DAY) refuse('conflict', before.time);
    }
  }

  judgeRouteSighting(entry) {
    const { signatory, key } = this.signer(entry);
    const alarm = this.entryNamed(entry.predicate.alarm, 'route-alarm');
    if (alarm.signatory === signatory) refuse('conflict', entry.predicate.alarm);
    const said = saidTime(entry.predicate);
    const answers = (alarm.answers ?? []).filter(({ by }) => by === signatory);
    if (said > alarm.said + ANSWER_DAYS * ALARM_DAY_MS || answers.length >= ANSWERS || answers.some((answer) => said < answer.said + HOUR_MS)) {
      refuse('conflict', entry.predicate.alarm);
    }
    return { signatory, key, apply: () => { alarm.answers = [...(alarm.answers ?? []), { by: signatory, said }]; } };
  }
}
