#!/usr/bin/env -S node --disable-warning=ExperimentalWarning
import { enableCompileCache } from 'node:module';

// Half of a short command's time would go into compiling our dependencies again.
enableCompileCache();
const { main } = await import('./program.ts');
await main(process.argv);
