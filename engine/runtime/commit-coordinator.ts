/**
 * The commit coordinator of a query: one transaction over all its tasks in this process, driven from the thread that
 * owns the log. (Not to be confused with the log's own transaction coordinator, which it calls through the producer.)
 *
 * It is a serial state machine; its inputs come from the hosts (`batch`, `progress`, `prepared`, `rolled back`), from
 * the producer's promises and from timers. Laws:
 *
 * 1. Nothing is ever appended outside of a transaction, and a transaction is begun by the first thing that goes into
 *    it: so none is empty.
 * 2. A transaction ends `commitIntervalMs` after it became pending at the latest, or at once when nothing is left to
 *    read. (A query that is drained again and again waits twice the time that its commits take, the median of the last
 *    few: commits use a third of its time, and a single slow one, such as a slow sync of the disk, holds up nothing
 *    beyond itself.) While all that have something to commit are far behind, it goes on for up to `mostIntervals`: a
 *    key that many of its records change is logged, committed and checkpointed once. It has one interval more for what
 *    is left when they are not far behind any more.
 *    A commit without records comes when something is due by time (`quiet-time.ts`).
 * 3. Hosts stand still from `prepared` to `committed`; after a failure, from `rollback` until all of them have reported
 *    that they stand at the committed positions again (`go`). Batches that arrive in between belong to the failed
 *    transaction and are dropped.
 * 4. What a failed commit has done is found out, not guessed: `abort` answers `committed` when it had happened.
 * 5. At least once (`commitOffsets`): there are no transactions. What hosts hand over is appended at once, durably, and
 *    offsets are committed when all of it is on the disk; only by time. Nothing can be taken back: a failure ends the
 *    run, and the next one begins at the committed offsets and the ends of the changelogs.
 * 6. A cause that may pass (full disk, lost answer) is tried again with back-off, for ever. Another one ends the run,
 *    and only it.
 */

import type { Clock, Timers } from '../../base/index.ts';
import { assert } from '../../base/index.ts';
import { LogError, type OffsetToCommit, type Producer } from '../../storage/index.ts';
import { CommitTimes, type CommitTimesOptions } from './commit-times.ts';
import { inTopics, type PartitionPosition, partitionKey } from './partition-position.ts';
import type { FromHost, Post, Run, ToHost } from './protocol.ts';
import { QuietTime } from './quiet-time.ts';
import type { InputTime, OutputTime } from './watermarks.ts';

export interface CommitCoordinatorOptions {
  readonly run: Run;
  /** Group of the committed offsets; without one none are committed. */
  readonly group: string | undefined;
  readonly producer: Producer;
  /** At least once: commits offsets outside of transactions. */
  readonly commitOffsets?: (positions: readonly OffsetToCommit[]) => Promise<void>;
  /** Hosts that have tasks of this query. */
  readonly hosts: ReadonlyMap<number, Post<ToHost>>;
  readonly positions: readonly PartitionPosition[];
  /** By name: the topics that the positions are in. */
  readonly topicIds?: Readonly<Record<string, string>>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly commitIntervalMs: number;
  /** A transaction lasts the whole interval, also where nothing is left to read. Default false. */
  readonly lingers?: boolean;
  /** Entries of some of the query's stores expire. Default false. */
  readonly expires?: boolean;
  readonly listener: CommitListener;
  readonly times: CommitTimesOptions;
  readonly quiet?: QuietTime;
  /** The topics that the query reads and does not write itself. */
  readonly sources?: ReadonlySet<string>;
}

export interface CommitListener {
  /** `ms`: how long the commit took. */
  committed(records: number, ms: number): void;
  aborted(error: Error, retryInMs: number): void;
  /** The run cannot continue; `passing`: another run may succeed later. Called once. */
  ended(error: Error, kind: 'fenced' | 'failed', passing: boolean): void;
  /** Something has changed that a wait for idleness may depend on. */
  changed(): void;
}

type Phase =
  | 'open' // hosts step
  | 'preparing' // hosts flush
  | 'committing' // the log decides
  | 'aborting' // hosts hold or wait, the log aborts
  | 'rolling back' // hosts go back to the committed positions
  | 'ended';

