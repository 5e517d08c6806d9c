// SPDX-License-Identifier: LGPL-2.1-or-later
// Lines over time, drawn by uPlot. This file is loaded when the first chart is shown.
import uPlot from 'uplot';
import type { Grid } from '../../api/history';
import { formatAt, type Grain } from '../../i18n/format';
import { colour, textFont, textSize, watchColours, watchWidth } from './colours';
import { isWhole, sayValue, topOf, type Kind } from './kinds';
import { largestOfLines, timeOf, type Line } from './lines';

const DAY_S = 86400;
const MONTH_S = 28 * DAY_S;
const DASHES = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
// rem: beside the drawing, and half of a long label of a time
const EDGE = 0.75;
const HALF_LABEL = 1.9;
const WHOLE_STEPS = [0, 1, 2, 3, 4, 5, 6].flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power));

export interface PlotOptions {
  kind: Kind;
  lines: readonly Line[];
  /** In rem. */
  height: number;
  /** The pointer is at this point; null: it has left. */
  onPoint: (index: number | null) => void;
}

function grainOf(step: number): Grain {
  if (step >= MONTH_S) return 'month';
  if (step >= DAY_S) return 'day';
  return step >= 60 ? 'minute' : 'second';
}

/** The points of a line that have a gap on both sides: no line would show them. */
function findLonely(values: ArrayLike<number | null | undefined>): number[] {
  const lonely = [];
  for (let i = 0; i < values.length; i++) if (values[i] != null && values[i - 1] == null && values[i + 1] == null) lonely.push(i);
  return lonely;
}

export class Plot {
  private readonly plot: uPlot;
  private readonly ends: (() => void)[] = [];
  private grid: Grid | null = null;
  private top = 1;
  private inside = false;

  constructor(private readonly box: HTMLElement, private readonly options: PlotOptions) {
    this.plot = new uPlot(this.makeOptions(), [[]] as unknown as uPlot.AlignedData, box);
    const { over } = this.plot;
    over.addEventListener('mouseenter', () => { this.inside = true; });
    over.addEventListener('mouseleave', () => {
      this.inside = false;
      options.onPoint(null);
    });
    this.ends.push(watchColours(() => this.redraw()), watchWidth(box, (width) => this.plot.setSize({ width, height: this.height() })));
  }

  private height(): number {
    return Math.round(this.options.height * textSize());
  }

  private makeOptions(): uPlot.Options {
    const { kind, lines, onPoint } = this.options;
    const banded = Boolean(lines[0]?.max);
    return {
      width: Math.max(1, this.box.clientWidth),
      height: this.height(),
      padding: [Math.round(textSize() * 0.6), Math.round(textSize() * EDGE), 0, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false, setScale: false }, points: { size: 8 } },
      scales: {
        x: { time: true, range: () => this.grid ? [this.grid.start, timeOf(this.grid, this.grid.points - 1)] : [0, 1] },
        y: { range: () => [0, this.top] },
      },
      axes: [this.timeAxis(), this.valueAxis(kind)],
      series: [{}, ...lines.map((line, i) => this.lineSeries(line, i)), ...(banded ? [{ stroke: 'transparent', width: 0, points: { show: false } }] : [])],
      bands: banded ? [{ series: [lines.length + 1, 1], fill: () => colour('--chart-band') }] : [],
      hooks: { setCursor: [(plot) => { if (this.inside) onPoint(plot.cursor.idx ?? null); }] },
    };
  }

  private lineSeries(line: Line, i: number): uPlot.Series {
    const stroke = () => colour(line.limit ? '--chart-limit' : `--chart-${i + 1}`);
    return {
      stroke, width: (textSize() * 1.5) / 16, dash: line.limit ? [4, 4] : DASHES[i % DASHES.length], spanGaps: false,
      points: { show: true, size: 5, fill: stroke, filter: (plot, index) => findLonely(plot.data[index]!) },
    };
  }

  private axis(): uPlot.Axis {
    return {
      stroke: () => colour('--muted'), font: textFont(), gap: 6,
      grid: { stroke: () => colour('--chart-grid'), width: 1 }, ticks: { show: false },
    };
  }

  private timeAxis(): uPlot.Axis {
    return {
      ...this.axis(), size: Math.round(textSize() * 1.6), space: Math.round(textSize() * 5),
      values: (plot, splits, _axis, _space, step) => {
        const last = this.lastLabel(plot);
        return splits.map((time) => (time > last ? '' : formatAt(time, grainOf(step))));
      },
    };
  }

  /** A label that is later would be cut off. */
  private lastLabel(plot: uPlot): number {
    const { min = 0, max = 0 } = plot.scales.x!;
    const width = plot.bbox.width / devicePixelRatio || 1;
    return (max ?? 0) - (((max ?? 0) - (min ?? 0)) * textSize() * (HALF_LABEL - EDGE)) / width;
  }

  private valueAxis(kind: Kind): uPlot.Axis {
    const pixels = (plot: uPlot, text: string) => {
      plot.ctx.font = plot.axes[1]!.font![0] as unknown as string;
      return plot.ctx.measureText(text).width / devicePixelRatio;
    };
    return {
      ...this.axis(), space: Math.round(textSize() * 2.4),
      ...(isWhole(kind) && { incrs: WHOLE_STEPS }),
      values: (_plot, splits) => splits.map((value) => (value === 0 ? '0' : sayValue(kind, value))),
      size: (plot, values) => Math.ceil(Math.max(textSize() * 1.5, ...(values ?? []).map((text) => pixels(plot, text))) + 10),
    };
  }

  /** @top: where the scale ends; without it that follows from the lines. */
  show(grid: Grid, lines: readonly Line[], top?: number): void {
    this.grid = grid;
    this.top = topOf(this.options.kind, top ?? largestOfLines(lines));
    const times = Array.from({ length: grid.points }, (_, i) => timeOf(grid, i));
    const banded = lines[0]?.max;
    this.plot.setData([times, ...lines.map((line) => line.values), ...(banded ? [banded] : [])] as unknown as uPlot.AlignedData);
  }

  /** Moves the cursor to a point; null: there is none. */
  point(index: number | null): void {
    if (!this.grid || this.inside) return;
    const left = index === null ? -10 : this.plot.valToPos(timeOf(this.grid, index), 'x');
    this.plot.setCursor({ left, top: 0 }, false);
  }

  redraw(): void {
    this.plot.redraw(false, true);
  }

  destroy(): void {
    for (const end of this.ends) end();
    this.plot.destroy();
  }
}
