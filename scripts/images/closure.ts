// SPDX-License-Identifier: Apache-2.0

/** What package-lock.json (version 3) says of one package, by its place. */
export type LockedPackage = {
  dependencies?: Readonly<Record<string, string>>;
  optionalDependencies?: Readonly<Record<string, string>>;
  /** A workspace: `resolved` is its folder. */
  link?: boolean;
  resolved?: string;
};

export type Lock = { packages: Readonly<Record<string, LockedPackage>> };

/**
 * Places of all packages that these workspaces need to run, themselves included and development left out: workspaces as
 * their folders, others as `node_modules/NAME`. What is optional and not for this machine is left out by `isHere`.
 *
 * @throws Error for a package that is needed and not locked
 */
export function listClosure(
  { packages }: Lock,
  roots: readonly string[],
  isHere: (place: string) => boolean,
): string[] {
  const found = new Set<string>();
  const visit = (place: string): void => {
    if (found.has(place)) return;
    found.add(place);
    const { dependencies = {}, optionalDependencies = {} } = packages[place] ?? {};
    const optional = new Set(Object.keys(optionalDependencies));
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const target = resolvePlace(packages, place, name);
      if (target !== undefined && (!optional.has(name) || isHere(target))) visit(target);
      else if (!optional.has(name)) throw new Error(`${place} needs ${name}, which is not locked.`);
    }
  };
  for (const root of roots) visit(root);
  return [...found].sort();
}

/** Where Node would find a package that another asks for: in its own node_modules, or in those of the folders above. */
function resolvePlace(packages: Lock["packages"], from: string, name: string): string | undefined {
  for (let folder = from; ; ) {
    const place = `${folder === "" ? "" : `${folder}/`}node_modules/${name}`;
    const locked = packages[place];
    if (locked !== undefined) return locked.link === true ? locked.resolved : place;
    if (folder === "") return undefined;
    folder = folder.includes("/") ? folder.slice(0, folder.lastIndexOf("/")) : "";
  }
}
