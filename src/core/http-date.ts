const months = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec';
const time = '(?<hour>\\d\\d):(?<minute>\\d\\d):(?<second>\\d\\d)';

/** The three forms of RFC 9110. The name of the day is not compared with the date: what counts is the date. */
const forms = [
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (?<day>\\d\\d) (?<month>${months}) (?<year>\\d{4}) ${time} GMT`,
  `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, (?<day>\\d\\d)-(?<month>${months})-(?<year>\\d\\d) ${time} GMT`,
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?<month>${months}) (?<day>[ \\d]\\d) ${time} (?<year>\\d{4})`,
].map((form) => new RegExp(`^${form}$`, 'i'));

/** A date and time by its numbers; the month counts from 1. */
export type DateParts = readonly [
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
];

/**
 * The time of an HTTP-date in milliseconds since 1970, always read as GMT; undefined when it is none.
 *
 * A year of two digits is the one within fifty years of `wallNow`. A leap second is the second after it.
 */
export function httpDate(text: string, wallNow: number): number | undefined {
  for (const form of forms) {
    const parts = form.exec(text)?.groups;
    if (parts === undefined) continue;
    const { year = '', month = '', day, hour, minute, second } = parts;
    const full = year.length === 2 ? nearby(Number(year), new Date(wallNow).getUTCFullYear()) : Number(year);
    const number = months.toLowerCase().split('|').indexOf(month.toLowerCase()) + 1;
    return utc([full, number, Number(day), Number(hour), Number(minute), Number(second)]);
  }
  return undefined;
}

/** The milliseconds since 1970 of a date in GMT; undefined when there is no such day or time. */
export function utc([year, month, day, hour, minute, second]: DateParts): number | undefined {
  const midnight = new Date(0);
  midnight.setUTCFullYear(year, month - 1, day);
  const real = midnight.getUTCMonth() === month - 1 && midnight.getUTCDate() === day;
  if (!real || hour > 23 || minute > 59 || second > 60) return undefined;
  return midnight.getTime() + ((hour * 60 + minute) * 60 + second) * 1000;
}

function nearby(lastTwo: number, thisYear: number): number {
  const year = thisYear - (thisYear % 100) + lastTwo;
  if (year > thisYear + 50) return year - 100;
  return year < thisYear - 50 ? year + 100 : year;
}
