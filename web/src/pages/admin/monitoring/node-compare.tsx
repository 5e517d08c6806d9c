// SPDX-License-Identifier: LGPL-2.1-or-later
// One figure of all storage servers beside each other: charts of a few, a heat map of many.
import type { Signal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import type { History } from '../../../api/history';
import { place, replaceQuery } from '../../../app/router';
import { language } from '../../../i18n';
import { c } from '../../../i18n/admin-common';
import { w } from '../../../i18n/admin-monitoring';
import { Chart } from '../../../parts/chart/chart';
import { HeatMap } from '../../../parts/chart/heat-map';
import { sayValue, topOf } from '../../../parts/chart/kinds';
import { largestOf, largestOfLines, newestOf, type Line } from '../../../parts/chart/lines';
import { Select } from '../../../parts/fields';
import { CHOICES, lineOf, type Choice } from './series';

/** As many charts beside each other as one still looks at. */
export const FEW_NODES = 12;
const HIGHEST = 3;

export const nodePath = (id: number): string => `/admin/nodes/${id}`;

export function chosenFigure(): Choice {
  const { figure } = place.value.query;
  return CHOICES.find(({ name }) => name === figure) ?? CHOICES[0]!;
}

interface NodeLines {
  id: number;
  lines: readonly Line[];
}

function linesOf(history: History, { name, limit }: Choice): NodeLines[] {
  const ids = [...new Set(history.series.map(({ node }) => node))].filter((id) => id !== 0).sort((a, b) => a - b);
  return ids.map((id) => ({
    id, lines: [lineOf(history, name, id, { label: w.value.choices[name] }), ...(limit ? [lineOf(history, limit, id, { limit: true })] : [])],
  }));
}

function Highest({ nodes, kind }: { nodes: readonly NodeLines[]; kind: Choice['kind'] }) {
  const known = nodes.map(({ id, lines }) => ({ id, value: newestOf(lines[0]!.values) })).filter((one): one is { id: number; value: number } => one.value !== null);
  const highest = known.sort((a, b) => b.value - a.value).slice(0, HIGHEST);
  if (highest.length === 0) return null;
  return (
    <p class="chart-highest note">
      {w.value.highest}: {highest.map(({ id, value }, i) => <>{i > 0 && ' · '}<a key={id} href={nodePath(id)}>{w.value.highestOne(c.value.node(String(id)), sayValue(kind, value))}</a></>)}
    </p>
  );
}

function Few({ history, nodes, kind, moment }: { history: History; nodes: readonly NodeLines[]; kind: Choice['kind']; moment: Signal<number | null> }) {
  const top = Math.max(...nodes.map(({ lines }) => largestOfLines(lines)));
  return (
    <div class="charts small">
      {nodes.map(({ id, lines }) => <Chart key={id} small title={c.value.node(String(id))} href={nodePath(id)} kind={kind} grid={history} lines={lines} top={top} moment={moment} />)}
    </div>
  );
}

function Many({ history, nodes, choice }: { history: History; nodes: readonly NodeLines[]; choice: Choice }) {
  const rows = useMemo(() => nodes.map(({ id, lines }) => (
    { id, label: String(id), name: c.value.node(String(id)), href: nodePath(id), values: lines[0]!.values }
  )), [nodes, language.value]);
  const top = topOf(choice.kind, Math.max(...rows.map(({ values }) => largestOf(values))));
  return (
    <>
      <HeatMap title={w.value.choices[choice.name]} kind={choice.kind} grid={history} rows={rows} top={top} />
      <Highest nodes={nodes} kind={choice.kind} />
    </>
  );
}

export function NodeCompare({ history, moment }: { history: History; moment: Signal<number | null> }) {
  const choice = chosenFigure();
  const nodes = useMemo(() => linesOf(history, choice), [history, choice, language.value]);
  const options = CHOICES.map(({ name }) => [name, w.value.choices[name]] as const);
  return (
    <section class="charts-section">
      <div class="charts-head">
        <h2>{w.value.perNode}</h2>
        <Select compact label={w.value.shown} value={choice.name} options={options}
          onChange={(figure) => replaceQuery({ ...place.value.query, figure: figure === CHOICES[0]!.name ? undefined : figure })} />
      </div>
      {nodes.length === 0 && <p class="note">{w.value.none}</p>}
      {nodes.length > 0 && (nodes.length <= FEW_NODES ? <Few history={history} nodes={nodes} kind={choice.kind} moment={moment} />
        : <Many history={history} nodes={nodes} choice={choice} />)}
    </section>
  );
}