/** Of a transaction while the query is far behind: two seconds, ksqlDB's own commit interval. */
const mostIntervals = 20;
/** The same where entries of stores expire: a window has few changes beyond its own time, and what has expired stays in
 *  memory until the transaction ends. */
const mostIntervalsOfWindows = 5;
const firstBackOffMs = 50;
const longestBackOffMs = 2000;
/** After so many aborts that failed, what happened can only be asked through a fresh producer. */
const mostAborts = 6;

/** Of so many commits the median decides how long the next one waits. */
const recentCommits = 5;

interface HostState {
  readonly post: Post<ToHost>;
  pending: boolean;
  drained: boolean;
  mayLast: boolean;
  behind: boolean;
  answered: boolean;
}

export class CommitCoordinator {
  readonly #options: CommitCoordinatorOptions;
  readonly #producer: Producer;
  readonly #hosts: Map<number, HostState>;
  readonly #committed = new Map<string, PartitionPosition>();
  /** Next offsets of the partitions written in the open transaction. */
  #written = new Map<string, PartitionPosition>();
  #prepared: PartitionPosition[] = [];
  #preparedRecords = 0;
  #inputs: InputTime[] = [];
  #outputs: OutputTime[] = [];
  #due = Number.POSITIVE_INFINITY;
  #reachedTime = Number.NEGATIVE_INFINITY;
  readonly #times: CommitTimes;
  readonly #quietTime: QuietTime;
  readonly #sources: ReadonlySet<string>;
  #phase: Phase = 'open';
  #begun = false;
  /** See `whenOpen`. */
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;
  #appended: (() => void) | undefined;
  #failure: Error | undefined;
  #failedInARow = 0;
  #cancelTimer: (() => void) | undefined;
  #cancelBackOff: (() => void) | undefined;
  #cancelLinger: (() => void) | undefined;
  #cancelQuiet: (() => void) | undefined;
  #commitStarted = 0;
  #commitEnded = Number.NEGATIVE_INFINITY;
  /** How long the last transactions took to commit, the newest one last. */
  #commitMs: readonly number[] = [];
  /** The last commit had something to commit. */
  #worked = false;
  #transactions = 0;
  #stopping: (() => void) | undefined;
  #underWay: Promise<unknown> = Promise.resolve();

  constructor(options: CommitCoordinatorOptions) {
    this.#options = options;
    this.#producer = options.producer;
    this.#times = new CommitTimes(options.times);
    this.#quietTime = options.quiet ?? new QuietTime({ by: 'stream time' }, options.clock);
    this.#sources = options.sources ?? new Set();
    this.#hosts = new Map([...options.hosts].map(([id, post]) => [id, newHost(post)]));
    for (const position of options.positions) {
      this.#committed.set(partitionKey(position.topic, position.partition), position);
    }
  }

