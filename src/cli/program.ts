import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import manifest from '../../package.json' with { type: 'json' };
import { languages, states } from '../execution/execution.ts';
import { isImageRule } from '../execution/images.ts';
import { streams } from '../executor.ts';
import { formatIdempotencyKey } from '../http/idempotency.ts';
import { LostSightError, report } from './errors.ts';
import { lostSightExitCode, usageExitCode } from './exit-code.ts';
import { parseCpu, parseDuration, parseMemory } from './quantity.ts';

/** Parses the command line, runs one command and exits with its code. */
export async function main(argv: readonly string[]): Promise<void> {
  process.stderr.on('error', () => {
    // Whoever was told has gone, or has no space: what cannot be said ends nothing.
  });
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : usageExitCode);
    report(error);
    if (process.env['GKE_CODE_EXECUTOR_DEBUG'] !== undefined) console.error(error);
    process.exit(error instanceof LostSightError ? lostSightExitCode : usageExitCode);
  }
}

function program(): Command {
  const root = new Command('gke-code-executor')
    .description('Run untrusted code in a sandbox: every run recorded, bounded, finished and cleaned up.')
    .version(manifest.version)
    .exitOverride()
    .showHelpAfterError('(add --help for the options)');
  root.addCommand(runCommand());
  root.addCommand(serveCommand());
  root.addCommand(
    lookOptions(new Command('get').description('show an execution as JSON').argument('<id>')).action(
      async (id, options) => exit(await (await import('./look.ts')).get(id, options)),
    ),
  );
  root.addCommand(listCommand());
  root.addCommand(
    lookOptions(new Command('logs').description('print what an execution printed').argument('<id>'))
      .addOption(new Option('--stream <name>', 'only this stream').choices(streams))
      .action(async (id, options) => exit(await (await import('./look.ts')).logs(id, options))),
  );
  root.addCommand(
    lookOptions(new Command('files').description('list or write the files that came back').argument('<id>'))
      .option('--output-dir <directory>', 'write them there')
      .action(async (id, options) => exit(await (await import('./look.ts')).files(id, options))),
  );
  root.addCommand(
    lookOptions(new Command('cancel').description('stop an execution').argument('<id>')).action(async (id, options) =>
      exit(await (await import('./look.ts')).cancel(id, options)),
    ),
  );
  root.addCommand(
    lookOptions(new Command('delete').description('delete an execution that has ended').argument('<id>')).action(
      async (id, options) => exit(await (await import('./look.ts')).remove(id, options)),
    ),
  );
  const cluster = clusterCommand();
  root.addCommand(cluster);
  for (const command of [...root.commands, ...cluster.commands]) {
    command.exitOverride().showHelpAfterError('(add --help for the options)');
  }
  return root;
}

function runCommand(): Command {
  const command = new Command('run')
    .description('run a program and exit with its exit code')
    .argument('<file>', 'the program; - reads it from standard input')
    .argument('[args...]', 'its arguments, after --')
    .option('--json', 'print the execution and its output as JSON')
    .option('--language <name>', `${languages.join(', ')}; default: by the file name`)
    .option('--timeout <duration>', 'time limit, such as 30s or 5m', parseDuration)
    .option('--start-timeout <duration>', 'how long it may wait to start', parseDuration)
    .option('--memory <quantity>', 'memory limit, such as 128Mi', parseMemory)
    .option('--cpu <quantity>', 'CPU limit, such as 500m', parseCpu)
    .option('--env <name=value>', 'environment variable; repeatable', collectPair, {})
    .option('--label <name=value>', 'label of the record; repeatable', collectPair, {})
    .option('--stdin <file>', 'standard input of the program; - passes ours on')
    .option('--file <path[=name]>', 'file or directory for its work directory; repeatable', collect, [])
    .option('--output <pattern>', 'files to bring back, such as *.png or out/**; repeatable', collect, [])
    .option('--output-dir <directory>', 'where to write them; default: the current directory, and with --json none')
    .option('--image <reference>', 'container image (kubernetes only)')
    .option('--idempotency-key <key>', 'the same key again returns the same execution', parseKey);
  return sandboxOptions(lookOptions(command)).action(async (file, args, options) =>
    exit(await (await import('./run.ts')).run(file, args, options)),
  );
}

