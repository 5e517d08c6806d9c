// SPDX-License-Identifier: LGPL-2.1-or-later
// Numbers, sizes, rates, times in the reader's language.
import { language } from './index';

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];
const RATES = ['bit', 'kbit', 'Mbit', 'Gbit', 'Tbit'];

// made once each: charts and their tables format thousands
const numbers = new Map<string, Intl.NumberFormat>();
const dates = new Map<string, Intl.DateTimeFormat>();

function numberFormat(options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const key = language.value + JSON.stringify(options);
  let format = numbers.get(key);
  if (!format) numbers.set(key, format = new Intl.NumberFormat(language.value, options));
  return format;
}

function dateFormat(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language.value + JSON.stringify(options);
  let format = dates.get(key);
  if (!format) dates.set(key, format = new Intl.DateTimeFormat(language.value, options));
  return format;
}

/** [the number, how many times it was divided by 1,000] */
function scale(value: number, steps: number): [number, number] {
  let step = 0;
  while (value >= 999.5 && step < steps) {
    value /= 1000;
    step++;
  }
  return [value, step];
}

function digits(value: number, step: number): number {
  return step === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
}

export function formatNumber(value: number): string {
  return numberFormat().format(value);
}

export function formatPercent(fraction: number): string {
  return numberFormat({ style: 'percent', maximumFractionDigits: 0 }).format(fraction);
}

/** 12.345 -> "12.3": a mean of whole numbers */
export function formatMean(value: number): string {
  return numberFormat({ maximumFractionDigits: value < 100 ? 1 : 0 }).format(value);
}

/** 0.4242 -> "0.42" */
export function formatProcessors(value: number): string {
  return numberFormat({ maximumFractionDigits: 2 }).format(value);
}

/** 0.0123 -> "12.3 ms" */
export function formatLatency(seconds: number): string {
  const [value, unit] = seconds < 0.9995 ? [seconds * 1000, 'millisecond'] : [seconds, 'second'];
  return numberFormat({ style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: value < 9.995 ? 1 : 0 }).format(value);
}

/** 67049321 -> "67.0 MB" */
export function formatSize(bytes: number): string {
  const [value, step] = scale(bytes, SIZES.length - 1);
  return numberFormat({
    style: 'unit', unit: SIZES[step]!, unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits: digits(value, step),
  }).format(value);
}

/** 8200000 -> "8.2 Mbit/s" */
export function formatRate(bits: number): string {
  const [value, step] = scale(bits, RATES.length - 1);
  return `${numberFormat({ maximumFractionDigits: digits(value, step) }).format(value)} ${RATES[step]}/s`;
}

/** Seconds as a clock shows them: "1:02:03", "2:03". */
export function formatClock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

function unit(value: number, name: string, display: 'short' | 'long'): string {
  return numberFormat({ style: 'unit', unit: name, unitDisplay: display }).format(value);
}

/** Seconds in words: "1 hr 2 min"; long: for screen readers. */
export function formatDuration(seconds: number, display: 'short' | 'long' = 'short'): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return unit(whole, 'second', display);
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return display === 'long' && whole < 600 && whole % 60
    ? `${unit(Math.floor(whole / 60), 'minute', display)} ${unit(whole % 60, 'second', display)}` : unit(minutes, 'minute', display);
  const h = Math.floor(minutes / 60);
  return minutes % 60 ? `${unit(h, 'hour', display)} ${unit(minutes % 60, 'minute', display)}` : unit(h, 'hour', display);
}

export function formatDate(iso: string): string {
  return dateFormat({ dateStyle: 'medium' }).format(new Date(iso));
}

export function formatTime(iso: string): string {
  return dateFormat({ dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso));
}

/** To the second, as a log has it. */
export function formatMoment(iso: string): string {
  return dateFormat({ dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(iso));
}

export type Grain = 'second' | 'minute' | 'hour' | 'date' | 'day' | 'month' | 'date-minute';

const GRAINS: Record<Grain, Intl.DateTimeFormatOptions> = {
  second: { timeStyle: 'medium' },
  minute: { timeStyle: 'short' },
  hour: { month: 'short', day: 'numeric', hour: 'numeric' },
  date: { dateStyle: 'short' },
  day: { month: 'short', day: 'numeric' },
  month: { year: 'numeric', month: 'short' },
  'date-minute': { dateStyle: 'medium', timeStyle: 'short' },
};

/** A time in seconds since 1970, as exactly as @grain says. */
export function formatAt(seconds: number, grain: Grain): string {
  return dateFormat(GRAINS[grain]).format(seconds * 1000);
}

/** "3 minutes ago", "in 2 days" */
export function formatAgo(iso: string, now = Date.now()): string {
  const seconds = (new Date(iso).getTime() - now) / 1000;
  const format = new Intl.RelativeTimeFormat(language.value, { numeric: 'auto' });
  const size = Math.abs(seconds);
  if (size < 60) return format.format(Math.round(seconds), 'second');
  if (size < 3600) return format.format(Math.round(seconds / 60), 'minute');
  if (size < 86400) return format.format(Math.round(seconds / 3600), 'hour');
  return format.format(Math.round(seconds / 86400), 'day');
}

export function languageName(code: string): string {
  try {
    return new Intl.DisplayNames(language.value, { type: 'language' }).of(code) ?? code;
  } catch {
    return code;
  }
}
