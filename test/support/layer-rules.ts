/**
 * The structural rules of the code as functions: source files in, sentences about what breaks a rule out.
 *
 * `test/tidy.test.ts` runs them over the repository, and over small bad examples that prove each rule able to fail. The
 * scanner knows just enough TypeScript to blank out comments, texts and regular expressions, and to read import lines;
 * what needs types is the linter's work. Rules look at text, so a rule can be evaded on purpose; they catch slips.
 */

export interface SourceFile {
  /** From the root of the repository, with `/` between folders. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  readonly from: string;
  /** A path from the root for a file of ours, otherwise the package or `node:` module as written. */
  readonly to: string;
  readonly typeOnly: boolean;
  /** Loaded when the call is reached, not with the file. */
  readonly lazy: boolean;
  /** The names in braces, as the other file calls them; else `all`. */
  readonly names: readonly string[] | 'all';
}

export type Rule = (files: readonly SourceFile[]) => string[];

/** The layers, lowest first: a layer may import only from those before it. `millrace.ts` is the library's entry point,
 *  above SQL. */
const layers = ['base', 'storage', 'engine', 'sql', 'library', 'millrace.ts', 'server', 'cli'];
/** Folders that belong to no layer and may import from every one. */
const outside = ['test', 'bench', 'examples', 'tools', 'vitest.config.ts'];

/** Entry points beside each layer's `index.ts`: what touches the platform has one of its own, so that the rest of the
 *  layer stays portable, and so has what programs import of the engine. */
const extraEntryPoints = new Set([
  'engine/public.ts',
  'base/node/index.ts',
  'storage/file-log/index.ts',
  'engine/test-driver.ts',
  'engine/stores/level-store.ts',
  'engine/runtime/worker.ts',
  'engine/runtime/thread-shards.ts',
  'library/launch.ts',
  'server/protocol.ts',
  'millrace.ts',
]);

/** The only files that may know the platform: `node:` modules, `Buffer`, `process`, the wall clock and chance. */
const knowsPlatform = (path: string): boolean =>
  /^(base\/node|storage\/file-log|library|server|cli|test|bench|examples|tools)\//.test(path) ||
  [
    'engine/stores/level-files.ts',
    'engine/stores/level-store.ts',
    'engine/runtime/worker.ts',
    'engine/runtime/worker-host.ts',
    'millrace.ts',
    'vitest.config.ts',
  ].includes(path);

const layerOf = (path: string): string => (path.includes('/') ? path.slice(0, path.indexOf('/')) : path);

