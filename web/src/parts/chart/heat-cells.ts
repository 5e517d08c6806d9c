// SPDX-License-Identifier: LGPL-2.1-or-later
// The cells of a heat map on a canvas: a row for each thing, a column for each point in time.
import { formatAt } from '../../i18n/format';
import type { Grid, Value } from '../../api/history';
import { colour, textFont, textSize } from './colours';
import type { Spot } from './cursor';
import { GRAINS, timeOf } from './lines';

/** How many colours there are: the custom properties --heat-1 and so on. */
export const HEATS = 6;

export interface HeatRow {
  id: number;
  label: string;
  /** Said in the readout and in the table. */
  name: string;
  href: string;
  values: readonly Value[];
}

export interface Measures {
  left: number;
  top: number;
  cellWidth: number;
  cellHeight: number;
  width: number;
  height: number;
}

const FEW = 40;

/** Rows are low where there are many, so that all are seen at once. */
export function measure(width: number, rows: number, columns: number): Measures {
  const size = textSize();
  const left = Math.round(size * 2.6);
  const cellHeight = Math.round(size * (rows <= FEW ? 1 : 0.5));
  return { left, top: 0, cellWidth: (width - left) / Math.max(1, columns), cellHeight, width, height: rows * cellHeight + Math.round(size * 1.6) };
}

/** 1 to HEATS: of a value on a scale that ends at @top. */
export function heatOf(value: number, top: number): number {
  return Math.min(HEATS, 1 + Math.floor((value / top) * HEATS));
}

export function spotAt({ left, cellWidth, cellHeight }: Measures, x: number, y: number, rows: number, columns: number): Spot | null {
  const spot = { row: Math.floor(y / cellHeight), column: Math.floor((x - left) / cellWidth) };
  return spot.row >= 0 && spot.row < rows && spot.column >= 0 && spot.column < columns ? spot : null;
}

/** Lines across, for a time without data. */
function makeHatch(context: CanvasRenderingContext2D): CanvasPattern | string {
  const tile = document.createElement('canvas');
  tile.width = tile.height = 6;
  const pen = tile.getContext('2d')!;
  pen.fillStyle = colour('--sunken');
  pen.fillRect(0, 0, 6, 6);
  pen.strokeStyle = colour('--line');
  pen.beginPath();
  for (const shift of [-6, 0, 6]) {
    pen.moveTo(shift, 6);
    pen.lineTo(shift + 6, 0);
  }
  pen.stroke();
  return context.createPattern(tile, 'repeat') ?? colour('--sunken');
}

function drawLabels(pen: CanvasRenderingContext2D, at: Measures, grid: Grid, rows: readonly HeatRow[]): void {
  const every = at.cellHeight >= textSize() ? 1 : 5;
  pen.fillStyle = colour('--muted');
  pen.font = textFont();
  pen.textBaseline = 'middle';
  pen.textAlign = 'right';
  rows.forEach((row, i) => {
    if (i % every === 0) pen.fillText(row.label, at.left - 8, (i + 0.5) * at.cellHeight);
  });
  const ticks = Math.max(2, Math.floor((at.width - at.left) / (textSize() * 9)));
  for (let i = 0; i < ticks; i++) {
    const column = Math.round(((grid.points - 1) * i) / (ticks - 1));
    pen.textAlign = i === 0 ? 'left' : i === ticks - 1 ? 'right' : 'center';
    const x = i === 0 ? at.left : i === ticks - 1 ? at.width : at.left + (column + 0.5) * at.cellWidth;
    pen.fillText(formatAt(timeOf(grid, column), grid.span === 'live' ? 'minute' : GRAINS[grid.span]), x, at.height - textSize() * 0.65);
  }
}

/** Draws all of it; the canvas has the size of @at in CSS pixels. */
export function drawCells(canvas: HTMLCanvasElement, at: Measures, grid: Grid, rows: readonly HeatRow[], top: number, spot: Spot | null): void {
  const pen = canvas.getContext('2d')!;
  const heats = Array.from({ length: HEATS }, (_, i) => colour(`--heat-${i + 1}`));
  const hatch = makeHatch(pen);
  const gap = at.cellHeight > 10 ? 1 : 0.5;
  pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
  pen.clearRect(0, 0, at.width, at.height);
  rows.forEach(({ values }, row) => {
    for (let column = 0; column < grid.points; column++) {
      const value = values[column];
      pen.fillStyle = value === null || value === undefined ? hatch : heats[heatOf(value, top) - 1]!;
      pen.fillRect(at.left + column * at.cellWidth, row * at.cellHeight, at.cellWidth - (at.cellWidth > 5 ? gap : 0), at.cellHeight - gap);
    }
  });
  drawLabels(pen, at, grid, rows);
  if (!spot) return;
  pen.strokeStyle = colour('--text');
  pen.lineWidth = 2;
  pen.strokeRect(at.left + spot.column * at.cellWidth - 1, spot.row * at.cellHeight - 1, at.cellWidth + 1, at.cellHeight + 1);
}
