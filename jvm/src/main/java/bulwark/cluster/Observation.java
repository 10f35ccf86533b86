// SPDX-License-Identifier: Apache-2.0
package bulwark.cluster;

/**
 * One thing that was looked at in the running application, in the form of the security report.
 *
 * @param subject what was looked at
 * @param protection how it is protected
 * @param observed what was seen, and how
 * @param asPlanned whether that is what the job file promises
 */
record Observation(String subject, String protection, String observed, boolean asPlanned) {}
