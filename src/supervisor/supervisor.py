"""PID 1 of a Python pod: runs the bundled program as a child and frames its output into the pod log.

Mounted as `sitecustomize.py` on PYTHONPATH; the command is `python3 -u /work/main.py`. So `site` imports it before the
program. It forks there: the parent supervises and never returns, the child returns and goes on to run main.py as if
nothing had happened: no second interpreter start, no frame of ours in a traceback.
Only what the interpreter has at hand is imported: under gVisor `json` or `subprocess` cost 0.1 s each.
"""
import _signal
import os
import select
import sys
import time

FLUSH_SECONDS, SLOW_FLUSH_SECONDS, START_SECONDS, DRAIN_SECONDS, KILL_AGAIN_SECONDS = 0.05, 1, 0.4, 0.5, 0.01
FRAME_BYTES, LOG_LINE_BYTES, LOG_BUDGET_BYTES, STREAM_RESERVE_BYTES = 8000, 64, (9 << 20) - 1024, 1 << 18
EXIT_TIMED_OUT, EXIT_BROKEN, EXIT_CANCELLED = 124, 125, 143
SIGKILL, SIGALRM, SIGTERM, SIGSTOP = 9, 14, 15, 19
PR_SET_DUMPABLE = 4
# Read by the interpreter or the C library before any of our code runs: a forked child would be too late to see them.
START_UP_NAMES = ("PYTHON", "LC_", "LANG", "LD_", "TZ", "MALLOC_", "GLIBC_")
COUNTS = '{"totalBytes":%d,"keptBytes":%d}'
FINAL = '{"exit":{"%s":%d},"timedOut":%s,"durationMs":%d,"stdout":' + COUNTS + ',"stderr":' + COUNTS
FINAL += ',"fileBytes":%d,"omittedFiles":%d}'
HERE = os.path.dirname(__file__)
spent = {b"o": 0, b"e": 0}


def now():
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def stat_fields(pid):
    return read("/proc/%s/stat" % pid).rsplit(b")", 1)[1].split()


def parse_bundle(data):
    """A first line, then parts: `<kind> <length>\\n<bytes>\\n`. `code` comes last, so a cut bundle never parses."""
    first, _, data = data.partition(b"\n")
    if first != b"gke-code-executor bundle 1":
        raise ValueError("not a bundle")
    parts, at = {b"arg": [], b"env": [], b"stdin": [], b"file": [], b"interpreter": []}, 0
    while at < len(data):
        start = data.index(b"\n", at) + 1
        kind, length = data[at : start - 1].split(b" ")
        end = start + int(length)
        body = data[start:end]
        misfit = (kind in (b"arg", b"env") and b"\0" in body) or (kind == b"env" and body.find(b"=") < 1)
        if misfit or not length.isdigit() or data[end : end + 1] != b"\n":
            raise ValueError("malformed part")
        parts.setdefault(kind, []).append(body)
        at = end + 1
    return parts


def write_frame(kind, payload):
    line = memoryview(b"\x01" + kind + payload + b"\n")
    while line:
        try:
            line = line[os.write(1, line) :]
        except BlockingIOError:
            select.select([], [1], [], 1)
        except OSError:
            return


def kernel():
    with_gvisor = b"gvisor" in read("/proc/cmdline")
    return ("gVisor " if with_gvisor else "") + os.uname().release


def escaped(chunk):
    # Containerd drops a CR before a LF; all other bytes arrive as they are.
    return chunk.replace(b"\x10", b"\x10\x10").replace(b"\n", b"\x10n").replace(b"\r", b"\x10r")


def write_stream(kind, chunk):
    """False once the frame would grow the log past what the kubelet keeps in one file."""
    payload = escaped(chunk)
    other = spent[b"e" if kind == b"o" else b"o"]
    cost = len(payload) + 3 + LOG_LINE_BYTES
    if spent[kind] + other + cost + max(0, STREAM_RESERVE_BYTES - other) > LOG_BUDGET_BYTES:
        return False
    spent[kind] += cost
    write_frame(kind, payload)
    return True


