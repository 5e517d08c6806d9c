// SPDX-License-Identifier: LGPL-2.1-or-later
// One figure of many things over time, where lines would hide each other.
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Grid } from '../../api/history';
import { navigate } from '../../app/router';
import { language } from '../../i18n';
import { w } from '../../i18n/admin-monitoring';
import { formatAt } from '../../i18n/format';
import { Icon } from '../icon';
import { ValueCell } from './chart-table';
import { textSize, watchColours, watchWidth } from './colours';
import { moveSpot, type Spot } from './cursor';
import { drawCells, HEATS, measure, spotAt, type HeatRow } from './heat-cells';
import { sayValue, type Kind } from './kinds';
import { GRAINS, timeOf } from './lines';

interface Props {
  title: string;
  kind: Kind;
  grid: Grid;
  rows: readonly HeatRow[];
  /** Where the scale ends. */
  top: number;
}

function saySpot(kind: Kind, grid: Grid, rows: readonly HeatRow[], { row, column }: Spot): string {
  const value = rows[row]?.values[column];
  const text = value === null || value === undefined ? w.value.gap : sayValue(kind, value);
  return `${rows[row]?.name ?? ''}, ${formatAt(timeOf(grid, column), GRAINS[grid.span])}: ${text}`;
}

// rem: what stays at the window's top and bottom
const COVERED = 8;
const BELOW = 2;

/** Scrolls so that what is @y below the top of @canvas is seen. */
function bringIntoView(canvas: HTMLCanvasElement, y: number): void {
  const at = canvas.getBoundingClientRect().top + y;
  const [least, most] = [COVERED * textSize(), innerHeight - BELOW * textSize()];
  if (at < least) scrollBy(0, at - least);
  else if (at > most) scrollBy(0, at - most);
}

function Scale({ kind, top }: { kind: Kind; top: number }) {
  return (
    <ul class="heat-scale">
      {Array.from({ length: HEATS }, (_, i) => (
        <li key={i}><span class={`swatch heat-${i + 1}`} />{sayValue(kind, (top * i) / HEATS)}{i === HEATS - 1 && ` – ${sayValue(kind, top)}`}</li>
      ))}
      <li><span class="swatch heat-gap" />{w.value.gap}</li>
    </ul>
  );
}

// so that a browser draws it at once: of many rows only the newest columns
const MOST_CELLS = 10000;
const LEAST_COLUMNS = 10;

function HeatTable({ title, kind, grid, rows }: Props) {
  const shown = Math.min(grid.points, Math.max(LEAST_COLUMNS, Math.floor(MOST_CELLS / rows.length)));
  const columns = Array.from({ length: shown }, (_, i) => grid.points - 1 - i);
  return (
    <div class="table-box chart-table" tabIndex={0} role="region" aria-label={w.value.table(title)}>
      <table>
        <thead><tr><th scope="col">{w.value.perNode}</th>{columns.map((column) => <th key={column} scope="col" class="number">{formatAt(timeOf(grid, column), GRAINS[grid.span])}</th>)}</tr></thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.id} data-node={row.id}>
              <th scope="row"><a href={row.href}>{row.name}</a></th>
              {columns.map((column) => <ValueCell key={column} kind={kind} value={row.values[column]} />)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cells({ title, kind, grid, rows, top }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(0);
  const [paint, setPaint] = useState(0);
  const [spot, setSpot] = useState<Spot | null>(null);
  const [said, setSaid] = useState('');
  const id = useId();
  const at = measure(width, rows.length, grid.points);
  const ratio = devicePixelRatio;
  useEffect(() => watchWidth(box.current!, setWidth), []);
  useEffect(() => watchColours(() => setPaint((n) => n + 1)), []);
  useEffect(() => {
    if (width > 0) drawCells(canvas.current!, at, grid, rows, top, spot);
  }, [width, paint, grid, rows, top, spot, language.value, ratio]);
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'Enter' && spot) return navigate(rows[spot.row]!.href);
    const to = event.ctrlKey || event.altKey || event.metaKey ? undefined : moveSpot(event.key, spot, rows.length, grid.points);
    if (to === undefined) return;
    event.preventDefault();
    setSpot(to);
    if (to) bringIntoView(canvas.current!, to.row * at.cellHeight);
    setSaid(to ? saySpot(kind, grid, rows, to) : '');
  };
  const spotOf = (event: MouseEvent) => spotAt(at, event.offsetX, event.offsetY, rows.length, grid.points);
  return (
    <>
      <p class="heat-readout">{spot && rows[spot.row] ? saySpot(kind, grid, rows, spot) : null}</p>
      <div class="heat-plot" ref={box} tabIndex={0} role="application" aria-roledescription={w.value.heatMap} aria-label={title} aria-describedby={id}
        onKeyDown={onKey} onBlur={() => setSpot(null)} onPointerMove={(event) => setSpot(spotOf(event))} onPointerLeave={() => setSpot(null)}
        onClick={(event) => { const here = spotOf(event); if (here) navigate(rows[here.row]!.href); }}>
        <canvas ref={canvas} width={Math.round(at.width * ratio)} height={Math.round(at.height * ratio)} style={{ width: `${at.width}px`, height: `${at.height}px` }} />
      </div>
      <p id={id} hidden>{w.value.mapKeys}</p>
      <p class="visually-hidden" role="status">{said}</p>
    </>
  );
}

export function HeatMap(props: Props) {
  const { title, kind, top } = props;
  const [table, setTable] = useState(false);
  return (
    <figure class="chart" aria-label={title}>
      <div class="chart-head">
        <h3>{title}</h3>
        <button type="button" class="icon-button" aria-pressed={table} aria-label={w.value.table(title)} title={w.value.table(title)} onClick={() => setTable(!table)}><Icon name="table" /></button>
      </div>
      <Scale kind={kind} top={top} />
      {table ? <HeatTable {...props} /> : <Cells {...props} />}
    </figure>
  );
}