function serveCommand(): Command {
  const command = new Command('serve')
    .description('serve the HTTP API')
    .option('--port <number>', 'port; 0 takes a free one', parsePort, 8080)
    .option('--host <address>', 'address to listen on; other than loopback needs an API key', '127.0.0.1')
    .addOption(allowImageOption())
    .option('--allowed-host <name>', 'further host name by which clients reach it; repeatable', collect, []);
  return sandboxOptions(storeOptions(command)).action(async (options) =>
    exit(await (await import('./serve.ts')).serve(options)),
  );
}

function listCommand(): Command {
  const command = new Command('list')
    .description('list executions, newest first')
    .addOption(new Option('--state <state>', 'only executions in this state').choices(states))
    .option('--limit <number>', 'how many, 1 to 100', parseLimit, 20)
    .option('--cursor <cursor>', 'continue an earlier list')
    .option('--json', 'one JSON object per line');
  return lookOptions(command).action(async (options) => exit(await (await import('./look.ts')).list(options)));
}

function clusterCommand(): Command {
  const apply = new Command('apply')
    .description('make namespace, rights, limits and admission policies, with the rights of the kubeconfig')
    .option('--dry-run', 'let the server check it all and keep nothing')
    .action(async (options) => exit(await (await import('./cluster.ts')).apply(options)));
  const check = new Command('check')
    .description('tell what is missing or different; exits with 1 if anything is')
    .action(async (options) => exit(await (await import('./cluster.ts')).check(options)));
  const command = new Command('cluster').description('prepare a cluster for executions');
  for (const each of [apply, check]) {
    command.addCommand(
      kubeconfigOptions(each)
        .option('--namespace <name>', 'namespace for executions and nothing else', 'executions')
        .option('--max-jobs <number>', 'most executions at a time', parseJobs)
        .addOption(allowImageOption())
        .option(
          '--user <function=user>',
          'who a function is in the cluster, such as launch=EMAIL; repeatable',
          collectPair,
          {},
        ),
    );
  }
  return command;
}

function allowImageOption(): Option {
  const meaning = 'image beside the default ones, or a prefix of images; repeatable';
  return new Option('--allow-image <prefix>', meaning).argParser(collectImage).default([]);
}

/** Options of the commands that a server can answer as well. */
function lookOptions(command: Command): Command {
  const local = ['store', 'sandbox', 'kubeconfig', 'context', 'namespace'];
  return storeOptions(command).addOption(
    new Option('--server <url>', 'use a server instead of the store file').conflicts(local),
  );
}

function storeOptions(command: Command): Command {
  return command
    .option('--store <file>', 'store file; default: in the XDG state directory')
    .addOption(new Option('--api-key <key>', 'API key of the server').env('GKE_CODE_EXECUTOR_API_KEY'));
}

function sandboxOptions(command: Command): Command {
  return kubeconfigOptions(
    command.addOption(
      new Option('--sandbox <kind>', 'where code runs').choices(['wasm', 'kubernetes']).default('wasm'),
    ),
  ).option('--namespace <name>', 'namespace of the Jobs; default: that of the context');
}

function kubeconfigOptions(command: Command): Command {
  return command
    .option('--kubeconfig <file>', 'kubeconfig; default: as kubectl')
    .option('--context <name>', 'context of the kubeconfig');
}

/** Sockets kept alive and child processes must not hold a command that is done. */
function exit(code: number): never {
  process.exit(code);
}

function collect(value: string, before: readonly string[]): string[] {
  return [...before, value];
}

function collectImage(value: string, before: readonly string[]): string[] {
  if (isImageRule(value)) return collect(value, before);
  throw new InvalidArgumentError('Give an image with its tag or digest, or a prefix that ends in "/", ":" or "@".');
}

function collectPair(value: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Give name=value.');
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}

function parseKey(text: string): string {
  if (formatIdempotencyKey(text) !== undefined) return text;
  throw new InvalidArgumentError('Give 1 to 255 printable ASCII characters.');
}

function parsePort(text: string): number {
  return parseInteger(text, 0, 65535);
}

function parseLimit(text: string): number {
  return parseInteger(text, 1, 100);
}

function parseJobs(text: string): number {
  return parseInteger(text, 1, 100_000);
}

function parseInteger(text: string, minimum: number, maximum: number): number {
  const number = Number(text);
  if (text.trim() !== '' && Number.isInteger(number) && number >= minimum && number <= maximum) return number;
  throw new InvalidArgumentError(`Give a number from ${minimum} to ${maximum}.`);
}