  /** Nothing pending, nothing under way, and all hosts have read what there was at their last look. */
  get idle(): boolean {
    if (this.#phase === 'ended') return true;
    if (this.#phase !== 'open' || this.#begun) return false;
    for (const host of this.#hosts.values()) if (host.pending || !host.drained) return false;
    return true;
  }

  get phase(): Phase {
    return this.#phase;
  }

  get transactions(): number {
    return this.#transactions;
  }

  positions(): readonly PartitionPosition[] {
    return [...this.#committed.values()];
  }

  /** The time before which nothing can come any more in a topic that the query writes (`watermarks.ts`). Undefined:
   *  what it writes has one origin. */
  boundOf(topic: string): number | undefined {
    return this.#times.boundOf(topic, this.idle);
  }

  /** Offsets behind what was written to each partition of these topics since the run began. */
  endsOf(topics: ReadonlySet<string>): readonly PartitionPosition[] {
    return this.#times.ends().filter(({ topic }) => topics.has(topic));
  }

  /** Does something while the hosts may step: at once, or when the commit or rollback under way has ended. */
  whenOpen(work: () => void): void {
    this.#waiting.push(work);
    this.#doWaiting();
  }

  #doWaiting(): void {
    while (this.#phase === 'open' && this.#failure === undefined) {
      const work = this.#waiting.shift();
      if (work === undefined) return;
      work();
    }
  }

  /** Ends the transaction that is open, so that the hosts stand behind a commit; also when there is nothing to
   *  commit. */
  commitNow(): void {
    this.#prepare();
  }

  /** A further host has tasks of the query. Called by `whenOpen`. */
  addHost(id: number, post: Post<ToHost>): void {
    assert(this.#phase === 'open', () => `a host is added in phase ${this.#phase}`);
    assert(!this.#hosts.has(id), `the host ${id} is added twice`);
    this.#hosts.set(id, { ...newHost(post), answered: true });
  }

  /** A host has no tasks of the query any more, and nothing uncommitted. */
  removeHost(id: number): void {
    const host = this.#hosts.get(id);
    if (host === undefined) return;
    this.#hosts.delete(id);
    // Only it may have had something left to read, or its answer may have been missing.
    if (this.#phase === 'open') this.#schedule();
    if (host.answered || !this.#allAnswered()) return;
    if (this.#phase === 'preparing') void this.#decide();
    else if (this.#phase === 'rolling back') this.#open();
  }

  /** Tasks have come to these hosts, or gone: whether they are drained is not known before they report again. */
  tasksChanged(hosts: readonly number[]): void {
    for (const id of hosts) {
      const host = this.#hosts.get(id);
      if (host !== undefined) host.drained = false;
    }
  }

  receive(hostId: number, message: FromHost): void {
    const host = this.#hosts.get(hostId);
    if (host === undefined) return;
    switch (message.kind) {
      case 'batch':
        this.#append(host, message);
        return;
      case 'progress':
        host.pending = message.pending;
        host.drained = message.drained;
        host.mayLast = message.mayLast;
        host.behind = message.behind;
        this.#schedule();
        this.#options.listener.changed();
        return;
      case 'prepared':
        assert(this.#phase === 'preparing', () => `prepared in phase ${this.#phase}`);
        host.answered = true;
        host.pending = false;
        this.#prepared.push(...message.positions);
        this.#inputs.push(...message.inputs);
        this.#outputs.push(...message.outputs);
        this.#preparedRecords += message.records;
        this.#due = Math.min(this.#due, message.due);
        this.#reachedTime = Math.max(this.#reachedTime, message.time);
        if (this.#allAnswered()) void this.#decide();
        return;
      case 'commit asked':
        this.commitNow();
        return;
      case 'rolled back':
        host.answered = true;
        host.pending = false;
        host.drained = false;
        if (this.#phase === 'rolling back' && this.#allAnswered()) this.#open();
        return;
      // Of no concern to a commit.
      case 'assigned':
      case 'checkpointed':
      case 'closed':
      case 'counted':
      case 'failed':
      case 'note':
      case 'page':
      case 'refused':
      case 'removed':
      case 'restoring':
      case 'rows':
      case 'shard damaged':
      case 'task not opened':
      case 'task opened':
      case 'task suspended':
      case 'topic asked':
        return;
    }
  }

  /** Commits what is pending, if that can be done now, and ends. Answers when the producer is closed. */
  async stop(): Promise<void> {
    if (this.#phase !== 'ended') {
      await new Promise<void>((resolve) => {
        this.#stopping = resolve;
        if (this.#phase === 'open') this.#prepare();
        else if (this.#cancelBackOff !== undefined) resolve();
      });
    }
    await this.kill();
  }

  /** A host has ended: a `stop` under way must not wait for its answer. */
  giveUp(): void {
    this.#stopping?.();
  }

  /** Ends at once: what is open is aborted. */
  async kill(): Promise<void> {
    this.#phase = 'ended';
    this.#cancelTimers();
    this.#stopping?.();
    await this.#quiet();
    await this.#underWay.catch(() => undefined);
    if (this.#begun && this.#options.commitOffsets === undefined) {
      this.#begun = false;
      await this.#producer.abort().catch(() => 'aborted');
    }
    await this.#producer.close().catch(() => undefined);
  }

  // ---------------------------------------------------------------- the open transaction

  #append(host: HostState, message: Extract<FromHost, { kind: 'batch' }>): void {
    const { topic, partition, bytes, run } = message;
    assert(this.#phase !== 'committing', 'a host handed over a batch while it had to stand still');
    assert(bytes.length > 0, `an empty batch for ${topic}`);
    const acknowledge = (): void => host.post({ kind: 'acknowledged', run, bytes });
    if (this.#failure !== undefined || (this.#phase !== 'open' && this.#phase !== 'preparing')) {
      acknowledge();
      return;
    }
    host.pending = true;
    try {
      this.#begin();
    } catch (error) {
      acknowledge();
      this.#fail(asError(error));
      return;
    }
    this.#inFlight++;
    this.#producer
      .append({ topic, partition }, bytes, this.#options.commitOffsets === undefined ? 'append' : 'durable')
      .then(
        ({ nextOffset }) => {
          this.#written.set(partitionKey(topic, partition), { topic, partition, offset: nextOffset });
          this.#times.wrote({ topic, partition, offset: nextOffset });
        },
        (error: unknown) => this.#fail(asError(error)),
      )
      .finally(() => {
        this.#inFlight--;
        acknowledge();
        if (this.#inFlight === 0) this.#appended?.();
      });
    this.#schedule();
  }

  #begin(): void {
    if (this.#begun) return;
    if (this.#options.commitOffsets === undefined) this.#producer.begin();
    this.#begun = true;
    this.#transactions++;
  }

  /** Arms the timer when something is pending; commits when everything is drained. */
  #schedule(): void {
    if (this.#phase !== 'open' || this.#failure !== undefined) return;
    const drained = this.#isDrained;
    if (!this.#isPending) {
      if (drained) this.#endQuiet();
      return;
    }
    const { timers, clock, commitIntervalMs } = this.#options;
    const { lingers = false, expires = false, commitOffsets } = this.#options;
    const longest = expires ? mostIntervalsOfWindows : mostIntervals;
    if (this.#cancelTimer === undefined) this.#endLater(lingers ? 1 : longest);
    if (!drained || lingers || this.#cancelLinger !== undefined || commitOffsets !== undefined) return;
    const usualMs = this.#worked ? medianOf(this.#commitMs) : 0;
    const waitMs = this.#commitEnded + Math.min(2 * usualMs, commitIntervalMs) - clock.monotonic();
    if (waitMs <= 0) this.#prepare();
    else {
      this.#cancelLinger = timers.after(waitMs, () => {
        this.#cancelLinger = undefined;
        this.#schedule();
      });
    }
  }

  /** Nothing is left to read, and nothing to commit: begins a commit when something is due by time. */
  #endQuiet(): void {
    this.#cancelQuiet?.();
    this.#cancelQuiet = undefined;
    const waitMs = this.#quietTime.waitMs();
    if (waitMs === undefined) return;
    // What is due at once belongs to what has been read: the query is not idle before.
    if (waitMs <= 0) return this.#prepare();
    this.#cancelQuiet = this.#options.timers.after(waitMs, () => {
      this.#cancelQuiet = undefined;
      if (this.#phase === 'open' && this.idle) this.#prepare();
    });
  }

  /** The query stood still, and continues: what is there to be read is not known yet. */
  resumed(): void {
    this.#quietTime.restart();
    for (const host of this.#hosts.values()) host.drained = false;
  }

  get #isPending(): boolean {
    if (this.#begun) return true;
    for (const host of this.#hosts.values()) if (host.pending) return true;
    return false;
  }

  get #isDrained(): boolean {
    for (const host of this.#hosts.values()) if (!host.drained) return false;
    return true;
  }

  /** Ends the transaction after an interval. While the query is far behind it goes on, for so many of them, and for one
   *  more when it has nearly caught up: most likely all is read by then. */
  #endLater(intervals: number, wasBehind = false): void {
    const { timers, commitIntervalMs } = this.#options;
    this.#cancelTimer = timers.after(commitIntervalMs, () => {
      this.#cancelTimer = undefined;
      if (intervals > 1 && this.#isBehind) this.#endLater(intervals - 1, true);
      else if (wasBehind && !this.#isBehind && this.#mayLast) this.#endLater(1);
      else this.#prepare();
    });
  }

  /** All hosts that have something to commit are far behind. */
  get #isBehind(): boolean {
    const pending = this.#pendingHosts;
    return pending.length > 0 && pending.every(({ behind }) => behind);
  }

  get #mayLast(): boolean {
    return this.#pendingHosts.every(({ mayLast }) => mayLast);
  }

  get #pendingHosts(): readonly HostState[] {
    return [...this.#hosts.values()].filter(({ pending }) => pending);
  }

  #cancelTimers(): void {
    this.#cancelTimer?.();
    this.#cancelLinger?.();
    this.#cancelBackOff?.();
    this.#cancelQuiet?.();
    this.#cancelTimer = undefined;
    this.#cancelQuiet = undefined;
    this.#cancelLinger = undefined;
    this.#cancelBackOff = undefined;
  }

  // ---------------------------------------------------------------- commit

  #prepare(): void {
    if (this.#phase !== 'open' || this.#failure !== undefined) return;
    this.#phase = 'preparing';
    this.#cancelTimers();
    this.#commitStarted = this.#options.clock.monotonic();
    this.#prepared = [];
    this.#preparedRecords = 0;
    this.#inputs = [];
    this.#outputs = [];
    this.#due = Number.POSITIVE_INFINITY;
    this.#reachedTime = Number.NEGATIVE_INFINITY;
    const { run } = this.#options;
    const passed = this.#isDrained ? this.#quietTime.pass(!this.#isPending) : Number.NEGATIVE_INFINITY;
    for (const host of this.#hosts.values()) host.answered = false;
    for (const host of this.#hosts.values()) {
      host.post({ kind: 'prepare', run, ...(passed > Number.NEGATIVE_INFINITY && { passed }) });
    }
  }

  async #decide(): Promise<void> {
    await this.#quiet();
    await this.#times.measure(this.#inputs, this.#outputs);
    if (this.#phase !== 'preparing') return;
    if (this.#failure !== undefined) return this.#abort();
    // Positions that moved over nothing but control records are not worth a transaction; they go with the next one.
    const nothing = this.#preparedRecords === 0 || this.#options.group === undefined;
    if (!this.#begun && nothing) return this.#commitHappened();
    this.#phase = 'committing';
    try {
      this.#begin();
      const { group, commitOffsets, topicIds = {} } = this.#options;
      const offsets = inTopics(this.#prepared, topicIds);
      if (commitOffsets !== undefined) await this.#call(commitOffsets(offsets));
      else if (group !== undefined) await this.#call(this.#producer.sendOffsets(group, offsets));
      if (commitOffsets === undefined && this.#stillIn('committing')) await this.#call(this.#producer.commit());
    } catch (error) {
      if (this.#stillIn('committing')) {
        this.#failure = asError(error);
        await this.#abort();
      }
      return;
    }
    if (this.#stillIn('committing')) this.#commitHappened();
  }

  /** At most one of the calls that end a transaction is under way; `kill` waits for it. */
  #call<T>(call: Promise<T>): Promise<T> {
    this.#underWay = call;
    return call;
  }

  #stillIn(phase: Phase): boolean {
    return this.#phase === phase;
  }

  #commitHappened(): void {
    const { run, listener, clock } = this.#options;
    let came = false;
    for (const position of this.#prepared) {
      const key = partitionKey(position.topic, position.partition);
      came ||= this.#sources.has(position.topic) && position.offset > (this.#committed.get(key)?.offset ?? -1);
      this.#committed.set(key, position);
    }
    const changelog = [...this.#written.values()];
    const worked = this.#begun;
    this.#failedInARow = 0;
    this.#failure = undefined;
    this.#begun = false;
    this.#written = new Map();
    this.#commitEnded = clock.monotonic();
    this.#worked = worked;
    if (worked) this.#commitMs = [...this.#commitMs.slice(1 - recentCommits), this.#commitEnded - this.#commitStarted];
    this.#phase = 'open';
    const low = this.#times.committed()?.low;
    this.#quietTime.committed({
      came,
      due: this.#due,
      time: this.#reachedTime,
      low: Math.max(Number.NEGATIVE_INFINITY, ...(low?.subTopologies ?? [])),
    });
    for (const host of this.#hosts.values()) {
      // Hosts look again before they report that they are drained: what was committed may be for them to read.
      host.drained = false;
      host.post({ kind: 'committed', run, changelog, low });
    }
    if (worked) listener.committed(this.#preparedRecords, this.#commitEnded - this.#commitStarted);
    listener.changed();
    if (this.#stopping !== undefined) this.#stopping();
    else {
      this.#doWaiting();
      this.#schedule();
    }
  }

  // ---------------------------------------------------------------- failure

  #fail(error: Error): void {
    if (this.#failure !== undefined || this.#phase === 'ended') return;
    this.#failure = error;
    if (this.#phase !== 'open') return; // `#decide` is on its way and will see it
    this.#phase = 'aborting';
    this.#cancelTimers();
    for (const host of this.#hosts.values()) host.post({ kind: 'hold', run: this.#options.run });
    void this.#quiet().then(() => this.#abort());
  }

  async #abort(): Promise<void> {
    if (this.#phase === 'ended') return;
    this.#phase = 'aborting';
    const cause = this.#failure ?? new Error('aborted');
    const severity = severityOf(cause);
    if (severity === 'fenced') return this.#end(cause, 'fenced', false);
    if (this.#options.commitOffsets !== undefined) return this.#end(cause, 'failed', severity === 'passing');
    let outcome: 'aborted' | 'committed' = 'aborted';
    for (let tries = 1; this.#begun; tries++) {
      try {
        outcome = await this.#call(this.#producer.abort());
        break;
      } catch (error) {
        const again = severityOf(asError(error));
        if (this.#phase !== 'aborting') return;
        if (again === 'fenced') return this.#end(asError(error), 'fenced', false);
        // Whether it ended, and how, only a fresh producer finds out: the next run of the query opens one.
        const lost = !(error instanceof LogError && error.kind === 'unavailable');
        if (lost || tries === mostAborts) return this.#end(asError(error), 'failed', true);
        if (!(await this.#backOff(tries))) return;
      }
    }
    if (this.#phase !== 'aborting') return;
    if (outcome === 'committed') return this.#commitHappened();
    this.#begun = false;
    this.#written = new Map();
    if (severity === 'failed') return this.#end(cause, 'failed', false);
    this.#failedInARow++;
    this.#options.listener.aborted(cause, backOffMs(this.#failedInARow));
    if (this.#stopping !== undefined) return this.#stopping();
    if (!(await this.#backOff(this.#failedInARow)) || this.#phase !== 'aborting') return;
    this.#phase = 'rolling back';
    const positions = this.positions();
    for (const host of this.#hosts.values()) host.answered = false;
    for (const host of this.#hosts.values()) host.post({ kind: 'rollback', run: this.#options.run, positions });
  }

  #open(): void {
    this.#failure = undefined;
    this.#phase = 'open';
    for (const host of this.#hosts.values()) host.post({ kind: 'go', run: this.#options.run });
    this.#options.listener.changed();
    if (this.#stopping !== undefined) this.#stopping();
    else this.#doWaiting();
  }

  #end(error: Error, kind: 'fenced' | 'failed', passing: boolean): void {
    this.#phase = 'ended';
    this.#cancelTimers();
    this.#stopping?.();
    this.#options.listener.ended(error, kind, passing);
  }

  /** Waits; false when the run was ended meanwhile. */
  #backOff(failures: number): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#options.timers.after(backOffMs(failures), () => {
        this.#cancelBackOff = undefined;
        resolve(this.#phase !== 'ended');
      });
      this.#cancelBackOff = () => {
        cancel();
        resolve(false);
      };
    });
  }

  // ---------------------------------------------------------------- helpers

  #allAnswered(): boolean {
    for (const host of this.#hosts.values()) if (!host.answered) return false;
    return true;
  }

  /** Resolves when no append is under way. */
  #quiet(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const former = this.#appended;
      this.#appended = () => {
        this.#appended = undefined;
        former?.();
        resolve();
      };
    });
  }
}

const newHost = (post: Post<ToHost>): HostState => ({
  post,
  pending: false,
  drained: false,
  mayLast: false,
  behind: false,
  answered: false,
});

const medianOf = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[(values.length - 1) >> 1] ?? 0;

const backOffMs = (failures: number): number => Math.min(firstBackOffMs * 2 ** (failures - 1), longestBackOffMs);

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** What a failed call on the log means for the run. */
const severityOf = (error: Error): 'passing' | 'fenced' | 'failed' => {
  if (!(error instanceof LogError)) return 'failed';
  if (error.kind === 'fenced') return 'fenced';
  return error.kind === 'refused' ? 'failed' : 'passing';
};
