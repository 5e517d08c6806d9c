// SPDX-License-Identifier: LGPL-2.1-or-later
// What a chart shows, apart from how it is drawn.
import type { Grid, Span, Value } from '../../api/history';
import type { Grain } from '../../i18n/format';

export interface Line {
  key: string;
  label: string;
  values: readonly Value[];
  /** The largest second within each point, where that is known: of a chart's first line alone. */
  max?: readonly Value[] | null;
  /** What the others are to stay below: drawn where they come near it. */
  limit?: boolean;
}

const NEAR = 0.25;

/** As exactly as a point of the span can be told. */
export const GRAINS: Record<Span, Grain> = { live: 'second', day: 'minute', month: 'date-minute', year: 'date-minute' };
/** As short as it may be said beside a title. */
export const SHORT_GRAINS: Record<Span, Grain> = { live: 'second', day: 'minute', month: 'hour', year: 'date' };

export function largestOf(values: readonly Value[]): number {
  let largest = 0;
  for (const value of values) if (value !== null && value > largest) largest = value;
  return largest;
}

/** Of the lines themselves, and of a limit that they come near. */
export function largestOfLines(lines: readonly Line[]): number {
  const own = lines.filter((line) => !line.limit).map((line) => Math.max(largestOf(line.values), largestOf(line.max ?? [])));
  const largest = Math.max(0, ...own);
  const limits = lines.filter((line) => line.limit).map((line) => largestOf(line.values)).filter((limit) => limit * NEAR < largest);
  return Math.max(largest, ...limits);
}

export const timeOf = ({ start, step }: Grid, index: number): number => start + index * step;

/** The point that @time lies in; null: none. */
export function indexAt({ start, step, points }: Grid, time: number | null): number | null {
  if (time === null) return null;
  const index = Math.floor((time - start) / step);
  return index >= 0 && index < points ? index : null;
}

// of a node whose last heartbeat is on its way
const LATE = 3;

/** The newest value; null: the line ends in a gap. */
export function newestOf(values: readonly Value[]): Value {
  for (let i = values.length - 1; i >= Math.max(0, values.length - LATE); i--) if (values[i] !== null) return values[i]!;
  return null;
}

export function hasValues(lines: readonly Line[]): boolean {
  return lines.some((line) => line.values.some((value) => value !== null));
}
