// SPDX-License-Identifier: Apache-2.0
// charts/serving as plain Helm renders it, for the tests that judge it.
import { find, findHelms, type Rendered, render, SERVING_CHART } from "./helm.ts";
import { SERVING_VARIANTS } from "./serving-variants.ts";

export const helms = findHelms();
export const [helm = ""] = helms;
/** Why these tests cannot run here, or false. */
export const skip = helm === "" ? "there is no Helm: npm run cluster -- prepare" : false;

type Options = { release?: string; flags?: string[] };
/** How rendering charts/serving ends: in objects, or refused. */
export const outcomeOf = (program: string, values: object, { release = "clouds", flags = [] }: Options = {}) =>
  render(program, values, { release, flags, chart: SERVING_CHART });

/** A rendering of charts/serving, where nothing may be refused. */
export function objectsOf(program: string, values: object, options?: Options): Rendered[] {
  const outcome = outcomeOf(program, values, options);
  if ("refused" in outcome) throw new Error(outcome.refused);
  return outcome.objects;
}

const rendered = new Map<string, Rendered[]>();
/** A variant, rendered once for all tests that look at it. */
export function variant(name: string): Rendered[] {
  const known = rendered.get(name) ?? objectsOf(helm, SERVING_VARIANTS[name] ?? {});
  rendered.set(name, known);
  return known;
}

/** Templates of the pods of a rendering, with the claims that a StatefulSet makes among their volumes. */
export const listPods = (objects: readonly Rendered[]): { name: string; metadata: Rendered; spec: Rendered }[] =>
  objects
    .filter(({ kind }) => kind === "Deployment" || kind === "StatefulSet")
    .map(({ metadata: { name }, spec }) => {
      const claims = (spec.volumeClaimTemplates ?? []).map(({ metadata }: Rendered) => ({
        name: metadata.name,
        persistentVolumeClaim: { claimName: metadata.name },
      }));
      const { metadata, spec: pod } = spec.template;
      return { name, metadata, spec: { ...pod, volumes: [...pod.volumes, ...claims] } };
    });

export const podOf = (objects: readonly Rendered[], part: string): Rendered =>
  listPods(objects).find(({ name }) => name === `clouds-${part}`);
/** What the process of a part reads. */
export const settingsOf = (objects: readonly Rendered[], part: string): Rendered =>
  JSON.parse(find(objects, "ConfigMap", `clouds-${part}`).data["settings.json"]);

/** A pod of a part, as network policies see it. */
export const peer = (part: string, release = "clouds") => ({
  pod: {
    "app.kubernetes.io/name": "serving",
    "app.kubernetes.io/instance": release,
    "app.kubernetes.io/component": part,
  },
});
