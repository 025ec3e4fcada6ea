/** Runs `spilling-app.ts` on the data directory that it is given, with little memory for state, writes records, and
 *  adds and removes threads, until it is killed. Prints a line for each change of the threads. */

import { open } from 'millrace';
import { Random } from '../../base/index.ts';
import { feed, options } from './spilling-load.ts';

const [data = '', seed = '0'] = process.argv.slice(2);
const random = new Random(Number(seed));
const millrace = await open({ data, ...options });
const streams = await millrace.streams({ id: 'spilling', module: new URL('./spilling-app.ts', import.meta.url) });

const write = async (): Promise<never> => {
  for (;;) await feed(millrace, random);
};

const move = async (): Promise<never> => {
  for (;;) {
    const count = streams.threads().length;
    const isAdded = count < 2 || (count < 4 && random.chance(0.5));
    await (isAdded ? streams.addThread() : streams.removeThread());
    console.log(isAdded ? 'added' : 'removed');
  }
};

await Promise.all([write(), move()]);
