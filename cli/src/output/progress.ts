// SPDX-License-Identifier: Apache-2.0
import type { Progress, Step } from "../command.ts";
import { type Paint, showControls, showOneLine } from "./terminal.ts";

const REDRAW_MS = 100;
const FRAMES = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const CLEAR_LINE = "\r\u001b[2K";

type Options = {
  stream: NodeJS.WritableStream & { isTTY?: boolean; columns?: number };
  paint: Paint;
  quiet: boolean;
  debug: boolean;
};

/** Progress on one stream: a live line for the newest open step on a terminal, a line per finished step anywhere. */
export function createProgress({ stream, paint, quiet, debug }: Options): Progress {
  const live = stream.isTTY === true && !quiet;
  const open = new Set<{ text: string; detail: string }>();
  let timer: NodeJS.Timeout | undefined;
  let frame = 0;
  let drawn = false;

  const clear = (): void => {
    if (drawn) stream.write(CLEAR_LINE);
    drawn = false;
  };
  const draw = (): void => {
    const [newest] = [...open].slice(-1);
    if (!live || newest === undefined) return;
    frame = (frame + 1) % FRAMES.length;
    const line = showOneLine(`${FRAMES[frame]} ${newest.text}${newest.detail === "" ? "" : `: ${newest.detail}`}`);
    stream.write(`${CLEAR_LINE}${[...line].slice(0, (stream.columns || 80) - 1).join("")}`);
    drawn = true;
  };
  const say = (line: string): void => {
    clear();
    stream.write(`${line}\n`);
    draw();
  };
  const rest = (): void => {
    if (open.size > 0) return;
    clearInterval(timer);
    timer = undefined;
    clear();
  };

  return {
    step(text): Step {
      const step = { text, detail: "" };
      const startedAt = performance.now();
      open.add(step);
      if (live) timer ??= setInterval(draw, REDRAW_MS).unref();
      draw();
      return {
        update(detail) {
          step.detail = detail;
        },
        done(detail) {
          if (!open.delete(step)) return;
          const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
          const end = paint("dim", `${showOneLine(detail ?? "done")} in ${seconds} s`);
          if (!quiet) say(`${showOneLine(text)} ... ${end}`);
          rest();
        },
      };
    },
    note(text) {
      if (!quiet) say(showControls(text));
    },
    warn(text) {
      say(`${paint("yellow", "warning:")} ${showControls(text)}`);
    },
    debug(text) {
      if (debug) say(paint("dim", showControls(text)));
    },
    aside(write) {
      clear();
      write();
    },
    close() {
      open.clear();
      rest();
    },
  };
}
