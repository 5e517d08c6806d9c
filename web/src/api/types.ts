// SPDX-License-Identifier: LGPL-2.1-or-later
// The forms of control/api/openapi.json that the pages read.

export type Role = 'viewer' | 'operator' | 'admin';

export interface Me {
  user: string;
  role: Role;
  expires: string;
  one_time_password: boolean;
}

export interface MediumStream {
  type: string;
  /** As GStreamer describes it; null: not known. */
  codec?: string | null;
  /** As browsers call it. */
  mime_codec?: string;
  width?: number;
  height?: number;
  framerate?: number;
  bitrate?: number | null;
  channels?: number;
  rate?: number;
  language?: string | null;
}

export interface Artwork {
  poster: boolean;
  thumbhash: string | null;
  sprite: boolean;
  peaks: boolean;
  version: string;
}

export type MediumState = 'uploading' | 'ingesting' | 'ready' | 'failed' | 'deleting';

export interface Medium {
  id: number;
  name: string;
  title: string | null;
  content_type: string | null;
  size: number | null;
  sha256: string | null;
  state: MediumState;
  redundancy: string;
  keep_original: boolean;
  created: string;
  version: string | null;
  container: string | null;
  duration_ns: number | null;
  avg_bitrate: number | null;
  peak_bitrate_1s: number | null;
  streams: MediumStream[] | null;
  tags: Record<string, unknown> | null;
  job: number | null;
  artwork?: Artwork | null;
}

export interface Folder {
  name: string;
  /** How many are below it; null: too many to count. */
  media: number | null;
}

export interface MediaPage {
  media: Medium[];
  folders?: Folder[];
  next: string | null;
  total?: number | null;
}

export interface Play {
  id: string;
  medium: string;
  version: string;
  content_type: string;
  urls: string[];
  position_ns: number | null;
}

export interface Position {
  medium: string;
  position_ns: number;
  duration_ns: number | null;
  updated: string;
}

export interface Login {
  id: string;
  created: string;
  last_used: string | null;
  address: string | null;
  client: string | null;
  current: boolean;
}

export interface Link {
  id: number;
  user: string;
  medium: string;
  created: string;
  expires: string;
  /** Told once, when it is made. */
  url?: string;
}
