// The files of a program: its input before it starts, and what was asked for once all its processes are dead.
// Read only when there are some, so that nobody else pays for it.
// CommonJS, since Node.js before version 22 can load nothing else in the middle of a function.
const { closeSync, mkdirSync, openSync, readdirSync, readSync, statSync, writeFileSync } = require('node:fs');

const MOST_FILES = 256;
const MOST_ENTRIES = 50_000;
const CHUNK_BYTES = 65_536;
/** What the log takes of a file beside its bytes: its path, escaped, and the lines that this begins and ends. */
const OVERHEAD_BYTES = 2 * 1024 + 4 * 64;

function place(work, files) {
  for (const file of files) {
    const end = file.indexOf(0);
    const path = `${work}/${file.toString('utf8', 0, end)}`;
    mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
    writeFileSync(path, file.subarray(end + 1));
  }
}

/** Sends regular files in order of their paths; returns the bytes sent and how many files found no room. */
function handOut({ work, main, pattern, room, log }) {
  const { files, unseen } = regularFiles(work);
  const named = new RegExp(pattern, 'u');
  const done = { fileBytes: 0, omittedFiles: unseen ? 1 : 0 };
  let count = 0;
  for (const { path, size } of files.sort((a, b) => (a.path < b.path ? -1 : 1))) {
    if (path === main || !named.test(path)) continue;
    const cost = count < MOST_FILES && size <= room ? costOf(`${work}/${path}`, size, log) : Number.POSITIVE_INFINITY;
    if (cost > log.left()) {
      done.omittedFiles++;
      continue;
    }
    done.fileBytes += send(work, path, size, log);
    count++;
    room -= size;
  }
  return done;
}

/** Links are never followed. */
function regularFiles(work) {
  const files = [];
  const directories = [''];
  let seen = 0;
  for (const directory of directories) {
    for (const entry of entriesOf(`${work}/${directory}`)) {
      if (++seen > MOST_ENTRIES) return { files, unseen: true };
      const path = `${directory}${entry.name}`;
      if (entry.isDirectory()) directories.push(`${path}/`);
      else if (entry.isFile()) files.push({ path, size: sizeOf(`${work}/${path}`) });
    }
  }
  return { files, unseen: false };
}

function entriesOf(directory) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // not for us to read
  }
}

/** More than any room for what is no path of ours, such as a name that is not UTF-8. */
function sizeOf(path) {
  return statSync(path, { throwIfNoEntry: false })?.size ?? Number.POSITIVE_INFINITY;
}

/** Bytes that a file takes of the log; more than it has when the file cannot be read. */
function costOf(path, size, { frameBytes, lineBytes, escaped }) {
  try {
    const lines = Math.floor(size / frameBytes) + Math.floor(size / CHUNK_BYTES) + 1;
    let cost = lines * lineBytes + OVERHEAD_BYTES;
    for (const chunk of chunks(path, size)) cost += escaped(chunk).length;
    return cost;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function send(work, path, size, { frameBytes, write }) {
  let sent = 0;
  const emit = (data) => {
    for (let at = 0; at < data.length; at += frameBytes) write(data.subarray(at, at + frameBytes));
    sent += data.length;
  };
  const name = Buffer.from(`${path}\0`);
  emit(Buffer.concat([Buffer.from(`file ${name.length + size}\n`), name]));
  for (const chunk of chunks(`${work}/${path}`, size)) emit(chunk);
  emit(Buffer.from('\n'));
  return sent;
}

function* chunks(path, size) {
  const file = openSync(path, 'r');
  const buffer = Buffer.alloc(Math.min(size, CHUNK_BYTES));
  try {
    for (let left = size; left > 0; ) {
      const read = readSync(file, buffer, 0, Math.min(left, CHUNK_BYTES));
      if (read === 0) throw new Error('it is shorter than it was');
      left -= read;
      yield buffer.subarray(0, read);
    }
  } finally {
    closeSync(file);
  }
}

module.exports = { place, handOut };
