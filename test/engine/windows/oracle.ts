/** Windowed aggregates computed the plain way, from lists of records: what the operators are compared with. */

export interface Event {
  readonly time: number;
  readonly value: string;
  /** Of another key: it only moves stream time on. */
  readonly other?: boolean;
}

export interface Result {
  readonly start: number;
  readonly end: number;
  /** Null: retracted. */
  readonly value: string | null;
  readonly time: number;
}

/** The results of one key's records in their order of arrival, and how many times a record was late. */
export interface Results {
  readonly results: readonly Result[];
  readonly late: number;
}

const valueOf = (events: readonly Event[]): string => events.map(({ value }) => value).join('');
const latestOf = (events: readonly Event[]): number => Math.max(...events.map(({ time }) => time));

/** Each event goes to every aligned window that holds it and is open: end + grace > stream time. */
export const hoppingResults = (
  events: readonly Event[],
  { size, advance, grace }: { readonly size: number; readonly advance: number; readonly grace: number },
): Results => {
  const windows = new Map<number, Event[]>();
  const results: Result[] = [];
  let late = 0;
  let streamTime = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    streamTime = Math.max(streamTime, event.time);
    if (event.other === true) continue;
    for (let start = 0; start <= event.time; start += advance) {
      if (start + size <= event.time) continue;
      if (start + size + grace <= streamTime) {
        late++;
        continue;
      }
      const held = [...(windows.get(start) ?? []), event];
      windows.set(start, held);
      results.push({ start, end: start + size, value: valueOf(held), time: latestOf(held) });
    }
  }
  return { results, late };
};

interface Session {
  readonly start: number;
  readonly end: number;
  readonly events: readonly Event[];
}

/** A list of sessions, each with its records: those that an event overlaps are taken out and put together. */
export const sessionResults = (
  events: readonly Event[],
  { gap, grace, retention }: { readonly gap: number; readonly grace: number; readonly retention: number },
): Results & { readonly sessions: readonly Session[] } => {
  let sessions: Session[] = [];
  const results: Result[] = [];
  let late = 0;
  let streamTime = Number.NEGATIVE_INFINITY;
  for (const event of events) {
    const { time } = event;
    streamTime = Math.max(streamTime, time);
    if (event.other === true) continue;
    const joined = sessions
      .filter(({ start, end }) => end >= time - gap && start <= time + gap && end >= streamTime - retention)
      .sort((a, b) => a.end - b.end);
    const start = Math.min(time, ...joined.map((one) => one.start));
    const end = Math.max(time, ...joined.map((one) => one.end));
    if (end + gap + grace < streamTime) {
      late++;
      continue;
    }
    sessions = sessions.filter((one) => !joined.includes(one));
    if (start !== end) for (const one of joined) results.push({ ...one, value: null, time: one.end });
    const all = [...joined.flatMap((one) => one.events), event];
    sessions.push({ start, end, events: all });
    results.push({ start, end, value: valueOf(all), time: end });
  }
  return { results: results.map(({ start, end, value, time }) => ({ start, end, value, time })), late, sessions };
};

/** The windows that sliding windows come to when nothing is late: of each record the one that ends with it, and the one
 *  right behind it unless it is empty. */
export const slidingWindows = (events: readonly Event[], difference: number): Map<number, string> => {
  const windows = new Map<number, string>();
  const hold = (start: number): void => {
    const held = events.filter(({ time }) => time >= start && time <= start + difference);
    if (held.length > 0) windows.set(start, valueOf(held));
  };
  for (const { time } of events) {
    hold(Math.max(0, time - difference));
    hold(time + 1);
  }
  return windows;
};

/**
 * Sliding windows with records that are late, over a list of windows that is looked through from its beginning (Kafka
 * has this form too, for stores that cannot be read backward; the operator reads backward, and emits in another order).
 */
export const slidingResults = (
  events: readonly Event[],
  { difference, grace }: { readonly difference: number; readonly grace: number },
): Results => {
  const windows = new Map<number, { readonly value: string; readonly time: number }>();
  const results: Result[] = [];
  let late = 0;
  let streamTime = Number.NEGATIVE_INFINITY;
  const put = (start: number, value: string, time: number): void => {
    windows.set(start, { value, time });
    results.push({ start, end: start + difference, value, time });
  };
  for (const { time, value, other } of events) {
    streamTime = Math.max(streamTime, time);
    if (other === true) continue;
    const isOpen = (start: number): boolean => start + difference >= streamTime - grace;
    const add = (start: number, before: string, latest: number): void => {
      if (isOpen(start)) put(start, before + value, Math.max(time, latest));
      else late++;
    };
    if (!isOpen(time)) {
      late++;
      continue;
    }
    const around = [...windows]
      .filter(([start]) => start >= time - 2 * difference && start <= time + 1)
      .sort(([a], [b]) => a - b);
    let left: { readonly value: string; readonly time: number } | undefined;
    let right: { readonly value: string; readonly time: number } | undefined;
    let previous: number | undefined;
    for (const [start, window] of around) {
      const end = start + difference;
      if (start === time + 1) continue;
      if (end < time) {
        left = window;
        previous = window.time;
      } else if (end === time) {
        if (window.time < time) previous = window.time;
        add(start, window.value, window.time);
      } else {
        right = window;
        add(start, window.value, window.time);
      }
    }
    const has = (start: number): boolean => around.some(([one]) => one === start);
    if (previous !== undefined && previous + 1 + difference >= time && !has(previous + 1)) add(previous + 1, '', time);
    const isLeftEmpty = previous === undefined || previous < time - difference;
    if (!has(time - difference)) add(time - difference, isLeftEmpty ? '' : (left?.value ?? ''), time);
    if (!has(time + 1) && right !== undefined && right.time > time) put(time + 1, right.value, right.time);
  }
  return { results, late };
};
