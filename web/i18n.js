/* i18n.js: texts by key in the reader's language, English where one is missing. */

export const LANGUAGES = { en: 'English', fr: 'Français' };

export class Translator {
  constructor(catalogues, language) {
    this.language = catalogues[language] ? language : 'en';
    this.texts = catalogues[this.language] ?? {};
    this.fallback = catalogues.en ?? {};
    this.rules = new Intl.PluralRules(this.language);
  }

  has(key) {
    return key in this.texts || key in this.fallback;
  }

  /* The text of `key` with its {names} filled in one pass. */
  t(key, values) {
    const text = this.texts[key] ?? this.fallback[key] ?? key;
    return text.replace(/\{(\w+)\}/g, (whole, name) => (values && name in values ? String(values[name]) : whole));
  }

  /* The form of `key` (.one, .many, .other) for `count`, which fills {n} unless given. */
  plural(key, count, values) {
    const form = `${key}.${this.rules.select(count)}`;
    return this.t(this.has(form) ? form : `${key}.other`, { n: count, ...values });
  }

  /* A text that comes in several languages: {text, lang}; lang only when it is not the page's. */
  pick(value) {
    if (value === null || value === undefined) return { text: '' };
    if (typeof value !== 'object') return { text: String(value) };
    if (typeof value[this.language] === 'string') return { text: value[this.language] };
    const other = Object.keys(value).find((name) => typeof value[name] === 'string');
    return other ? { text: value[other], lang: other } : { text: '' };
  }
}
