// SPDX-License-Identifier: LGPL-2.1-or-later
// What the pages decide without a browser: how parts of a history are joined, where keys lead to,
// what a scale shows. Needs the pages' libraries, which the build has fetched:
//
//   node test-pages.mjs BUILD/web/stage
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';

const SKIPPED = 77;
const stage = path.resolve(process.argv[2]);
if (!existsSync(path.join(stage, 'node_modules', 'esbuild'))) process.exit(SKIPPED);

// what the texts ask for their language
globalThis.navigator ??= { language: 'en' };

async function load(name) {
  const esbuild = await import(pathToFileURL(createRequire(path.join(stage, 'package.json')).resolve('esbuild')).href);
  const { outputFiles } = await esbuild.build({
    entryPoints: [path.join(stage, 'src', name)], bundle: true, write: false, format: 'esm', jsx: 'automatic', jsxImportSource: 'preact', logLevel: 'error',
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}

const { extendHistory } = await load('api/history.ts');
const { moveCursor, moveSpot } = await load('parts/chart/cursor.ts');
const { indexAt, largestOfLines, newestOf } = await load('parts/chart/lines.ts');
const { heatOf, spotAt } = await load('parts/chart/heat-cells.ts');
const { sayValue, topOf } = await load('parts/chart/kinds.ts');

const history = (start, mean, { step = 1, max = null, node = 1 } = {}) =>
  ({ span: 'live', start, step, points: mean.length, series: [{ node, name: 'cpu', mean, max }] });

describe('a history that goes on', () => {
  const old = history(100, [1, 2, 3, 4]);

  it('has as many points as before', () => {
    const joined = extendHistory(old, history(104, [5]));
    assert.deepEqual([joined.start, joined.points, joined.series[0].mean], [101, 4, [2, 3, 4, 5]]);
  });
  it('takes what is told anew', () => {
    assert.deepEqual(extendHistory(old, history(102, [30, 40, 5])).series[0].mean, [2, 30, 40, 5]);
    assert.deepEqual(extendHistory(old, history(102, [30, null])).series[0].mean, [1, 2, 30, null]);
  });
  it('joins the largest ones, too', () => {
    const joined = extendHistory(history(0, [1, 2], { max: [3, 4] }), history(2, [5], { max: [6] }));
    assert.deepEqual(joined.series[0].max, [4, 6]);
  });
  it('stays without news', () => {
    assert.equal(extendHistory(old, history(104, [])), old);
  });
  it('is asked for anew where the parts do not fit', () => {
    for (const more of [history(104, [5], { step: 2 }), history(104.5, [5]), history(104, [5], { node: 2 }), history(99, [5, 6, 7, 8, 9]), history(100, [5]),
      history(105, [5]), history(104, [5], { max: [5] }), { ...history(104, [5]), series: [] }])
      assert.equal(extendHistory(old, more), null);
  });
});

describe('keys', () => {
  it('move a cursor from point to point', () => {
    const cases = [['ArrowLeft', null, 9], ['ArrowRight', null, 9], ['ArrowLeft', 0, 0], ['ArrowRight', 9, 9], ['ArrowRight', 3, 4], ['Home', 5, 0], ['End', 5, 9],
      ['PageUp', 9, 0], ['PageDown', 2, 9], ['Escape', 5, null], ['a', 5, undefined]];
    for (const [key, at, to] of cases) assert.equal(moveCursor(key, at, 10), to, key);
  });
  it('move a cursor over rows and columns', () => {
    assert.deepEqual(moveSpot('ArrowDown', null, 5, 10), { row: 0, column: 9 });
    assert.deepEqual(moveSpot('ArrowDown', { row: 0, column: 9 }, 5, 10), { row: 1, column: 9 });
    assert.deepEqual(moveSpot('ArrowUp', { row: 0, column: 9 }, 5, 10), { row: 0, column: 9 });
    assert.deepEqual(moveSpot('PageDown', { row: 1, column: 4 }, 5, 10), { row: 4, column: 4 });
    assert.deepEqual(moveSpot('Home', { row: 1, column: 4 }, 5, 10), { row: 1, column: 0 });
    assert.equal(moveSpot('Escape', { row: 1, column: 4 }, 5, 10), null);
    assert.equal(moveSpot('Escape', null, 5, 10), null);
    assert.equal(moveSpot('x', null, 5, 10), undefined);
  });
});

describe('a chart', () => {
  const line = (...values) => ({ key: 'a', label: 'a', values });

  it('finds the point of a time', () => {
    const grid = { span: 'live', start: 100, step: 10, points: 3 };
    assert.deepEqual([null, 99, 100, 109, 129, 130].map((time) => indexAt(grid, time)), [null, null, 0, 0, 2, null]);
  });
  it('says the newest value, unless the line has ended', () => {
    assert.equal(newestOf([1, 2, null]), 2);
    assert.equal(newestOf([1, null, null, null]), null);
    assert.equal(newestOf([]), null);
  });
  it('shows a limit that its lines come near', () => {
    const limit = { ...line(100, null), limit: true };
    assert.equal(largestOfLines([line(3, null, 40), limit]), 100);
    assert.equal(largestOfLines([line(3, null, 20), limit]), 20);
    assert.equal(largestOfLines([{ ...line(3, 4), max: [null, 60] }, limit]), 100);
    assert.equal(largestOfLines([]), 0);
  });
  it('draws little as little', () => {
    assert.equal(topOf('fraction', 0.01), 1);
    assert.equal(topOf('count', 0), 4);
    assert.equal(topOf('bytes', 1e9), 1.08e9);
  });
  it('says values in their units', () => {
    assert.deepEqual([sayValue('fraction', 0.123), sayValue('bitRate', 8.2e6), sayValue('seconds', 0.0123), sayValue('seconds', 2.5), sayValue('bytesRate', 67e6), sayValue('processors', 0.4242)],
      ['12%', '8.2 Mbit/s', '12 ms', '2.5 sec', '67 MB/s', '0.42']);
  });
});

describe('a heat map', () => {
  it('has a colour for each value', () => {
    assert.deepEqual([0, 0.16, 0.17, 0.5, 1, 7].map((value) => heatOf(value, 1)), [1, 1, 2, 4, 6, 6]);
  });
  it('finds the cell under the pointer', () => {
    const measures = { left: 40, top: 0, cellWidth: 10, cellHeight: 8, width: 140, height: 90 };
    assert.deepEqual(spotAt(measures, 55, 17, 10, 10), { row: 2, column: 1 });
    for (const [x, y] of [[39, 5], [141, 5], [50, 81], [50, -1]]) assert.equal(spotAt(measures, x, y, 10, 10), null);
  });
});
