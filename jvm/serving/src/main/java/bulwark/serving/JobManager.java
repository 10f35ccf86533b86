// SPDX-License-Identifier: Apache-2.0
package bulwark.serving;

import org.apache.flink.client.deployment.application.ApplicationClusterEntryPoint;
import org.apache.flink.client.program.PackagedProgram;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.entrypoint.ClusterEntrypoint;
import org.apache.flink.runtime.resourcemanager.StandaloneResourceManagerFactory;
import org.slf4j.LoggerFactory;

/**
 * The process of Flink's job manager, in application mode: the job is part of it. Started again, however it died, it
 * starts the job again; the job has no state but what Redis holds, so nothing needs to be recovered first.
 */
@SuppressWarnings("try") // what it inherits may be interrupted while it closes
public final class JobManager extends ApplicationClusterEntryPoint {
  private JobManager(Configuration configuration, PackagedProgram program) {
    super(configuration, program, StandaloneResourceManagerFactory.getInstance());
  }

  /** One argument: the folder of its settings. */
  public static void main(String[] args) throws Exception {
    Startup startup = Startup.begin(args, LoggerFactory.getLogger(JobManager.class));
    Configuration configuration = startup.configuration();
    PackagedProgram program =
        PackagedProgram.newBuilder()
            .setEntryPointClassName(ServingJob.class.getName())
            .setArguments(startup.settingsFile())
            .setConfiguration(configuration)
            .build();
    configureExecution(configuration, program);
    ClusterEntrypoint.runClusterEntrypoint(new JobManager(configuration, program));
  }
}
