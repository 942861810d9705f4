/* format.js: numbers, dates and times as the reader's language writes them; times are UTC. */

const UNITS = [['year', 31557600], ['month', 2629800], ['day', 86400], ['hour', 3600], ['minute', 60]];
const LOCALES = { en: 'en-GB', fr: 'fr-FR' };

export class Formatter {
  constructor(language) {
    const locale = LOCALES[language] ?? 'en-GB';
    this.locale = locale;
    this.numbers = new Intl.NumberFormat(locale);
    this.days = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' });
    this.short = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' });
    this.times = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
    this.lists = new Intl.ListFormat(locale, { type: 'conjunction' });
    this.regions = new Intl.DisplayNames([locale], { type: 'region' });
    this.tongues = new Intl.DisplayNames([locale], { type: 'language' });
    this.relative = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' });
    this.collator = new Intl.Collator(locale, { numeric: true });
  }

  number(value) {
    return this.numbers.format(value);
  }

  /* With all `digits` after the point. */
  decimal(value, digits) {
    return value.toLocaleString(this.locale, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  day(text) {
    return this.apply(this.days, text);
  }

  shortDay(text) {
    return this.apply(this.short, text);
  }

  time(text) {
    const date = new Date(text);
    return Number.isNaN(date.getTime()) ? String(text) : `${this.times.format(date)} UTC`;
  }

  apply(format, text) {
    const date = new Date(text);
    return Number.isNaN(date.getTime()) ? String(text) : format.format(date);
  }

  country(code) {
    try {
      return this.regions.of(code);
    } catch {
      return String(code);
    }
  }

  language(code) {
    try {
      return this.tongues.of(code);
    } catch {
      return String(code);
    }
  }

  /* "3 days ago", in the largest unit that is not zero. */
  ago(seconds) {
    const [unit, size] = UNITS.find(([, length]) => seconds >= length) ?? ['second', 1];
    return this.relative.format(-Math.floor(seconds / size), unit);
  }

  list(items) {
    return this.lists.format(items);
  }
}