/** Blanks comments, and the inside of texts and regular expressions, keeping line breaks: what is left is code. */
export function codeOf(text: string): string {
  const token =
    /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|\$\{(?:[^{}`]|\{[^{}]*\}|`[^`]*`)*\}|[^`\\])*`|(?<=(?:^|[=(,:;!&|?{}[]|=>|\breturn)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/gm;
  return text.replace(token, (found) => {
    // What a template computes is code too.
    const kept = found.startsWith('`') ? [...found.matchAll(/\$\{([^{}]*)\}/g)].map((hole) => `\${${hole[1]}}`) : [];
    const edge = found.startsWith('/') ? '' : found.charAt(0);
    return edge + kept.join('') + found.replace(/[^\n]/g, '') + edge;
  });
}

/** The texts in quotes, without their quotes; templates and what stands in comments are left out. */
const textsOf = (text: string): string[] =>
  [
    ...text.matchAll(/\/\*[\s\S]*?\*\/|\/\/[^\n]*|`(?:\\[\s\S]|[^`\\])*`|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g),
  ].flatMap(([found]) => (/^['"]/.test(found) ? [found.slice(1, -1)] : []));

const resolvePath = (from: string, specifier: string): string => {
  if (!specifier.startsWith('.')) return specifier;
  const parts = from.split('/').slice(0, -1);
  for (const step of specifier.split('/')) {
    if (step === '..') parts.pop();
    else if (step !== '.') parts.push(step);
  }
  return parts.join('/');
};

export function importsOf({ path, text }: SourceFile): Import[] {
  const withoutComments = text.replace(/\/\*[\s\S]*?\*\/|^\s*\/\/[^\n]*/gm, '');
  const found = withoutComments.matchAll(
    /^\s*(?:import|export)\s+(type\s)?(?:([\w*{][^;'"]*?)\s+from\s+)?'([^'\n]+)'|\bimport\(\s*'([^'\n]+)'\s*\)/gm,
  );
  return [...found].map(([, type, names, still, lazy]) => {
    const inner = /^\{([^}]*)\}$/
      .exec(names ?? '')?.[1]
      ?.split(',')
      .filter((name) => name.trim() !== '');
    const onlyTypes = inner !== undefined && inner.length > 0 && inner.every((name) => /^\s*type\s/.test(name));
    return {
      from: path,
      to: resolvePath(path, still ?? lazy ?? ''),
      typeOnly: type !== undefined || onlyTypes,
      lazy: still === undefined,
      names: inner?.map((name) => name.trim().replace(/^type\s+|\s+as\s[\s\S]*$/g, '')) ?? 'all',
    };
  });
}

export const allImports = (files: readonly SourceFile[]): Import[] => files.flatMap(importsOf);

/** A layer imports from lower layers only, and only from their entry points. */
export const layersImportDownwards: Rule = (files) =>
  allImports(files).flatMap(({ from, to }) => {
    const [here, there] = [layerOf(from), layerOf(to)];
    if (here === there || outside.includes(here)) return [];
    if (outside.includes(there)) return [`${from} imports ${to}: nothing that ships may depend on ${there}`];
    if (!layers.includes(there)) return [];
    if (!layers.includes(here)) return [`${from} belongs to no layer`];
    if (here === 'cli' || here === 'console') {
      const allowed =
        to === 'server/protocol.ts' ||
        (from === 'cli/server.ts' && /^server\/(?:index|launch)\.ts$/.test(to)) ||
        (['cli/repair.ts', 'cli/types.ts'].includes(from) && to === 'millrace.ts');
      return allowed ? [] : [`${from} imports ${to}: the terminal speaks HTTP and may see only server/protocol.ts`];
    }
    if (layers.indexOf(there) > layers.indexOf(here))
      return [`${from} imports ${to}: a layer imports from lower ones only`];
    if (to !== `${there}/index.ts` && !extraEntryPoints.has(to))
      return [`${from} imports ${to}: import ${there}/index.ts instead`];
    return [];
  });

/** Formats are known by what they can do: outside of `sql/formats` no code names one. (A family of functions is called
 *  JSON as well, and types of schemas in a registry have names of formats.) */
export const formatsAreNotNamed: Rule = (files) => {
  const names = new Set(['JSON', 'JSON_SR', 'AVRO', 'PROTOBUF', 'PROTOBUF_NOSR', 'DELIMITED', 'KAFKA', 'NONE']);
  const free = /^sql\/(formats|registry)\/|^sql\/functions\/json\.ts$/;
  return files
    .filter(({ path }) => path.endsWith('.ts') && !free.test(path))
    .flatMap(({ path, text }) =>
      textsOf(text)
        .filter((each) => names.has(each.toUpperCase()) && each === each.toUpperCase())
        .map((each) => `${path} names the format '${each}': ask a format what it can do instead`),
    );
};

/** No file reaches itself through imports that exist at run time. */
export const noCycles: Rule = (files) => {
  const edges = new Map<string, string[]>();
  for (const { from, to, typeOnly } of allImports(files)) {
    if (!typeOnly && to.endsWith('.ts')) edges.set(from, [...(edges.get(from) ?? []), to]);
  }
  const done = new Set<string>();
  const wrong: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) wrong.push(`import cycle: ${[...trail.slice(trail.indexOf(path)), path].join(' -> ')}`);
    if (trail.includes(path) || done.has(path)) return;
    for (const next of edges.get(path) ?? []) walk(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) walk(path, []);
  return wrong;
};

/** A start loads no parser: what is imported at once, from the library's entry point on, does not reach it. */
export const parserIsLoadedLater: Rule = (files) => {
  const edges = Map.groupBy(
    allImports(files).filter(({ typeOnly, lazy }) => !typeOnly && !lazy),
    ({ from }) => from,
  );
  const wrong: string[] = [];
  const seen = new Set<string>();
  const walk = (path: string, trail: readonly string[]): void => {
    if (seen.has(path)) return;
    seen.add(path);
    for (const { to } of edges.get(path) ?? []) {
      if (to === 'chevrotain') wrong.push(`a start loads the parser: ${[...trail, path, to].join(' -> ')}`);
      else walk(to, [...trail, path]);
    }
  };
  walk('millrace.ts', []);
  return wrong;
};

/** The way from text to running query, in the order of imports: an entry of `sql/` imports only entries before it. */
const sqlOrder = [
  // The language and its values.
  ...['types', 'parser', 'registry', 'formats', 'functions'],
  // From a tree to a topology.
  ...['analyze', 'evaluate', 'plan', 'compile'],
  // What there is, and how it is read and written.
  ...[
    'facade.ts',
    'closing.ts',
    'settings.ts',
    'application-id.ts',
    'catalog.ts',
    'queries',
    'serdes.ts',
    'statements',
  ],
  'completion.ts',
  // Running it.
  ...['query-lifecycle.ts', 'query-status.ts', 'command-statuses.ts', 'sweep.ts', 'session.ts'],
  ...['statement-log.ts', 'stored-sources.ts', 'statement-topics.ts', 'statement-runner.ts', 'engine.ts', 'index.ts'],
];

/** Inside `sql/` imports run one way, those of types included. */
export const sqlImportsOneWay: Rule = (files) => {
  const placeOf = (path: string): number => sqlOrder.indexOf(path.split('/')[1] ?? '');
  const unknown = files
    .filter(({ path }) => layerOf(path) === 'sql' && placeOf(path) < 0)
    .map(({ path }) => `${path} has no place in the order of imports: add its folder, or the file, to sqlOrder`);
  const wrong = allImports(files)
    .filter(({ from, to }) => layerOf(from) === 'sql' && layerOf(to) === 'sql' && placeOf(to) > placeOf(from))
    .map(({ from, to }) => `${from} imports ${to}: inside sql/ imports go to what comes earlier in sqlOrder`);
  return [...unknown, ...wrong];
};

/** The two entries, folders or files, of the innermost folder that holds both paths. */
const entriesApart = (a: string, b: string): readonly [string, string] => {
  const [one, two] = [a.split('/'), b.split('/')];
  let depth = 0;
  while (depth < one.length - 1 && one[depth] === two[depth]) depth++;
  const upTo = (parts: readonly string[]): string => parts.slice(0, depth + 1).join('/');
  return [upTo(one), upTo(two)];
};

/** The classes of the DSL answer with each other, a stream with a table and a table with a stream: their files may
 *  import each other's types. */
const mutualTypes = 'engine/dsl/';

/** In each folder, the folders and files in it import each other in one direction, those of types included. */
export const foldersHaveNoCycles: Rule = (files) => {
  const shipped = files.filter(({ path }) => !outside.includes(layerOf(path)));
  const edges = new Map<string, Map<string, string>>();
  for (const { from, to, typeOnly } of allImports(shipped)) {
    if (!to.endsWith('.ts') || outside.includes(layerOf(to)) || from === to) continue;
    if (typeOnly && from.startsWith(mutualTypes) && to.startsWith(mutualTypes)) continue;
    const [a, b] = entriesApart(from, to);
    const known = edges.get(a) ?? new Map<string, string>();
    edges.set(a, known.set(b, known.get(b) ?? `${from} imports ${to}`));
  }
  const done = new Set<string>();
  const wrong: string[] = [];
  const walk = (entry: string, trail: readonly string[]): void => {
    if (trail.includes(entry)) {
      const circle = [...trail.slice(trail.indexOf(entry)), entry];
      const why = circle.slice(1).map((to, i) => edges.get(circle[i] ?? '')?.get(to));
      wrong.push(`${circle.join(' -> ')}: ${why.join('; ')}`);
    } else if (!done.has(entry)) {
      for (const next of edges.get(entry)?.keys() ?? []) walk(next, [...trail, entry]);
      done.add(entry);
    }
  };
  for (const entry of edges.keys()) walk(entry, []);
  return wrong;
};

/** Files whose exports are for others than this code: the shapes on the wire, and the library's entry point. */
const publicFiles = new Set(['server/protocol.ts', 'engine/public.ts', 'sql/serdes.ts', 'millrace.ts']);

/** A value that is exported is used in its own file, or imported by another. A type may be there for the compiler
 *  alone. */
export const exportsAreUsed: Rule = (files) => {
  const imported = new Set<string>();
  for (const { to, names } of allImports(files)) {
    for (const name of names === 'all' ? ['*'] : names) imported.add(`${to} ${name}`);
  }
  return files
    .filter(({ path }) => !outside.includes(layerOf(path)) && !publicFiles.has(path))
    .map(({ path, text }) => ({ path, text: codeOf(text) }))
    .flatMap(({ path, text }) =>
      [...text.matchAll(/^export (?:abstract )?(?:async )?(?:const|function\*?|class) (\w+)/gm)]
        .filter(([, name]) => !imported.has(`${path} ${name}`) && !imported.has(`${path} *`))
        .filter(([, name]) => [...text.matchAll(new RegExp(`\\b${name}\\b`, 'g'))].length < 2)
        .map(([, name]) => `${path} exports ${name}, which nothing uses`),
    );
};

/** Clock, randomness, disks and the process are injected; nothing portable imports a file that has them. */
export const platformIsInjected: Rule = (files) =>
  files
    .filter(({ path }) => !knowsPlatform(path))
    .flatMap((file) => {
      const words = codeOf(file.text).match(
        /\bBuffer\b|(?<![.\w])process\.|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bset(?:Timeout|Interval|Immediate)\b|\bperformance\.now\b/g,
      );
      const imports = importsOf(file).filter(
        ({ to, typeOnly }) => to.startsWith('node:') || (!typeOnly && to.endsWith('.ts') && knowsPlatform(to)),
      );
      return [...new Set([...(words ?? []), ...imports.map(({ to }) => to)])].map(
        (what) => `${file.path} uses ${what}: it is to be injected`,
      );
    });

/** Text becomes code in one file, whose rule keeps it harmless. */
export const codeIsGeneratedInOnePlace: Rule = (files) =>
  files
    .filter(({ path }) => path !== 'base/generated-code.ts' && !path.startsWith('test/'))
    .filter(({ text }) => /\bnew Function\b|(?<![.\w])Function\(|(?<![.\w])eval\(/.test(codeOf(text)))
    .map(({ path }) => `${path} compiles text: that belongs into base/generated-code.ts`);

export const typesAreTight: Rule = (files) =>
  files.flatMap(({ path, text }) => {
    const code = codeOf(text);
    return [
      ...(/(?::|\bas|<|[,|&]|=>)\s*any\b(?!\s*[:(?])/.test(code) ? [`${path} says any: say unknown, or the type`] : []),
      ...(/[\w$)\]]!(?![=\w])/.test(code) ? [`${path} asserts non-null with "!": assert, or narrow`] : []),
      // A test may state that something does not compile; elsewhere that is a fault kept quiet.
      ...(/@ts-(?:ignore|nocheck)/.test(text) || (/@ts-expect-error/.test(text) && !path.startsWith('test/'))
        ? [`${path} silences the compiler`]
        : []),
      ...(/^\s*(?:export\s+)?(?:const\s+)?enum\s|^\s*(?:export\s+)?namespace\s/m.test(code)
        ? [`${path} uses syntax that cannot be erased`]
        : []),
    ];
  });

export const nothingIsLeftUndone: Rule = (files) =>
  files.flatMap(({ path, text }) => {
    const words = text.match(
      /\b(?:TODO|FIXME|HACK)\b|[Nn]ot (?:yet )?implemented|\b(?:it|test|describe)\.(?:skip|todo|only)\b/,
    );
    return words ? [`${path} says "${words[0]}": finish it, or leave it out`] : [];
  });

export const filesAreEssays: Rule = (files) =>
  files.flatMap(({ path, text }) => {
    const lines = text.split('\n').length;
    return [
      // The names of its tests are a test's essay.
      ...(/^(?:#![^\n]*\n)?\/\*\*\s/.test(text) || path.endsWith('.test.ts')
        ? []
        : [`${path} does not begin with a doc comment that says what and why`]),
      ...(lines > 900 ? [`${path} has ${lines} lines: more than one idea lives in it`] : []),
      ...(/^(?:[a-z0-9]+(?:-[a-z0-9]+)*\/)*[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.config)?\.ts$/.test(path)
        ? []
        : [`${path} is not named in kebab-case`]),
    ];
  });

/** Prose in comments is at most as wide as code. Aligned columns (tables, layouts) and URLs may be wider. */
export const commentsAreNarrow: Rule = (files) =>
  files.flatMap(({ path, text }) =>
    text.split('\n').flatMap((line, i) => {
      const prose = /^\s*(?:\/\*\*?|\*|\/\/) ?(.*)$/.exec(line)?.[1];
      const isWide = line.length > 120 && prose !== undefined && !/^(?:\||\s{2})|\S {3,}\S|:\/\//.test(prose);
      return isWide ? [`${path}:${i + 1} is a comment of ${line.length} characters: 120 fit`] : [];
    }),
  );

/** Every layer has an entry point. */
export const layersHaveEntryPoints: Rule = (files) => {
  const found = new Set(
    files.map(({ path }) => layerOf(path)).filter((layer) => layers.includes(layer) && !layer.endsWith('.ts')),
  );
  found.delete('cli');
  return [...found]
    .filter((layer) => !files.some(({ path }) => path === `${layer}/index.ts`))
    .map((layer) => `${layer}/ has no entry point (index.ts)`);
};

/** The codes that a file throws: the first argument of a UserError, and every text that reads like a code (a table of
 *  codes, or a helper that throws). The prefixes are the areas that docs/errors.md is divided into. */
export const errorCodesOf = ({ text }: SourceFile): string[] =>
  [
    ...text.matchAll(/\bUserError\(\s*'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g),
    ...text.matchAll(
      /'((?:SQL|LOG|TOPIC|TOPOLOGY|DSL|STORE|DATA_DIR|PROCESSING|PROCESSOR|REQUEST|SERVER|QUERY(?!_ID'))_[A-Z0-9_]+)'/g,
    ),
  ].map(([, code]) => code ?? '');

/** Codes thrown and codes documented are the same set. A documented code stands in backticks at the start of a table
 *  row. */
export const errorsAreDocumented = (files: readonly SourceFile[], page: string): string[] => {
  const thrown = new Map(files.flatMap((file) => errorCodesOf(file).map((code) => [code, file.path] as const)));
  const documented = new Set([...page.matchAll(/^\| `([A-Z0-9_]+)` \|/gm)].map(([, code]) => code ?? ''));
  return [
    ...[...thrown]
      .filter(([code]) => !documented.has(code))
      .map(([code, path]) => `${path} throws ${code}: not in docs/errors.md`),
    ...[...documented]
      .filter((code) => !thrown.has(code))
      .map((code) => `docs/errors.md tells of ${code}: nothing throws it`),
  ];
};

/** Rows of docs/differences.md whose last cell names no test: it is a link to the test file, a colon, and the test's
 *  title. `read` gives the text of a file by its path from the root, or undefined. */
export const differencesAreTested = (
  { path, text }: SourceFile,
  read: (path: string) => string | undefined,
): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|') && !line.startsWith('| in |') && !line.startsWith('| ---'))
    .filter((line) => {
      const [, target, title] = /\| \[[^\]]+\]\(([^)]+)\): ([^|]+) \|$/.exec(line) ?? [];
      const tests = target === undefined ? undefined : read(resolvePath(path, target));
      return title === undefined || tests === undefined || !tests.includes(`'${title}'`);
    })
    .map((line) => `${path} names no test for: ${line.split('|')[1]?.trim()}`);

/** Links of a page that lead to no file. `exists` answers for a path from the root. */
export const deadLinks = ({ path, text }: SourceFile, exists: (path: string) => boolean): string[] =>
  [...text.matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
    .map(([, target]) => target ?? '')
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => !exists(resolvePath(path, target.startsWith('.') ? target : `./${target}`).replace(/\/$/, '')))
    .map((target) => `${path} links to ${target}, which does not exist`);

/** The anchors of a page's headings, as GitHub makes them: in small letters, words joined by hyphens, a heading that
 *  comes again with a number. */
const anchorsOf = (text: string): ReadonlySet<string> => {
  const anchors = new Set<string>();
  for (const [, heading = ''] of text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#{1,6} (.*)$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const anchor = words
      .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
      .trim()
      .replaceAll(' ', '-');
    let name = anchor;
    for (let again = 1; anchors.has(name); again++) name = `${anchor}-${again}`;
    anchors.add(name);
  }
  return anchors;
};

/** Links of a page that lead to no heading: of another page, or its own. `textOf` answers for a path from the root. */
export const deadAnchors = ({ path, text }: SourceFile, textOf: (path: string) => string | undefined): string[] =>
  [...text.matchAll(/\]\(([^)\s#:]*)#([^)\s]+)\)/g)].flatMap(([, target = '', anchor = '']) => {
    if (target !== '' && !target.endsWith('.md')) return [];
    const page = target === '' ? text : textOf(resolvePath(path, target.startsWith('.') ? target : `./${target}`));
    return page === undefined || anchorsOf(page).has(anchor)
      ? []
      : [`${path} links to ${target}#${anchor}: no heading`];
  });
