// SPDX-License-Identifier: LGPL-2.1-or-later
// Small pictures of a film, for the bar on which one seeks.
import { encodeName, makeQuery } from '../app/router';
import { get } from '../api/client';
import type { Medium } from '../api/types';

export interface Sprite {
  url: string;
  width: number;
  height: number;
  columns: number;
  rows: number;
  /** Seconds, ascending. */
  times: number[];
}

interface SpriteForm {
  tile: { width: number; height: number };
  columns: number;
  tiles: { time_ns: number }[];
}

export async function loadSprite(medium: Medium, signal?: AbortSignal): Promise<Sprite | null> {
  if (!medium.artwork?.sprite) return null;
  const name = encodeName(medium.name);
  const query = makeQuery({ v: medium.artwork.version });
  const form = await get<SpriteForm>(`/tiles/${name}${query}`, signal);
  const columns = Math.max(1, form.columns);
  return {
    url: `/api/v1/sprites/${name}${query}`,
    width: form.tile.width,
    height: form.tile.height,
    columns,
    rows: Math.ceil(form.tiles.length / columns),
    times: form.tiles.map((tile) => tile.time_ns / 1e9),
  };
}

/** The tile whose picture is the last one at or before @seconds. */
export function tileAt(sprite: Sprite, seconds: number): number {
  let low = 0;
  let high = sprite.times.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (sprite.times[middle]! <= seconds) low = middle;
    else high = middle - 1;
  }
  return low;
}
