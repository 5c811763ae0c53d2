import { scenariosOf, singles } from './jobs.ts';
import { doAll } from './pool.ts';
let n=0; const w:any[]=[];
await doAll([...singles().filter((j:any)=>j.scenario==='job-deadline'), ...(['cloud','embedded'] as const).map((d)=>({kind:'undisturbed',deployment:d}) as const)], (x:any)=>{n+=x.schedules; w.push(...x.failures)});
console.log(n, w.length); for (const f of w.slice(0,8)) console.log(f.invariant, f.message, f.replay);
