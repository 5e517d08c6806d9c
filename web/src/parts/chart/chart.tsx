// SPDX-License-Identifier: LGPL-2.1-or-later
// Lines over time with their legend: read with the pointer, with the keys, or as a table.
import { useSignal, type Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Grid, Value } from '../../api/history';
import { language } from '../../i18n';
import { c } from '../../i18n/admin-common';
import { w } from '../../i18n/admin-monitoring';
import { formatAt } from '../../i18n/format';
import { Icon } from '../icon';
import { ChartTable } from './chart-table';
import { moveCursor } from './cursor';
import { sayValue, type Kind } from './kinds';
import { GRAINS, hasValues, indexAt, newestOf, SHORT_GRAINS, timeOf, type Line } from './lines';
import type { Plot } from './plot';

interface Props {
  title: string;
  /** Where the title leads to. */
  href?: string;
  kind: Kind;
  grid: Grid;
  lines: readonly Line[];
  /** Where the scale has to end, so that charts side by side have the same. */
  top?: number;
  small?: boolean;
  /** The time that the cursor is at, of all charts that share it. */
  moment?: Signal<number | null>;
  children?: ComponentChildren;
}

const HEIGHT = 12;
const SMALL_HEIGHT = 8;

const say = (kind: Kind, value: Value | undefined): string => (value === null || value === undefined ? w.value.gap : sayValue(kind, value));

/** What a line is at a point; the newest value where there is no point. */
function sayLine(kind: Kind, line: Line, index: number | null): string {
  const { values, max } = line;
  if (!hasValues([line])) return c.value.unknown;
  const value = index === null ? newestOf(values) : values[index];
  const largest = max && (index === null ? newestOf(max) : max[index]);
  const text = say(kind, value);
  return largest === null || largest === undefined || value === null || largest === value ? text : `${text}, ${w.value.upTo(sayValue(kind, largest))}`;
}

function sayPoint(kind: Kind, grid: Grid, lines: readonly Line[], index: number): string {
  const values = lines.map((line) => `${line.label} ${sayLine(kind, line, index)}`);
  return `${formatAt(timeOf(grid, index), GRAINS[grid.span])}: ${values.join('; ')}`;
}

function Legend({ kind, lines, index }: { kind: Kind; lines: readonly Line[]; index: number | null }) {
  return (
    <ul class="chart-legend">
      {lines.map((line, i) => (
        <li key={line.key}>
          <svg class={line.limit ? 'chart-key limit' : `chart-key line-${i + 1}`} viewBox="0 0 22 8" aria-hidden="true"><path d="M0 4H22" /></svg>
          <span>{line.label}</span> <strong>{sayLine(kind, line, index)}</strong>
        </li>
      ))}
    </ul>
  );
}

/** The drawing; where its code cannot be loaded, @onFailed is called. */
function usePlot({ kind, grid, lines, top, small }: Props, index: number | null, onPoint: (index: number | null) => void, onFailed: () => void) {
  const box = useRef<HTMLDivElement>(null);
  const [plot, setPlot] = useState<Plot | null>(null);
  const point = useRef(onPoint);
  point.current = onPoint;
  const shape = lines.map((line) => `${line.key} ${line.limit ?? ''} ${Boolean(line.max)}`).join();
  useEffect(() => {
    let made: Plot | null = null;
    let gone = false;
    import('./plot').then(({ Plot: Made }) => {
      if (gone || !box.current) return;
      made = new Made(box.current, { kind, lines, height: small ? SMALL_HEIGHT : HEIGHT, onPoint: (at) => point.current(at) });
      setPlot(made);
    }, () => { if (!gone) onFailed(); });
    return () => {
      gone = true;
      made?.destroy();
      setPlot(null);
    };
  }, [kind, shape, small]);
  useEffect(() => plot?.show(grid, lines, top), [plot, grid, lines, top, language.value]);
  useEffect(() => plot?.point(index), [plot, grid, index]);
  return box;
}

function Drawing({ moment, onFailed, ...props }: Props & { moment: Signal<number | null>; onFailed: () => void }) {
  const { title, kind, grid, lines, small } = props;
  const [said, setSaid] = useState('');
  const id = useId();
  const index = indexAt(grid, moment.value);
  const go = (to: number | null) => { moment.value = to === null ? null : timeOf(grid, to); };
  const box = usePlot(props, index, go, onFailed);
  const onKey = (event: KeyboardEvent) => {
    const to = event.ctrlKey || event.altKey || event.metaKey ? undefined : moveCursor(event.key, index, grid.points);
    if (to === undefined) return;
    event.preventDefault();
    go(to);
    setSaid(to === null ? '' : sayPoint(kind, grid, lines, to));
  };
  return (
    <>
      <div class={small ? 'chart-plot small' : 'chart-plot'} tabIndex={0} role="application" aria-roledescription={w.value.chart} aria-label={title} aria-describedby={id}
        data-start={grid.start} data-step={grid.step} data-until={timeOf(grid, grid.points)} onKeyDown={onKey} onBlur={() => { moment.value = null; }}>
        <div class="chart-canvas" ref={box} />
        {!hasValues(lines) && <p class="chart-empty">{w.value.empty}</p>}
      </div>
      <p id={id} hidden>{w.value.keys}</p>
      <p class="visually-hidden" role="status">{said}</p>
    </>
  );
}

export function Chart(props: Props) {
  const { title, href, kind, grid, lines, children } = props;
  const own = useSignal<number | null>(null);
  const moment = props.moment ?? own;
  const [table, setTable] = useState(false);
  const [failed, setFailed] = useState(false);
  const index = indexAt(grid, moment.value);
  return (
    <figure class="chart" aria-label={title}>
      <div class="chart-head">
        <h3>{href ? <a href={href}>{title}</a> : title}</h3>
        {index !== null && <span class="chart-time">{formatAt(timeOf(grid, index), SHORT_GRAINS[grid.span])}</span>}
        <button type="button" class="icon-button" aria-pressed={table} aria-label={w.value.table(title)} title={w.value.table(title)} onClick={() => setTable(!table)}><Icon name="table" /></button>
      </div>
      <Legend kind={kind} lines={lines} index={index} />
      {failed && <p class="note" role="status">{w.value.failedDraw}</p>}
      {table || failed ? <ChartTable title={title} grid={grid} kind={kind} lines={lines} />
        : <Drawing {...props} moment={moment} onFailed={() => setFailed(true)} />}
      {children}
    </figure>
  );
}
