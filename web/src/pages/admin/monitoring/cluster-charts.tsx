// SPDX-License-Identifier: LGPL-2.1-or-later
// The cluster as a whole, and control's own process.
import type { Signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { Grid, History, Value } from '../../../api/history';
import { language } from '../../../i18n';
import { w } from '../../../i18n/admin-monitoring';
import { Chart } from '../../../parts/chart/chart';
import type { Kind } from '../../../parts/chart/kinds';
import type { Line } from '../../../parts/chart/lines';
import { lineOf, linesOf, type LineName, type Title } from './series';

export const CLUSTER_SERIES: readonly LineName[] =
  ['streams', 'users', 'clients', 'nodes_up', 'sent', 'net_in', 'net_out', 'used', 'free', 'bad_shards', 'control_cpu', 'control_memory'];

interface Drawn {
  title: string;
  kind: Kind;
  grid: Grid;
  lines: readonly Line[];
  href?: string;
}

/** The mean of all nodes at each point, and the busiest one of them. */
export function spread(history: History, name: LineName): { values: Value[]; max: Value[] } {
  const all = history.series.filter((series) => series.name === name);
  const values: Value[] = [];
  const max: Value[] = [];
  for (let i = 0; i < history.points; i++) {
    let sum = 0;
    let count = 0;
    let largest = 0;
    for (const { mean, max: peaks } of all) {
      const value = mean[i];
      if (value === null || value === undefined) continue;
      sum += value;
      count++;
      largest = Math.max(largest, peaks?.[i] ?? value);
    }
    values.push(count > 0 ? sum / count : null);
    max.push(count > 0 ? largest : null);
  }
  return { values, max };
}

function sum(a: readonly Value[], b: readonly Value[]): Value[] {
  return a.map((value, i) => (value === null || b[i] === null || b[i] === undefined ? null : value + b[i]));
}

function describe(history: History, nodes: History | null): Drawn[] {
  const of = (title: Title, kind: Kind, ...names: LineName[]): Drawn => ({ title: w.value.titles[title], kind, grid: history, lines: linesOf(history, names) });
  const used = lineOf(history, 'used');
  const total: Line = { key: 'total', label: w.value.lines.total, limit: true, values: sum(used.values, lineOf(history, 'free').values) };
  return [
    { title: w.value.streams, kind: 'count', grid: history, href: '/admin/sessions', lines: linesOf(history, ['streams', 'users', 'clients']) },
    of('sent', 'bitRate', 'sent', 'net_out', 'net_in'),
    ...(nodes ? [{ title: w.value.titles.cpu, kind: 'fraction' as const, grid: nodes, lines: [{ key: 'cpu', label: w.value.lines.cpuMean, ...spread(nodes, 'cpu') }] }] : []),
    { ...of('nodesUp', 'count', 'nodes_up'), href: '/admin/nodes' },
    { title: w.value.titles.space, kind: 'bytes', grid: history, lines: [used, total], href: '/admin/nodes' },
    of('badShards', 'count', 'bad_shards'),
  ];
}

interface Props {
  history: History;
  /** Of the storage servers, with their processors. */
  nodes: History | null;
  moment: Signal<number | null>;
}

export function ClusterCharts({ history, nodes, moment }: Props) {
  const charts = useMemo(() => describe(history, nodes), [history, nodes, language.value]);
  const own = useMemo(() => (['control_cpu', 'control_memory'] as const).map((name) => [lineOf(history, name)]), [history, language.value]);
  return (
    <>
      <section class="charts-section">
        <h2>{w.value.cluster}</h2>
        <div class="charts">{charts.map((chart) => <Chart key={chart.title} {...chart} moment={moment} />)}</div>
      </section>
      <section class="charts-section">
        <h2>{w.value.control}</h2>
        <div class="charts">
          <Chart title={w.value.titles.controlCpu} kind="processors" grid={history} lines={own[0]!} moment={moment} />
          <Chart title={w.value.titles.controlMemory} kind="bytes" grid={history} lines={own[1]!} moment={moment} />
        </div>
      </section>
    </>
  );
}
