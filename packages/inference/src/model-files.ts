// SPDX-License-Identifier: Apache-2.0

/** File names of a model in its version's folder; the second is encrypted, the third was by BigDL. */
export const MODEL_FILES = ["model.onnx", "model.onnx.sealed", "model.onnx.bigdl"] as const;

/** What a model file's name ends with. */
export const MODEL_SUFFIX = /\.onnx(\.sealed|\.bigdl)?$/;

/** Whether a file is called as models are. */
export const isModelFile = (path: string): boolean => MODEL_SUFFIX.test(path);

/** Names and versions that a model may have, since they are part of paths. */
export const MODEL_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
export const MODEL_VERSION = /^[1-9]\d{0,9}$/;
