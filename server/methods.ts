/** The methods that each path of the server has, for requests by another one. */

export class Methods {
  readonly #routes: { readonly parts: readonly string[]; readonly methods: readonly string[] }[] = [];

  /** `url` as a route names it: `:name` is one part of the path, `*` is all that follows. */
  add(method: string | readonly string[], url: string): void {
    this.#routes.push({ parts: url.split('/'), methods: [method].flat() });
  }

  /** None where there is no such path. */
  of(path: string): readonly string[] {
    const found = this.#routes.filter(({ parts }) => matches(parts, path.split('/')));
    return [...new Set(found.flatMap(({ methods }) => methods))].sort();
  }
}

const matches = (route: readonly string[], path: readonly string[]): boolean =>
  (route.length === path.length || (route.at(-1) === '*' && path.length >= route.length)) &&
  route.every((part, i) => part === '*' || part === path[i] || (part.startsWith(':') && path[i] !== ''));
