"""The files of a program: its input before it starts, and what was asked for once all its processes are dead.

Read only when there are some, so that nobody else pays for it.
"""
import os

import sitecustomize as supervisor

MOST_FILES, MOST_ENTRIES, CHUNK_BYTES = 256, 50_000, 65536
# What the log takes of a file beside its bytes: its path, escaped, and the lines that this begins and ends.
OVERHEAD_BYTES = 2 * 1024 + 4 * supervisor.LOG_LINE_BYTES


def place(work, files):
    for entry in files:
        path, _, content = entry.partition(b"\0")
        path = os.path.join(os.fsencode(work), path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(content)


def hand_out(work, main, pattern, room):
    """Sends regular files in order of their paths; returns the bytes sent and how many files found no room."""
    import re

    files, unseen = regular_files(work)
    named = re.compile(os.fsdecode(pattern)).match
    left = supervisor.LOG_BUDGET_BYTES - sum(supervisor.spent.values())
    count, sent, omitted = 0, 0, int(unseen)
    for path, size in sorted(files):
        if path == main or not named(path):
            continue
        cost = cost_of(work, path, size) if count < MOST_FILES and size <= room else None
        if cost is None or cost > left:
            omitted += 1
            continue
        try:
            sent += send(work, path, size)
        except OSError:
            # What was sent of it does not end as a file does, so that nobody takes it for one.
            return sent, omitted + 1
        count, room, left = count + 1, room - size, left - cost
    return sent, omitted


def regular_files(work):
    """Paths and sizes, and whether there was too much to see it all. Links are never followed."""
    found, directories, seen = [], [""], 0
    for directory in directories:
        try:
            entries = list(os.scandir(os.path.join(work, directory)))
        except OSError:
            continue
        for entry in entries:
            seen += 1
            if seen > MOST_ENTRIES:
                return found, True
            if entry.is_dir(follow_symlinks=False):
                directories.append(directory + entry.name + "/")
            elif entry.is_file(follow_symlinks=False):
                found.append((directory + entry.name, entry.stat(follow_symlinks=False).st_size))
    return found, False


def cost_of(work, path, size):
    """Bytes that a file takes of the log; None when it cannot be read."""
    try:
        lines = size // supervisor.FRAME_BYTES + size // CHUNK_BYTES + 1
        escaped = sum(len(supervisor.escaped(chunk)) for chunk in chunks(work, path, size))
        return escaped + lines * (3 + supervisor.LOG_LINE_BYTES) + OVERHEAD_BYTES
    except OSError:
        return None


def send(work, path, size):
    name = os.fsencode(path)
    sent = write(b"file %d\n" % (len(name) + 1 + size) + name + b"\0")
    for chunk in chunks(work, path, size):
        sent += write(chunk)
    return sent + write(b"\n")


def write(data):
    for at in range(0, len(data), supervisor.FRAME_BYTES):
        supervisor.write_frame(b"a", supervisor.escaped(data[at : at + supervisor.FRAME_BYTES]))
    return len(data)


def chunks(work, path, size):
    with open(os.path.join(work, path), "rb") as file:
        while size > 0:
            chunk = file.read(min(size, CHUNK_BYTES))
            if not chunk:
                raise OSError("it is shorter than it was")
            size -= len(chunk)
            yield chunk
