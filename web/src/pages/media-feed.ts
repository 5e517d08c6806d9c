// SPDX-License-Identifier: LGPL-2.1-or-later
// A list of media that is asked for page by page, as far as it is looked at. Lists of the pages that
// were visited last are kept, so that Back shows them at once.
import { signal } from '@preact/signals';
import type { Problem } from '../api/client';
import { listMedia, type MediaQuery } from '../api/media';
import { asProblem } from '../api/resource';
import type { Folder, Medium } from '../api/types';

const FIRST_PAGE = 100;
const NEXT_PAGES = 500;
const KEPT = 8;

/** They are offered in the player, and are no media by themselves. */
const BESIDE = /\.(srt|vtt)$/i;

export class MediaFeed {
  readonly items = signal<readonly Medium[]>([]);
  readonly folders = signal<readonly Folder[]>([]);
  readonly problem = signal<Problem | null>(null);
  /** Some answer has come. */
  readonly begun = signal(false);
  /** How many there will be in all, as far as is known. */
  readonly total = signal(0);
  /** There are more than `total` says. */
  readonly more = signal(false);

  private next: string | null = null;
  private ended = false;
  private running = false;
  private wanted = FIRST_PAGE;
  private received = 0;

  constructor(private readonly query: MediaQuery) {
    void this.run();
  }

  /** Items up to @index are looked at. */
  need(index: number): void {
    this.wanted = Math.max(this.wanted, index);
    if (!this.problem.value) void this.run();
  }

  retry(): void {
    this.problem.value = null;
    void this.run();
  }

  private async run(): Promise<void> {
    if (this.running) return;
    this.running = true;
    try {
      while (!this.ended && this.items.value.length < this.wanted) await this.ask();
    } catch (error) {
      this.problem.value = asProblem(error);
    }
    this.running = false;
  }

  private async ask(): Promise<void> {
    const page = await listMedia({ ...this.query, after: this.next ?? undefined, limit: this.begun.value ? NEXT_PAGES : FIRST_PAGE });
    const fresh = page.media.filter((medium) => !BESIDE.test(medium.name));
    this.received += page.media.length;
    this.next = page.next;
    this.ended = page.next === null;
    if (!this.begun.value) this.folders.value = page.folders ?? [];
    this.items.value = [...this.items.value, ...fresh];
    const unseen = Math.max(0, (page.total ?? this.received) - this.received);
    this.total.value = this.items.value.length + (this.ended ? 0 : Math.max(unseen, 1));
    this.more.value = !this.ended && page.total == null;
    this.begun.value = true;
  }
}

const feeds = new Map<string, MediaFeed>();

/** The list of @query on the history's entry @entry. */
export function feedOf(entry: string, query: MediaQuery): MediaFeed {
  const key = `${entry} ${JSON.stringify(query)}`;
  let feed = feeds.get(key);
  if (!feed) {
    feed = new MediaFeed(query);
    feeds.set(key, feed);
    if (feeds.size > KEPT) feeds.delete(feeds.keys().next().value!);
  }
  return feed;
}
