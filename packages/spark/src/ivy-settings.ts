// SPDX-License-Identifier: Apache-2.0

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&#34;",
  "'": "&#39;",
};

/** Settings of Ivy, by which Spark fetches libraries from one repository and no other. */
export function ivySettings(mirror: string): string {
  const root = mirror.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
  return `<ivysettings>
  <settings defaultResolver="mirror"/>
  <resolvers><ibiblio name="mirror" m2compatible="true" root="${root}"/></resolvers>
</ivysettings>
`;
}
