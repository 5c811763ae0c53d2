import { expect, test } from 'vitest';
import { play } from './play.ts';
import { parseSchedule } from './schedule.ts';

/** Schedules that once broke an invariant, each by a defect of its own. */
const schedules = {
  'an error of one launch, while the next Job is made, reaches the bus and not the process': [
    'play cloud/crowd launch:store.update#1=error-after',
    'play embedded/crowd launch:store.part#1=error-before',
  ],
  'a launcher whose lease was taken over leaves the start to the new owner': [
    'race gated/accepted/launch+reconcile/still ab',
    'race gated/created/launch+reconcile/still aaab',
  ],
  'what nobody saw end is not called safe to retry': [
    'race cloud/stopping-signalled/complete+complete/quick',
    'play embedded/job-deleted watch:observe#2=crash-before',
    'play embedded/start-timeout-race complete:api.deleteJob#1=crash-after',
    'play embedded/cancel-launching complete:api.deleteJob#1=crash-after',
    'race cloud/robbed/launch+cancel/quick',
    'race cloud/robbed/launch+sweep/quick +',
  ],
  'a program that went with its process did not exceed its time limit': [
    'play gated/timeout launch:sandbox.start#1=crash-after',
    'play cloud/overdue-robbed watch:observe#3=crash-before',
  ],
  'a permitted start that never came about is noticed': [
    'play gated/exit0 launch:store.update#2=error-after',
    'play gated/exit0 launch:store.update#2=duplicate',
  ],
  'why something waits for ever is written down, even if the one time it was seen was lost': [
    'play cloud/no-image watch:store.update#1=error-before',
    'play cloud/no-image watch:store.update#1=hang',
    'play embedded/no-image watch:store.update#2=error-before',
  ],
  'an ending whose log was deleted by who stopped it keeps the output that was stored before': [
    'random embedded/1795470522 keep=2,3,5,6 faults:',
  ],
  'what nobody waits for any more is not relayed': [
    'random cloud/1795894749 keep=0,1,2,3 faults: launch:store.get#1=crash-before launch:store.query#1=crash-before launch:store.get#3=crash-before launch:store.part#3=crash-before complete:api.list#2=hang launch:store.part#7=crash-before watch:api.list#1=hang reconcile:bus.publish#1=crash-before watch:leases.update#12=hang reconcile:bus.publish#7=crash-before launch:bus.publish#3=duplicate watch:observe#9=crash-after complete:sandbox.inspect#5=hang watch:observe#18=crash-before watch:observe#22=reorder watch:leases.update#20=error-after watch:store.query#12=stall',
  ],
  'a program whose status was read long ago is not called overdue': [
    'random gated/1795880898 keep=1,2 faults: launch:store.get#1=stall lease:leases.create#6=stall watch:observe#4=duplicate watch:store.update#6=stall reconcile:store.update#1=crash-before reconcile:leases.query#3=hang lease:leases.create#14=stall launch:store.get#2=stall lease:leases.update#10=stall',
  ],
  'a Job that its launcher did not record goes on, though an older execution waits for its room': [
    'random embedded/1795470002 keep=0,1 faults: submit:bus.publish#1=crash-after launch:sandbox.create#1=crash-after',
  ],
  'a pod that went while a look at it was stuck is not one that never was': [
    'random cloud/1795954960 keep=2,4,5,6,9,10 faults: watch:store.update#8=crash-after complete:api.list#18=stall',
    'random embedded/1795937119 keep=0,2,5,7 faults: sweep:sandbox.list#2=crash-before launch:store.part#1=crash-before sweep:store.get#1=crash-before complete:store.update#1=stall complete:api.list#4=stall watch:observe#15=crash-before',
  ],
  'what a frozen launcher starts too late is stopped, which is no fault of ours': [
    'random gated/1795918552 keep=0 faults: launch:api.createConfigMap#1=stall complete:api.deleteJob#1=stall',
    'random gated/1795981965 keep=0 faults: launch:api.createConfigMap#1=stall complete:store.update#2=crash-after',
  ],
} as const;

test.each(Object.entries(schedules))('%s', async (_, texts) => {
  for (const text of texts) expect([text, (await play(parseSchedule(text))).violations]).toEqual([text, []]);
});
