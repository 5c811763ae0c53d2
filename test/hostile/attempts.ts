import type { Printed } from './program.ts';

/**
 * A Python program that evaluates each of these expressions and prints a line for each: its name, and what came of it,
 * a value or the name of the error. Expressions that call `syscall(number, …)` get the name of the kernel's error.
 */
export function attempts(expressions: Readonly<Record<string, string>>): string {
  return `
import ctypes, errno, os, socket, subprocess, sys
def syscall(number, *arguments):
    ctypes.set_errno(0)
    done = ctypes.CDLL(None, use_errno=True).syscall(number, *arguments)
    if done == -1: raise OSError(ctypes.get_errno(), "")
    return "done"
def outcome(expression):
    try: return repr(eval(expression))
    except OSError as error: return errno.errorcode.get(error.errno, type(error).__name__)
    except BaseException as error: return type(error).__name__
for name, expression in ${JSON.stringify(expressions)}.items(): print(name, outcome(expression), flush=True)`;
}

/** Each of the attempts was refused by the kernel of the sandbox, with any of these errors. */
export function refused(names: readonly string[], errors = 'EPERM|EACCES|EROFS|ENOENT|EXDEV|EBUSY'): Printed {
  return { like: [new RegExp(`^${names.map((name) => `${name} (${errors})\n`).join('')}$`)] };
}
