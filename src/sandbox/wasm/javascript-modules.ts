import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path/posix';
import { SystemCallError } from './errno.ts';
import type { FileSystem } from './file-system.ts';
import { readFile } from './javascript-host.ts';
import { workDirectory } from './workspace.ts';

const guestPrefix = 'guest-';
const nodePrefix = 'node:';
/** Where relative specifiers of modules that are no files lead. */
const entryName = 'guest-main.js';

/** Names of the guest's version of Node's modules, each with the names that it exports. */
export type NodeModules = Readonly<Record<string, readonly string[]>>;

/**
 * Finds what a program imports: Node's modules as the guest has them, or files of the sandbox. The guest's own
 * modules come from this directory, and only they can import one another.
 */
export function moduleLoader(fileSystem: FileSystem, nodeModules: () => NodeModules) {
  return {
    normalize(base: string, specifier: string): string {
      const isOurs = base.startsWith(guestPrefix) || base.startsWith(nodePrefix);
      if (isOurs && specifier.startsWith(`./${guestPrefix}`)) return specifier.slice('./'.length);
      const name = specifier.startsWith(nodePrefix) ? specifier.slice(nodePrefix.length) : specifier;
      if (Object.hasOwn(nodeModules(), name)) return nodePrefix + name;
      // Code from `eval` has no directory of its own.
      const directory = base.startsWith('/') ? dirname(base) : workDirectory;
      if (/^\.{0,2}\//.test(specifier)) return resolve(directory, specifier);
      throw notFound(specifier, nodeModules());
    },

    load(name: string): string {
      if (name.startsWith(guestPrefix)) return readFileSync(new URL(name, import.meta.url), 'utf8');
      if (name.startsWith(nodePrefix)) return reexport(name.slice(nodePrefix.length), nodeModules());
      try {
        return Buffer.from(readFile(fileSystem, name)).toString();
      } catch (error) {
        if (error instanceof SystemCallError) throw notFound(name, nodeModules());
        throw error;
      }
    },
  };
}

function notFound(specifier: string, nodeModules: NodeModules): Error {
  return new Error(`Cannot find module '${specifier}': this sandbox has ${Object.keys(nodeModules).join(', ')}`);
}

/** An ES module of what `require` gives. */
function reexport(name: string, nodeModules: NodeModules): string {
  const names = (nodeModules[name] ?? []).filter((exported) => exported !== 'default');
  return [
    `import { modules } from './${entryName}';`,
    `const found = modules.get(${JSON.stringify(name)});`,
    'export default found;',
    ...names.map((exported) => `export const ${exported} = found.${exported};`),
  ].join('\n');
}
