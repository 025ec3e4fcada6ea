/**
 * A task that moves to another thread, while the other tasks of its query process on.
 *
 *   suspending   the task stands still behind a commit; its stores answer questions on the thread that it leaves
 *   opening      the other thread opens its stores in a shard of its own and replays their changelogs; one that has
 *                nothing of the run yet is assigned the run first
 *   recording    the query's record gets the new shard, so that a restart finds the checkpoints there
 *   done         the first thread closes the task and deletes it from its shard; the second one steps it
 *
 * What fails before that leaves the task where it was: it is resumed there, from the same positions. Only the end of
 * the run ends a move otherwise. Nothing of the task is uncommitted while it moves, so a transaction that fails
 * meanwhile concerns the others only, and a crash at any moment loses time, never data: the changelog has all.
 */

import { UserError } from '../../base/index.ts';
import type { TaskPlacement } from './assignor.ts';
import type { CommitCoordinator } from './commit-coordinator.ts';
import { errorOf } from './error-report.ts';
import type { FromHost, Run, RunAssignment, TaskAssignment, ToHost } from './protocol.ts';

export interface TaskMoveOptions {
  readonly run: Run;
  /** The other thread has no task of this run yet. */
  readonly newThread: boolean;
  readonly coordinator: CommitCoordinator;
  readonly task: TaskAssignment;
  /** The run without tasks, for a thread that has none of it yet. */
  readonly assignment: RunAssignment;
  readonly from: number;
  readonly to: TaskPlacement;
  readonly post: (thread: number, message: ToHost) => void;
  /** Keeps the task's new shard for later starts. */
  readonly record: () => Promise<void>;
  /** The task runs on the other thread from now on. */
  readonly moved: () => void;
  readonly paused: () => boolean;
}

type MoveMessage = Extract<FromHost, { readonly kind: 'task suspended' | 'task opened' | 'task not opened' }>;

export class TaskMove {
  readonly done: Promise<void>;
  readonly #options: TaskMoveOptions;
  #phase: 'suspending' | 'opening' | 'recording' | 'taking back' | 'done' = 'suspending';
  /** The new shard is kept, or not. */
  #recorded: Promise<boolean> = Promise.resolve(false);
  #failure = new Error('the query has ended');
  #resolve: () => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(options: TaskMoveOptions) {
    this.#options = options;
    this.done = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const { coordinator, run, task, from, post } = options;
    coordinator.whenOpen(() => {
      post(from, { kind: 'suspend task', run, task: task.id });
      coordinator.commitNow();
    });
  }

  get task(): string {
    return this.#options.task.id;
  }

  /** The thread that the task goes to. */
  get target(): number {
    return this.#options.to.thread;
  }

  /** The thread has the run only because of this move. */
  isOnlyTarget(thread: number): boolean {
    const open = this.#phase === 'opening' || this.#phase === 'recording' || this.#phase === 'taking back';
    return open && this.#options.newThread && thread === this.target;
  }

  receive(message: MoveMessage): void {
    if (message.task !== this.#options.task.id) return;
    switch (message.kind) {
      case 'task suspended':
        if (this.#phase === 'suspending') this.#open();
        return;
      case 'task opened':
        if (this.#phase === 'opening') void this.#record();
        return;
      case 'task not opened':
        this.#takeBack(errorOf(message.error));
        return;
    }
  }

  #open(): void {
    this.#phase = 'opening';
    const { newThread, assignment, to, post } = this.#options;
    // It answers when it has built the topology, and takes no task before.
    if (newThread) post(to.thread, { kind: 'assign', assignment });
    else this.#openTask();
  }

  /** The thread that the task goes to has the run. */
  targetAssigned(): void {
    if (this.#phase === 'opening') this.#openTask();
  }

  #openTask(): void {
    const { run, coordinator, task, assignment, to, post } = this.#options;
    const { outputs } = assignment;
    const committed = coordinator.positions();
    const positions = task.positions.map(
      (known) =>
        committed.find(({ topic, partition }) => topic === known.topic && partition === known.partition) ?? known,
    );
    const changelogEnds = coordinator.endsOf(new Set(outputs.map(({ topic }) => topic)));
    post(to.thread, { kind: 'open task', run, task: { ...task, positions, shard: to.shard }, changelogEnds });
  }

  async #record(): Promise<void> {
    this.#phase = 'recording';
    const recording = this.#options.record();
    this.#recorded = recording.then(
      () => true,
      () => false,
    );
    try {
      await recording;
    } catch (error) {
      this.#takeBack(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#options.coordinator.whenOpen(() => this.#switch());
  }

  #switch(): void {
    if (this.#phase !== 'recording') return;
    this.#phase = 'done';
    const { run, coordinator, task, from, to, post, paused, moved } = this.#options;
    const id = { run, task: task.id };
    post(from, { kind: 'release task', ...id });
    if (this.#options.newThread) {
      coordinator.addHost(to.thread, (message) => post(to.thread, message));
      if (paused()) post(to.thread, { kind: 'pause', run, paused: true });
      post(to.thread, { kind: 'go', run });
    }
    post(to.thread, { kind: 'start task', ...id });
    moved();
    this.#resolve();
  }

  /** The run has failed on the thread that the task goes to, which has nothing else of it. */
  targetFailed(why: Error): void {
    this.#takeBack(why);
  }

  /** The thread that the task goes to has ended, with what it had of the run. */
  targetDied(why: Error): void {
    if (this.#phase !== 'taking back') this.#resume(why);
    this.targetRemoved();
  }

  /** The thread that the task goes to has nothing of the run any more. */
  targetRemoved(): void {
    if (this.#phase !== 'taking back') return;
    this.#phase = 'done';
    this.#reject(this.#failure);
  }

  /** The task stays where it was; what the other thread has opened is closed. */
  #takeBack(why: Error): void {
    if (this.#phase !== 'opening' && this.#phase !== 'recording') return;
    const opened = this.#phase === 'recording';
    const { run, task, to, post } = this.#options;
    this.#resume(why);
    if (this.#options.newThread) {
      post(to.thread, { kind: 'remove', run, keep: false, stray: task.id });
      return;
    }
    if (opened) post(to.thread, { kind: 'release task', run, task: task.id });
    this.targetRemoved();
  }

  /** The thread on which the task's state is of no use any more, should the run end now; undefined: there is none. */
  async strayOn(): Promise<number | undefined> {
    if (this.#phase !== 'opening' && this.#phase !== 'recording' && this.#phase !== 'taking back') return undefined;
    return (await this.#recorded) ? this.#options.from : this.target;
  }

  #resume(why: Error): void {
    const { run, task, from, post } = this.#options;
    this.#phase = 'taking back';
    this.#failure = notMoved(task.id, this.target, why);
    post(from, { kind: 'resume task', run, task: task.id });
  }

  /** The run ends, with all its tasks. */
  runEnded(why: Error): void {
    if (this.#phase === 'done') return;
    this.#phase = 'done';
    this.#reject(notMoved(this.#options.task.id, this.target, why));
  }
}

const notMoved = (task: string, thread: number, cause: Error): UserError =>
  new UserError('TASK_NOT_MOVED', `the task ${task} could not be moved to thread ${thread}: ${cause.message}`, {
    hint: 'No data is lost: the task runs where it ran before, or starts again with its query.',
    cause,
  });
