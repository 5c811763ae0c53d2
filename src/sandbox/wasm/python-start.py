"""Runs as sitecustomize while the interpreter starts: waits for the program, then makes its arguments and environment."""

import os
import sys


class AsyncioWithoutSockets:
    """Takes the self-pipe out of asyncio: there are no sockets to make it from, and no threads that would need it."""

    module = "asyncio.selector_events"

    def find_spec(self, name, path, target=None):
        if name != self.module:
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        self.execute = spec.loader.exec_module
        spec.loader = self
        return spec

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        self.execute(module)
        for method in ("_make_self_pipe", "_close_self_pipe", "_write_to_self"):
            setattr(module.BaseSelectorEventLoop, method, lambda loop: None)


def start():
    here = os.environ.pop("PYTHONPATH")
    with open(f"{here}/program", "rb", buffering=0) as program:
        count, *fields = os.fsdecode(program.read()).split("\0")
    args, env = fields[: int(count)], fields[int(count) :]
    sys.argv[1:] = args
    sys.orig_argv.extend(args)
    for name, value in zip(env[::2], env[1::2]):
        os.environ[name] = value
    os.chdir("/work")
    sys.dont_write_bytecode = False
    sys.path.remove(here)
    sys.path_importer_cache.pop(here, None)
    sys.meta_path.insert(0, AsyncioWithoutSockets())


start()
