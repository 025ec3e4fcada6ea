/** The formats that a plan names: what they need has to be loaded before it can be compiled. */

/** Each name once. The plan is searched as JSON, whatever its steps are, so that no kind of step can be forgotten. */
export const formatsIn = (plan: unknown): readonly string[] => {
  const found = new Set<string>();
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    for (const [field, each] of Object.entries(part)) {
      if ((field === 'keyFormat' || field === 'valueFormat') && typeof each?.name === 'string') found.add(each.name);
      visit(each);
    }
  };
  visit(plan);
  return [...found];
};
