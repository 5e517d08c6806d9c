// SPDX-License-Identifier: LGPL-2.1-or-later
// Where a medium lies: a map of extents and storage servers, and the same as a table.
import { useState } from 'preact/hooks';
import { getLayout, type LayoutPage, type ShardState } from '../../../api/cluster';
import { useLive } from '../../../api/live';
import { c } from '../../../i18n/admin-common';
import { m } from '../../../i18n/admin-media';
import { formatNumber } from '../../../i18n/format';
import { Loading, Notice, explainProblem } from '../../../parts/page';

const COUNT = 128;
const CELL = 16;
const HEAD = 22;
const SIDE = 58;
const STATES: readonly ShardState[] = ['ok', 'rebuilding', 'away', 'bad', 'missing'];

interface Cell {
  index: number;
  state: ShardState;
}

/** For each extent the shards by node; those that no node has come last. */
function arrange(page: LayoutPage): { ids: number[]; rows: { extent: number; cells: Map<number, Cell>; lost: Cell[] }[] } {
  const ids = [...new Set(page.rows.flatMap((row) => row.shards.map((shard) => shard.node)).filter((id): id is number => id !== null))];
  for (const { id } of page.nodes) if (!ids.includes(id)) ids.push(id);
  const rows = page.rows.map((row) => {
    const cells = new Map<number, Cell>();
    const lost: Cell[] = [];
    row.shards.forEach(({ node, state }, index) => (node === null ? lost.push({ index, state }) : cells.set(node, { index, state })));
    return { extent: row.index, cells, lost };
  });
  return { ids: ids.sort((a, b) => a - b), rows };
}

function count(page: LayoutPage): Partial<Record<ShardState, number>> {
  const sums: Partial<Record<ShardState, number>> = {};
  for (const row of page.rows) for (const { state } of row.shards) sums[state] = (sums[state] ?? 0) + 1;
  return sums;
}

/** A mark besides the colour, for who does not tell colours apart. */
function Mark({ state, x, y }: { state: ShardState; x: number; y: number }) {
  const [a, b] = [4, CELL - 6];
  if (state === 'bad') return <path class="mark" d={`M${x + a} ${y + a}L${x + b} ${y + b}M${x + b} ${y + a}L${x + a} ${y + b}`} />;
  if (state === 'rebuilding' || state === 'away') return <path class="mark" d={`M${x + a} ${y + CELL / 2 - 1}H${x + b}${state === 'rebuilding' ? `M${x + CELL / 2 - 1} ${y + a}V${y + b}` : ''}`} />;
  return null;
}

function LayoutMap({ page }: { page: LayoutPage }) {
  const { ids, rows } = arrange(page);
  const lost = Math.max(0, ...rows.map((row) => row.lost.length));
  const width = SIDE + (ids.length + lost) * CELL * 1.75;
  const at = (column: number) => SIDE + column * CELL * 1.75;
  const text = Object.entries(count(page)).map(([state, n]) => `${formatNumber(n)} ${m.value.shardStates[state as ShardState]}`).join(', ');
  return (
    <div class="map-box" tabIndex={0} role="region" aria-label={m.value.layout}>
      <svg class="layout-map" role="img" aria-label={m.value.mapLabel(text)} width={width} height={HEAD + rows.length * CELL} viewBox={`0 0 ${width} ${HEAD + rows.length * CELL}`}>
        {ids.map((id, column) => <text key={id} x={at(column) + CELL * 0.8} y={HEAD - 8} text-anchor="middle">{id}</text>)}
        {rows.map((row, line) => {
          const y = HEAD + line * CELL;
          return (
            <g key={row.extent}>
              {(line % 8 === 0) && <text x={SIDE - 10} y={y + CELL - 5} text-anchor="end">{row.extent}</text>}
              {ids.map((id, column) => {
                const cell = row.cells.get(id);
                return (
                  <g key={id}>
                    <rect class={cell ? `shard ${cell.state}${cell.index >= page.k ? ' parity' : ''}` : 'shard none'} x={at(column)} y={y} width={CELL * 1.6} height={CELL - 2} rx="3">
                      {cell && <title>{`${m.value.extent} ${row.extent}, ${c.value.node(String(id))}, ${m.value.shardIs(String(cell.index), m.value.shardStates[cell.state])}`}</title>}
                    </rect>
                    {cell && <Mark state={cell.state} x={at(column) + 5} y={y} />}
                  </g>
                );
              })}
              {row.lost.map((cell, i) => <rect key={cell.index} class={`shard ${cell.state}`} x={at(ids.length + i)} y={y} width={CELL * 1.6} height={CELL - 2} rx="3" />)}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function LayoutTable({ page }: { page: LayoutPage }) {
  const { ids, rows } = arrange(page);
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={m.value.layout}>
      <table>
        <thead><tr><th scope="col">{m.value.extent}</th>{ids.map((id) => <th key={id} scope="col">{c.value.node(String(id))}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.extent}>
              <th scope="row">{formatNumber(row.extent)}</th>
              {ids.map((id) => {
                const cell = row.cells.get(id);
                return <td key={id}>{cell ? m.value.shardIs(String(cell.index), m.value.shardStates[cell.state]) : '–'}</td>;
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Legend({ parity }: { parity: boolean }) {
  return (
    <ul class="legend">
      {STATES.map((state) => <li key={state}><span class={`swatch ${state}`} />{m.value.shardStates[state]}</li>)}
      {parity && <li><span class="swatch ok parity" />{m.value.parity}</li>}
    </ul>
  );
}

export function Layout({ name }: { name: string }) {
  const [first, setFirst] = useState(0);
  const [table, setTable] = useState(false);
  const { data, error, loading } = useLive((signal) => getLayout(name, first, COUNT, signal), ['nodes', 'health', 'jobs'], { inputs: [name, first] });
  if (error?.status === 404 && !data) return null;
  return (
    <section class="card">
      <div class="layout-head">
        <h2>{m.value.layout}</h2>
        <div class="segments">
          <button type="button" aria-pressed={!table} onClick={() => setTable(false)}>{m.value.asMap}</button>
          <button type="button" aria-pressed={table} onClick={() => setTable(true)}>{m.value.asTable}</button>
        </div>
      </div>
      {!data && loading && <Loading />}
      {!data && error && <Notice kind="error">{explainProblem(error)}</Notice>}
      {data && (
        <>
          <p class="note">{m.value.layoutText(formatNumber(data.extents), formatNumber(arrange(data).ids.length))}</p>
          {!table && <Legend parity={data.m > 0} />}
          {table ? <LayoutTable page={data} /> : <LayoutMap page={data} />}
          {data.extents > COUNT && (
            <div class="toolbar pager">
              <button type="button" class="button" disabled={first === 0} onClick={() => setFirst(Math.max(0, first - COUNT))}>{m.value.earlier}</button>
              <span class="note" role="status">{m.value.extents(formatNumber(first), formatNumber(Math.min(data.extents, first + COUNT) - 1), formatNumber(data.extents))}</span>
              <button type="button" class="button" disabled={first + COUNT >= data.extents} onClick={() => setFirst(first + COUNT)}>{m.value.later}</button>
            </div>
          )}
        </>
      )}
    </section>
  );
}
