/** Times in nanoseconds since the Unix epoch. Reading does not touch `accessed`, as on a volume mounted noatime. */
export interface Times {
  accessed: bigint;
  modified: bigint;
  changed: bigint;
}

export interface FileInode {
  readonly kind: 'file';
  readonly id: bigint;
  readonly times: Times;
  /** Bytes from `size` on are zero, so that growing never shows old content. */
  content: Uint8Array;
  size: number;
  links: number;
  handles: number;
}

export interface DirectoryInode {
  readonly kind: 'directory';
  readonly id: bigint;
  readonly times: Times;
  readonly entries: Map<string, Inode>;
  /** Null only for the root. */
  parent: DirectoryInode | null;
}

export interface DeviceInode {
  readonly kind: 'device';
  readonly id: bigint;
  readonly times: Times;
  /** No bytes mean the end. */
  readonly read: (maxBytes: number) => Uint8Array;
  readonly write: (bytes: Uint8Array) => void;
}

export type Inode = FileInode | DirectoryInode | DeviceInode;
