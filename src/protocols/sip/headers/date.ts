// The Date header: an instant in Greenwich mean time, always. RFC 3261 §20.17.

import type { Instant } from '#kernel/time';
import { SipError } from '../error.ts';
import { singleHeader } from '../header.ts';

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

const DATE = /^[A-Za-z]{3}, (\d{2}) ([A-Za-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;

function parseDate(text: string): Instant {
  const match = DATE.exec(text);
  if (match === null) throw new SipError(400, 'not a date in GMT');
  const [, day, monthName, year, hour, minute, second] = match;
  const month = MONTHS.indexOf(monthName!);
  if (
    month < 0 ||
    Number(day) < 1 ||
    Number(day) > 31 ||
    Number(hour) > 23 ||
    Number(minute) > 59
  ) {
    throw new SipError(400, 'not a date');
  }
  const days = daysFromCivil(Number(year), month + 1, Number(day));
  return (((days * 24 + Number(hour)) * 60 + Number(minute)) * 60 + Number(second)) * 1000;
}

function dateText(instant: Instant): string {
  const total = Math.floor(instant / 1000);
  const days = Math.floor(total / 86_400);
  const second = total - days * 86_400;
  const { year, month, day } = civilFromDays(days);
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`;
  const weekday = DAYS[(((days + 4) % 7) + 7) % 7];
  return `${weekday}, ${two(day)} ${MONTHS[month - 1]} ${String(year).padStart(4, '0')} ${clock} GMT`;
}

/** Days since 1970-01-01 in the proleptic Gregorian calendar, years counted from March. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year;
  const era = Math.floor(y / 400);
  const yearOfEra = y - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return (
    era * 146_097 +
    yearOfEra * 365 +
    Math.floor(yearOfEra / 4) -
    Math.floor(yearOfEra / 100) +
    dayOfYear -
    719_468
  );
}

function civilFromDays(days: number): { year: number; month: number; day: number } {
  const z = days + 719_468;
  const era = Math.floor(z / 146_097);
  const dayOfEra = z - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear =
    dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shifted = Math.floor((5 * dayOfYear + 2) / 153);
  const month = shifted < 10 ? shifted + 3 : shifted - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
  };
}

/** The value is an instant in milliseconds. Named apart from the language's own Date. */
export const SipDate = singleHeader({
  name: 'Date',
  spec: 'RFC 3261 §20.17',
  value: { parse: parseDate, format: dateText },
});
