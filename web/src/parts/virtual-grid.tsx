// SPDX-License-Identifier: LGPL-2.1-or-later
// A grid of any number of equal tiles, of which only those near the window are in the document. The
// window scrolls; the grid has its whole height at once.
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

interface Props {
  count: number;
  label: string;
  /** Of the least tile, in rem. */
  tileWidth: number;
  /** Of what is below the picture of 16:9, in rem. */
  captionHeight: number;
  /** The content of a tile with one link, which the arrow keys go to. */
  render: (index: number) => ComponentChildren;
  /** These are shown, or nearly. */
  onRange: (first: number, last: number) => void;
  /** Where to scroll to as soon as there is room. */
  scrollTo: number;
}

interface Geometry {
  columns: number;
  rowHeight: number;
  gap: number;
}

const OVERSCAN_ROWS = 3;

function measure(width: number, tileWidth: number, captionHeight: number): Geometry {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
  const gap = width < 600 ? 12 : 1.25 * rem;
  const least = Math.min(tileWidth * rem, (width - gap) / 2);
  const columns = Math.max(1, Math.floor((width + gap) / (least + gap)));
  const column = (width - gap * (columns - 1)) / columns;
  return { columns, gap, rowHeight: Math.ceil((column * 9) / 16 + captionHeight * rem + gap) };
}

export function VirtualGrid({ count, label, tileWidth, captionHeight, render, onRange, scrollTo }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [geometry, setGeometry] = useState<Geometry | null>(null);
  const [rows, setRows] = useState<[number, number]>([0, 8]);
  const focusNext = useRef<number | null>(null);
  const scrolled = useRef(false);
  const total = geometry ? Math.ceil(count / geometry.columns) : 0;

  useLayoutEffect(() => {
    const element = box.current!;
    const update = () => setGeometry(measure(element.clientWidth, tileWidth, captionHeight));
    const observer = new ResizeObserver(update);
    observer.observe(element);
    update();
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    if (!geometry) return undefined;
    let due = 0;
    const update = () => {
      due = 0;
      const top = -box.current!.getBoundingClientRect().top;
      const first = Math.max(0, Math.floor(top / geometry.rowHeight) - OVERSCAN_ROWS);
      const last = Math.max(first, Math.ceil((top + innerHeight) / geometry.rowHeight) + OVERSCAN_ROWS);
      setRows((old) => (old[0] === first && old[1] === last ? old : [first, last]));
      onRange(first * geometry.columns, (last + 1) * geometry.columns);
    };
    const onScroll = () => { due ||= requestAnimationFrame(update); };
    if (!scrolled.current && count > 0) {
      scrolled.current = true;
      if (scrollTo > 0) window.scrollTo(0, scrollTo);
    }
    update();
    addEventListener('scroll', onScroll, { passive: true });
    addEventListener('resize', onScroll);
    return () => {
      cancelAnimationFrame(due);
      removeEventListener('scroll', onScroll);
      removeEventListener('resize', onScroll);
    };
  }, [geometry, count]);

  useEffect(() => {
    if (focusNext.current === null) return;
    const link = box.current?.querySelector<HTMLElement>(`[data-index="${focusNext.current}"] a`);
    if (!link) return;
    focusNext.current = null;
    link.focus();
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const item = (event.target as Element).closest<HTMLElement>('[data-index]');
    if (!item || !geometry) return;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: geometry.columns, ArrowUp: -geometry.columns };
    const here = Number(item.dataset.index);
    const next = event.key === 'Home' ? 0 : event.key === 'End' ? count - 1 : here + (steps[event.key] ?? 0);
    if (next === here || next < 0 || next >= count) return;
    event.preventDefault();
    focusNext.current = next;
    const top = Math.floor(next / geometry.columns) * geometry.rowHeight + box.current!.getBoundingClientRect().top;
    const bar = 100;
    if (top < bar) window.scrollBy(0, top - bar);
    else if (top + geometry.rowHeight > innerHeight) window.scrollBy(0, top + geometry.rowHeight - innerHeight + 16);
    setRows(([first, last]) => {
      const row = Math.floor(next / geometry.columns);
      return [Math.min(first, row), Math.max(last, row)];
    });
  };

  const items = [];
  if (geometry) {
    const from = Math.min(rows[0], Math.max(0, total - 1)) * geometry.columns;
    const to = Math.min(count, (rows[1] + 1) * geometry.columns);
    for (let i = from; i < to; i++)
      items.push(<li key={i} data-index={i} aria-setsize={count} aria-posinset={i + 1}>{render(i)}</li>);
  }
  return (
    <div ref={box} class="virtual" style={{ height: geometry ? `${total * geometry.rowHeight}px` : undefined }}>
      {geometry && (
        <ul aria-label={label} onKeyDown={onKeyDown} style={{
          transform: `translateY(${Math.min(rows[0], Math.max(0, total - 1)) * geometry.rowHeight}px)`,
          gridTemplateColumns: `repeat(${geometry.columns}, minmax(0, 1fr))`, gridAutoRows: `${geometry.rowHeight}px`, columnGap: `${geometry.gap}px`,
        }}>{items}</ul>
      )}
    </div>
  );
}
