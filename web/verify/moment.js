/* moment.js: times as the program reads them (src/base/clock.c): RFC 3339, or a date alone. */

const DAY_ALONE = /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/;
const MOMENT_FORM = /^([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:[.,]([0-9]+))?(?:[Zz]|([+-])([0-9]{2})(?::?([0-9]{2}))?)$/;
const MS_OF_MINUTE = 60000;
const MS_OF_HOUR = 60 * MS_OF_MINUTE;

/* Milliseconds of a day and a time in UTC; NaN: there is none such. */
function momentInUtc(day, time) {
  const at = Date.parse(`${day}T${time}Z`);
  return !Number.isNaN(at) && at >= Date.parse('0001-01-01T00:00:00Z') && new Date(at).toISOString().startsWith(`${day}T${time}`) ? at : NaN;
}

/* In milliseconds, with the microseconds as their fraction; NaN: not a time. */
export function parseMoment(text) {
  if (typeof text !== 'string') return NaN;
  if (DAY_ALONE.test(text)) return momentInUtc(text, '00:00:00');
  const [, day, time, fraction = '0', sign, hours = '0', minutes = '0'] = MOMENT_FORM.exec(text) ?? [];
  if (!day) return NaN;
  const offset = Number(hours) * MS_OF_HOUR + Number(minutes) * MS_OF_MINUTE;
  const micro = Number(fraction.padEnd(6, '0').slice(0, 6));
  return momentInUtc(day, time) + micro / 1000 - (sign === '-' ? -offset : offset);
}

export function isDayAlone(text) {
  return DAY_ALONE.test(text) && !Number.isNaN(parseMoment(text));
}
