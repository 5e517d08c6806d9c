// SPDX-License-Identifier: LGPL-2.1-or-later
import { encodeName, makeQuery } from '../app/router';
import { get } from './client';
import type { MediaPage, Medium } from './types';

export interface MediaQuery {
  prefix?: string;
  q?: string;
  sort?: string;
  folder?: string;
  after?: string;
  limit?: number;
}

export const listMedia = (query: MediaQuery, signal?: AbortSignal): Promise<MediaPage> => {
  // the empty folder is the topmost one
  const root = query.folder === '' ? 'folder=' : '';
  const rest = makeQuery({ ...query });
  return get<MediaPage>(`/media${root ? `${rest || '?'}${rest ? '&' : ''}${root}` : rest}`, signal);
};

export const getMedium = (name: string, signal?: AbortSignal): Promise<Medium> => get<Medium>(`/media/${encodeName(name)}`, signal);

/** "films/old/a.webm" -> "films/old" */
export function folderOf(name: string): string {
  const slash = name.lastIndexOf('/');
  return slash < 0 ? '' : name.slice(0, slash);
}

export function fileOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** What a person calls it: its title, else its file's name without the extension. */
export function titleOf(medium: { name: string; title?: string | null }): string {
  if (medium.title) return medium.title;
  const file = fileOf(medium.name);
  const dot = file.lastIndexOf('.');
  return (dot > 0 ? file.slice(0, dot) : file).replace(/_/g, ' ');
}

export type Kind = 'video' | 'audio' | 'picture' | 'other';

export function kindOf(medium: Medium): Kind {
  const streams = medium.streams ?? [];
  if (medium.content_type?.startsWith('image/')) return 'picture';
  if (streams.some((stream) => stream.type === 'video')) return 'video';
  if (streams.some((stream) => stream.type === 'audio')) return 'audio';
  if (medium.content_type?.startsWith('video/')) return 'video';
  if (medium.content_type?.startsWith('audio/')) return 'audio';
  return 'other';
}
