// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

/**
 * How pictures of older clients are read.
 *
 * @param resize their size; null for their own
 * @param older opens them; null where they are not encrypted
 */
record Fitting(Settings.Size resize, OlderBlob older) {}
