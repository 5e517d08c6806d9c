// SPDX-License-Identifier: LGPL-2.1-or-later
// What a line is a number of: how it is said, and how far a scale has to go at least.
import { c } from '../../i18n/admin-common';
import { formatLatency, formatMean, formatPercent, formatProcessors, formatRate, formatSize } from '../../i18n/format';

interface Form {
  say: (value: number) => string;
  /** So that little is drawn as little. */
  least: number;
  /** A scale that never changes. */
  fixed?: number;
  /** Only whole numbers stand at the scale. */
  whole?: boolean;
}

const KINDS = {
  count: { say: formatMean, least: 4, whole: true },
  fraction: { say: formatPercent, least: 1, fixed: 1 },
  processors: { say: formatProcessors, least: 1 },
  bytes: { say: formatSize, least: 1e6 },
  bytesRate: { say: (value) => c.value.perSecond(formatSize(value)), least: 1e6 },
  bitRate: { say: formatRate, least: 1e6 },
  seconds: { say: formatLatency, least: 0.02 },
  perSecond: { say: (value) => c.value.perSecond(formatMean(value)), least: 4 },
} satisfies Record<string, Form>;

export type Kind = keyof typeof KINDS;

const form = (kind: Kind): Form => KINDS[kind];

export const isWhole = (kind: Kind): boolean => form(kind).whole === true;

export const sayValue = (kind: Kind, value: number): string => form(kind).say(value);

/** Where a scale ends that has to show @largest. */
export function topOf(kind: Kind, largest: number): number {
  const { fixed, least } = form(kind);
  return fixed ?? Math.max(least, largest * 1.08);
}