class Stream:
    """The first `cap` bytes of a stream go to the log, the rest is read and counted."""

    def __init__(self, kind, cap):
        self.kind, self.cap = kind, cap
        self.total = self.kept = self.due = 0
        self.buffer = bytearray()
        self.reader, self.writer = os.pipe()

    def read(self):
        data = os.read(self.reader, 65536)
        if not self.buffer:
            # A program that prints a byte now and then for an hour must not fill the log with frame headers.
            self.due = now() + (FLUSH_SECONDS if spent[self.kind] < LOG_BUDGET_BYTES // 4 else SLOW_FLUSH_SECONDS)
        self.buffer += data[: max(0, self.cap - self.total)]
        self.total += len(data)
        self.flush(FRAME_BYTES)
        return len(data) > 0

    def flush(self, least=1):
        while len(self.buffer) >= least:
            chunk = bytes(self.buffer[:FRAME_BYTES])
            del self.buffer[:FRAME_BYTES]
            if self.cap > 0 and write_stream(self.kind, chunk):
                self.kept += len(chunk)
            else:
                self.cap = 0


def set_dumpable(value):
    """0 closes /proc/1: descriptors, memory and environment of a process that is not dumpable are root's."""
    try:
        import _ctypes

        _ctypes.call_function(_ctypes.dlsym(_ctypes.dlopen(None, 0), "prctl"), (PR_SET_DUMPABLE, value, 0, 0, 0))
    except (ImportError, OSError):
        pass


class Program:
    def __init__(self, pid):
        self.pid, self.began = pid, now()
        self.ended = self.status = self.forced_exit = None

    def end(self, forced_exit=None):
        """Also called in signal handlers, so that a full log pipe cannot delay a kill."""
        if self.ended is None:
            self.ended, self.forced_exit = now(), forced_exit
            _signal.setitimer(_signal.ITIMER_REAL, 0)
            self.kill()

    def kill(self):
        # kill(-1) reaches daemons too, but only PID 1 of a pod may use it: anywhere else it would hit the machine.
        for victim in [-1] if os.getpid() == 1 else [-self.pid] + descendants(os.getpid()):
            try:
                os.kill(victim, SIGKILL)
            except OSError:
                pass

    def reap(self):
        pid = -1
        while pid != 0:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == self.pid:
                self.status = status
                self.end()


def descendants(root):
    parents = []
    for name in os.listdir("/proc"):
        try:
            parents.append((int(name), int(stat_fields(name)[1])))
        except (ValueError, OSError):
            pass
    found = [root]
    for pid in found:
        found += [child for child, parent in parents if parent == pid]
    return found[1:]


def pump(program, streams, wake):
    """Until the program has ended and its streams are drained, at the latest DRAIN_SECONDS after its end."""
    readers = {stream.reader: stream for stream in streams}
    poller = select.poll()
    for fd in [wake, *readers]:
        poller.register(fd, select.POLLIN)
    program.reap()
    while (readers or program.status is None) and now() < (program.ended or now()) + DRAIN_SECONDS:
        wait = [stream.due - now() for stream in streams if stream.buffer] + [60]
        if program.ended is not None:
            program.kill()
            wait.append(KILL_AGAIN_SECONDS)
        for fd, _ in poller.poll(max(0, min(wait)) * 1000 + 1):
            if fd == wake:
                os.read(wake, 512)
            elif not readers[fd].read():
                poller.unregister(fd)
                del readers[fd]
        for stream in streams:
            if stream.due <= now():
                stream.flush()
        program.reap()


def hand_out_files(parts):
    work, main = os.path.split(sys.argv[0])
    if b"asked" not in parts and not os.path.lexists(work + "/.results.jsonl"):
        return 0, 0
    import work_files

    return work_files.hand_out(work, main, parts[b"outputs"][0], int(parts[b"room"][0]))


def supervise(pid, parts, streams, deadline, unmasked):
    program = Program(pid)
    wake, nudge = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    _signal.set_wakeup_fd(nudge, warn_on_full_buffer=False)
    # Under gVisor a child's signals end or stop PID 1 too. Left out are faults of our own and what nobody can catch.
    for number in {*range(1, 32), *range(34, 65)} - {4, 5, 7, 8, 11, SIGKILL, SIGSTOP}:
        _signal.signal(number, lambda *_: None)
    _signal.signal(SIGTERM, lambda *_: program.end(EXIT_CANCELLED))
    _signal.signal(SIGALRM, lambda *_: program.end(EXIT_TIMED_OUT))
    _signal.setitimer(_signal.ITIMER_REAL, max(0.001, deadline - now()))
    _signal.pthread_sigmask(_signal.SIG_SETMASK, unmasked)
    out, err = streams
    os.close(out.writer)
    os.close(err.writer)
    pump(program, streams, wake)
    out.flush()
    err.flush()
    file_bytes, omitted = hand_out_files(parts)
    signal = SIGKILL if program.status is None else os.WTERMSIG(program.status)
    kind, number = ("signal", signal) if signal else ("code", os.WEXITSTATUS(program.status))
    timed_out = "true" if program.forced_exit == EXIT_TIMED_OUT else "false"
    duration = (program.ended - program.began) * 1000
    final = FINAL % (kind, number, timed_out, duration, out.total, out.kept, err.total, err.kept, file_bytes, omitted)
    write_frame(b"f", final.encode())
    os._exit(program.forced_exit or (128 + number if signal else number))


def become_program(parts, work, stdin, streams):
    os.setsid()
    os.chdir(work)
    for target, fd in enumerate((stdin, streams[0].writer, streams[1].writer)):
        os.dup2(fd, target)
    os.closerange(3, 64)
    args = [os.fsdecode(arg) for arg in parts[b"arg"]]
    given = dict(os.fsdecode(entry).split("=", 1) for entry in parts[b"env"])
    env = {"PATH": os.environ["PATH"], "HOME": work, "TMPDIR": work, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    # The user has no name in any image, and Matplotlib wants to write what is no output of the program.
    env.update(USER="sandbox", LOGNAME="sandbox", MPLCONFIGDIR="/tmp/matplotlib")
    env.update(given)
    if HERE in env.get("PYTHONPATH", ""):
        # There it would begin as its own supervisor, again and again.
        env["PYTHONPATH"] = ":".join(entry for entry in env["PYTHONPATH"].split(":") if not entry.startswith(HERE))
    interpreter = [os.fsdecode(word) for word in parts[b"interpreter"]]
    if interpreter:
        os.execvpe(interpreter[0], [*interpreter, sys.argv[0], *args], env)
    if any(name.startswith(START_UP_NAMES) for name in given):
        os.execve(sys.executable, [sys.executable, "-u", sys.argv[0], *args], env)
    os.environ.clear()
    os.environ.update(env)
    sys.argv += args
    getattr(sys, "orig_argv", []).extend(args)
    sys.path[:] = [entry for entry in sys.path if entry != HERE]


def main():
    supervisor = os.getpid()
    try:
        parts = parse_bundle(read(HERE + "/bundle"))
        seen = kernel()
        write_frame(b"k", seen.encode("ascii", "replace"))
        if b"kernel" in parts and not seen.startswith(os.fsdecode(parts[b"kernel"][0])):
            os._exit(EXIT_BROKEN)
        if parts[b"file"]:
            import work_files

            work_files.place(os.path.dirname(sys.argv[0]), parts[b"file"])
            # A module of the program may have that name.
            del sys.modules["work_files"]
        with open(sys.argv[0], "wb") as file:
            file.write(parts[b"code"][0])
        stdin = os.memfd_create("stdin")
        os.pwrite(stdin, b"".join(parts[b"stdin"]), 0)
        streams = [Stream(b"o", int(parts[b"stdout"][0])), Stream(b"e", int(parts[b"stderr"][0]))]
        # The kubelet's clock starts up to 0.35 s after ours, and what it shows as shorter than the limit is no timeout.
        deadline = int(stat_fields(supervisor)[19]) / 100 + START_SECONDS + int(parts[b"timeout"][0]) / 1000
        # A program's first act may be a signal to us, before we have handlers.
        unmasked = _signal.pthread_sigmask(_signal.SIG_BLOCK, {*range(1, 32), *range(34, 65)})
        # Before the fork, so that there is no moment in which the program finds it open.
        set_dumpable(0)
        pid = os.fork()
        if pid == 0:
            set_dumpable(1)
            _signal.pthread_sigmask(_signal.SIG_SETMASK, unmasked)
            become_program(parts, os.path.dirname(sys.argv[0]), stdin, streams)
        else:
            supervise(pid, parts, streams, deadline, unmasked)
    except BaseException as error:
        message = ("gke-code-executor: %s: %s" % (type(error).__name__, error)).encode("ascii", "replace")
        if os.getpid() == supervisor:
            write_stream(b"e", message)
        else:
            os.write(2, message)
        os._exit(EXIT_BROKEN)


main()
