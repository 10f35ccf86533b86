// SPDX-License-Identifier: Apache-2.0

/** What is told of a step: names, counts, codes. Never anything of a request's content, and no credential. */
export type Attributes = Readonly<Record<string, string | number>>;

/** Answering a caller, taking from a queue, or a step of either. */
export type Kind = "server" | "consumer" | "internal";

/** A step that is under way. */
export type Span = {
  /** For whoever goes on with it elsewhere (W3C Trace Context, `traceparent`). */
  readonly traceparent: string;
  /** Runs something whose steps are steps of this one. */
  within<Result>(run: () => Result): Result;
  /** The step is over; `failure` is the code it failed with. What comes after the first call is ignored. */
  end(attributes?: Attributes, failure?: string): void;
};

/** Tells a collector which steps a request took, and how long each. */
export type Tracing = {
  /** Begins a step: of the one that `traceparent` names, else of the one under way here, else of none. */
  begin(name: string, kind: Kind, traceparent?: string): Span;
  /** `traceparent` of the step under way here. */
  current(): string | undefined;
  /** Sends what was not sent yet, for at most a few seconds. */
  close(): Promise<void>;
};
