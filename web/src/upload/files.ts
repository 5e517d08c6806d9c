// SPDX-License-Identifier: LGPL-2.1-or-later
// Files with their paths, from a choice or from what was dropped: folders with all that is in them.

export interface PickedFile {
  file: File;
  /** Below what was chosen: "Films/a.webm". */
  path: string;
}

const MAX_FILES = 10_000;

export function fromList(files: FileList | null): PickedFile[] {
  return [...(files ?? [])].slice(0, MAX_FILES).map((file) => ({ file, path: file.webkitRelativePath || file.name }));
}

const readFile = (entry: FileSystemFileEntry): Promise<File> => new Promise((resolve, reject) => entry.file(resolve, reject));

/** A folder tells its entries in pieces, the last of which is empty. */
async function readFolder(entry: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = entry.createReader();
  const entries: FileSystemEntry[] = [];
  for (;;) {
    const piece = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (piece.length === 0) return entries;
    entries.push(...piece);
  }
}

async function walk(entry: FileSystemEntry, into: PickedFile[]): Promise<void> {
  if (into.length >= MAX_FILES) return;
  if (entry.isFile) into.push({ file: await readFile(entry as FileSystemFileEntry), path: entry.fullPath.replace(/^\//, '') });
  else for (const child of await readFolder(entry as FileSystemDirectoryEntry)) await walk(child, into);
}

/** To be called while the drop is handled: its items are gone afterwards. */
export function fromDrop(data: DataTransfer): Promise<PickedFile[]> {
  const entries = [...data.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = fromList(data.files);
  if (entries.every((entry) => entry === null)) return Promise.resolve(files);
  const picked: PickedFile[] = [];
  return (async () => {
    for (const entry of entries) if (entry) await walk(entry, picked).catch(() => undefined);
    return picked;
  })();
}
