// SPDX-License-Identifier: LGPL-2.1-or-later
// The series of control's history as lines: what each is a number of, and what it is called.
import { findSeries, type History, type Value } from '../../../api/history';
import { w } from '../../../i18n/admin-monitoring';
import type { Kind } from '../../../parts/chart/kinds';
import type { Line } from '../../../parts/chart/lines';

export type LineName = keyof typeof w.value.lines;
export type Title = keyof typeof w.value.titles;

/** What travels a network is told in bytes, and shown in bits, as links are sold. */
const IN_BITS = new Set(['net_in', 'net_out', 'sent']);

const times = (values: readonly Value[], factor: number): readonly Value[] =>
  factor === 1 ? values : values.map((value) => value === null ? null : value * factor);

/** Lines of one chart: only the first one has the largest seconds, as they are drawn as a surface. */
export function linesOf(history: History, names: readonly LineName[], node = 0): Line[] {
  return names.map((name, i) => lineOf(history, name, node, i === 0 ? {} : { max: null }));
}

/** The line of a series; without data a gap throughout. */
export function lineOf(history: History, name: LineName, node = 0, more: Partial<Line> = {}): Line {
  const series = findSeries(history, name, node);
  const factor = IN_BITS.has(name) ? 8 : 1;
  return {
    key: name, label: w.value.lines[name],
    values: series ? times(series.mean, factor) : Array.from({ length: history.points }, () => null),
    // a second's largest second is itself
    max: series?.max && history.step > 1 ? times(series.max, factor) : null,
    ...more,
  };
}

export interface Choice {
  name: keyof typeof w.value.choices;
  kind: Kind;
  /** What it is to stay below. */
  limit?: 'network_limit' | 'memory_total';
}

/** What can be chosen to compare storage servers by. */
export const CHOICES: readonly Choice[] = [
  { name: 'cpu', kind: 'fraction' },
  { name: 'memory', kind: 'bytes', limit: 'memory_total' },
  { name: 'net_out', kind: 'bitRate', limit: 'network_limit' },
  { name: 'disk_busy', kind: 'fraction' },
  { name: 'disk_latency', kind: 'seconds' },
  { name: 'connections', kind: 'count' },
  { name: 'late', kind: 'perSecond' },
  { name: 'viewer_late', kind: 'perSecond' },
];
