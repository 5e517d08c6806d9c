// SPDX-License-Identifier: LGPL-2.1-or-later
// The numbers of a chart as a table, the newest first. It stands still while it has the focus.
import { useRef, useState } from 'preact/hooks';
import type { Grid, Value } from '../../api/history';
import { w } from '../../i18n/admin-monitoring';
import { formatAt } from '../../i18n/format';
import { sayValue, type Kind } from './kinds';
import { GRAINS, timeOf, type Line } from './lines';

interface Props {
  title: string;
  grid: Grid;
  kind: Kind;
  lines: readonly Line[];
}

export function ValueCell({ kind, value }: { kind: Kind; value: Value | undefined }) {
  if (value === null || value === undefined) return <td class="number gap">{w.value.gap}</td>;
  return <td class="number" data-value={value}>{sayValue(kind, value)}</td>;
}

interface Column {
  key: string;
  label: string;
  values: readonly Value[];
}

function columnsOf(lines: readonly Line[]): Column[] {
  return lines.flatMap(({ key, label, values, max }) => [
    { key, label, values }, ...(max ? [{ key: `${key} max`, label: w.value.largest(label), values: max }] : []),
  ]);
}

export function ChartTable(props: Props) {
  const [held, setHeld] = useState(false);
  const shown = useRef(props);
  if (!held) shown.current = props;
  const { title, grid, kind, lines } = shown.current;
  const columns = columnsOf(lines);
  const rows = Array.from({ length: grid.points }, (_, i) => grid.points - 1 - i);
  return (
    <div class="table-box chart-table" tabIndex={0} role="region" aria-label={w.value.table(title)} onFocusIn={() => setHeld(true)} onFocusOut={() => setHeld(false)}>
      <table>
        <thead><tr><th scope="col">{w.value.time}</th>{columns.map(({ key, label }) => <th key={key} scope="col" class="number">{label}</th>)}</tr></thead>
        <tbody>
          {rows.map((index) => {
            const time = timeOf(grid, index);
            return (
              <tr key={time} data-time={time}>
                <th scope="row">{formatAt(time, GRAINS[grid.span])}</th>
                {columns.map(({ key, values }) => <ValueCell key={key} kind={kind} value={values[index]} />)}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
